"""Expire lapsed holds and requests whose time a write needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import F

from bookings.exceptions import (
    BookingConflict,
    CapacityExceeded,
    InvalidTransition,
    MissingReference,
)
from bookings.ledger.locked import fresh
from bookings.models import Booking, BusyInterval
from bookings.models.querysets import BookingQuerySet, overlapping
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
) -> T:
    """Run ``write``; if lapsed holds are in its way, expire them and run it once more.

    So an abandoned checkout never blocks a client, even if no task expires holds, or if one expires
    it at the same moment. ``window`` is what ``write`` claims of the provider's time, in seconds.
    ``own`` is the key of the busy interval that ``write`` moves, which is not in its way,
    and neither are intervals of ``shared_kind``.
    """
    try:
        return write()
    except (BookingConflict, CapacityExceeded) as error:
        holds = list(_lapsed_holds(provider_id, window, now, using))
        in_the_way = BusyInterval.objects.using(using).filter(
            overlapping(*window), calendar__provider=provider_id
        )
        if isinstance(error, CapacityExceeded):
            # A slot in which seats have been released since is not in the way any more.
            taken = F("seats_taken") + error.remaining
            in_the_way = in_the_way.filter(capacity__lte=taken)
        if not holds and in_the_way.exclude(pk=own).exclude(kind=shared_kind).exists():
            raise
    for hold in holds:
        # It may have been cancelled or deleted meanwhile.
        with suppress(InvalidTransition, MissingReference):
            expire_hold(hold, now=now)
    return write()


def expire_lapsed_holds(
    provider_id: Any, *windows: tuple[int, int], now: datetime, using: str
) -> None:
    """Expire the lapsed holds that claim time within one of the windows, in seconds.

    The caller has locked the provider's calendar. The number of statements does not depend on that
    of the holds.
    """
    bounds = min(starts for starts, _ends in windows), max(ends for _starts, ends in windows)
    lapsed = _lapsed_holds(provider_id, bounds, now, using).order_by()
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


def _overlaps_any(bounds: tuple[int, int], windows: Iterable[tuple[int, int]]) -> bool:
    return any(bounds[0] < ends and starts < bounds[1] for starts, ends in windows)


def _lapsed_holds(
    provider_id: Any, window: tuple[int, int], now: datetime, using: str
) -> BookingQuerySet:
    lapsed = Booking.objects.using(using).expired(now)
    in_window = overlapping(*window, "busy_interval__")
    return lapsed.filter(in_window, provider_id=provider_id)
