"""What a slot engine may answer, and what is said of an answer that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ImproperlyConfigured

from bookings import slots
from bookings.exceptions import SlotUnavailable
from bookings.models import Booking
from tests.core.moments import at

BERLIN = ZoneInfo("Europe/Berlin")


class OnlyContains:
    """A container that cannot be iterated, such as a rule of recurrence without an end."""

    def __init__(self, *starts: datetime) -> None:
        self.starts = starts

    def __contains__(self, start: object) -> bool:
        return start in self.starts


@dataclass
class Slot:
    start: datetime


def generated(*starts: datetime) -> Iterator[datetime]:
    yield from starts


ANSWERS: dict[str, Callable[..., Any]] = {
    "a list": lambda *starts: list(starts),
    "a tuple": lambda *starts: starts,
    "a set": lambda *starts: set(starts),
    "a generator": generated,
    "a container that only answers": OnlyContains,
    "objects with start": lambda *starts: [Slot(start) for start in starts],
    "objects with start_at": lambda *starts: [SimpleNamespace(start_at=start) for start in starts],
    "a dict of days": lambda *starts: {start.date(): [start] for start in starts} | {None: []},
    "a dict of days of slots": lambda *starts: {start.date(): [Slot(start)] for start in starts},
    "another zone": lambda *starts: [start.astimezone(BERLIN) for start in starts],
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_start_in_the_answer_is_accepted(
    use: Any, draft: Booking, answer: Callable[..., Any]
) -> None:
    use(lambda service, provider, start_dt, end_dt: answer(at(9), at(10)))
    slots.validate_start(draft)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_start_that_is_not_in_the_answer_is_refused(
    use: Any, draft: Booking, answer: Callable[..., Any]
) -> None:
    use(lambda service, provider, start_dt, end_dt: answer(at(9), at(10, 15)))
    with pytest.raises(SlotUnavailable, match="not available for this service") as caught:
        slots.validate_start(draft)
    assert caught.value.start_at == at(10)


def test_an_empty_answer_refuses(use: Any, draft: Booking) -> None:
    use(lambda service, provider, start_dt, end_dt: [])
    with pytest.raises(SlotUnavailable):
        slots.validate_start(draft)


@pytest.mark.parametrize("fold", [0, 1], ids=["the first time", "the second time"])
def test_the_hour_that_a_zone_repeats_can_be_booked(use: Any, draft: Booking, fold: int) -> None:
    """Python says that no datetime of another zone equals one in the repeated hour."""
    wall_clock = datetime(2030, 10, 27, 2, 30, tzinfo=BERLIN, fold=fold)
    draft.start_at = wall_clock.astimezone(UTC)
    assert wall_clock != draft.start_at
    use(lambda service, provider, start_dt, end_dt: [wall_clock])
    slots.validate_start(draft)

    draft.start_at += timedelta(hours=1 - 2 * fold)
    with pytest.raises(SlotUnavailable):
        slots.validate_start(draft)


@pytest.mark.parametrize(
    "answer",
    [None, True, 7, "2131-03-06", ["2131-03-06T10:00"], [None], [date(2131, 3, 6)], [("a", "b")]],
    ids=repr,
)
def test_an_answer_that_is_no_answer_is_the_host_s_mistake(
    use: Any, draft: Booking, answer: Any
) -> None:
    use(lambda service, provider, start_dt, end_dt: answer)
    with pytest.raises(ImproperlyConfigured, match="BOOKINGS_SLOTS_AVAILABLE_FUNC must give"):
        slots.validate_start(draft)


@pytest.mark.parametrize(
    "slot", [at(10).replace(tzinfo=None), Slot(at(10).replace(tzinfo=None))], ids=["bare", "slot"]
)
def test_a_naive_start_is_the_host_s_mistake(use: Any, draft: Booking, slot: Any) -> None:
    """It equals no aware one, so every start would seem to be taken."""
    use(lambda service, provider, start_dt, end_dt: [slot])
    with pytest.raises(ImproperlyConfigured, match="aware"):
        slots.validate_start(draft)
