"""The random sequences find what is broken on purpose. One database is enough to see it."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bookings.ledger import entries
from bookings.models import Booking
from bookings.models.querysets import BookingQuerySet
from bookings.selectors import overdue
from tests.stateful.machine import BookingMachine

pytestmark = pytest.mark.django_db


def leak(interval_id: int, seats: int, *, using: str) -> None:
    """Time that is given back stays taken."""


def write_in_silence(self: Booking, **kwargs: Any) -> None:
    """A row that is changed, and whose version is not."""
    self.version -= not self._state.adding
    super(Booking, self).save(force_insert=self._state.adding, using=kwargs["using"])


def forget_since_when(*forgotten: str) -> Any:
    """A grace that begins with the end, whatever was done later."""
    known = dict(zip(overdue.COLUMNS, range(len(overdue.COLUMNS)), strict=True))

    def is_overdue(self: overdue.Deadlines, *values: Any) -> bool:
        end_at = values[known["end_at"]]
        kept = [end_at if name in forgotten else values[at] for name, at in known.items()]
        return REMEMBERED(self, *kept)

    return is_overdue


REMEMBERED: Final = overdue.Deadlines.is_overdue


def prefilter_by_status(self: overdue.Deadlines, bookings: BookingQuerySet) -> BookingQuerySet:
    """A sweep that leaves it to the deadline alone."""
    return bookings.active().exclude(status=Booking.Status.PENDING, expires_at__lte=self.now)


@pytest.mark.parametrize(
    "broken",
    [
        [(entries, "release", leak)],
        [(Booking, "save_row", write_in_silence)],
        *(
            [
                (overdue.Deadlines, "is_overdue", forget_since_when(forgotten)),
                (overdue.Deadlines, "prefilter", prefilter_by_status),
            ]
            for forgotten in ("created_at", "confirmed_at")
        ),
    ],
    ids=["leak", "silence", "since it was made", "since it was confirmed"],
)
def test_the_sequences_find_what_is_broken(
    sequence_settings: settings, monkeypatch: pytest.MonkeyPatch, broken: list[tuple[Any, str, Any]]
) -> None:
    for owner, name, instead in broken:
        monkeypatch.setattr(owner, name, instead)
    hasty = settings(sequence_settings, max_examples=200, phases=[Phase.generate], derandomize=True)

    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(BookingMachine, settings=hasty)
