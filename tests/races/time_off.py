"""Racers who take time off, and how many claims of it a race leaves."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any
from unittest.mock import patch

from bookings.contrib.schedule import services
from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.time_off_intervals import SharedIntervals
from bookings.models import Booking, BusyInterval
from tests.races.actions import (
    Run,
    check_then_run,
    no_lock,
    no_overlap_check,
    stored,
    without_guards,
)


def take(*, provider: Any, start_at: datetime, end_at: datetime, **values: Any) -> Run:
    """Take time off; its key."""
    given = {"provider": stored("PROVIDER_MODEL", provider), **values}
    return lambda: services.take_time_off(start_at=start_at, end_at=end_at, **given).pk


def give_away(*, key: Any, colleague: Any, **values: Any) -> Run:
    """Take time off over a booking, and give that to a colleague."""
    booking = Booking.objects.get(pk=key)
    change = services.MoveBooking(booking=booking, provider=stored("PROVIDER_MODEL", colleague))
    return take(provider=booking.provider_id, changes=[change], **values)


def move(*, key: Any, **values: Any) -> Run:
    row = TimeOff.objects.get(pk=key)
    return lambda: services.move_time_off(row, **values).pk


def cancel(*, key: Any) -> Run:
    row = TimeOff.objects.get(pk=key)
    return lambda: services.cancel_time_off(row)


def take_naively(**values: Any) -> Run:
    """As ``take``, looking first, with neither lock nor guard."""
    run = without_guards(take(**values), no_lock, no_overlap_check, _no_second_look)
    return check_then_run(run, values["provider"], values["start_at"])


def _no_second_look() -> AbstractContextManager[Any]:
    return patch.object(SharedIntervals, "_intervals_within", lambda *args: [])


def taken(*, provider: Any, start_at: datetime, end_at: datetime) -> Any:
    """Time off that is there when the race begins; its key."""
    return take(provider=provider, start_at=start_at, end_at=end_at)()


def taken_in_a_row(*, provider: Any, hours: list[tuple[datetime, datetime]]) -> list[Any]:
    """Several of them; their keys."""
    return [taken(provider=provider, start_at=start, end_at=end) for start, end in hours]


def count() -> dict[str, int]:
    claims = BusyInterval.objects.filter(kind=BusyInterval.Kind.TIME_OFF)
    return {
        "rows": TimeOff.objects.count(),
        "claims": claims.count(),
        "claims of rows": claims.filter(time_off__isnull=False).distinct().count(),
    }
