"""Write many claims in a constant number of statements.

As in :mod:`bookings.ledger.entries`, the caller has locked the calendars.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from django.db import connections

from bookings.ledger import segments
from bookings.ledger.claims import Claim
from bookings.ledger.locked import fresh
from bookings.models import BusyInterval
from bookings.models.bulk_rows import insert_rows
from bookings.models.querysets import IS_COMPARED, overlapping

KINDS_OF_BOOKINGS: Final = (BusyInterval.Kind.BOOKING, BusyInterval.Kind.RESOURCE)
"""The kinds of intervals that are deleted with their last seat, and take no seats of segments."""


def partition_free(
    calendar_id: int, claims: Sequence[Claim], *, using: str
) -> tuple[list[Claim], list[tuple[Claim, BusyInterval.Kind]]]:
    """Split claims into those of free time and those that conflict, each with what is in the way.

    It makes one query. The claims must be sorted by their starts; of two claims that overlap, the
    first is free.
    """
    if not claims:
        return [], []
    bounds = overlapping(claims[0].starts, max(claim.ends for claim in claims))
    busy = (
        fresh(BusyInterval.objects.using(using))
        .filter(IS_COMPARED, bounds, calendar_id=calendar_id)
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


def add_many(calendar_id: int, claims: Sequence[Claim], *, using: str) -> list[int]:
    """Insert claims that :func:`partition_free` found free; return their keys in this order."""
    intervals = [claim.interval(calendar_id=calendar_id) for claim in claims]
    insert(intervals, using=using)
    return [interval.pk for interval in intervals]


def insert(intervals: Sequence[BusyInterval], *, using: str) -> None:
    """Insert intervals that overlap none, and set their keys."""
    stored = BusyInterval.objects.using(using)
    insert_rows(stored, intervals)
    if connections[using].features.can_return_rows_from_bulk_insert:
        return
    # MySQL does not return the keys of the rows that it inserts.
    inserted = stored.filter(
        calendar_id__in={interval.calendar_id for interval in intervals},
        starts__in={interval.starts for interval in intervals},
    )
    rows = inserted.values_list("calendar_id", "starts", "pk")
    keys = {(calendar_id, starts): key for calendar_id, starts, key in rows}
    for interval in intervals:
        interval.pk = keys[interval.calendar_id, interval.starts]


def replace(
    changed: Sequence[BusyInterval],
    added: Sequence[BusyInterval],
    deleted: Collection[int],
    *,
    using: str,
) -> None:
    """Store other bounds of intervals, insert others and delete some, given by their keys.

    The caller has made sure that the result overlaps nothing. It may overlap what is stored of the
    same intervals. Nothing must refer to those that are deleted; what refers to the others stays.
    """
    stored = BusyInterval.objects.using(using)
    moves_at_once = len(changed) < 2 or connections[using].vendor == "mysql"
    if moves_at_once:
        stored.filter(pk__in=deleted)._raw_delete(using)
        stored.bulk_update(changed, ["calendar", "starts", "ends", "capacity"])
    else:
        # A constraint would refuse a time that another interval is about to leave.
        keys = [*deleted, *(interval.pk for interval in changed)]
        stored.filter(pk__in=keys)._raw_delete(using)
        stored.bulk_create(changed)
    insert(added, using=using)


def release_many(held: Mapping[int, int], *, using: str) -> None:
    """Release seats of many intervals, given as seats by the key of the interval."""
    intervals = BusyInterval.objects.using(using)
    chosen = intervals.filter(pk__in=held.keys())
    # An interval of one seat is deleted as a whole, so it does not have to be read.
    if chosen.filter(kind__in=KINDS_OF_BOOKINGS, capacity=1)._raw_delete(using) == len(held):
        return
    empty, shared, concurrent = [], [], []
    for interval in chosen.select_for_update().order_by("pk"):
        remaining = interval.seats_taken - held[interval.pk]
        if interval.kind == BusyInterval.Kind.CONCURRENT:
            concurrent.append(interval)
        elif remaining <= 0 and interval.kind in KINDS_OF_BOOKINGS:
            empty.append(interval.pk)
        else:
            interval.seats_taken = remaining
            shared.append(interval)
    if concurrent:
        segments.release(concurrent, using=using)
    intervals.filter(pk__in=empty)._raw_delete(using)
    intervals.bulk_update(shared, ["seats_taken"])
