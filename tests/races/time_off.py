"""Racers who take time off, and how many claims of it a race leaves."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any
from unittest.mock import patch

from bookings.contrib.schedule import services
from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.services import time_off
from bookings.models import BusyInterval
from tests.races.entrants import (
    Run,
    handicapped,
    look_and_leap,
    no_lock,
    no_look,
    stored,
)


def take(*, provider: Any, start_at: datetime, end_at: datetime, **values: Any) -> Run:
    """Take time off; its key."""
    given = {"provider": stored("PROVIDER_MODEL", provider), **values}
    return lambda: services.take_time_off(start_at=start_at, end_at=end_at, **given).pk


def move(*, key: Any, **values: Any) -> Run:
    row = TimeOff.objects.get(pk=key)
    return lambda: services.move_time_off(row, **values).pk


def cancel(*, key: Any) -> Run:
    row = TimeOff.objects.get(pk=key)
    return lambda: services.cancel_time_off(row)


def take_naively(**values: Any) -> Run:
    """As ``take``, looking first, with neither lock nor guard."""
    run = handicapped(take(**values), no_lock, no_look, _no_second_look)
    return look_and_leap(run, values["provider"], values["start_at"])


def _no_second_look() -> AbstractContextManager[Any]:
    return patch.object(time_off, "_refuse_conflict", lambda *args, **kwargs: None)


def taken(*, provider: Any, start_at: datetime, end_at: datetime) -> Any:
    """Time off that is there when the race begins; its key."""
    return take(provider=provider, start_at=start_at, end_at=end_at)()


def count() -> dict[str, int]:
    claims = BusyInterval.objects.filter(kind=BusyInterval.Kind.TIME_OFF)
    return {
        "rows": TimeOff.objects.count(),
        "claims": claims.count(),
        "claims of rows": claims.filter(time_off__isnull=False).count(),
    }
