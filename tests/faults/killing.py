"""``kill -9`` of the worker at every point of a call."""

from __future__ import annotations

from functools import partial

from tests.faults import tasks
from tests.faults.baseline import Baseline, Judge
from tests.faults.steps import kill_process


def kill_everywhere(baseline: Baseline, *, is_in_a_hurry: bool = False) -> None:
    """At each point the call is done or was never made, is sound, and can be made again.

    In a hurry, no worker is killed after a mere read, where nothing differs from the point before;
    and the call is made again once for every state that is left, for on nothing else depends what
    it does. That nothing of a dead worker is in the way, such as a lock, is seen at every point all
    the same: each row is written anew for the next.
    """
    judge, fork_server = Judge(baseline), baseline.fork_server
    for point in baseline.points(is_in_a_hurry=is_in_a_hurry):
        assert kill(baseline, point), point
        if is_in_a_hurry:
            rows = fork_server.run(tasks.stored, baseline.host_rows)
            if judge.has_seen_it_made_from(rows):
                judge.judge_rows(point, rows)
                continue
        left = fork_server.run(
            tasks.read_state_and_call_again, *baseline.call_arguments, judge.known
        )
        judge.judge(point, left)
    judge.conclude()


def is_found_half_done(baseline: Baseline) -> bool:
    """Whether that is found out if the call has no transaction."""
    return baseline.is_found_half_done(partial(kill, baseline, is_transaction=False))


def kill(baseline: Baseline, point: int, *, is_transaction: bool = True) -> bool:
    return baseline.fork_server.is_killed(
        tasks.make_call,
        *baseline.call_arguments,
        after=point,
        interrupt=kill_process,
        is_transaction=is_transaction,
    )
