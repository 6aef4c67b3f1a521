"""Make a call undisturbed, and compare with it what a disturbed call leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults import tasks
from tests.faults.fork_server import ForkServer
from tests.faults.scenarios import HostRows, Scenario
from tests.faults.steps import Step
from tests.faults.tasks import Arranged, CallOutcome, StoredState, without_revisions
from tests.services.storage import Rows


@dataclass(frozen=True)
class Baseline:
    """The steps that a scenario's call takes, and what is stored before and after it."""

    scenario: Scenario
    fork_server: ForkServer
    host_rows: HostRows
    arranged: Arranged
    before: StoredState
    steps: list[Step]
    after: StoredState

    @classmethod
    def of(cls, scenario: Scenario, fork_server: ForkServer, host_rows: HostRows) -> Baseline:
        arranged = fork_server.run(tasks.arrange, host_rows, scenario)
        return cls(
            scenario,
            fork_server,
            host_rows,
            arranged,
            fork_server.run(tasks.read_state, host_rows),
            fork_server.run(tasks.make_call, host_rows, scenario, arranged),
            fork_server.run(tasks.read_state, host_rows),
        )

    @property
    def call_arguments(self) -> tuple[HostRows, Scenario, Arranged]:
        """What ``tasks.make_call`` takes."""
        return self.host_rows, self.scenario, self.arranged

    def points(self, *, is_in_a_hurry: bool = False) -> list[int]:
        """How many steps there may have been when a call is disturbed.

        In a hurry, without those after a mere read, which leaves all as it was the point before.
        """
        return [
            point
            for point in range(len(self.steps) + 1)
            if not point or not is_in_a_hurry or self.steps[point - 1].changes_something
        ]

    @property
    def done_at(self) -> int:
        """The point from which on all is stored; what follows only looks for more to do."""
        return max(point for point, step in enumerate(self.steps, 1) if step.can_be_seen)

    def is_found_half_done(self, break_off: Callable[[int], object]) -> bool:
        """Whether what is left is neither the state before nor the one after, at any point."""
        whole = [without_revisions(found.rows) for found in (self.before, self.after)]
        for point in self.points():
            break_off(point)
            if without_revisions(self.fork_server.run(tasks.stored, self.host_rows)) not in whole:
                return True
        return False


class Judge:
    """Judges what is left of one call that was disturbed at one point after the other."""

    def __init__(self, baseline: Baseline) -> None:
        self._baseline = baseline
        self._states = [baseline.before.rows]
        self._called_from: list[Rows] = []

    @property
    def known(self) -> list[Rows]:
        """The states of which is known what is wrong with them."""
        return [*self._states, self._baseline.after.rows]

    def has_seen_it_made_from(self, rows: Rows) -> bool:
        """Whether the call has been made again where this was stored."""
        return rows in self._called_from

    def judge(self, point: int, left: CallOutcome) -> None:
        """What is left is whole, and the call that is made again does what it left undone."""
        self.judge_rows(point, left.rows)
        self._called_from.append(left.rows)
        scenario, after = self._baseline.scenario, self._baseline.after.rows
        assert scenario.is_broken or not left.problems, point
        assert left.refusal == (scenario.again if left.rows == after else ""), point
        assert without_revisions(left.rows_again) == without_revisions(after), point

    def judge_rows(self, point: int, rows: Rows) -> None:
        """All of a transaction is there once it has ended, and nothing before; so is the rest."""
        steps = self._baseline.steps
        if point and steps[point - 1].can_be_seen and rows != self._states[-1]:
            self._states.append(rows)
        assert rows == self._states[-1], point

    def conclude(self) -> None:
        """At the last point, all has been done, in as many transactions as are known of."""
        baseline = self._baseline
        assert self._states[-1] == baseline.after.rows
        assert len(self._states) == 1 + baseline.scenario.changes
        assert bool(baseline.before.problems) == baseline.scenario.is_broken
        assert not baseline.after.problems
