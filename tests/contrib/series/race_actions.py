"""What racing processes do with series, and what is stored before and after a race."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from bookings.contrib.series import services
from bookings.contrib.series.models import Occurrence, Series
from bookings.models import Booking
from tests.races import race_database
from tests.races.actions import stored
from tests.races.scenarios import NOW, START

Run = Callable[[], Any]
STARTS: Final = 4


def repeat(*, service: Any, provider: Any, **values: Any) -> Run:
    """Make a series of four days; how many bookings it has."""
    given = {
        "service": stored("SERVICE_MODEL", service),
        "provider": stored("PROVIDER_MODEL", provider),
        "rrule": f"FREQ=DAILY;COUNT={STARTS}",
        "timezone": "UTC",
        "start_at": START,
        "client_name": "Racer",
        "now_dt": NOW,
    } | values
    return lambda: len(services.create_series(**given).bookings)


def move(*, occurrence: Any, new_start_at: datetime, scope: str) -> Run:
    row = Occurrence.objects.get(pk=occurrence)
    return lambda: (
        len(
            services.reschedule_series(
                row, new_start_at=new_start_at, scope=scope, now_dt=NOW
            ).bookings
        )
        and "moved"
    )


def cancel(*, occurrence: Any, scope: str) -> Run:
    row = Occurrence.objects.get(pk=occurrence)
    return lambda: services.cancel_series(row, scope=scope, now_dt=NOW) and "cancelled"


# Before and after the race


def nothing() -> dict[str, Any]:
    """A service and a provider who has not been booked yet."""
    return race_database.set_up(duration_minutes=60)


def one_series() -> list[Any]:
    """Its occurrences."""
    repeat(**nothing())()
    return list(Occurrence.objects.values_list("pk", flat=True))


def outcome() -> dict[str, Any]:
    return {
        "series": Series.objects.count(),
        "bookings": Booking.objects.active().count(),
        "following": all(
            set(series.recurrence().starts())
            == set(series.occurrences.values_list("original_start_at", flat=True))
            for series in Series.objects.all()
        ),
        "starts": sorted(Booking.objects.active().values_list("start_at", flat=True)),
    }
