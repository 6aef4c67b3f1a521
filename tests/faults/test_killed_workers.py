"""``kill -9`` of the worker at every point of every verb."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.faults import acts
from tests.faults.acts import Found, without_revisions
from tests.faults.cradle import Cradle
from tests.faults.scenes import SCENES, Scene, Stage
from tests.faults.steps import Step, die

ONE_TRANSACTION = [scene for scene in SCENES if scene.changes == 1 and not scene.is_one_statement]


@dataclass(frozen=True)
class Rehearsal:
    """A call undisturbed: the steps it takes, and what is stored before and after it."""

    scene: Scene
    reference: str | None
    before: Found
    steps: list[Step]
    after: Found


@pytest.fixture(scope="module", params=SCENES, ids=str)
def rehearsal(request: pytest.FixtureRequest, cradle: Cradle, stage: Stage) -> Rehearsal:
    scene: Scene = request.param
    booking = cradle.run(acts.set_scene, stage, scene.name)
    return Rehearsal(
        scene,
        None if booking is None else booking.reference,
        cradle.run(acts.look, stage),
        cradle.run(acts.make_the_call, stage, scene.name),
        cradle.run(acts.look, stage),
    )


def test_a_call_that_is_killed_anywhere_is_done_or_was_never_made(
    cradle: Cradle, stage: Stage, rehearsal: Rehearsal
) -> None:
    """Where a call takes several transactions, each of them is."""
    scene, steps, after = rehearsal.scene, rehearsal.steps, rehearsal.after
    states = [rehearsal.before.rows]
    for point in range(len(steps) + 1):
        assert cradle.was_killed(
            acts.make_the_call, stage, scene.name, after=point, interrupt=die
        ), point
        left = cradle.run(acts.look_and_make_the_call_again, stage, scene.name, rehearsal.reference)

        if point and steps[point - 1].can_be_seen and left.rows != states[-1]:
            states.append(left.rows)
        assert left.rows == states[-1], point
        assert scene.is_broken or not left.problems, point
        is_done = left.rows == after.rows
        assert left.refusal == (scene.again if is_done else ""), point
        assert without_revisions(left.rows_again) == without_revisions(after.rows), point
    assert states[-1] == after.rows
    assert len(states) == 1 + scene.changes


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
