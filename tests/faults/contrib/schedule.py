"""Providers take time off, at other times, and not at all."""

from __future__ import annotations

from typing import Final

from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.services import cancel_time_off, move_time_off, take_time_off
from tests.faults.scenes import Scene, Stage, stale_hold
from tests.services.clock import DAY, HOUR, NOW, START


def take(stage: Stage) -> TimeOff:
    """A day."""
    return take_time_off(
        provider=stage.ana, start_at=START, end_at=START + DAY, reason="Ill", now_dt=NOW
    )


ALL: Final = (
    Scene(
        "take time off, past a stale hold",
        stale_hold,
        lambda stage, _: take(stage),
        again="TimeOffConflict",
        changes=2,
    ),
    Scene(
        "move time off",
        take,
        lambda _, time_off: move_time_off(
            time_off, start_at=START + HOUR, end_at=START + 2 * DAY, now_dt=NOW
        ),
    ),
    Scene("cancel time off", take, lambda _, time_off: cancel_time_off(time_off)),
)
