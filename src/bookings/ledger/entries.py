"""Write busy intervals: add a claim, move it, release it.

Every function runs inside a transaction whose first statement has locked the calendar; see
:mod:`bookings.ledger.locks`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connections
from django.db.models import F
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bookings.exceptions import CapacityExceeded, NotAllowed
from bookings.ledger import segments
from bookings.ledger.bulk import KINDS_OF_BOOKINGS
from bookings.ledger.claims import Claim, too_few_seats_error
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import conflict_error
from bookings.models import Booking, BookingResource, BusyInterval
from bookings.models.querysets import IS_COMPARED, overlapping
from bookings.rules import instants

Kind = BusyInterval.Kind


def add(calendar_id: int, claim: Claim, *, using: str) -> int:
    """Store a claim and return the key of its busy interval.

    A claim of seats joins the interval that is there. Raises ``BookingConflict`` if the time is
    taken (by the constraint of the database, or on MySQL by a locking read) and
    ``CapacityExceeded`` if too few seats are left.
    """
    if claim.interval_id is not None:
        return _join_session(claim.interval_id, claim.seats, using)
    if claim.shared and (existing := _same_slot(calendar_id, claim, using)):
        return _join_shared(existing, claim, using)
    if claim.is_concurrent:
        segments.take(calendar_id, claim, using=using)
    else:
        _check_overlap(calendar_id, claim, using)
    interval = claim.interval(calendar_id=calendar_id)
    interval.save(using=using, force_insert=True)
    return interval.pk


def move(
    interval_id: int | None, held_seats: int, calendar_id: int, claim: Claim, *, using: str
) -> int:
    """Move a claim of ``held_seats`` seats; return the key of the interval that holds it then.

    If that is another interval, the caller releases the old one, after it has written the row that
    refers to it.
    """
    if interval_id is None or claim.interval_id is not None:
        return add(calendar_id, claim, using=using)
    interval = _fresh_interval(interval_id, using)
    if interval is None:
        return add(calendar_id, claim, using=using)
    if interval.kind == BusyInterval.Kind.SESSION:
        if not _is_same_slot(interval, calendar_id, claim):
            raise in_session_error()
        return _join_session(interval_id, claim.seats - held_seats, using)
    if claim.shared:
        other = _same_slot(calendar_id, claim, using)
        if other is not None and other.pk != interval_id:
            return _join_shared(other, claim, using)
    is_concurrent = Kind.CONCURRENT in (interval.kind, claim.kind)
    is_same_slot = _is_same_slot(interval, calendar_id, claim) and interval.kind == claim.kind
    if interval.seats_taken > held_seats and not is_same_slot:
        return add(calendar_id, claim, using=using)
    if is_concurrent:
        return _move_concurrent(interval, calendar_id, claim, using)
    _check_overlap(calendar_id, claim, using, ignored_id=interval_id)
    interval.calendar_id = calendar_id
    interval.starts, interval.ends = claim.starts, claim.ends
    interval.service_id, interval.lapses = claim.service_id, claim.lapses
    interval.seats_taken += claim.seats - held_seats
    interval.capacity = max(claim.capacity, interval.capacity if claim.shared else 0)
    if interval.seats_taken > interval.capacity:
        raise too_few_seats_error(
            interval.capacity - interval.seats_taken + claim.seats, claim.seats
        )
    interval.save(using=using, force_update=True)
    return interval_id


def _move_concurrent(interval: BusyInterval, calendar_id: int, claim: Claim, using: str) -> int:
    """Move the claim of one booking that is concurrent, or is to be; return its key.

    The kind of the interval changes with the mode of the service.
    """
    if claim.is_concurrent and interval.kind == Kind.CONCURRENT:
        segments.move(interval, calendar_id, claim, using=using)
    elif claim.is_concurrent:
        # From now on it is compared with no segment, and not in the way of its own ones.
        interval.kind = Kind.CONCURRENT
        interval.save(using=using, update_fields=["kind"])
        segments.take(calendar_id, claim, using=using)
    else:
        segments.give_back(interval, interval.seats_taken, using=using)
        _check_overlap(calendar_id, claim, using, ignored_id=interval.pk)
    moved = claim.interval(pk=interval.pk, calendar_id=calendar_id)
    moved.save(using=using, force_update=True)
    return interval.pk


def resize(interval_id: int, calendar_id: int, claim: Claim, *, using: str) -> None:
    """Give the interval of a session other bounds or another capacity; its seats stay taken.

    The caller moves the bookings in the same transaction. Raises ``CapacityExceeded`` (code
    ``seats_taken``) if more seats are taken than the new capacity.
    """
    _check_overlap(calendar_id, claim, using, ignored_id=interval_id)
    intervals = BusyInterval.objects.using(using).filter(pk=interval_id)
    fits = intervals.filter(seats_taken__lte=claim.capacity)
    if not fits.update(
        calendar_id=calendar_id,
        starts=claim.starts,
        ends=claim.ends,
        service_id=claim.service_id,
        capacity=claim.capacity,
    ):
        raise seats_taken_error(claim.capacity)


def seats_taken_error(capacity: int) -> CapacityExceeded:
    return CapacityExceeded(
        ngettext_lazy(
            "More than %(capacity)d seat is taken. Keep as many, or cancel bookings first.",
            "More than %(capacity)d seats are taken. Keep as many, or cancel bookings first.",
            "capacity",
        ),
        "seats_taken",
        {"capacity": capacity},
        remaining=0,
    )


def is_session(interval_id: int, *, using: str) -> bool:
    """Return whether the interval is a session's."""
    interval = _fresh_interval(interval_id, using)
    return interval is not None and interval.kind == BusyInterval.Kind.SESSION


def in_session_error() -> NotAllowed:
    return NotAllowed(
        _("This booking is a seat in a session. Move it to another session, or cancel it."),
        "in_session",
    )


def update_lapse(booking: Booking, *, using: str) -> None:
    """Let the claims of a hold lapse when its booking expires now, or never."""
    interval_ids: list[Any] = [booking.busy_interval_id]
    if booking.resource_count:
        resources = BookingResource.objects.using(using).filter(booking=booking)
        interval_ids += fresh(resources).values_list("busy_interval_id", flat=True)
    intervals = BusyInterval.objects.using(using).filter(pk__in=interval_ids)
    until = booking.expires_at
    # A shared interval does not lapse with one of its holds.
    intervals.filter(lapses__isnull=False).update(
        lapses=None if until is None else instants.ceil_second(until)
    )


def release(interval_id: int, seats: int, *, using: str) -> None:
    """Release seats of an interval, and delete it if no other seat is taken.

    The booking that held the seats must not refer to the interval any more.
    """
    intervals = BusyInterval.objects.using(using).filter(pk=interval_id)
    last = intervals.filter(seats_taken__lte=seats, kind=BusyInterval.Kind.BOOKING)
    if last._raw_delete(using):
        return
    if not intervals.filter(IS_COMPARED).update(seats_taken=F("seats_taken") - seats):
        segments.release(fresh(intervals), using=using)


def release_some_seats(interval_id: int, seats: int, *, is_shared: bool, using: str) -> None:
    """Release some of the seats of a booking.

    Unless its service is shared, reduce the capacity with them.
    """
    intervals = BusyInterval.objects.using(using).filter(pk=interval_id)
    if not intervals.filter(IS_COMPARED).update(seats_taken=F("seats_taken") - seats):
        for interval in fresh(intervals):
            segments.give_back(interval, seats, using=using)
            left = interval.seats_taken - seats
            intervals.update(seats_taken=left, capacity=left)
    elif not is_shared:
        of_bookings = intervals.filter(kind=BusyInterval.Kind.BOOKING)
        of_bookings.update(capacity=F("seats_taken"))


def delete(interval_ids: Iterable[int], *, using: str) -> None:
    """Delete intervals that are not of bookings: of time off, sessions and external calendars.

    Nothing must refer to them any more.
    """
    intervals = BusyInterval.objects.using(using).filter(pk__in=list(interval_ids))
    of_bookings = (Kind.BOOKING, Kind.CONCURRENT, Kind.SEGMENT)
    intervals.exclude(kind__in=of_bookings)._raw_delete(using)


def recount(interval_id: int, *, using: str) -> None:
    """Count the taken seats of an interval anew; delete one of a booking without seats."""
    interval = _fresh_interval(interval_id, using)
    if interval is None:
        return
    if interval.kind == Kind.RESOURCE:
        resources = BookingResource.objects.using(using).filter(busy_interval=interval_id)
        taken = len(fresh(resources).values_list("pk"))
    else:
        bookings = Booking._base_manager.using(using).filter(busy_interval=interval_id)
        taken = sum(fresh(bookings).values_list("party_size", flat=True))
    is_concurrent = interval.kind == Kind.CONCURRENT
    if not taken and (is_concurrent or interval.kind in KINDS_OF_BOOKINGS):
        BusyInterval.objects.using(using).filter(pk=interval_id)._raw_delete(using)
    else:
        interval.seats_taken = taken
        interval.capacity = taken if is_concurrent else max(interval.capacity, taken)
        interval.save(using=using, update_fields=["seats_taken", "capacity"])
    if is_concurrent:
        segments.rebuild(interval.calendar_id, using=using)


def _fresh_interval(interval_id: int, using: str) -> BusyInterval | None:
    return fresh(BusyInterval.objects.using(using).filter(pk=interval_id)).first()


def _same_slot(calendar_id: int, claim: Claim, using: str) -> BusyInterval | None:
    return (
        fresh(BusyInterval.objects.using(using))
        .filter(
            calendar_id=calendar_id,
            starts=claim.starts,
            ends=claim.ends,
            kind=claim.kind,
            service_id=claim.service_id,
        )
        .first()
    )


def _is_same_slot(interval: BusyInterval, calendar_id: int, claim: Claim) -> bool:
    return (interval.calendar_id, interval.starts, interval.ends, interval.service_id) == (
        calendar_id,
        claim.starts,
        claim.ends,
        claim.service_id,
    )


def _join_shared(interval: BusyInterval, claim: Claim, using: str) -> int:
    """Take seats of a shared interval, up to the capacity that the service has now.

    An interval that belonged to one hold does not lapse with that hold any more.
    """
    taken = (
        BusyInterval.objects.using(using)
        .filter(pk=interval.pk, seats_taken__lte=claim.capacity - claim.seats)
        .update(seats_taken=F("seats_taken") + claim.seats, capacity=claim.capacity, lapses=None)
    )
    if not taken:
        raise too_few_seats_error(claim.capacity - interval.seats_taken, claim.seats)
    return interval.pk


def _join_session(interval_id: int, seats: int, using: str) -> int:
    """Take seats of a session's interval, up to its own capacity."""
    intervals = BusyInterval.objects.using(using).filter(pk=interval_id)
    fits = intervals.filter(seats_taken__lte=F("capacity") - seats)
    if not fits.update(seats_taken=F("seats_taken") + seats):
        free = fresh(intervals).values_list(F("capacity") - F("seats_taken"))
        raise too_few_seats_error(free[0][0] if free else 0, seats)
    return interval_id


def _check_overlap(
    calendar_id: int, claim: Claim, using: str, ignored_id: int | None = None
) -> None:
    """Raise ``BookingConflict`` for an overlap on a database that cannot constrain ranges."""
    if connections[using].vendor != "mysql":
        return
    others = fresh(
        BusyInterval.objects.using(using).filter(
            IS_COMPARED, overlapping(claim.starts, claim.ends), calendar_id=calendar_id
        )
    )
    if any(pk != ignored_id for pk in others.values_list("pk", flat=True)[:2]):
        raise conflict_error()
