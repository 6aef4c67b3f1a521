"""Expire lapsed holds and requests whose time a write needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import F, Q

from bookings.exceptions import (
    BookingConflict,
    CapacityExceeded,
    InvalidTransition,
    MissingReference,
)
from bookings.ledger.locked import fresh
from bookings.models import Booking, BookingResource, BusyInterval
from bookings.models.querysets import IS_COMPARED, BookingQuerySet, overlapping
from bookings.rules import instants
from bookings.services.bulk_change import change_bookings
from bookings.services.expire import decide_expiry, expire_hold

T = TypeVar("T")


def retry_without_lapsed_holds(
    write: Callable[[], T],
    provider_id: Any,
    window: tuple[int, int],
    *,
    now: datetime,
    using: str,
    own: Any = None,
    shared_kind: str = "",
    resource_ids: Collection[Any] = (),
) -> T:
    """Run ``write``; if lapsed holds are in its way, expire them and run it once more.

    So an abandoned checkout never blocks a client, even if no task expires holds, or if one expires
    it at the same moment. ``window`` is what ``write`` claims of the provider's time, in seconds.
    ``own`` is the key of the busy interval that ``write`` moves, which is not in its way,
    and neither are intervals of ``shared_kind``. ``resource_ids`` are the keys of the resources
    that ``write`` may claim too.
    """
    calendars = [provider_id, *resource_ids]
    try:
        return write()
    except (BookingConflict, CapacityExceeded) as error:
        holds = list(_lapsed_holds(calendars, window, now, using))
        in_the_way = BusyInterval.objects.using(using).filter(
            overlapping(*window), calendar__provider__in=calendars
        )
        if isinstance(error, CapacityExceeded):
            # A slot in which seats have been released since is not in the way any more.
            taken = F("seats_taken") + error.remaining
            in_the_way = in_the_way.filter(IS_COMPARED, capacity__lte=taken)
        if not holds and in_the_way.exclude(pk=own).exclude(kind=shared_kind).exists():
            raise
    for hold in holds:
        # It may have been cancelled or deleted meanwhile.
        with suppress(InvalidTransition, MissingReference):
            expire_hold(hold, now=now)
    return write()


def retry_claim_of(
    booking: Booking, write: Callable[[], T], *, now: datetime, using: str, own: Any = None
) -> T:
    """Run ``write``, which claims the time of a stored booking, without lapsed holds in its way.

    That is the time from ``start_at`` to ``end_at`` of the booking that is passed, of its provider
    and of its stored resources. It is :func:`retry_without_lapsed_holds` otherwise.
    """
    windows = {booking.provider_id: instants.busy_bounds_of(booking)}
    if booking.resource_count:
        for resource in BookingResource.objects.using(using).filter(booking=booking.pk):
            windows[resource.provider_id] = instants.busy_bounds(
                booking.start_at, booking.end_at, *resource.buffers
            )
    starts, ends = zip(*windows.values(), strict=True)
    return retry_without_lapsed_holds(
        write,
        booking.provider_id,
        (min(starts), max(ends)),
        now=now,
        using=using,
        own=own,
        resource_ids=windows.keys() - {booking.provider_id},
    )


def expire_lapsed_holds(
    provider_id: Any, *windows: tuple[int, int], now: datetime, using: str
) -> None:
    """Expire the lapsed holds that claim time within one of the windows, in seconds.

    The caller has locked the provider's calendar. The number of statements does not depend on that
    of the holds.
    """
    bounds = min(starts for starts, _ends in windows), max(ends for _starts, ends in windows)
    lapsed = Booking.objects.using(using).expired(now).order_by()
    lapsed = lapsed.filter(overlapping(*bounds, "busy_interval__"), provider_id=provider_id)
    columns = ("pk", "busy_interval__starts", "busy_interval__ends")
    keys = [
        key
        for key, starts, ends in lapsed.values_list(*columns)
        if _overlaps_any((starts, ends), windows)
    ]
    if not keys:
        return
    # Read again, because the snapshot of this transaction may be older than the lock.
    due = fresh(Booking.objects.using(using).expired(now))
    change_bookings(
        due.filter(pk__in=keys).order_by("pk"),
        decide_expiry,
        verb=None,
        calendars={},
        using=using,
        now=now,
        actor=None,
    )


def expire_holds_on_resources(
    resource_ids: Collection[Any],
    windows: Iterable[tuple[int, int]],
    *,
    now: datetime,
    using: str,
) -> None:
    """Expire the lapsed holds that claim time of these resources within one of the windows.

    Call it before the lock, because the holds may be of other providers.
    """
    if not resource_ids:
        return
    windows = list(windows)
    bounds = min(starts for starts, _ends in windows), max(ends for _starts, ends in windows)
    for hold in list(_lapsed_holds(resource_ids, bounds, now, using)):
        # It may have been cancelled or deleted meanwhile.
        with suppress(InvalidTransition, MissingReference):
            expire_hold(hold, now=now)


def _overlaps_any(bounds: tuple[int, int], windows: Iterable[tuple[int, int]]) -> bool:
    return any(bounds[0] < ends and starts < bounds[1] for starts, ends in windows)


def _lapsed_holds(
    provider_ids: Collection[Any], window: tuple[int, int], now: datetime, using: str
) -> BookingQuerySet:
    """Return the lapsed holds that claim time of these providers, also as a resource."""
    in_window = overlapping(*window, "busy_interval__")
    as_resource = BookingResource.objects.using(using).filter(
        in_window, provider__in=provider_ids, booking__status=Booking.Status.PENDING
    )
    return (
        Booking.objects.using(using)
        .expired(now)
        .filter(Q(in_window, provider__in=provider_ids) | Q(pk__in=as_resource.values("booking")))
    )
