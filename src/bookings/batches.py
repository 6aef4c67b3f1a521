"""Many claims at once, in a constant number of statements: find what is free, take it, release it.

As in :mod:`bookings.ledger`, the calendars are locked by then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from django.db import connections, router

from bookings import consequences, locks
from bookings.claims import Claim
from bookings.models import Booking, BusyInterval
from bookings.querysets import BookingQuerySet, overlapping
from bookings.transactions import atomically


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
