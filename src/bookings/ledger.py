"""What writes time: claim a stretch of a calendar, move the claim, release it.

Everything here runs inside a transaction whose first statement has locked the calendar, which is
:mod:`bookings.locks`' part.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connections
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from bookings import policies
from bookings.claims import Claim
from bookings.exceptions import CapacityExceeded, NotAllowed
from bookings.models import Booking, BusyInterval
from bookings.querysets import overlapping
from bookings.transactions import conflict


def take(calendar_id: int, claim: Claim, *, using: str) -> int:
    """Claim time under the calendar's lock, or seats of a shared slot; the busy interval's key.

    Raises ``BookingConflict`` when the time is taken (from the database's constraint, or on MySQL
    from a locking read) and ``CapacityExceeded`` when too few seats are left.
    """
    if claim.interval_id is not None:
        return _join(claim.interval_id, claim.seats, using)
    if claim.shared and (existing := _same_slot(calendar_id, claim, using)):
        return _take_seats(existing, claim, using)
    _refuse_overlap(calendar_id, claim, using)
    interval = claim.interval(calendar_id=calendar_id)
    interval.save(using=using, force_insert=True)
    return interval.pk


def take_again(
    booking: Booking, rules: policies.ServiceRules, calendar_id: int, *, using: str
) -> int:
    """Claim the time of a booking that holds none any more, or its seats of the session there."""
    seats = Claim.of_seats(booking)
    session = _same_slot(calendar_id, seats, using)
    if session is not None:
        return _join(session.pk, seats.seats, using)
    return take(calendar_id, Claim.of(booking, rules), using=using)


def move(
    interval_id: int | None, held_seats: int, calendar_id: int, claim: Claim, *, using: str
) -> int:
    """Move a claim that holds ``held_seats``; the key of the interval that now holds the time.

    If that is another interval than before, the old one still has to be released once nothing
    refers to it any more.
    """
    if interval_id is None or claim.interval_id is not None:
        return take(calendar_id, claim, using=using)
    interval = _locked(interval_id, using)
    if interval is None:
        return take(calendar_id, claim, using=using)
    if interval.kind == BusyInterval.Kind.SESSION:
        if not _is_same_slot(interval, calendar_id, claim):
            raise in_session()
        return _join(interval_id, claim.seats - held_seats, using)
    if claim.shared:
        other = _same_slot(calendar_id, claim, using)
        if other is not None and other.pk != interval_id:
            return _take_seats(other, claim, using)
    if interval.seats_taken > held_seats and not _is_same_slot(interval, calendar_id, claim):
        return take(calendar_id, claim, using=using)
    _refuse_overlap(calendar_id, claim, using, but=interval_id)
    interval.calendar_id = calendar_id
    interval.starts, interval.ends = claim.starts, claim.ends
    interval.service_id, interval.lapses = claim.service_id, claim.lapses
    interval.seats_taken += claim.seats - held_seats
    interval.capacity = max(claim.capacity, interval.capacity if claim.shared else 0)
    if interval.seats_taken > interval.capacity:
        raise _too_few_seats(interval.capacity - interval.seats_taken + claim.seats, claim.seats)
    interval.save(using=using, force_update=True)
    return interval_id


def reshape(interval_id: int, calendar_id: int, claim: Claim, *, using: str) -> None:
    """Give a session's time other bounds, or another capacity, around the seats that are taken.

    What its bookings say of their time has to follow in the same transaction.
    """
    _refuse_overlap(calendar_id, claim, using, but=interval_id)
    intervals = BusyInterval.objects.using(using).filter(pk=interval_id)
    fits = intervals.filter(seats_taken__lte=claim.capacity)
    if not fits.update(
        calendar_id=calendar_id,
        starts=claim.starts,
        ends=claim.ends,
        service_id=claim.service_id,
        capacity=claim.capacity,
    ):
        raise CapacityExceeded(
            _("More than %(capacity)d seats are taken. Keep as many, or cancel bookings first."),
            "seats_taken",
            {"capacity": claim.capacity, "remaining": 0},
        )


def is_session(interval_id: int | None, *, using: str) -> bool:
    """Whether who holds this claim sits in a session."""
    interval = None if interval_id is None else _locked(interval_id, using)
    return interval is not None and interval.kind == BusyInterval.Kind.SESSION


def in_session() -> NotAllowed:
    return NotAllowed(
        _("This booking is a seat in a session. Move it to another session, or cancel it."),
        "in_session",
    )


def keep(booking: Booking, *, using: str) -> None:
    """Let a claim that would have lapsed stay as long as its booking does by now."""
    interval_id: Any = booking.busy_interval_id
    intervals = BusyInterval.objects.using(using).filter(pk=interval_id)
    until = booking.expires_at
    # A shared slot does not lapse with one of its holds.
    intervals.filter(lapses__isnull=False).update(
        lapses=None if until is None else policies.ceil_second(until)
    )


def release(interval_id: int, seats: int, *, using: str) -> None:
    """Give seats back; the time too, when nobody else sits in it.

    By then no booking that gave up its seats may refer to the interval any more.
    """
    intervals = BusyInterval.objects.using(using).filter(pk=interval_id)
    last = intervals.filter(seats_taken__lte=seats, kind=BusyInterval.Kind.BOOKING)
    if not last._raw_delete(using):
        intervals.update(seats_taken=F("seats_taken") - seats)


def give_back(interval_ids: Iterable[int], *, using: str) -> None:
    """Delete claims that are no booking's: time off, sessions, what another calendar says.

    By then nothing may refer to them any more.
    """
    intervals = BusyInterval.objects.using(using).filter(pk__in=list(interval_ids))
    intervals.exclude(kind=BusyInterval.Kind.BOOKING)._raw_delete(using)


def recount(interval_id: int, *, using: str) -> None:
    """Set an interval's seats to what its bookings take; without bookings it goes."""
    interval = _locked(interval_id, using)
    if interval is None:
        return
    parties = Booking._base_manager.using(using).filter(busy_interval=interval_id)
    taken = sum(parties.select_for_update().values_list("party_size", flat=True))
    if not taken and interval.kind == BusyInterval.Kind.BOOKING:
        BusyInterval.objects.using(using).filter(pk=interval_id)._raw_delete(using)
    else:
        interval.seats_taken = taken
        interval.capacity = max(interval.capacity, taken)
        interval.save(using=using, update_fields=["seats_taken", "capacity"])


def _locked(interval_id: int, using: str) -> BusyInterval | None:
    intervals = BusyInterval.objects.using(using).select_for_update()
    return intervals.filter(pk=interval_id).first()


def _same_slot(calendar_id: int, claim: Claim, using: str) -> BusyInterval | None:
    return (
        BusyInterval.objects.using(using)
        .select_for_update()
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


def _take_seats(interval: BusyInterval, claim: Claim, using: str) -> int:
    """Join a shared slot, by the capacity that the service has now.

    If it was a hold's alone until now, it does not lapse with that hold any more.
    """
    taken = (
        BusyInterval.objects.using(using)
        .filter(pk=interval.pk, seats_taken__lte=claim.capacity - claim.seats)
        .update(seats_taken=F("seats_taken") + claim.seats, capacity=claim.capacity, lapses=None)
    )
    if not taken:
        raise _too_few_seats(claim.capacity - interval.seats_taken, claim.seats)
    return interval.pk


def _join(interval_id: int, seats: int, using: str) -> int:
    """Take seats of an interval that is there, by its own capacity."""
    intervals = BusyInterval.objects.using(using).filter(pk=interval_id)
    fits = intervals.filter(seats_taken__lte=F("capacity") - seats)
    if not fits.update(seats_taken=F("seats_taken") + seats):
        free = intervals.select_for_update().values_list(F("capacity") - F("seats_taken"))
        raise _too_few_seats(free[0][0] if free else 0, seats)
    return interval_id


def _too_few_seats(remaining: int, asked: int) -> CapacityExceeded:
    return CapacityExceeded(
        _("Not enough seats are left: %(asked)d asked for, %(remaining)d free."),
        params={"asked": asked, "remaining": max(0, remaining)},
    )


def _refuse_overlap(calendar_id: int, claim: Claim, using: str, but: int | None = None) -> None:
    """The judge on a database that cannot constrain ranges.

    The read locks what it finds, because under REPEATABLE READ a plain one would see the time as it
    was when the transaction began.
    """
    if connections[using].vendor != "mysql":
        return
    others = (
        BusyInterval.objects.using(using)
        .select_for_update()
        .filter(overlapping(claim.starts, claim.ends), calendar_id=calendar_id)
    )
    if any(pk != but for pk in others.values_list("pk", flat=True)[:2]):
        raise conflict()
