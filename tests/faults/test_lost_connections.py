"""The server ends a session in the middle of a call, or its answer does not arrive.

The caller gets Django's error, not a ``BookingError``: that would say that nothing was written, and
nobody knows. The next request gets a new connection from Django, and the same call can be made.
"""

from __future__ import annotations

import pytest

from tests.faults import tasks
from tests.faults.baseline import Baseline, Judge
from tests.faults.scenarios import SCENARIOS
from tests.faults.steps import Interruption, close_session, lose_the_answer
from tests.faults.tasks import CallOutcome

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
    "create with anyone in any room",
    "reschedule with resources",
    "reopen with resources",
}
each_call = pytest.mark.parametrize(
    "baseline",
    [scenario for scenario in SCENARIOS if scenario.name in CHOSEN],
    indirect=True,
    ids=str,
)


@each_call
def test_a_call_that_loses_its_connection_is_done_or_was_never_made(
    baseline: Baseline, is_in_a_hurry: bool
) -> None:
    """Nothing is answered that is not stored; what is not answered may be stored."""
    judge = Judge(baseline)
    for point in baseline.points(is_in_a_hurry=is_in_a_hurry):
        error, left = lose(baseline, judge, point, close_session)

        if error or point >= baseline.done_at:
            assert error in LOST | {""}, point
            judge.judge(point, left)
        else:
            # Only a roll-back was left to say, and Django connected anew for what followed.
            assert left.rows == baseline.after.rows, point
    judge.conclude()


@each_call
def test_a_call_whose_answer_is_lost_can_be_made_again(
    baseline: Baseline, is_in_a_hurry: bool
) -> None:
    """The server has done the step, be it the last, and the caller cannot know.

    A look for more to do, once all is stored, is not answered for.
    """
    judge = Judge(baseline)
    for point in baseline.points(is_in_a_hurry=is_in_a_hurry)[1:]:
        error, left = lose(baseline, judge, point, lose_the_answer)

        assert error in LOST or (point > baseline.done_at and not error), point
        judge.judge(point, left)
    judge.conclude()


def lose(
    baseline: Baseline, judge: Judge, point: int, interrupt: Interruption
) -> tuple[str, CallOutcome]:
    lost: tuple[str, CallOutcome] = baseline.fork_server.run(
        tasks.lose_the_connection,
        *baseline.call_arguments,
        judge.known,
        after=point,
        interrupt=interrupt,
    )
    return lost


@pytest.mark.parametrize(
    "baseline",
    [scenario for scenario in SCENARIOS if scenario.name in {"create in steps", "reschedule"}],
    indirect=True,
    ids=str,
)
def test_without_its_transaction_a_call_is_found_half_done(baseline: Baseline) -> None:
    """If it were not, the tests above would not say anything."""

    def lose_it(point: int) -> None:
        baseline.fork_server.run(
            tasks.make_lost_call,
            *baseline.call_arguments,
            after=point,
            interrupt=close_session,
            is_transaction=False,
        )

    assert baseline.is_found_half_done(lose_it), "Every state was the one before or after."
