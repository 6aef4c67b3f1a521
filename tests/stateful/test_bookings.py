from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bookings import ledger
from bookings.models import Booking
from tests.stateful.machine import BookingMachine

pytestmark = pytest.mark.django_db


def test_any_sequence_of_verbs_does_what_the_rules_say(effort: settings) -> None:
    run_state_machine_as_test(BookingMachine, settings=effort)


def leak(interval_id: int, seats: int, *, using: str) -> None:
    """Time that is given back stays taken."""


def write_in_silence(self: Booking, **kwargs: Any) -> None:
    """A row that is changed, and whose version is not."""
    self.version -= not self._state.adding
    super(Booking, self).save(force_insert=self._state.adding, using=kwargs["using"])


@pytest.mark.parametrize(
    ("owner", "name", "broken"),
    [(ledger, "release", leak), (Booking, "save_row", write_in_silence)],
)
def test_the_sequences_find_what_is_broken(
    effort: settings, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, broken: Any
) -> None:
    monkeypatch.setattr(owner, name, broken)
    hasty = settings(effort, max_examples=200, phases=[Phase.generate], derandomize=True)

    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(BookingMachine, settings=hasty)
