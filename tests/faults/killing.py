"""``kill -9`` of the worker at every point of a call."""

from __future__ import annotations

from functools import partial

from tests.faults import acts
from tests.faults.rehearsal import Judge, Rehearsal
from tests.faults.steps import die


def kill_everywhere(rehearsal: Rehearsal, *, is_in_a_hurry: bool = False) -> None:
    """At each point the call is done or was never made, is sound, and can be made again.

    In a hurry, no worker is killed after a mere read, where nothing differs from the point before;
    and the call is made again once for every state that is left, for on nothing else depends what
    it does. That nothing of a dead worker is in the way, such as a lock, is seen at every point all
    the same: each row is written anew for the next.
    """
    judge, cradle = Judge(rehearsal), rehearsal.cradle
    for point in rehearsal.points_that_differ if is_in_a_hurry else rehearsal.points:
        assert kill(rehearsal, point), point
        if is_in_a_hurry:
            rows = cradle.run(acts.stored, rehearsal.stage)
            if judge.has_seen_it_made_from(rows):
                judge.judge_rows(point, rows)
                continue
        left = cradle.run(acts.look_and_make_the_call_again, *rehearsal.set, judge.known)
        judge.judge(point, left)
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
