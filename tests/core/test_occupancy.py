"""How many seats are taken at each instant, compared with counting them second by second."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bookings.rules.occupancy import Step, levels, most_taken, occupancy, without

STRETCHES = st.lists(
    st.tuples(st.integers(0, 12), st.integers(1, 8), st.integers(1, 3)).map(
        lambda given: (given[0], given[0] + given[1], given[2])
    ),
    max_size=6,
)
SECONDS = range(21)


def count(stretches: list[tuple[int, int, int]]) -> list[int]:
    return [
        sum(seats for starts, ends, seats in stretches if starts <= second < ends)
        for second in SECONDS
    ]


@given(taken=STRETCHES)
def test_the_steps_are_the_sum_in_every_second(taken: list[tuple[int, int, int]]) -> None:
    steps = occupancy(taken)
    assert count(list(steps)) == count(taken)
    assert all(step.starts < step.ends and step.seats for step in steps)
    for one, other in pairwise(steps):
        assert one.ends < other.starts or (one.ends == other.starts and one.seats != other.seats)


@given(taken=STRETCHES, released=STRETCHES)
def test_what_is_released_is_free(
    taken: list[tuple[int, int, int]], released: list[tuple[int, int, int]]
) -> None:
    rest = [seats - less for seats, less in zip(count(taken), count(released), strict=True)]
    assert count(list(without(taken, released))) == [max(0, seats) for seats in rest]
    negative = [(starts, ends, -seats) for starts, ends, seats in released]
    assert count(list(levels([*taken, *negative]))) == rest


@given(taken=STRETCHES, starts=st.integers(0, 18), length=st.integers(1, 8))
def test_the_most_is_that_of_one_instant(
    taken: list[tuple[int, int, int]], starts: int, length: int
) -> None:
    most = max([*count(taken)[starts : starts + length], 0])
    assert most_taken(occupancy(taken), starts, starts + length) == most


def test_where_one_booking_follows_another_nothing_changes() -> None:
    assert occupancy([(0, 5, 2), (5, 9, 2)]) == [Step(0, 9, 2)]
