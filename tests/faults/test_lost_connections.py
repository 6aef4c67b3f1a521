"""The server ends a session in the middle of a call, or its answer does not arrive.

The caller gets Django's error, not a ``BookingError``: that would say that nothing was written, and
nobody knows. The next request gets a new connection from Django, and the same call can be made.
"""

from __future__ import annotations

import pytest

from tests.faults import acts
from tests.faults.acts import Aftermath
from tests.faults.rehearsal import Judge, Rehearsal
from tests.faults.scenes import SCENES
from tests.faults.steps import Interruption, cut, lose_the_answer

LOST = {"OperationalError", "InterfaceError"}
CHOSEN = {
    "create in one statement",
    "create in steps",
    "create with an idempotency key",
    "create past a stale hold",
    "reschedule",
    "reschedule to another provider",
    "cancel",
    "expire all",
}
each_call = pytest.mark.parametrize(
    "rehearsal", [scene for scene in SCENES if scene.name in CHOSEN], indirect=True, ids=str
)


@each_call
def test_a_call_that_loses_its_connection_is_done_or_was_never_made(rehearsal: Rehearsal) -> None:
    """Nothing is answered that is not stored; what is not answered may be stored."""
    judge = Judge(rehearsal)
    for point in rehearsal.points:
        error, left = lose(rehearsal, judge, point, cut)

        if error or point == len(rehearsal.steps):
            assert error in LOST | {""}, point
            judge.judge(point, left)
        else:
            # Only a roll-back was left to say, and Django connected anew for what followed.
            assert left.rows == rehearsal.after.rows, point
    judge.conclude()


@each_call
def test_a_call_whose_answer_is_lost_can_be_made_again(rehearsal: Rehearsal) -> None:
    """The server has done the step, be it the last, and the caller cannot know."""
    judge = Judge(rehearsal)
    assert rehearsal.steps[-1].can_be_seen
    for point in rehearsal.points[1:]:
        error, left = lose(rehearsal, judge, point, lose_the_answer)

        assert error in LOST, point
        judge.judge(point, left)
    judge.conclude()


def lose(
    rehearsal: Rehearsal, judge: Judge, point: int, interrupt: Interruption
) -> tuple[str, Aftermath]:
    lost: tuple[str, Aftermath] = rehearsal.cradle.run(
        acts.lose_the_connection, *rehearsal.set, judge.known, after=point, interrupt=interrupt
    )
    return lost


@pytest.mark.parametrize(
    "rehearsal",
    [scene for scene in SCENES if scene.name in {"create in steps", "reschedule"}],
    indirect=True,
    ids=str,
)
def test_without_its_transaction_a_call_is_found_half_done(rehearsal: Rehearsal) -> None:
    """If it were not, the tests above would not say anything."""

    def lose_it(point: int) -> None:
        rehearsal.cradle.run(
            acts.make_the_lost_call,
            *rehearsal.set,
            after=point,
            interrupt=cut,
            is_transaction=False,
        )

    assert rehearsal.is_found_half_done(lose_it), "Every state was the one before or after."
