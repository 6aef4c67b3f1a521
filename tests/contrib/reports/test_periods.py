"""Windows of named zones: their days, what came before, and what is none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from bookings.contrib.reports.exceptions import InvalidReport
from bookings.contrib.reports.periods import Period, offset_spans
from bookings.exceptions import BookingError, InvalidBooking

BERLIN: Final = ZoneInfo("Europe/Berlin")
NOON: Final = datetime(2031, 3, 1, 12, tzinfo=UTC)


def test_days_of_a_zone_begin_at_its_midnight() -> None:
    period = Period.of_days(date(2031, 3, 30), date(2031, 3, 30), "Europe/Berlin")
    assert period.start_at == datetime(2031, 3, 29, 23, tzinfo=UTC)
    assert period.end_at == datetime(2031, 3, 30, 22, tzinfo=UTC)
    assert [*period.days()] == [date(2031, 3, 30)]


@pytest.mark.parametrize(("zone", "hours"), [("Etc/GMT-14", -14), ("Etc/GMT+12", 12)])
def test_the_days_of_far_zones(zone: str, hours: int) -> None:
    period = Period.of_days(date(2031, 1, 1), date(2031, 1, 31), zone)
    assert period.start_at == datetime(2031, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    assert (period.first_day, period.last_day) == (date(2031, 1, 1), date(2031, 1, 31))


def test_the_period_before_is_as_long_on_the_clocks() -> None:
    period = Period.of_days(date(2031, 3, 25), date(2031, 3, 31), "Europe/Berlin")
    before = period.previous()
    assert before == Period.of_days(date(2031, 3, 18), date(2031, 3, 24), "Europe/Berlin")
    assert period.end_at - period.start_at == timedelta(days=7, hours=-1)
    assert before.end_at - before.start_at == timedelta(days=7)


def test_offsets_change_when_the_clocks_do() -> None:
    period = Period.of_days(date(2031, 1, 1), date(2031, 12, 31), BERLIN)
    assert offset_spans(period.start_at, period.end_at, BERLIN) == [
        (datetime(2031, 3, 30, 1, tzinfo=UTC), 3600),
        (datetime(2031, 10, 26, 1, tzinfo=UTC), 7200),
        (period.end_at, 3600),
    ]


@pytest.mark.parametrize(
    "name", ["Australia/Lord_Howe", "Africa/Casablanca", "America/St_Johns", "Africa/Monrovia"]
)
def test_the_offsets_are_those_of_every_hour(name: str) -> None:
    zone = ZoneInfo(name)
    start_at, end_at = datetime(1971, 12, 20, tzinfo=UTC), datetime(1973, 1, 20, tzinfo=UTC)
    spans = offset_spans(start_at, end_at, zone)
    at = start_at
    while at < end_at:
        offset = next(offset for ends, offset in spans if at < ends)
        assert at.astimezone(zone).utcoffset() == timedelta(seconds=offset)
        at += timedelta(hours=1)


INVALID: Final[dict[str, tuple[Any, Any, Any, str]]] = {
    "naive start": (datetime(2031, 3, 1), NOON, "UTC", "naive_datetime"),  # noqa: DTZ001
    "naive end": (NOON, datetime(2031, 3, 2), "UTC", "naive_datetime"),  # noqa: DTZ001
    "date": (date(2031, 3, 1), NOON, "UTC", "invalid"),
    "text": ("2031-03-01", NOON, "UTC", "invalid"),
    "empty": (NOON, NOON, "UTC", "invalid_period"),
    "reversed": (NOON, NOON - timedelta(seconds=1), "UTC", "invalid_period"),
    "a hundred years": (NOON, NOON + timedelta(days=36_525), "UTC", "period_too_long"),
    "before 1970": (
        datetime(1960, 1, 1, tzinfo=UTC),
        datetime(1961, 1, 1, tzinfo=UTC),
        "UTC",
        "out_of_range",
    ),
    "unknown zone": (NOON, NOON + timedelta(days=1), "Mars/Olympus", "unknown_timezone"),
    "unnamed zone": (NOON, NOON + timedelta(days=1), timezone.utc, "unknown_timezone"),  # noqa: UP017
    "no zone": (NOON, NOON + timedelta(days=1), None, "unknown_timezone"),
}


@pytest.mark.parametrize("name", INVALID)
def test_what_is_no_period(name: str) -> None:
    *values, code = INVALID[name]
    with pytest.raises(InvalidBooking) as caught:
        Period(*values)
    assert caught.value.code == code
    assert str(caught.value)


def test_what_are_no_days() -> None:
    day = date(2031, 3, 1)
    invalid: list[tuple[Any, Any, str]] = [
        (day, day - timedelta(days=1), "invalid_period"),
        (NOON, day, "invalid_date"),
        (day, None, "invalid_date"),
        (day, date.max, "out_of_range"),
        (date.min, day, "out_of_range"),
        (day, date(2131, 1, 1), "period_too_long"),
    ]
    for first, last, code in invalid:
        with pytest.raises(BookingError) as caught:
            Period.of_days(first, last, "Etc/GMT-14")
        assert caught.value.code == code


def test_nothing_was_before_1970() -> None:
    first = Period.of_days(date(1970, 1, 2), date(1970, 1, 3), "UTC")
    with pytest.raises(BookingError) as caught:
        first.previous()
    assert caught.value.code == "out_of_range"


def test_a_zone_without_a_name_is_refused() -> None:
    assert Period(NOON, NOON + timedelta(days=1), BERLIN).zone is BERLIN
    assert issubclass(InvalidReport, InvalidBooking)
