"""Providers take time off, at other times, and not at all."""

from __future__ import annotations

from typing import Final

from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.services import cancel_time_off, move_time_off, take_time_off
from tests.faults.scenarios import HostRows, Scenario, stale_hold
from tests.services.clock import DAY, HOUR, NOW, START


def take(host_rows: HostRows) -> TimeOff:
    """A day."""
    return take_time_off(
        provider=host_rows.ana, start_at=START, end_at=START + DAY, reason="Ill", now_dt=NOW
    )


ALL: Final = (
    Scenario(
        "take time off, past a stale hold",
        stale_hold,
        lambda host_rows, _: take(host_rows),
        changes=2,
    ),
    Scenario(
        "move time off",
        take,
        lambda _, time_off: move_time_off(
            time_off, start_at=START + HOUR, end_at=START + 2 * DAY, now_dt=NOW
        ),
    ),
    Scenario("cancel time off", take, lambda _, time_off: cancel_time_off(time_off)),
)
