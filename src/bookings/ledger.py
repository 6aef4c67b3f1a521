"""What writes time: claim a stretch of a calendar, move the claim, release it.

Everything here runs inside a transaction whose first statement has locked the calendar, which is
:mod:`bookings.locks`' part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections, router
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from bookings import consequences, locks, policies
from bookings.exceptions import CapacityExceeded, NotAllowed
from bookings.models import Booking, BusyInterval
from bookings.querysets import BookingQuerySet, overlapping
from bookings.transactions import atomically, conflict


@dataclass(frozen=True, slots=True)
class Claim:
    """A stretch of time to take: ``[starts, ends)`` in Unix seconds, with ``seats`` of
    ``capacity``.

    A shared claim joins an interval of the same service that has the same bounds; one with an
    ``interval_id`` takes seats of that interval, which is a session's.
    """

    starts: int
    ends: int
    service_id: Any = None
    seats: int = 1
    capacity: int = 1
    shared: bool = False
    lapses: int | None = None
    kind: str = BusyInterval.Kind.BOOKING
    interval_id: int | None = None

    @property
    def window(self) -> tuple[int, int]:
        return self.starts, self.ends

    @classmethod
    def of(cls, booking: Booking, rules: policies.ServiceRules) -> Claim:
        starts, ends = window_of(booking)
        # The seats of a shared slot lapse one by one, so the slot as a whole does not.
        is_hold = booking.status == Booking.Status.PENDING and not rules.is_shared
        lapses = booking.expires_at if is_hold else None
        return cls(
            starts=starts,
            ends=ends,
            service_id=booking.service_id,
            seats=booking.party_size,
            capacity=rules.seats(booking.party_size),
            shared=rules.is_shared,
            lapses=None if lapses is None else policies.ceil_second(lapses),
        )

    @classmethod
    def of_seats(cls, booking: Booking) -> Claim:
        """What a booking takes of its session, whose time is not the booking's to move."""
        starts, ends = window_of(booking)
        return cls(
            starts=starts,
            ends=ends,
            service_id=booking.service_id,
            seats=policies.whole_number(booking.party_size, "party_size", at_least=1),
            kind=BusyInterval.Kind.SESSION,
        )

    def interval(self, **values: Any) -> BusyInterval:
        """The row that this claim is, not stored yet."""
        return BusyInterval(
            **values,
            starts=self.starts,
            ends=self.ends,
            kind=self.kind,
            service_id=self.service_id,
            capacity=self.capacity,
            seats_taken=self.seats,
            lapses=self.lapses,
        )


def window_of(booking: Booking) -> tuple[int, int]:
    """What a booking takes of its provider's time, in Unix seconds, buffers included."""
    return policies.busy_seconds(
        booking.start_at,
        booking.end_at,
        booking.buffer_before_minutes,
        booking.buffer_after_minutes,
    )


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


def part(
    calendar_id: int, claims: Sequence[Claim], *, using: str
) -> tuple[list[Claim], list[tuple[Claim, BusyInterval.Kind]]]:
    """Which of these claims are of free time, and what is in the way of each of the others.

    One query under the calendar's lock. The claims are sorted by their starts; of two that overlap
    the first counts.
    """
    if not claims:
        return [], []
    wanted = overlapping(claims[0].starts, max(claim.ends for claim in claims))
    # Locked, because under REPEATABLE READ a plain read may be older than the calendar's lock.
    busy = (
        BusyInterval.objects.using(using)
        .select_for_update()
        .filter(wanted, calendar_id=calendar_id)
        .order_by("starts")
        .values_list("starts", "ends", "kind")
    )
    free: list[Claim] = []
    refused = []
    rows = iter(busy)
    row = next(rows, None)
    for claim in claims:
        while row is not None and row[1] <= claim.starts:
            row = next(rows, None)
        if row is not None and row[0] < claim.ends:
            refused.append((claim, BusyInterval.Kind(row[2])))
        elif free and claim.starts < free[-1].ends:
            refused.append((claim, BusyInterval.Kind(claim.kind)))
        else:
            free.append(claim)
    return free, refused


def take_many(calendar_id: int, claims: Sequence[Claim], *, using: str) -> list[int]:
    """Claim time that :func:`part` has just found free; the keys, in the order of the claims."""
    intervals = [claim.interval(calendar_id=calendar_id) for claim in claims]
    BusyInterval.objects.using(using).bulk_create(intervals)
    if connections[using].features.can_return_rows_from_bulk_insert:
        return [interval.pk for interval in intervals]
    # MySQL does not say which keys it has given.
    made = BusyInterval.objects.using(using).filter(
        calendar_id=calendar_id, starts__in=[claim.starts for claim in claims]
    )
    keys = dict(made.values_list("starts", "pk"))
    return [keys[claim.starts] for claim in claims]


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
        _("This booking is a seat in a session. Move it with move_seat, or cancel it."),
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


def release_many(held: Mapping[int, int], *, using: str) -> None:
    """Release many claims (interval to seats) with a constant number of statements."""
    intervals = BusyInterval.objects.using(using)
    chosen = intervals.filter(pk__in=held.keys())
    # Whoever has the only seat takes the time along, and nothing has to be read.
    if chosen.filter(kind=BusyInterval.Kind.BOOKING, capacity=1)._raw_delete(using) == len(held):
        return
    empty, shared = [], []
    locked = chosen.select_for_update().order_by("pk")
    for key, taken, kind in locked.values_list("pk", "seats_taken", "kind"):
        left = taken - held[key]
        if left <= 0 and kind == BusyInterval.Kind.BOOKING:
            empty.append(key)
        else:
            shared.append(BusyInterval(pk=key, seats_taken=left))
    intervals.filter(pk__in=empty)._raw_delete(using)
    intervals.bulk_update(shared, ["seats_taken"])


def delete_bookings(
    bookings: BookingQuerySet, delete: Callable[[BookingQuerySet], tuple[int, dict[str, int]]]
) -> tuple[int, dict[str, int]]:
    """Lock every calendar concerned, run ``delete``, and release what the bookings held.

    ``delete`` gets those of the bookings whose calendars are locked: one of another provider that
    is made meanwhile stays.
    """
    using = bookings._db or router.db_for_write(bookings.model)
    chosen = bookings.using(using)

    def write() -> tuple[int, dict[str, int]]:
        providers = chosen.order_by().values_list("provider_id", flat=True).distinct()
        locked = chosen.filter(provider__in=list(locks.lock_calendars(providers, using=using)))
        held: Counter[int] = Counter()
        # Each row once, and alone: the queryset may join what repeats, or what cannot be locked.
        keys = locked.order_by().values("pk")
        rows = Booking._base_manager.using(using).filter(pk__in=keys)
        claims = rows.select_for_update().filter(busy_interval__isnull=False)
        for interval_id, seats in claims.values_list("busy_interval_id", "party_size"):
            held[interval_id] += seats
        result = delete(locked)
        release_many(held, using=using)
        consequences.draw_deletion(list(held), using=using)
        return result

    return atomically(write, using=using)


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
