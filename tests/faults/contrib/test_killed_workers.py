"""``kill -9`` of the worker at every point of what payments, sessions, series and schedules do.

They write rows of their own beside the bookings, or through the core's verbs: those belong to the
same change.
"""

from __future__ import annotations

import pytest

from tests.faults.contrib.conftest import SCENES
from tests.faults.killing import is_found_half_done, kill_everywhere
from tests.faults.rehearsal import Rehearsal

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
    rehearsal: Rehearsal, pytestconfig: pytest.Config
) -> None:
    """Of sessions that are generated, each chunk is, and a second call makes those that lack.

    Workers are killed after every write and every ``COMMIT``, and the call is made again from every
    state that is left. With ``--rounds 2`` both happens after every statement.
    """
    kill_everywhere(rehearsal, is_in_a_hurry=pytestconfig.getoption("rounds") == 1)


@pytest.mark.parametrize(
    "rehearsal", [scene for scene in SCENES if scene.name in CHOSEN], indirect=True, ids=str
)
def test_without_its_transaction_a_call_is_found_half_done(rehearsal: Rehearsal) -> None:
    """If it were not, the test above would not say anything."""
    assert is_found_half_done(rehearsal), "Every state was the one before or the one after."
