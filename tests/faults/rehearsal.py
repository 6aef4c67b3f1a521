"""A call undisturbed, which is what the disturbed ones are judged by."""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults import acts
from tests.faults.acts import Aftermath, Found, without_revisions
from tests.faults.cradle import Cradle
from tests.faults.scenes import Scene, Stage
from tests.faults.steps import Step


@dataclass(frozen=True)
class Rehearsal:
    """The steps that a scene's call takes, and what is stored before and after it."""

    scene: Scene
    reference: str | None
    before: Found
    steps: list[Step]
    after: Found

    @classmethod
    def of(cls, scene: Scene, cradle: Cradle, stage: Stage) -> Rehearsal:
        booking = cradle.run(acts.set_scene, stage, scene.name)
        return cls(
            scene,
            None if booking is None else booking.reference,
            cradle.run(acts.look, stage),
            cradle.run(acts.make_the_call, stage, scene.name),
            cradle.run(acts.look, stage),
        )


class Judge:
    """Judges what is left of one call that was disturbed at one point after the other."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self._states = [rehearsal.before.rows]

    def judge(self, point: int, left: Aftermath) -> None:
        """All of a transaction is there once it has ended, and nothing before; so is the rest."""
        scene, steps, after = (
            self._rehearsal.scene,
            self._rehearsal.steps,
            self._rehearsal.after.rows,
        )
        if point and steps[point - 1].can_be_seen and left.rows != self._states[-1]:
            self._states.append(left.rows)
        assert left.rows == self._states[-1], point
        assert scene.is_broken or not left.problems, point
        assert left.refusal == (scene.again if left.rows == after else ""), point
        assert without_revisions(left.rows_again) == without_revisions(after), point

    def conclude(self) -> None:
        """At the last point, all has been done, in as many transactions as are known of."""
        assert self._states[-1] == self._rehearsal.after.rows
        assert len(self._states) == 1 + self._rehearsal.scene.changes
