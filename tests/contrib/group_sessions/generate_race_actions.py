"""Racing processes that generate sessions in the same hours, and what is stored afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from unittest.mock import patch

from django.db import connection

from bookings.contrib.group_sessions import generated_sessions, services
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.schedule.services import create_schedule
from bookings.ledger import bulk
from bookings.models import BusyInterval
from tests.races import race_database
from tests.races.actions import no_lock, stored, without_guards
from tests.races.scenarios import NOW

Run = Callable[[], Any]
DAYS: Final = 3
SLOTS: Final = 8 * DAYS


def set_up(*, providers: int = 1) -> dict[str, Any]:
    """Eight hours a day for everybody; the service, and who is there."""
    host = race_database.set_up(duration_minutes=60)
    hired = race_database.add_providers(number=providers - 1, are_known=False)
    create_schedule(timezone="UTC", hours={day: [("09:00", "17:00")] for day in range(7)})
    return {"service": host["service"], "providers": [host["provider"], *hired]}


def generate(*, service: Any, providers: list[Any], **values: Any) -> Run:
    """Fill three days of each; how many sessions were made, were there, and could not be made."""
    first = NOW.date() + timedelta(1)
    sold = stored("SERVICE_MODEL", service)
    hired = [stored("PROVIDER_MODEL", key) for key in providers]

    def fill(provider: Any) -> services.Generated:
        return services.generate_sessions(
            provider=provider,
            service=sold,
            start_date=first,
            end_date=first + timedelta(DAYS - 1),
            slot_duration_minutes=60,
            capacity=3,
            now_dt=NOW,
            **values,
        )

    def fill_all() -> Any:
        filled = [fill(provider) for provider in hired]
        return (
            sum(one.created for one in filled),
            sum(one.existing for one in filled),
            sum(len(one.conflicts) for one in filled),
        )

    return fill_all


def generate_in_small_chunks(**values: Any) -> Run:
    run = generate(**values)

    def fill() -> Any:
        with patch.object(generated_sessions, "CHUNK_SIZE", 5):
            return run()

    return fill


def generate_and_move_one_away(*, number: int, **values: Any) -> Run:
    """Of the first day's sessions this one goes to the night before, if it is seen at all."""
    fill = generate_in_small_chunks(**values)
    start_at = datetime.combine(NOW.date() + timedelta(1), time(9 + number), UTC)

    def fill_and_move() -> Any:
        said = fill()
        session = Session.objects.filter(start_at=start_at).first()
        if session is not None:
            services.update_session(session, start_at=start_at - timedelta(hours=9), now_dt=NOW)
        return said

    return fill_and_move


def generate_by_what_was_read(**values: Any) -> Run:
    """As somebody who has looked before the others wrote, and takes no lock."""

    def fill() -> Any:
        with (
            patch.object(
                generated_sessions.SessionGenerator, "_existing_slots", lambda *args: set()
            ),
            patch.object(bulk, "partition_free", lambda calendar, claims, *, using: (claims, [])),
        ):
            return run()

    run = without_guards(generate(**values), no_lock)
    return fill


def situation() -> dict[str, int]:
    """How many sessions there are, at how many starts, and in how much time of the ledger."""
    starts = Counter(Session.objects.values_list("provider", "start_at"))
    claims = BusyInterval.objects.filter(kind=BusyInterval.Kind.SESSION)
    return {
        "sessions": starts.total(),
        "starts": len(starts),
        "claims": claims.count(),
        "all claims": BusyInterval.objects.count(),
    }


def keys_are_returned() -> bool:
    """Whether the database returns the keys of many rows that are inserted at once."""
    return connection.features.can_return_rows_from_bulk_insert
