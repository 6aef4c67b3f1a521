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
from tests.faults.scenarios import HostRows, Scenario, hold
from tests.services.clock import DAY, HOUR, NOW, START


def repeat(host_rows: HostRows) -> SeriesResult:
    """Three days."""
    return create_series(
        rrule="FREQ=DAILY;COUNT=3",
        timezone="UTC",
        start_at=START,
        service=host_rows.service,
        provider=host_rows.ben,
        client_name="Kim",
        idempotency_key="order-1",
        now_dt=NOW,
    )


def the_second(host_rows: HostRows) -> Occurrence:
    series = repeat(host_rows).series
    return series.occurrences.get(original_start_at=START + DAY)


def stale_hold_in_the_way(host_rows: HostRows) -> None:
    hold(host_rows, until=NOW - HOUR, provider=host_rows.ben, start_at=START + DAY)


ALL: Final = (
    Scenario(
        "create a series, past a stale hold",
        stale_hold_in_the_way,
        lambda host_rows, _: repeat(host_rows),
        makes_several=True,
    ),
    # To the next day, of which each leaves the place to which another goes.
    Scenario(
        "move this and those that follow",
        the_second,
        lambda _, occurrence: reschedule_series(
            occurrence, new_start_at=START + 2 * DAY, scope="following", now_dt=NOW
        ),
    ),
    Scenario(
        "cancel a series",
        the_second,
        lambda _, occurrence: cancel_series(occurrence, scope="all", now_dt=NOW),
    ),
)
