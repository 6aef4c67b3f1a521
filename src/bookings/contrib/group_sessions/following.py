"""What follows in a session from what happens to its bookings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from bookings import clients
from bookings.contrib.group_sessions import signals
from bookings.contrib.group_sessions.locking import rows
from bookings.contrib.group_sessions.models import Seat, WaitlistEntry
from bookings.contrib.group_sessions.occasion import check_not_booked, wait_no_more
from bookings.contrib.group_sessions.seating import settle
from bookings.models import Booking, BookingEvent

WITHOUT_CONSEQUENCE: Final = {BookingEvent.EventType.NOTE_ADDED}
FREES_NO_SEAT: Final = {BookingEvent.EventType.CONFIRMED}


def follow_bookings(
    booking_ids: Sequence[Any], event_type: str, *, using: str, now: datetime
) -> None:
    """What :mod:`bookings.consequences` calls with every change of a booking."""
    if event_type in WITHOUT_CONSEQUENCE:
        return
    # A locking read, for a snapshot may be older; the bookings are locked already.
    seats = list(
        Seat.objects.using(using)
        .select_for_update()
        .filter(booking__in=booking_ids)
        .select_related("booking")
        .order_by("pk")
    )
    if not seats:
        return
    _keep_keys(seats, using=using, now=now)
    _keep_offers([seat.booking for seat in seats], using=using)
    if event_type not in FREES_NO_SEAT:
        settle({seat.session_id for seat in seats}, using=using, now=now)


def follow_deletions(interval_ids: Sequence[int], *, using: str) -> None:
    """What is called when bookings are deleted, by the time they held."""
    found = rows(using).filter(busy_interval__in=interval_ids)
    keys = list(found.select_for_update().values_list("pk", flat=True))
    if keys:
        offers = _offers(using).filter(session__in=keys, booking__isnull=True)
        _end(offers, WaitlistEntry.Status.LEFT, using)
        settle(keys, using=using, now=timezone.now())


def _keep_keys(seats: Iterable[Seat], *, using: str, now: datetime) -> None:
    """A client is known by an active booking alone, and by what that says now."""
    unknown = []
    for seat in seats:
        key = clients.key(seat.booking) if seat.booking.holds_time else None
        if key is None:
            unknown.append(seat.pk)
        elif key != seat.client_key:
            check_not_booked(seat.session, key, now=now, using=using)
            Seat.objects.using(using).filter(pk=seat.pk).update(client_key=key)
            wait_no_more(seat.session_id, key, seat.booking_id, using=using)
    if unknown:
        Seat.objects.using(using).filter(pk__in=unknown).update(client_key=None)


def _keep_offers(bookings: Iterable[Booking], *, using: str) -> None:
    """An offer becomes what its booking became."""
    became: dict[str, list[Any]] = defaultdict(list)
    for booking in bookings:
        if booking.status == Booking.Status.PENDING:
            continue
        if booking.holds_time:
            became[WaitlistEntry.Status.ACCEPTED].append(booking.pk)
        elif booking.auto_cancelled:
            became[WaitlistEntry.Status.EXPIRED].append(booking.pk)
        else:
            became[WaitlistEntry.Status.LEFT].append(booking.pk)
    for status, keys in became.items():
        _end(_offers(using).filter(booking__in=keys), status, using)


def take_offer(booking_id: Any, *, using: str) -> None:
    """Who moves the seats that were offered has taken the offer."""
    _end(_offers(using).filter(booking=booking_id), WaitlistEntry.Status.ACCEPTED, using)


def _offers(using: str) -> Any:
    return WaitlistEntry.objects.using(using).filter(status=WaitlistEntry.Status.OFFERED)


def end_waiting(session_id: Any, *, using: str) -> None:
    """Nobody waits any more for a session that does not come."""
    entries = WaitlistEntry.objects.using(using).filter(session_id=session_id)
    open_ones = entries.filter(
        status__in=[WaitlistEntry.Status.WAITING, WaitlistEntry.Status.OFFERED]
    )
    _end(open_ones, WaitlistEntry.Status.EXPIRED, using)


def _end(entries: Any, status: str, using: str) -> None:
    ended = list(entries.select_for_update())
    if not ended:
        return
    WaitlistEntry.objects.using(using).filter(pk__in=[entry.pk for entry in ended]).update(
        status=status, client_key=None
    )
    for entry in ended:
        entry.status, entry.client_key = status, None
        if status != WaitlistEntry.Status.ACCEPTED:
            signals.announce(signals.waitlist_left, WaitlistEntry, using=using, entry=entry)
