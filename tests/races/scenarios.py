"""What is stored when a race begins, and the histories that it leaves."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import Group
from django.db import connection

from bookings import services
from bookings.models import Booking, BookingEvent
from tests.races.actions import stored
from tests.races.race_database import add_providers, set_up

NOW: Final = datetime(2100, 1, 4, 8, 0, tzinfo=UTC)
START: Final = datetime(2100, 1, 4, 9, 0, tzinfo=UTC)
LAST_SECOND: Final = timedelta(seconds=1)


def one_booking(*, expires_at: datetime | None = None, **service: Any) -> dict[str, Any]:
    """A booking from START on, an hour long, made at NOW: its key, its service's and provider's."""
    host = set_up(duration_minutes=60, **service)
    return host | {"booking": add_booking(**host, start_at=START, expires_at=expires_at)}


def many_holds(*, number: int, providers: int, expires_at: datetime | None) -> list[dict[str, Any]]:
    """Holds, dealt to some providers, at different times; what they are made of, and their keys.

    Without ``expires_at`` they are confirmed bookings.
    """
    host = set_up(duration_minutes=60)
    hired = add_providers(number=providers)
    holds = [
        {
            "service": host["service"],
            "provider": hired[turn % providers],
            "start_at": START + timedelta(hours=turn),
        }
        for turn in range(number)
    ]
    return [hold | {"booking": add_booking(**hold, expires_at=expires_at)} for hold in holds]


def placed_orders() -> list[str]:
    """The names of what the hosts wrote beside the bookings; they are gone afterwards."""
    placed = list(Group.objects.values_list("name", flat=True))
    Group.objects.all().delete()
    return placed


def add_booking(*, service: Any, provider: Any, **values: Any) -> Any:
    return services.create_booking(
        service=stored("SERVICE_MODEL", service),
        provider=stored("PROVIDER_MODEL", provider),
        client_name="Was here before",
        now_dt=NOW,
        **values,
    ).pk


def stories() -> dict[Any, list[str]]:
    """The types of every booking's events, in their order."""
    told = defaultdict(list)
    for booking, event in BookingEvent.objects.order_by("pk").values_list("booking", "event_type"):
        told[booking].append(event)
    return dict(told)


def delivered(*, now_dt: datetime, **service: Any) -> dict[str, Any]:
    """As ``one_booking``, and its provider has delivered it."""
    scene = one_booking(**service)
    services.deliver_booking(Booking.objects.get(pk=scene["booking"]), now_dt=now_dt)
    return scene


def cancelled(**service: Any) -> dict[str, Any]:
    """As ``one_booking``, and it is cancelled."""
    scene = one_booking(**service)
    booking = Booking.objects.get(pk=scene["booking"])
    services.cancel_booking(booking, override_policy=True)
    return scene


def metadata(*, booking: Any) -> dict[str, Any]:
    return Booking.objects.get(pk=booking).metadata


def keys() -> dict[str, int]:
    """How many bookings have been made with each idempotency key."""
    return Counter(Booking.objects.values_list("idempotency_key", flat=True))


def drop_key_guard() -> None:
    """Let any number of bookings have one idempotency key, as MySQL does."""
    if connection.features.supports_partial_indexes:
        with connection.schema_editor() as editor:
            editor.remove_constraint(Booking, _key_guard())


def restore_key_guard() -> None:
    set_up()
    if connection.features.supports_partial_indexes:
        with connection.schema_editor() as editor:
            editor.add_constraint(Booking, _key_guard())


def _key_guard() -> Any:
    (guard,) = [
        item for item in Booking._meta.constraints if item.name == "bookings_idempotency_key"
    ]
    return guard
