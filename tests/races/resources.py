"""Racers who book with pools and resources."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from bookings import services
from bookings.ledger import resource_claims
from bookings.models import Booking, BookingResource
from bookings.pools import AnyOf
from tests.races.actions import (
    Run,
    check_then_run,
    no_lock,
    no_overlap_check,
    stored,
    without_guards,
)

Spec = Any
"""The key of a provider, or a list of keys of which any one will do."""


def provider_or_pool(spec: Spec, strategy: str = "first") -> Any:
    if not isinstance(spec, list):
        return stored("PROVIDER_MODEL", spec)
    return AnyOf([stored("PROVIDER_MODEL", key) for key in spec], strategy=strategy)


def book(
    *,
    service: Any,
    provider: Spec,
    resources: list[Spec] = (),  # type: ignore[assignment]
    strategy: str = "first",
    **values: Any,
) -> Run:
    """Create a booking; the keys of its provider and of its resources."""
    given = {
        "service": stored("SERVICE_MODEL", service),
        "provider": provider_or_pool(provider, strategy),
        "resources": [provider_or_pool(spec, strategy) for spec in resources],
        "client_name": "Racer",
    } | values

    def run() -> Any:
        booking = services.create_booking(**given)
        return booking.provider_id, sorted(
            booking.resources.values_list("provider_id", flat=True), key=str
        )

    return run


def move(*, booking: Any, new_resources: list[Spec] | None = None, **values: Any) -> Run:
    """Move a booking; the keys of the resources that it has then."""
    row = Booking.objects.get(pk=booking)
    if new_resources is not None:
        values["new_resources"] = [provider_or_pool(spec) for spec in new_resources]

    def run() -> Any:
        services.reschedule_booking(row, **values)
        return list(row.resources.values_list("provider_id", flat=True))

    return run


def make(**values: Any) -> Any:
    """Create a booking before the race; its key."""
    book(**values)()
    return Booking.objects.order_by("-pk").values_list("pk", flat=True)[0]


def chosen() -> list[Any]:
    """The keys of all resources that hold time."""
    held = BookingResource.objects.filter(busy_interval__isnull=False)
    return sorted(held.values_list("provider_id", flat=True), key=str)


def book_naively(**values: Any) -> Run:
    """Look whether the room is free first and book afterwards, with neither lock nor guard."""
    run = without_guards(book(**values), no_calendar_locks, no_overlap_check, no_look)
    return check_then_run(run, values["resources"][0], values["start_at"])


@contextmanager
def no_calendar_locks() -> Iterator[None]:
    from bookings.ledger import locks

    with no_lock():

        def find_all(provider_ids: Any, *, using: str) -> dict[Any, int]:
            return {key: locks.lock_calendar(key, using=using) for key in set(provider_ids)}

        with patch.object(locks, "lock_calendars", find_all):
            yield


@contextmanager
def no_look() -> Iterator[None]:
    with patch.object(resource_claims, "_check_free", lambda *_args: None):
        yield
