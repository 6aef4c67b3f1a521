"""A call undisturbed, which is what the disturbed ones are judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults import acts
from tests.faults.acts import Aftermath, Arranged, Found, without_revisions
from tests.faults.cradle import Cradle
from tests.faults.scenes import Scene, Stage
from tests.faults.steps import Step
from tests.services.storage import Rows


@dataclass(frozen=True)
class Rehearsal:
    """The steps that a scene's call takes, and what is stored before and after it."""

    scene: Scene
    cradle: Cradle
    stage: Stage
    arranged: Arranged
    before: Found
    steps: list[Step]
    after: Found

    @classmethod
    def of(cls, scene: Scene, cradle: Cradle, stage: Stage) -> Rehearsal:
        arranged = cradle.run(acts.set_scene, stage, scene)
        return cls(
            scene,
            cradle,
            stage,
            arranged,
            cradle.run(acts.look, stage),
            cradle.run(acts.make_the_call, stage, scene, arranged),
            cradle.run(acts.look, stage),
        )

    @property
    def set(self) -> tuple[Stage, Scene, Arranged]:
        """What a process has to be told to make the call."""
        return self.stage, self.scene, self.arranged

    @property
    def points(self) -> list[int]:
        """How many steps there may have been when a call is disturbed."""
        return list(range(len(self.steps) + 1))

    @property
    def points_that_differ(self) -> list[int]:
        """Without those after a mere read, which leaves everything as it was the point before."""
        after = [point for point, step in enumerate(self.steps, 1) if step.changes_something]
        return [0, *after]

    def is_found_half_done(self, break_off: Callable[[int], object]) -> bool:
        """Whether what is left is neither the state before nor the one after, at any point."""
        whole = [without_revisions(found.rows) for found in (self.before, self.after)]
        for point in self.points:
            break_off(point)
            if without_revisions(self.cradle.run(acts.stored, self.stage)) not in whole:
                return True
        return False


class Judge:
    """Judges what is left of one call that was disturbed at one point after the other."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self._states = [rehearsal.before.rows]
        self._called_from: list[Rows] = []

    @property
    def known(self) -> list[Rows]:
        """The states of which is known what is wrong with them."""
        return [*self._states, self._rehearsal.after.rows]

    def has_seen_it_made_from(self, rows: Rows) -> bool:
        """Whether the call has been made again where this was stored."""
        return rows in self._called_from

    def judge(self, point: int, left: Aftermath) -> None:
        """What is left is whole, and the call that is made again does what it left undone."""
        self.judge_rows(point, left.rows)
        self._called_from.append(left.rows)
        scene, after = self._rehearsal.scene, self._rehearsal.after.rows
        assert scene.is_broken or not left.problems, point
        assert left.refusal == (scene.again if left.rows == after else ""), point
        assert without_revisions(left.rows_again) == without_revisions(after), point

    def judge_rows(self, point: int, rows: Rows) -> None:
        """All of a transaction is there once it has ended, and nothing before; so is the rest."""
        steps = self._rehearsal.steps
        if point and steps[point - 1].can_be_seen and rows != self._states[-1]:
            self._states.append(rows)
        assert rows == self._states[-1], point

    def conclude(self) -> None:
        """At the last point, all has been done, in as many transactions as are known of."""
        rehearsal = self._rehearsal
        assert self._states[-1] == rehearsal.after.rows
        assert len(self._states) == 1 + rehearsal.scene.changes
        assert bool(rehearsal.before.problems) == rehearsal.scene.is_broken
        assert not rehearsal.after.problems
