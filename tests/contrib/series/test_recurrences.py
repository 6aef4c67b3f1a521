"""``list_starts``: starts around changes of the clocks, and what is refused."""

from __future__ import annotations

import sys
from datetime import MAXYEAR, UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.core.checks import run_checks

from bookings.contrib.series import recurrences
from bookings.contrib.series.exceptions import DateutilNotInstalled, InvalidRecurrence
from bookings.contrib.series.recurrences import list_starts
from bookings.exceptions import InvalidBooking

BERLIN: Final = "Europe/Berlin"
NEW_YORK: Final = "America/New_York"
NINE: Final = datetime(2026, 1, 6, 9)
"""A Tuesday."""


def starts(rrule: str, start: Any = NINE, timezone: Any = BERLIN, **given: Any) -> list[datetime]:
    return list_starts(rrule=rrule, start=start, timezone=timezone, **given)


def local_times(found: list[datetime], timezone: str) -> list[str]:
    return [f"{at.astimezone(ZoneInfo(timezone)):%d %H:%M %z}" for at in found]


# Changes of the clocks


def test_a_series_keeps_its_local_time() -> None:
    found = starts("FREQ=WEEKLY;COUNT=3", datetime(2026, 3, 24, 9))
    assert local_times(found, BERLIN) == ["24 09:00 +0100", "31 09:00 +0200", "07 09:00 +0200"]


def test_a_skipped_local_time_takes_the_offset_from_before_the_gap() -> None:
    """Section 3.3.5 of RFC 5545: 02:30 on 11 March 2007 is 03:30 EDT."""
    found = starts("FREQ=DAILY;COUNT=3", datetime(2007, 3, 10, 2, 30), NEW_YORK)
    assert local_times(found, NEW_YORK) == ["10 02:30 -0500", "11 03:30 -0400", "12 02:30 -0400"]


def test_a_series_may_begin_at_a_skipped_local_time() -> None:
    found = starts("FREQ=DAILY;COUNT=2", datetime(2007, 3, 11, 2, 30), NEW_YORK)
    assert local_times(found, NEW_YORK) == ["11 03:30 -0400", "12 02:30 -0400"]


def test_an_instant_after_the_gap_recurs_at_its_local_time() -> None:
    found = starts("FREQ=DAILY;COUNT=2", datetime(2007, 3, 11, 7, 30, tzinfo=UTC), NEW_YORK)
    assert local_times(found, NEW_YORK) == ["11 03:30 -0400", "12 03:30 -0400"]


def test_of_a_repeated_local_time_the_first_counts() -> None:
    """Section 3.3.5 of RFC 5545: 01:30 on 4 November 2007 is 01:30 EDT."""
    found = starts("FREQ=DAILY;COUNT=3", datetime(2007, 11, 3, 1, 30), NEW_YORK)
    assert local_times(found, NEW_YORK) == ["03 01:30 -0400", "04 01:30 -0400", "05 01:30 -0500"]


def test_a_series_cannot_begin_at_the_second_of_two() -> None:
    second = datetime(2007, 11, 4, 6, 30, tzinfo=UTC)
    with pytest.raises(InvalidRecurrence, match=r"not begin with .*01:30:00-05:00, but .*-04:00"):
        starts("FREQ=DAILY;COUNT=3", second, NEW_YORK)
    first = starts("FREQ=DAILY;COUNT=1", datetime(2007, 11, 4, 1, 30, fold=1), NEW_YORK)
    assert first == [second - timedelta(hours=1)]


def test_local_times_that_become_one_instant_are_one_start_and_starts_are_sorted() -> None:
    """On 11 March 2007 the clocks skip from 02:00 to 03:00: 02:30 becomes 03:30, after 03:00."""
    rule = "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,30;COUNT=3"
    found = starts(rule, datetime(2007, 3, 11, 2), NEW_YORK)
    assert local_times(found, NEW_YORK) == ["11 03:00 -0400", "11 03:30 -0400", "12 02:00 -0400"]


def test_until_keeps_starts_that_follow_a_later_one_in_local_time() -> None:
    rule = "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,30;BYSETPOS=2,3;UNTIL=20070311T070000Z"
    found = starts(rule, datetime(2007, 3, 10, 2, 30), NEW_YORK)
    assert local_times(found, NEW_YORK) == ["10 02:30 -0500", "10 03:00 -0500", "11 03:00 -0400"]


def test_a_skipped_day_becomes_the_next_one() -> None:
    """Samoa went from 29 December 2011 to the 31st."""
    found = starts("FREQ=DAILY;COUNT=3", datetime(2011, 12, 29, 10), "Pacific/Apia")
    assert local_times(found, "Pacific/Apia") == [
        "29 10:00 -1000",
        "31 10:00 +1400",
        "01 10:00 +1400",
    ]


@pytest.mark.parametrize(
    ("rrule", "days"),
    [
        ("FREQ=MONTHLY;BYDAY=1TU,WE;COUNT=6", ["06", "07", "14", "21", "28", "03"]),
        ("FREQ=YEARLY;BYMONTH=1;BYDAY=1TU,WE;COUNT=5", ["06", "07", "14", "21", "28"]),
        ("FREQ=YEARLY;BYDAY=1TU,WE;COUNT=6", ["06", "07", "14", "21", "28", "04"]),
    ],
)
def test_numbered_and_plain_weekdays_can_be_mixed(rrule: str, days: list[str]) -> None:
    """dateutil alone takes only the days that match both."""
    assert [f"{at.astimezone(ZoneInfo(BERLIN)):%d}" for at in starts(rrule)] == days


# The end


def test_a_start_at_until_belongs_to_the_series() -> None:
    assert len(starts("FREQ=DAILY;UNTIL=20260108T080000Z")) == 3
    assert len(starts("FREQ=DAILY;UNTIL=20260108T075959Z")) == 2


@pytest.mark.parametrize("rrule", ["FREQ=DAILY;COUNT=400", "FREQ=DAILY;UNTIL=20270209T080000Z"])
def test_a_series_may_have_as_many_starts_as_the_limit(rrule: str) -> None:
    assert len(starts(rrule)) == 400
    with pytest.raises(InvalidRecurrence, match="more than 399 starts") as refused:
        starts(rrule, limit=399)
    assert refused.value.code == "too_many_starts"
    assert refused.value.limit == 399


@pytest.mark.parametrize("limit", [0, -1, 10_001, True, 2.5, None, "400"])
def test_an_invalid_limit_is_refused(limit: Any) -> None:
    with pytest.raises(InvalidBooking, match="limit must be a whole number from 1 to 10000"):
        starts("FREQ=DAILY;COUNT=2", limit=limit)


@pytest.mark.parametrize(
    "rrule",
    [
        "FREQ=YEARLY;COUNT=102",
        "FREQ=YEARLY;UNTIL=99991231T235959Z",
        "FREQ=YEARLY;INTERVAL=99;COUNT=3",
        "FREQ=WEEKLY;INTERVAL=99;COUNT=60",
        "FREQ=DAILY;INTERVAL=999999999;COUNT=2",
        "FREQ=YEARLY;INTERVAL=999999999;UNTIL=99991231T235959Z",
    ],
)
def test_a_series_of_more_than_a_hundred_years_is_refused(rrule: str) -> None:
    with pytest.raises(InvalidRecurrence, match="goes on beyond the year 2126") as refused:
        starts(rrule)
    assert refused.value.code == "beyond_horizon"


def test_a_series_may_last_a_hundred_years() -> None:
    found = starts("FREQ=YEARLY;COUNT=101")
    assert (len(found), found[-1]) == (101, datetime(2126, 1, 6, 8, tzinfo=UTC))
    assert starts("FREQ=YEARLY;UNTIL=21261231T000000Z") == found


@pytest.mark.parametrize(
    "start", [datetime(1970, 1, 1, 9), datetime(1999, 1, 1, 9), datetime(4147, 1, 1, 9)]
)
@pytest.mark.parametrize(
    "rrule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;UNTIL=20300101T000000Z",
        "FREQ=DAILY;BYHOUR=9,10,11,12;BYSETPOS=5;COUNT=3",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2;UNTIL=99991231T235959Z",
        "FREQ=YEARLY;BYDAY=MO;BYSETPOS=" + ",".join(map(str, range(60, 290))) + ";COUNT=1",
    ],
)
def test_a_rule_that_never_matches_is_refused_quickly(
    rrule: str, start: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dateutil looks until the year 9999, so it is given years that are close to it."""
    library = recurrences.load_dateutil_rrule()
    dtstarts: list[datetime] = []

    def record_dtstart(*, dtstart: datetime, **kwargs: Any) -> Any:
        dtstarts.append(dtstart)
        return library.rrule(dtstart=dtstart, **kwargs)

    recording = SimpleNamespace(**vars(library) | {"rrule": record_dtstart})
    monkeypatch.setattr(recurrences, "load_dateutil_rrule", lambda: recording)

    with pytest.raises(InvalidRecurrence, match="it never matches") as refused:
        starts(rrule, start)

    assert refused.value.code == "no_starts"
    assert [MAXYEAR - at.year <= 500 for at in dtstarts] == [True]


def test_until_before_the_start_is_refused() -> None:
    with pytest.raises(InvalidRecurrence, match="UNTIL is before the first start") as refused:
        starts("FREQ=DAILY;UNTIL=20260106T075959Z")
    assert refused.value.code == "no_starts"


# The start and the excluded starts


def test_a_start_that_is_not_in_the_rule_is_refused_with_the_first_that_is() -> None:
    with pytest.raises(InvalidRecurrence) as refused:
        starts("FREQ=WEEKLY;BYDAY=FR;COUNT=3")
    assert refused.value.code == "start_not_in_rule"
    assert str(refused.value) == (
        "The series does not begin with 2026-01-06 09:00:00+01:00, but with "
        "2026-01-09 09:00:00+01:00. Begin there."
    )


def test_a_series_starts_at_a_whole_second() -> None:
    with pytest.raises(InvalidRecurrence, match=r"begin with 2026-01-06 09:00:00\.5"):
        starts("FREQ=DAILY;COUNT=3", NINE.replace(microsecond=500_000))


def test_an_excluded_start_that_is_not_in_the_rule_is_accepted() -> None:
    found = starts("FREQ=WEEKLY;BYDAY=FR;COUNT=2", exdates=[NINE])
    assert local_times(found, BERLIN) == ["09 09:00 +0100", "16 09:00 +0100"]


def test_count_includes_excluded_starts() -> None:
    left_out = [datetime(2026, 1, 7, 9), datetime(2026, 1, 8, 8, tzinfo=UTC), NINE, NINE]
    found = starts("FREQ=DAILY;COUNT=5", exdates=iter(left_out))
    assert local_times(found, BERLIN) == ["09 09:00 +0100", "10 09:00 +0100"]


@pytest.mark.parametrize(
    "exdate", [datetime(2026, 1, 7, 10), datetime(2026, 1, 9, 9), datetime(2026, 1, 5, 9)]
)
def test_an_exdate_that_is_not_in_the_rule_is_refused(exdate: datetime) -> None:
    with pytest.raises(InvalidRecurrence, match=f"not start at {exdate}") as refused:
        starts("FREQ=DAILY;COUNT=3", exdates=[datetime(2026, 1, 7, 9), exdate])
    assert refused.value.code == "exdate_not_in_rule"


def test_excluding_every_start_is_refused() -> None:
    with pytest.raises(InvalidRecurrence, match="Every start") as refused:
        starts("FREQ=DAILY;COUNT=1", exdates=[NINE])
    assert refused.value.code == "no_starts"


@pytest.mark.parametrize("exdates", ["20260106T090000", b"", None, NINE])
def test_exdates_must_be_a_list(exdates: Any) -> None:
    with pytest.raises(InvalidRecurrence, match="exdates must be a list of datetimes, not"):
        starts("FREQ=DAILY;COUNT=3", exdates=exdates)


@pytest.mark.parametrize("value", [date(2026, 1, 6), "2026-01-06 09:00", None, 0])
def test_a_start_must_be_a_datetime(value: Any) -> None:
    with pytest.raises(InvalidBooking, match="start must be a timezone-aware datetime"):
        starts("FREQ=DAILY;COUNT=3", value)
    with pytest.raises(InvalidBooking, match="exdates must be a timezone-aware datetime"):
        starts("FREQ=DAILY;COUNT=3", exdates=[value])


@pytest.mark.parametrize("zone", [None, UTC])
@pytest.mark.parametrize(
    "day",
    [datetime.min, datetime(1969, 12, 31), datetime(4148, 1, 1), datetime.max],  # noqa: DTZ901
)
def test_a_start_beyond_the_years_of_the_ledger_is_refused(day: datetime, zone: Any) -> None:
    with pytest.raises(InvalidBooking) as refused:
        starts("FREQ=DAILY;COUNT=3", day.replace(tzinfo=zone))
    assert refused.value.code == "out_of_range"


@pytest.mark.parametrize("timezone", ["Europe/Atlantis", "", "../etc/passwd", "x" * 9999, None, 1])
def test_an_unknown_zone_is_refused(timezone: Any) -> None:
    with pytest.raises(InvalidBooking, match="is no time zone") as refused:
        starts("FREQ=DAILY;COUNT=3", timezone=timezone)
    assert refused.value.code == "unknown_timezone"


# The library


@pytest.mark.django_db  # Django 6.1 may ask the database in its own checks
def test_without_dateutil_the_error_and_the_check_name_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def check_messages() -> list[Any]:
        return [message for message in run_checks() if message.id == "bookings_series.E001"]

    assert apps.is_installed("bookings.contrib.series")
    assert not check_messages()

    monkeypatch.setitem(sys.modules, "dateutil", None)

    with pytest.raises(DateutilNotInstalled, match=r'pip install "django-bookings\[series\]"'):
        starts("FREQ=DAILY;COUNT=3")
    assert [message.hint for message in check_messages()] == [
        'pip install "django-bookings[series]"'
    ]


# Rules without parts, which are not expanded by dateutil


@pytest.mark.parametrize("frequency", ["DAILY", "WEEKLY"])
@pytest.mark.parametrize("interval", [1, 3, 100, 101])
@pytest.mark.parametrize("end", ["COUNT=50", "UNTIL=20261231T230000Z"])
def test_a_plain_rule_has_the_starts_of_dateutil(
    frequency: str, interval: int, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = f"FREQ={frequency};INTERVAL={interval};{end}"
    night = datetime(2026, 3, 22, 2, 30)
    plain = starts(rule, night)
    monkeypatch.setattr(recurrences, "_step", lambda _rule, _dtstart: None)
    assert plain == starts(rule, night)
