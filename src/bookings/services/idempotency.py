"""Idempotency keys: a repeated call returns the booking that the first call made.

The CREATED event of a booking with a key keeps a digest of the request, so that the same key with
another request is refused instead of answered with somebody else's booking.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from django.db import connections
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import BookingError, IdempotencyKeyReused
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import RetryTransaction, not_unique_error
from bookings.models import Booking, BookingEvent
from bookings.models.lifecycle import has_expired
from bookings.pools import AnyOf
from bookings.services.addons import key_text
from bookings.services.booking_change import has_lapsed
from bookings.services.history import to_json

KEY_CONSTRAINTS: Final = {"bookings_idempotency_key", "bookings_idempotency_key_tenant"}

REQUEST_FIELDS: Final = (
    "party_size",
    "client_name",
    "client_email",
    "client_phone",
    "client_user_id",
    "created_by_id",
    "notes_client",
    "notes_internal",
    "metadata",
)
"""What a caller asks for, apart from the time and the add-ons."""

LATER_FIELDS: Final = ("answers", "location", "meeting_link", "client_timezone")
"""What a caller may ask for besides."""

CLOCK_TOLERANCE: Final = timedelta(seconds=1)


def digest(request: Mapping[str, Any]) -> str:
    """Return a digest of a request; empty if JSON cannot hold it, so that no other one equals it.

    Such a request is refused as invalid, unless it is refused before, for the key of another one.
    """
    try:
        canonical = json.dumps(request, sort_keys=True, default=to_json)
    except (TypeError, ValueError, RecursionError):
        return ""
    return sha256(canonical.encode()).hexdigest()


def request_data(
    booking: Booking, addon_ids: list[Any], *, session_key: Any = None
) -> dict[str, Any]:
    """Return what the CREATED event keeps of the request for a draft; nothing without a key.

    A request for a session's seats names the session, whose time may change.
    """
    if booking.idempotency_key is None:
        return {}
    time: dict[str, Any] = {"session": session_key}
    if session_key is None:
        time = {name: getattr(booking, name) for name in ("service_id", "start_at")}
        pool = booking.requested_provider
        time["provider_id"] = booking.provider_id if pool is None else _pool_data(pool)
    request = {name: getattr(booking, name) for name in REQUEST_FIELDS}
    request |= {name: to_json(value) for name, value in time.items()}
    # Without them, the digest is that of a request before there were such fields.
    request |= {name: value for name in LATER_FIELDS if (value := getattr(booking, name))}
    if booking.requested_minutes is not None:
        request["duration_minutes"] = booking.requested_minutes
    if booking.requested_days is not None:
        request["duration_days"] = booking.requested_days
    request["addon_ids"] = sorted(map(key_text, addon_ids))
    if booking.requested_resources:
        request["resources"] = resource_keys(booking.requested_resources)
    return {"request": digest(request), "expires_at": to_json(booking.expires_at)}


def resource_keys(resources: Iterable[Any] | None) -> list[str]:
    """Return what tells the resources of one request from those of another one."""
    return sorted(
        json.dumps(_pool_data(spec) if isinstance(spec, AnyOf) else to_json(spec))
        for spec in resources or ()
    )


def _pool_data(pool: AnyOf) -> dict[str, Any]:
    """Return what tells a pool from another one; the order of its providers does not."""
    keys = sorted(str(to_json(provider)) for provider in pool)
    return {"any_of": keys, "strategy": str(pool.strategy)}


def find_replay(
    booking: Booking, request: dict[str, Any], *, now: datetime, using: str, lock: bool = False
) -> Booking | None:
    """Return the stored booking with the idempotency key of this draft, or ``None``.

    ``request`` is the draft's :func:`request_data`. A hold or request that has expired gives its
    key to the same request again. Raises ``IdempotencyKeyReused`` if the key belongs to another
    request. ``lock`` reads the booking as it is now, under the calendar's lock.
    """
    if booking.idempotency_key is None:
        return None
    bookings = Booking.objects.using(using)
    if lock:
        bookings = fresh(bookings)
    key: dict[str, Any] = {
        "tenant_id": booking.tenant_id,
        "idempotency_key": booking.idempotency_key,
    }
    stored = bookings.filter(**key).first()
    if stored is None:
        return None
    events = BookingEvent.objects.using(using).filter(
        booking=stored, event_type=BookingEvent.EventType.CREATED
    )
    if lock:
        events = fresh(events)
    created = events.first()
    if created is None or not _is_same_request(booking, request, created, now):
        raise _key_reused()
    if not is_answer(stored, now):
        if lock:
            Booking._base_manager.using(using).filter(pk=stored.pk).update(idempotency_key=None)
        return None
    return stored


def is_answer(stored: Booking, now: datetime) -> bool:
    """Return whether a repeated request is answered with this booking: unless it has expired."""
    return not has_lapsed(stored, now) and not has_expired(stored)


def _is_same_request(
    booking: Booking, request: dict[str, Any], created: BookingEvent, now: datetime
) -> bool:
    stored: dict[str, Any] = created.data
    if not request["request"] or stored.get("request") != request["request"]:
        return False
    if stored["expires_at"] == request["expires_at"]:
        return True
    if stored["expires_at"] is None or booking.expires_at is None:
        return False
    # A hold is counted from each call, and ends at its start at the latest.
    first = datetime.fromisoformat(stored["expires_at"])
    of_same_length = first + (now - created.created_at)
    if booking.expires_at == booking.start_at:
        return booking.expires_at <= of_same_length
    return abs(booking.expires_at - of_same_length) < CLOCK_TOLERANCE


def key_reused_error(constraint: str) -> BookingError:
    """Return the error for a violated unique constraint that retries could not resolve.

    If it is the one of the key, the other booking is another provider's, and is invisible in the
    snapshot of the caller's transaction. (For the same provider, the calendar's lock would have
    found the snapshot too old.)
    """
    return _key_reused() if constraint in KEY_CONSTRAINTS else not_unique_error(constraint)


def _key_reused() -> IdempotencyKeyReused:
    return IdempotencyKeyReused(
        _("This idempotency key belongs to another booking. Make a new key for a new booking.")
    )


def check_key_is_unique(booking: Booking, *, using: str) -> None:
    """Retry the transaction if another booking has the key, where no constraint ensures it.

    MySQL has no unique constraint with a condition. Two transactions that store the same key under
    the locks of two calendars wait for each other here, and MySQL ends the deadlock, or the second
    one finds the booking of the first. The next attempt then finds the stored booking.
    """
    check_keys_are_unique([booking], using=using)


def check_keys_are_unique(bookings: Iterable[Booking], *, using: str) -> None:
    """Check the keys of several bookings as :func:`check_key_is_unique` does for one."""
    keys = [
        booking.idempotency_key
        for booking in bookings
        if booking.tenant_id is None and booking.idempotency_key is not None
    ]
    if not keys or connections[using].features.supports_partial_indexes:
        return
    same = Booking.objects.using(using).filter(tenant_id__isnull=True, idempotency_key__in=keys)
    if len(same.select_for_update().values_list("pk")[: len(keys) + 1]) > len(keys):
        raise RetryTransaction("bookings_idempotency_key")
