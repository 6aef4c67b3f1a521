"""Update seats, waitlists and sessions when bookings change or are deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from bookings.contrib.group_sessions import waitlist, waitlist_retry
from bookings.contrib.group_sessions.locked_session import unguarded_sessions
from bookings.contrib.group_sessions.models import Seat
from bookings.contrib.group_sessions.session_reconciliation import reconcile_sessions
from bookings.contrib.group_sessions.session_seats import (
    check_client_not_booked,
    has_named_seats,
    seat_key,
)
from bookings.ledger.locked import fresh
from bookings.models import Booking, BookingEvent, client_identity

IGNORED_EVENTS: Final = {BookingEvent.EventType.NOTE_ADDED}
EVENTS_WITH_CLIENT: Final = {BookingEvent.EventType.UPDATED, BookingEvent.EventType.CONFIRMED}
EVENTS_THAT_FREE_NO_SEATS: Final = {BookingEvent.EventType.CONFIRMED}


def after_booking_event(
    booking_ids: Sequence[Any], event_type: str, *, using: str, now: datetime
) -> None:
    """Update the seats of these bookings and their sessions; the bookings are locked."""
    if event_type in IGNORED_EVENTS:
        return
    by_booking = Seat.objects.using(using).filter(booking__in=booking_ids)
    seats = list(fresh(by_booking).select_related("booking").order_by("pk"))
    session_ids = {seat.session_id for seat in seats}
    if event_type not in EVENTS_THAT_FREE_NO_SEATS:
        waitlist_retry.retry_on_commit(
            booking_ids, tried_session_ids=session_ids, using=using, now=now
        )
    if not seats:
        return
    with_new_client = _bookings_with_new_client(booking_ids, event_type, using=using, now=now)
    _update_clients(seats, with_new_client, using=using, now=now)
    waitlist.end_offers([seat.booking for seat in seats], using=using)
    if event_type not in EVENTS_THAT_FREE_NO_SEATS:
        reconcile_sessions(session_ids, using=using, now=now)


def after_booking_deletion(interval_ids: Sequence[int], *, using: str) -> None:
    """Update the sessions whose time the deleted bookings held.

    A deleted booking, which leaves no event, may have been in the way of any entry that was
    refused.
    """
    waitlist_retry.retry_all_on_commit(using=using)
    sessions = unguarded_sessions(using).filter(busy_interval__in=interval_ids)
    session_ids = list(fresh(sessions).values_list("pk", flat=True))
    if session_ids:
        waitlist.end_offers_without_booking(session_ids, using=using)
        reconcile_sessions(session_ids, using=using, now=timezone.now())


def _bookings_with_new_client(
    booking_ids: Sequence[Any], event_type: str, *, using: str, now: datetime
) -> set[Any]:
    """Return the keys of the bookings for which this event recorded other details of the client."""
    if event_type not in EVENTS_WITH_CLIENT:
        return set()
    events = BookingEvent.objects.using(using).filter(
        booking__in=booking_ids, event_type=event_type, created_at=now
    )
    return {
        key
        for key, data in events.values_list("booking_id", "data")
        if any(f"new_{name}" in data for name in client_identity.CLIENT_FIELDS)
    }


def _update_clients(
    seats: Iterable[Seat], with_new_client: Collection[Any], *, using: str, now: datetime
) -> None:
    """Keep a seat's client key equal to its booking's client, and null if that is not active."""
    without_key = []
    _load_services([seat.booking for seat in seats if seat.booking.holds_time], using)
    for seat in seats:
        key = seat_key(seat.booking)
        if key is None:
            without_key.append(seat.pk)
        elif key != seat.client_key or seat.booking_id in with_new_client:
            named = has_named_seats(seat.booking.service)
            check_client_not_booked(seat.session, seat.booking, named=named, now=now, using=using)
            Seat.objects.using(using).filter(pk=seat.pk).update(client_key=key)
            waitlist.accept_entries(seat.session_id, seat.booking, named=named, using=using)
    if without_key:
        Seat.objects.using(using).filter(pk__in=without_key).update(client_key=None)


def _load_services(bookings: Sequence[Booking], using: str) -> None:
    """Read the services with one query, and without the router."""
    keys = {booking.service_id for booking in bookings}
    model = Booking._meta.get_field("service").remote_field.model
    services = model._base_manager.using(using).in_bulk(keys)
    for booking in bookings:
        booking.service = services[booking.service_id]
