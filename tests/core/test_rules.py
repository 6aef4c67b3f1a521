"""The rules of time and money, on both sides of every boundary."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.exceptions import InvalidBooking, NoticeWindow, PastStart, TooFarAhead
from bookings.rules import instants, policies, prices, validation
from bookings.rules.instants import MAX_SECOND
from tests.core.moments import NOW, at
from tests.core.test_service_rules import rules

BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)

any_instant = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(4147, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Asia/Tokyo")]),
)


def exactly(value: datetime) -> timedelta:
    """Since 1970, without the rounding of ``timestamp()``."""
    return value.astimezone(UTC) - instants.EPOCH


@given(value=any_instant)
def test_an_instant_keeps_its_meaning_in_utc(value: datetime) -> None:
    instant = instants.aware_utc(value, "start_at")
    assert instant.tzinfo is UTC
    assert exactly(instant) == exactly(value)


def test_a_naive_instant_is_refused_by_name() -> None:
    with pytest.raises(InvalidBooking, match=r"start_at must be timezone-aware\.") as caught:
        instants.aware_utc(at(10).replace(tzinfo=None), "start_at")
    assert caught.value.code == "naive_datetime"


@pytest.mark.parametrize("value", [None, "2131-03-06T10:00Z", 0, date(2131, 3, 6)], ids=repr)
def test_what_is_no_datetime_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidBooking, match="start_at must be a timezone-aware datetime, not"):
        instants.aware_utc(value, "start_at")


@pytest.mark.parametrize(
    "value",
    [
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
    ],
    ids=["after all time", "before all time"],
)
def test_an_instant_that_utc_cannot_tell_is_refused(value: datetime) -> None:
    with pytest.raises(InvalidBooking, match="between the years 1970 and 4147"):
        instants.aware_utc(value, "start_at")


@given(value=any_instant)
def test_a_second_holds_its_instant(value: datetime) -> None:
    floor, ceil = instants.floor_second(value), instants.ceil_second(value)
    assert SECOND * floor <= exactly(value) < SECOND * (floor + 1)
    assert SECOND * (ceil - 1) < exactly(value) <= SECOND * ceil


def test_microseconds_count_until_the_end_of_time() -> None:
    """A float has no microseconds left there: the control shows what it would have said."""
    last = instants.EPOCH + timedelta(seconds=MAX_SECOND) - MOMENT
    assert (instants.floor_second(last), instants.ceil_second(last)) == (MAX_SECOND - 1, MAX_SECOND)
    assert instants.ceil_second(last + 2 * MOMENT) == MAX_SECOND + 1
    nearly = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert instants.floor_second(nearly) == 253_402_300_799
    assert int(nearly.timestamp()) == 253_402_300_800


def test_seconds_before_1970_are_rounded_down_too() -> None:
    before = instants.EPOCH - MOMENT
    assert (instants.floor_second(before), instants.ceil_second(before)) == (-1, 0)


def test_a_booking_takes_whole_seconds_outward() -> None:
    starts, ends = instants.busy_bounds(at(10) + MOMENT, at(11) + MOMENT, 0, 0)
    assert (starts, ends) == (at(10).timestamp(), at(11).timestamp() + 1)


@given(
    start=any_instant,
    length=st.timedeltas(MOMENT, timedelta(days=30)),
    before=st.integers(0, 600),
    after=st.integers(0, 600),
)
def test_a_booking_takes_its_time_and_its_buffers(
    start: datetime, length: timedelta, before: int, after: int
) -> None:
    start = min(start.astimezone(UTC) + timedelta(days=1), datetime(4140, 1, 1, tzinfo=UTC))
    starts, ends = instants.busy_bounds(start, start + length, before, after)
    begins = exactly(start) - timedelta(minutes=before)
    ceases = exactly(start + length) + timedelta(minutes=after)
    assert begins - SECOND < SECOND * starts <= begins
    assert ceases <= SECOND * ends < ceases + SECOND


@pytest.mark.parametrize("length", [timedelta(0), -MOMENT])
def test_a_booking_that_ends_before_it_starts_takes_no_time(length: timedelta) -> None:
    with pytest.raises(InvalidBooking) as caught:
        instants.busy_bounds(at(10), at(10) + length, 30, 30)
    assert caught.value.message_dict == {"end_at": ["End time must be after start time."]}


def test_time_begins_in_1970_and_ends_in_4147() -> None:
    first, last = instants.EPOCH, instants.EPOCH + timedelta(seconds=MAX_SECOND)
    hour = timedelta(hours=1)
    assert instants.busy_bounds(first, first + hour, 0, 0) == (0, 3600)
    assert instants.busy_bounds(last - hour, last, 0, 0) == (MAX_SECOND - 3600, MAX_SECOND)
    for start, end, before, after in (
        (first, first + hour, 1, 0),
        (first - MOMENT, first + hour, 0, 0),
        (last - hour, last, 0, 1),
        (last - hour, last + MOMENT, 0, 0),
        (datetime(9999, 12, 31, tzinfo=UTC), datetime(9999, 12, 31, 1, tzinfo=UTC), 0, 0),
    ):
        with pytest.raises(InvalidBooking) as caught:
            instants.busy_bounds(start, end, before, after)
        assert caught.value.code == "out_of_range"


@pytest.mark.parametrize(
    ("wall_clock", "ends_at"),
    [
        (datetime(2030, 3, 31, 1, 30, tzinfo=BERLIN), "03:30 CEST"),
        (datetime(2030, 10, 27, 2, 30, tzinfo=BERLIN, fold=0), "02:30 CET"),
        (datetime(2030, 10, 27, 2, 30, tzinfo=BERLIN, fold=1), "03:30 CET"),
    ],
    ids=["the clocks go forward", "the first of two hours", "the second of two hours"],
)
def test_an_hour_is_an_hour_when_the_clocks_change(wall_clock: datetime, ends_at: str) -> None:
    start = instants.aware_utc(wall_clock, "start_at")
    end = instants.add_elapsed(start, timedelta(hours=1))
    assert end.timestamp() - wall_clock.timestamp() == 3600
    assert f"{end.astimezone(BERLIN):%H:%M %Z}" == ends_at


@given(start=any_instant, minutes=st.integers(1, validation.MAX_MINUTES))
def test_a_length_elapses_in_every_zone(start: datetime, minutes: int) -> None:
    end = instants.add_elapsed(instants.aware_utc(start, "start_at"), timedelta(minutes=minutes))
    assert exactly(end) - exactly(start) == timedelta(minutes=minutes)


def test_an_end_after_all_time_is_refused() -> None:
    with pytest.raises(InvalidBooking, match="between the years"):
        instants.add_elapsed(datetime(9999, 12, 31, tzinfo=UTC), timedelta(days=1))


def check(
    start: datetime,
    *,
    now: datetime = NOW,
    zone: tzinfo = UTC,
    allow_past: bool = False,
    override: bool = False,
    **said: Any,
) -> Any:
    return policies.check_start(
        start,
        now=now,
        rules=rules(**said),
        zone=lambda: zone,
        allow_past=allow_past,
        override=override,
    )


def test_a_start_may_be_now_but_not_before() -> None:
    check(NOW)
    with pytest.raises(PastStart):
        check(NOW - MOMENT)


def test_a_past_start_can_be_allowed_whatever_the_window() -> None:
    check(NOW - timedelta(days=900), allow_past=True, minimum_notice_minutes=60)


def test_an_override_does_not_make_the_past_bookable() -> None:
    with pytest.raises(PastStart):
        check(NOW - MOMENT, override=True)


def test_the_minimum_notice_is_kept_by_who_comes_exactly_then() -> None:
    start = NOW + timedelta(minutes=60)
    check(start, minimum_notice_minutes=60)
    with pytest.raises(NoticeWindow, match="at least 1 hour ahead") as caught:
        check(start - MOMENT, minimum_notice_minutes=60)
    assert caught.value.code == "minimum_notice"
    check(start - MOMENT, minimum_notice_minutes=60, override=True)


@pytest.mark.parametrize("now", [time(0, 0), time(11, 30), time(23, 59, 59, 999_999)])
def test_the_days_ahead_are_whole_days(now: time) -> None:
    """The seventh day is offered entirely, at whatever time of the day one asks."""
    today = datetime.combine(NOW.date(), now, UTC)
    end = datetime.combine(NOW.date(), time.min, UTC) + timedelta(days=8)
    check(end - MOMENT, now=today, maximum_advance_days=7)
    with pytest.raises(TooFarAhead, match="at most 7 days ahead"):
        check(end, now=today, maximum_advance_days=7)
    check(end, now=today, maximum_advance_days=7, override=True)


def test_no_days_ahead_is_today_and_none_is_no_limit() -> None:
    midnight = datetime.combine(NOW.date(), time.min, UTC) + timedelta(days=1)
    check(NOW, maximum_advance_days=0)
    check(midnight - MOMENT, maximum_advance_days=0)
    with pytest.raises(TooFarAhead, match="only be booked for today"):
        check(midnight, maximum_advance_days=0)
    check(NOW + timedelta(days=365 * 1000), maximum_advance_days=None)


@pytest.mark.parametrize(
    ("zone", "now", "last"),
    [
        # The day in Brisbane is ten hours ahead of that in UTC.
        ("Australia/Brisbane", "2030-01-07T13:59Z", "2030-01-08T14:00Z"),
        ("Australia/Brisbane", "2030-01-07T14:00Z", "2030-01-09T14:00Z"),
        ("America/New_York", "2030-01-07T04:59Z", "2030-01-08T05:00Z"),
        # The next day has 23 hours, or 25.
        ("Europe/Berlin", "2030-03-30T12:00Z", "2030-03-31T22:00Z"),
        ("Europe/Berlin", "2030-10-26T12:00Z", "2030-10-27T23:00Z"),
        # It has no midnight, but begins at one o'clock.
        ("America/Santiago", "2030-09-06T12:00Z", "2030-09-08T04:00Z"),
        # The 30th of December 2011 was left out.
        ("Pacific/Apia", "2011-12-29T12:00Z", "2011-12-30T10:00Z"),
    ],
)
def test_the_days_ahead_are_those_of_the_zone(zone: str, now: str, last: str) -> None:
    given: Any = {
        "now": datetime.fromisoformat(now),
        "zone": ZoneInfo(zone),
        "maximum_advance_days": 1,
    }
    end = datetime.fromisoformat(last)
    check(end - MOMENT, **given)
    with pytest.raises(TooFarAhead):
        check(end, **given)


@given(
    now=st.datetimes(datetime(2010, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    ahead=st.timedeltas(timedelta(0), timedelta(days=12)),
    days=st.integers(0, 9),
    zone=st.sampled_from(
        ["UTC", "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Niue", "America/Santiago"]
    ),
)
def test_the_zone_is_only_asked_for_where_it_matters(
    now: datetime, ahead: timedelta, days: int, zone: str
) -> None:
    end = policies.advance_end(now, days, ZoneInfo(zone))
    assert end is not None
    try:
        check(now + ahead, now=now, zone=ZoneInfo(zone), maximum_advance_days=days)
    except TooFarAhead:
        assert now + ahead >= end
    else:
        assert now + ahead < end


def test_the_zone_costs_nothing_for_most_starts() -> None:
    def unknown() -> tzinfo:
        raise AssertionError("It does not matter.")

    given: Any = {
        "now": NOW,
        "rules": rules(maximum_advance_days=30),
        "zone": unknown,
        "allow_past": False,
        "override": False,
    }
    policies.check_start(NOW + timedelta(days=27), **given)
    with pytest.raises(TooFarAhead):
        policies.check_start(NOW + timedelta(days=33), **given)


def test_as_many_days_ahead_as_a_column_holds_are_no_limit() -> None:
    assert policies.advance_end(NOW, 2**31 - 1, UTC) is None
    check(NOW + timedelta(days=365 * 1000), maximum_advance_days=2**31 - 1)


def notice_error(start: datetime, *, now: datetime, notice: int) -> str | None:
    """Return the code of the error that is raised; ``None`` if none is."""
    try:
        policies.check_notice(
            start, now=now, notice_minutes=notice, too_late="%(minutes)d", has_begun="Begun."
        )
    except NoticeWindow as error:
        return error.booking_code
    return None


def test_a_notice_is_broken_only_when_less_than_it_is_left() -> None:
    start = NOW + timedelta(hours=24)
    day = 24 * 60
    assert notice_error(start, now=NOW, notice=day) is None
    assert notice_error(start, now=NOW + MOMENT, notice=day) == "notice_window"
    assert notice_error(start, now=start, notice=1) == "notice_window"


def test_without_a_notice_the_start_is_the_limit() -> None:
    assert notice_error(NOW, now=NOW - MOMENT, notice=0) is None
    assert notice_error(NOW, now=NOW, notice=0) == "booking_started"
    assert notice_error(NOW, now=NOW + timedelta(days=7), notice=0) == "booking_started"


@given(ahead=st.timedeltas(-timedelta(days=9), timedelta(days=9)), notice=st.integers(1, 9999))
def test_a_notice_is_counted_in_elapsed_minutes(ahead: timedelta, notice: int) -> None:
    is_broken = notice_error(NOW + ahead, now=NOW, notice=notice) is not None
    assert is_broken == (ahead / timedelta(minutes=1) < notice)


@pytest.mark.parametrize(
    ("price", "extras", "total"),
    [
        (None, [], None),
        (None, [None, None], None),
        (Decimal("50.00"), [], Decimal("50.00")),
        (Decimal(50), [None, Decimal("7.50")], Decimal("57.50")),
        (None, [Decimal(5)], Decimal(5)),
        (Decimal(0), [None], Decimal(0)),
    ],
)
def test_the_total_is_the_price_and_the_extras(price: Any, extras: Any, total: Any) -> None:
    assert prices.total_amount(price, extras) == total


def test_a_booking_has_one_currency() -> None:
    prices.check_currencies("EUR", ["EUR", "EUR"])
    prices.check_currencies("EUR", [])
    with pytest.raises(InvalidBooking, match="priced in USD and the service in EUR") as caught:
        prices.check_currencies("EUR", ["EUR", "USD"])
    assert caught.value.code == "currency_mismatch"
