"""``kill -9`` of the worker at every point of every verb."""

from __future__ import annotations

import pytest

from tests.faults import acts
from tests.faults.acts import without_revisions
from tests.faults.cradle import Cradle
from tests.faults.rehearsal import Judge, Rehearsal
from tests.faults.scenes import SCENES, Stage
from tests.faults.steps import die

ONE_TRANSACTION = [scene for scene in SCENES if scene.changes == 1 and not scene.is_one_statement]


def test_a_call_that_is_killed_anywhere_is_done_or_was_never_made(
    cradle: Cradle, stage: Stage, rehearsal: Rehearsal
) -> None:
    """Where a call takes several transactions, each of them is."""
    name, judge = rehearsal.scene.name, Judge(rehearsal)
    for point in range(len(rehearsal.steps) + 1):
        assert cradle.was_killed(acts.make_the_call, stage, name, after=point, interrupt=die), point

        judge.judge(
            point,
            cradle.run(acts.look_and_make_the_call_again, stage, name, rehearsal.reference),
        )
    judge.conclude()


def test_the_time_is_taken_before_and_after_as_the_bookings_say(
    stage: Stage, rehearsal: Rehearsal
) -> None:
    """Which is all there is to find, says the test above."""
    is_broken = rehearsal.scene.is_broken
    assert bool(rehearsal.before.problems) == is_broken
    assert not rehearsal.after.problems
    assert rehearsal.after.is_free == acts.is_free(rehearsal.after.rows, stage)
    if not is_broken:
        assert rehearsal.before.is_free == acts.is_free(rehearsal.before.rows, stage)


@pytest.mark.parametrize("rehearsal", ONE_TRANSACTION, indirect=True, ids=str)
def test_without_its_transaction_a_call_is_found_half_done(
    cradle: Cradle, stage: Stage, rehearsal: Rehearsal
) -> None:
    """If it were not, the first test would not say anything."""
    whole = [without_revisions(found.rows) for found in (rehearsal.before, rehearsal.after)]
    for point in range(len(rehearsal.steps)):
        cradle.was_killed(
            acts.make_the_call,
            stage,
            rehearsal.scene.name,
            after=point,
            interrupt=die,
            is_transaction=False,
        )
        if without_revisions(cradle.run(acts.look, stage).rows) not in whole:
            return
    pytest.fail("Every state was the one before or the one after.")
