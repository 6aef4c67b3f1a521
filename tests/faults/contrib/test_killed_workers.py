"""``kill -9`` of the worker at every point of what payments, sessions, series and schedules do.

They write rows of their own beside the bookings, or through the core's verbs: those belong to the
same change.
"""

from __future__ import annotations

import pytest

from tests.faults.baseline import Baseline
from tests.faults.contrib.conftest import SCENARIOS
from tests.faults.killing import is_found_half_done, kill_everywhere

# At least one of each app.
CHOSEN = {
    "record a payment, which confirms a hold",
    "cancel what is paid for",
    "cancel a session",
    "move seats, which two get",
    "create a series, past a stale hold",
    "cancel a series",
    "move time off",
}


def test_a_call_that_is_killed_anywhere_is_done_or_was_never_made(
    baseline: Baseline, is_in_a_hurry: bool
) -> None:
    """Of sessions that are generated, each chunk is, and a second call makes those that lack."""
    kill_everywhere(baseline, is_in_a_hurry=is_in_a_hurry)


@pytest.mark.parametrize(
    "baseline",
    [scenario for scenario in SCENARIOS if scenario.name in CHOSEN],
    indirect=True,
    ids=str,
)
def test_without_its_transaction_a_call_is_found_half_done(baseline: Baseline) -> None:
    """If it were not, the test above would not say anything."""
    assert is_found_half_done(baseline), "Every state was the one before or the one after."
