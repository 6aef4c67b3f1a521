"""``kill -9`` of the worker at every point of every verb."""

from __future__ import annotations

import pytest

from tests.faults import acts
from tests.faults.killing import is_found_half_done, kill_everywhere
from tests.faults.rehearsal import Rehearsal
from tests.faults.scenes import SCENES

ONE_TRANSACTION = [scene for scene in SCENES if scene.changes == 1 and not scene.is_one_statement]


def test_a_call_that_is_killed_anywhere_is_done_or_was_never_made(rehearsal: Rehearsal) -> None:
    """Where a call takes several transactions, each of them is."""
    kill_everywhere(rehearsal)


def test_the_time_is_taken_before_and_after_as_the_bookings_say(rehearsal: Rehearsal) -> None:
    """Which is all there is to find, says the test above."""
    stage = rehearsal.stage
    before, after = rehearsal.cradle.run(acts.who_is_free, *rehearsal.set)
    assert after == acts.is_free(rehearsal.after.rows, stage)
    if not rehearsal.scene.is_broken:
        assert before == acts.is_free(rehearsal.before.rows, stage)


@pytest.mark.parametrize("rehearsal", ONE_TRANSACTION, indirect=True, ids=str)
def test_without_its_transaction_a_call_is_found_half_done(rehearsal: Rehearsal) -> None:
    """If it were not, the first test would not say anything."""
    assert is_found_half_done(rehearsal), "Every state was the one before or the one after."
