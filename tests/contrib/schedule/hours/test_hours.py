"""A shift as a caller may write it."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.contrib.schedule.exceptions import InvalidSchedule
from bookings.contrib.schedule.hours import Hours, parse_shifts

HOUR = 3600
whole_minutes = st.integers(0, 1439).map(lambda minute: time(*divmod(minute, 60)))


@pytest.mark.parametrize(
    ("written", "seconds", "read"),
    [
        (("09:00", "17:00"), (9 * HOUR, 17 * HOUR), "09:00–17:00"),
        ((time(9), time(17)), (9 * HOUR, 17 * HOUR), "09:00–17:00"),
        (("09:00", "24:00"), (9 * HOUR, 24 * HOUR), "09:00–24:00"),
        (("09:00", "24:00", True), (9 * HOUR, 24 * HOUR), "09:00–24:00"),
        (("09:00", "00:00", True), (9 * HOUR, 24 * HOUR), "09:00–24:00"),
        (("22:00", "02:00", True), (22 * HOUR, 26 * HOUR), "22:00–02:00 (+1)"),
        (("00:00", "24:00"), (0, 24 * HOUR), "00:00–24:00"),
        (("13:00", "13:00", True), (13 * HOUR, 37 * HOUR), "13:00–13:00 (+1)"),
        (Hours("08:00", "09:00"), (8 * HOUR, 9 * HOUR), "08:00–09:00"),
        (["08:00", "09:00"], (8 * HOUR, 9 * HOUR), "08:00–09:00"),
    ],
)
def test_a_shift_is_understood(written: Any, seconds: tuple[int, int], read: str) -> None:
    shift = Hours.from_value(written)

    assert shift.seconds == seconds
    assert str(shift) == read


@pytest.mark.parametrize(
    ("written", "code", "said"),
    [
        (("17:00", "09:00"), "close_before_open", "09:00 is not after 17:00.*closes_next_day"),
        (("09:00", "09:00"), "close_before_open", "09:00 is not after 09:00"),
        (("09:00", "10:00", True), "too_long", "From 09:00 to 10:00 on the next day"),
        (("nine", "17:00"), "invalid_time", 'as "09:00"'),
        (("09:00", "25:00"), "invalid_time", 'as "09:00"'),
        (("24:00", "24:00"), "invalid_time", 'as "09:00"'),
        # Python 3.14 reads these as midnight, before and after the shift.
        (("T24", "09:00"), "invalid_time", 'as "09:00"'),
        (("22:00", "24:00:00", True), "invalid_time", 'as "09:00"'),
        ((9, 17), "invalid_time", 'as "09:00"'),
        ((time(9, tzinfo=UTC), "17:00"), "invalid_time", "without a zone"),
        (("09:00:00.5", "17:00"), "invalid_time", "whole minutes"),
        (("09:00:30", "17:00"), "invalid_time", "whole minutes"),
        (("09:00",), "invalid_time", "not \\('09:00',\\)"),
        ("09:00–17:00", "invalid_time", "Write hours as"),
        (None, "invalid_time", "not None"),
    ],
)
def test_what_is_no_shift_is_refused_with_what_to_write(written: Any, code: str, said: str) -> None:
    with pytest.raises(InvalidSchedule, match=said) as refused:
        Hours.from_value(written)
    assert refused.value.code == code


@given(whole_minutes, whole_minutes, st.booleans())
def test_a_shift_lasts_up_to_24_hours_or_is_refused(
    opens: time, closes: time, closes_next_day: bool
) -> None:
    is_shift = opens >= closes if closes_next_day else opens < closes
    with nullcontext() if is_shift else pytest.raises(InvalidSchedule):
        starts, ends = Hours(opens, closes, closes_next_day).seconds
        assert 0 < ends - starts <= 24 * HOUR


def test_shifts_of_a_day_come_sorted_and_may_touch() -> None:
    shifts = parse_shifts([("12:00", "17:00"), ("09:00", "12:00")])

    assert [str(shift) for shift in shifts] == ["09:00–12:00", "12:00–17:00"]


@pytest.mark.parametrize(
    "written",
    [
        [("09:00", "13:00"), ("12:00", "17:00")],
        [("09:00", "17:00"), ("09:00", "17:00")],
        [("09:00", "17:00"), ("10:00", "11:00")],
        [("20:00", "02:00", True), ("23:00", "24:00")],
    ],
)
def test_shifts_that_overlap_are_both_named(written: Any) -> None:
    with pytest.raises(InvalidSchedule) as refused:
        parse_shifts(written)

    assert refused.value.code == "overlapping_hours"
    for shift in written:
        assert str(Hours.from_value(shift)) in str(refused.value)


def test_overlap_is_the_same_from_both_sides() -> None:
    morning, noon, evening = (
        Hours("09:00", "12:00"),
        Hours("11:00", "14:00"),
        Hours("12:00", "24:00"),
    )
    assert morning.overlaps(noon)
    assert noon.overlaps(morning)
    assert not morning.overlaps(evening)
    assert not evening.overlaps(morning)


@pytest.mark.parametrize("written", ["09:00", None, 9])
def test_a_days_hours_are_a_list(written: Any) -> None:
    with pytest.raises(InvalidSchedule, match="as a list of shifts"):
        parse_shifts(written)
