"""``kill -9`` of the worker at every point of a call."""

from __future__ import annotations

from functools import partial

from tests.faults import acts
from tests.faults.rehearsal import Judge, Rehearsal
from tests.faults.steps import die


def kill_everywhere(rehearsal: Rehearsal) -> None:
    """At each point the call is done or was never made, is sound, and can be made again."""
    judge = Judge(rehearsal)
    for point in range(len(rehearsal.steps) + 1):
        assert kill(rehearsal, point), point
        again = partial(acts.look_and_make_the_call_again, known=judge.known)
        judge.judge(point, rehearsal.cradle.run(again, *rehearsal.set))
    judge.conclude()


def is_found_half_done(rehearsal: Rehearsal) -> bool:
    """Whether that is found out if the call has no transaction."""
    return rehearsal.is_found_half_done(partial(kill, rehearsal, is_transaction=False))


def kill(rehearsal: Rehearsal, point: int, *, is_transaction: bool = True) -> bool:
    return rehearsal.cradle.was_killed(
        acts.make_the_call,
        *rehearsal.set,
        after=point,
        interrupt=die,
        is_transaction=is_transaction,
    )
