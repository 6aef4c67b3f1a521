"""Series are made, moved and cancelled, whole or from one of their starts on."""

from __future__ import annotations

from typing import Final

from bookings.contrib.series.models import Occurrence
from bookings.contrib.series.services import (
    SeriesResult,
    cancel_series,
    create_series,
    reschedule_series,
)
from tests.faults.scenes import Scene, Stage, hold
from tests.services.clock import DAY, HOUR, NOW, START


def repeat(stage: Stage) -> SeriesResult:
    """Three days."""
    return create_series(
        rrule="FREQ=DAILY;COUNT=3",
        timezone="UTC",
        start_at=START,
        service=stage.service,
        provider=stage.ben,
        client_name="Kim",
        idempotency_key="order-1",
        now_dt=NOW,
    )


def the_second(stage: Stage) -> Occurrence:
    series = repeat(stage).series
    return series.occurrences.get(original_start_at=START + DAY)


def stale_hold_in_the_way(stage: Stage) -> None:
    hold(stage, until=NOW - HOUR, provider=stage.ben, start_at=START + DAY)


ALL: Final = (
    Scene(
        "create a series, past a stale hold",
        stale_hold_in_the_way,
        lambda stage, _: repeat(stage),
        makes_several=True,
    ),
    # To the next day, of which each leaves the place to which another goes.
    Scene(
        "move this and those that follow",
        the_second,
        lambda _, occurrence: reschedule_series(
            occurrence, new_start_at=START + 2 * DAY, scope="following", now_dt=NOW
        ),
    ),
    Scene(
        "cancel a series",
        the_second,
        lambda _, occurrence: cancel_series(occurrence, scope="all", now_dt=NOW),
    ),
)
