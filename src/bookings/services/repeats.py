"""Recognise what was asked for before, by its key or by being nearly the same booking."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connections
from django.utils.translation import gettext_lazy as _

from bookings import clients
from bookings.conf import app_settings
from bookings.exceptions import BookingError, DuplicateBooking, IdempotencyKeyReused
from bookings.models import Booking, BookingEvent
from bookings.services.history import plain
from bookings.transactions import TryAgain, not_unique


def replay(booking: Booking, *, using: str, lock: bool = False) -> Booking | None:
    """The booking that this idempotency key has made already."""
    if booking.idempotency_key is None:
        return None
    bookings = Booking.objects.using(using)
    if lock:
        bookings = bookings.select_for_update()
    key: dict[str, Any] = {
        "tenant_id": booking.tenant_id,
        "idempotency_key": booking.idempotency_key,
    }
    made = bookings.filter(**key).first()
    if made is None:
        return None
    asked = {
        "service": plain(booking.service_id),
        "provider": plain(booking.provider_id),
        "start_at": plain(booking.start_at),
    }
    events = made.events.using(using).filter(event_type=BookingEvent.EventType.CREATED)
    if lock:
        # As the booking: a plain read in a snapshot may be older than either.
        events = events.select_for_update()
    created: dict[str, Any] = next(iter(events.values_list("data", flat=True)), {})
    # The key as well: some collations take "a" and "A" for the same.
    is_same = made.idempotency_key == booking.idempotency_key
    if not is_same or asked != {name: created.get(name) for name in asked}:
        raise _reused()
    return made


def taken(violated: str) -> BookingError:
    """What a new booking hears when another one has what has to be its alone.

    For a key that is a booking which cannot be replayed, because the caller's snapshot is older. It
    is another provider's, or its calendar would have said that the snapshot is too old.
    """
    return _reused() if "idempotency_key" in violated else not_unique(violated)


def _reused() -> IdempotencyKeyReused:
    return IdempotencyKeyReused(
        _("This idempotency key belongs to another booking. Make a new key for a new booking.")
    )


def check_key(booking: Booking, *, using: str) -> None:
    """Guard the key where the database cannot: MySQL has no unique constraint with a condition.

    Two that have stored one key under two calendars' locks wait here for each other, which MySQL
    ends, or the second one finds the first; then the next attempt finds a booking to replay.
    """
    unguarded = booking.tenant_id is None and booking.idempotency_key is not None
    if not unguarded or connections[using].features.supports_partial_indexes:
        return
    same = Booking.objects.using(using).filter(
        tenant_id__isnull=True, idempotency_key=booking.idempotency_key
    )
    if len(same.select_for_update().values_list("pk")[:2]) > 1:
        raise TryAgain("idempotency_key")


def check_duplicate(booking: Booking, *, now: datetime, using: str) -> None:
    """Refuse a second booking of the same client for nearly the same start."""
    minutes = app_settings.DUPLICATE_GUARD_MINUTES
    if minutes <= 0:
        return
    guard = timedelta(minutes=minutes)
    nearby = Booking.objects.using(using).filter(
        provider_id=booking.provider_id,
        service_id=booking.service_id,
        start_at__range=(booking.start_at - guard, booking.start_at + guard),
        status__in=Booking.ACTIVE_STATUSES,
    )
    # The client who comes back to an abandoned checkout is not turned away.
    nearby = nearby.exclude(status=Booking.Status.PENDING, expires_at__lte=now)
    if booking.pk is not None:
        nearby = nearby.exclude(pk=booking.pk)
    nearby = nearby.filter(clients.same_client(booking))
    if nearby.select_for_update().values_list("pk")[:1]:
        raise DuplicateBooking(
            _("A similar booking already exists within the duplicate guard window.")
        )
