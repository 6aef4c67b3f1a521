"""The rules of time and money, on both sides of every boundary."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings import policies, prices
from bookings.constraints import MAX_SECOND
from bookings.exceptions import InvalidBooking, NoticeWindow, PastStart, TooFarAhead
from tests.core.moments import NOW, at
from tests.core.test_service_rules import rules

BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)

instants = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(4147, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Asia/Tokyo")]),
)


def exactly(value: datetime) -> timedelta:
    """Since 1970, without the rounding of ``timestamp()``."""
    return value.astimezone(UTC) - policies.EPOCH


@given(value=instants)
def test_an_instant_keeps_its_meaning_in_utc(value: datetime) -> None:
    instant = policies.instant(value, "start_at")
    assert instant.tzinfo is UTC
    assert exactly(instant) == exactly(value)


def test_a_naive_instant_is_refused_by_name() -> None:
    with pytest.raises(InvalidBooking, match=r"start_at must be timezone-aware\.") as caught:
        policies.instant(at(10).replace(tzinfo=None), "start_at")
    assert caught.value.code == "naive_datetime"


@pytest.mark.parametrize("value", [None, "2131-03-06T10:00Z", 0, date(2131, 3, 6)], ids=repr)
def test_what_is_no_datetime_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidBooking, match="start_at must be a timezone-aware datetime, not"):
        policies.instant(value, "start_at")


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
        policies.instant(value, "start_at")


@given(value=instants)
def test_a_second_holds_its_instant(value: datetime) -> None:
    floor, ceil = policies.floor_second(value), policies.ceil_second(value)
    assert SECOND * floor <= exactly(value) < SECOND * (floor + 1)
    assert SECOND * (ceil - 1) < exactly(value) <= SECOND * ceil


def test_microseconds_count_until_the_end_of_time() -> None:
    """A float has no microseconds left there: the control shows what it would have said."""
    last = policies.EPOCH + timedelta(seconds=MAX_SECOND) - MOMENT
    assert (policies.floor_second(last), policies.ceil_second(last)) == (MAX_SECOND - 1, MAX_SECOND)
    assert policies.ceil_second(last + 2 * MOMENT) == MAX_SECOND + 1
    nearly = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert policies.floor_second(nearly) == 253_402_300_799
    assert int(nearly.timestamp()) == 253_402_300_800


def test_seconds_before_1970_are_rounded_down_too() -> None:
    before = policies.EPOCH - MOMENT
    assert (policies.floor_second(before), policies.ceil_second(before)) == (-1, 0)


def test_a_booking_takes_whole_seconds_outward() -> None:
    starts, ends = policies.busy_seconds(at(10) + MOMENT, at(11) + MOMENT, 0, 0)
    assert (starts, ends) == (at(10).timestamp(), at(11).timestamp() + 1)


@given(
    start=instants,
    length=st.timedeltas(MOMENT, timedelta(days=30)),
    before=st.integers(0, 600),
    after=st.integers(0, 600),
)
def test_a_booking_takes_its_time_and_its_buffers(
    start: datetime, length: timedelta, before: int, after: int
) -> None:
    start = min(start.astimezone(UTC) + timedelta(days=1), datetime(4140, 1, 1, tzinfo=UTC))
    starts, ends = policies.busy_seconds(start, start + length, before, after)
    begins = exactly(start) - timedelta(minutes=before)
    ceases = exactly(start + length) + timedelta(minutes=after)
    assert begins - SECOND < SECOND * starts <= begins
    assert ceases <= SECOND * ends < ceases + SECOND


@pytest.mark.parametrize("length", [timedelta(0), -MOMENT])
def test_a_booking_that_ends_before_it_starts_takes_no_time(length: timedelta) -> None:
    with pytest.raises(InvalidBooking) as caught:
        policies.busy_seconds(at(10), at(10) + length, 30, 30)
    assert caught.value.message_dict == {"end_at": ["End time must be after start time."]}


def test_time_begins_in_1970_and_ends_in_4147() -> None:
    first, last = policies.EPOCH, policies.EPOCH + timedelta(seconds=MAX_SECOND)
    hour = timedelta(hours=1)
    assert policies.busy_seconds(first, first + hour, 0, 0) == (0, 3600)
    assert policies.busy_seconds(last - hour, last, 0, 0) == (MAX_SECOND - 3600, MAX_SECOND)
    for start, end, before, after in (
        (first, first + hour, 1, 0),
        (first - MOMENT, first + hour, 0, 0),
        (last - hour, last, 0, 1),
        (last - hour, last + MOMENT, 0, 0),
        (datetime(9999, 12, 31, tzinfo=UTC), datetime(9999, 12, 31, 1, tzinfo=UTC), 0, 0),
    ):
        with pytest.raises(InvalidBooking) as caught:
            policies.busy_seconds(start, end, before, after)
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
    start = policies.instant(wall_clock, "start_at")
    end = policies.elapsed_end(start, timedelta(hours=1))
    assert end.timestamp() - wall_clock.timestamp() == 3600
    assert f"{end.astimezone(BERLIN):%H:%M %Z}" == ends_at


@given(start=instants, minutes=st.integers(1, policies.MAX_MINUTES))
def test_a_length_elapses_in_every_zone(start: datetime, minutes: int) -> None:
    end = policies.elapsed_end(policies.instant(start, "start_at"), timedelta(minutes=minutes))
    assert exactly(end) - exactly(start) == timedelta(minutes=minutes)


def test_an_end_after_all_time_is_refused() -> None:
    with pytest.raises(InvalidBooking, match="between the years"):
        policies.elapsed_end(datetime(9999, 12, 31, tzinfo=UTC), timedelta(days=1))


def check(start: datetime, *, allow_past: bool = False, override: bool = False, **said: Any) -> Any:
    return policies.check_start(
        start, now=NOW, rules=rules(**said), allow_past=allow_past, override=override
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
    with pytest.raises(NoticeWindow, match="at least 60 minutes ahead") as caught:
        check(start - MOMENT, minimum_notice_minutes=60)
    assert caught.value.code == "minimum_notice"
    check(start - MOMENT, minimum_notice_minutes=60, override=True)


def test_the_maximum_advance_is_kept_by_who_comes_exactly_then() -> None:
    start = NOW + timedelta(days=30)
    check(start, maximum_advance_days=30)
    with pytest.raises(TooFarAhead, match="at most 30 days ahead"):
        check(start + MOMENT, maximum_advance_days=30)
    check(start + MOMENT, maximum_advance_days=30, override=True)


def test_no_days_ahead_is_a_limit_and_none_is_no_limit() -> None:
    check(NOW, maximum_advance_days=0)
    with pytest.raises(TooFarAhead):
        check(NOW + MOMENT, maximum_advance_days=0)
    check(NOW + timedelta(days=365 * 1000), maximum_advance_days=None)


def test_as_many_days_ahead_as_a_column_holds_are_no_limit() -> None:
    check(NOW + timedelta(days=365 * 1000), maximum_advance_days=2**31 - 1)


def test_a_notice_is_broken_only_when_less_than_it_is_left() -> None:
    start = NOW + timedelta(hours=24)
    day = 24 * 60
    assert not policies.within_notice(start, now=NOW, notice_minutes=day)
    assert policies.within_notice(start, now=NOW + MOMENT, notice_minutes=day)
    assert policies.within_notice(start, now=start, notice_minutes=1)


def test_no_notice_is_never_broken() -> None:
    assert not policies.within_notice(NOW, now=NOW + timedelta(days=1), notice_minutes=0)


@given(ahead=st.timedeltas(-timedelta(days=9), timedelta(days=9)), notice=st.integers(1, 9999))
def test_a_notice_is_counted_in_elapsed_minutes(ahead: timedelta, notice: int) -> None:
    within = policies.within_notice(NOW + ahead, now=NOW, notice_minutes=notice)
    assert within == (ahead / timedelta(minutes=1) < notice)


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
