"""The time that the ledger holds, as one who wants to book sees it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Sum

from bookings.contrib.schedule.wanted import Wanted
from bookings.models import Booking, BusyInterval
from bookings.querysets import overlapping

Row = tuple[Any, int, int, int, int, str, Any]


@dataclass(frozen=True, slots=True)
class TakenTime:
    """One provider's, in Unix seconds."""

    busy: list[tuple[int, int]] = field(default_factory=list)
    """What is in the way, sorted, buffers included."""

    joinable: dict[int, int] = field(default_factory=dict)
    """The starts at which a shared slot of the same length can be joined, with its free seats."""

    too_full: dict[int, int] = field(default_factory=dict)
    """The same of the slots that have too few; these are busy as well."""


def read_taken_time(
    provider_ids: Collection[Any], starts: int, ends: int, wanted: Wanted, *, now: datetime
) -> dict[Any, TakenTime]:
    """What is in the way between two seconds, by provider: two queries for any number of them.

    By the rules of the ledger: what holds that have run out still take is free, and so is what a
    booking leaves that is to be moved.
    """
    taken = {provider_id: TakenTime() for provider_id in provider_ids}
    left = _seats_of_stale_holds(taken, starts, ends, now)
    if wanted.leaving is not None:
        left[wanted.leaving] = left.get(wanted.leaving, 0) + wanted.party_size
    rows = (
        BusyInterval.objects.filter(overlapping(starts, ends), calendar__provider__in=taken)
        .order_by("starts")
        .values_list(
            "calendar__provider_id", "pk", "starts", "ends", "seats_taken", "kind", "service_id"
        )
    )
    for row in rows:
        _add(taken[row[0]], row, left, wanted)
    return taken


def _add(taken: TakenTime, row: Row, left: dict[int, int], wanted: Wanted) -> None:
    _provider_id, pk, starts, ends, seats, kind, service_id = row
    if kind != BusyInterval.Kind.BOOKING:
        taken.busy.append((starts, ends))
        return
    seats -= left.get(pk, 0)
    if seats <= 0:
        return
    is_shared = (
        wanted.rules.is_shared
        and service_id == wanted.service.pk
        and ends - starts == wanted.before + wanted.duration + wanted.after
    )
    free = wanted.capacity - seats
    if is_shared and free >= wanted.party_size:
        taken.joinable[starts + wanted.before] = free
        return
    taken.busy.append((starts, ends))
    if is_shared:
        taken.too_full[starts + wanted.before] = max(0, free)


def _seats_of_stale_holds(
    provider_ids: Collection[Any], starts: int, ends: int, now: datetime
) -> dict[int, int]:
    """What the holds that have run out, and that nobody has swept yet, still take."""
    stale = (
        Booking.objects.expired(now)
        .filter(
            overlapping(starts, ends, "busy_interval__"),
            busy_interval__calendar__provider__in=provider_ids,
        )
        .order_by()
        .values_list("busy_interval_id")
        .annotate(seats=Sum("party_size"))
    )
    return dict(stale)
