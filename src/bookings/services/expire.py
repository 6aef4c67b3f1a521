"""Expire: a hold whose time has run out gives its slot back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

from django.db import connections, router
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings import ledger, locks, policies
from bookings.exceptions import (
    BookingConflict,
    CapacityExceeded,
    InvalidTransition,
    MissingReference,
)
from bookings.models import Booking, BookingEvent, BusyInterval
from bookings.models.booking import EXPIRED
from bookings.querysets import overlapping
from bookings.services import inputs
from bookings.services.changes import Change, Locked, change_booking, step
from bookings.services.history import old_and_new, record_many
from bookings.transactions import atomically

T = TypeVar("T")

LONGEST_LOOK: Final = 10_000
"""How many holds are looked for at once: to find the first ones, all that are due are sorted."""


def expire_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
) -> Booking:
    """PENDING with ``expires_at`` reached → CANCELLED, with ``auto_cancelled`` set and an EXPIRED
    event.

    A booking that has expired already is returned as it is. Raises ``InvalidTransition`` for one
    that is not due.
    """
    return _expire(
        booking, verb="expire", actor=actor, now_dt=now_dt, expected_version=expected_version
    )


def _expire(booking: Booking, *, verb: str | None, **values: Any) -> Booking:
    def decide(at: Locked) -> Change | None:
        row = at.row
        if row.auto_cancelled:
            return None
        due = row.expires_at is not None and row.expires_at <= at.now
        if row.status != Booking.Status.PENDING or not due:
            raise InvalidTransition(
                _("Only a pending booking whose expires_at has passed can expire."), "not_due"
            )
        step(Booking.expire, row, "", now_dt=at.now)
        return Change(BookingEvent.EventType.EXPIRED, data={"reason": EXPIRED})

    return change_booking(booking, decide, verb=verb, **values)


def expire_bookings(
    *, now_dt: datetime | None = None, limit: int | None = None, chunk_size: int = 500
) -> int:
    """Expire every hold that is due, a transaction for each chunk; how many there were.

    Safe to run at any time, twice, and in several places at once.
    """
    now = inputs.moment(now_dt)
    if limit is not None:
        policies.whole_number(limit, "limit", at_least=1)
    policies.whole_number(chunk_size, "chunk_size", at_least=1)
    using = router.db_for_write(Booking)
    expired = 0
    while limit is None or expired < limit:
        most = LONGEST_LOOK if limit is None else min(LONGEST_LOOK, limit - expired)
        due = _due(most, now, using)
        done = sum(
            atomically(
                partial(_expire_chunk, due[first : first + chunk_size], now, using), using=using
            )
            for first in range(0, len(due), chunk_size)
        )
        expired += done
        # Where the caller's snapshot shows what others have swept, looking again shows it again.
        if len(due) < most or (not done and connections[using].in_atomic_block):
            break
    return expired


def _due(most: int, now: datetime, using: str) -> list[tuple[Any, Any]]:
    """Holds that are due, provider by provider: their keys, and their providers'."""
    due = Booking.objects.using(using).expired(now).order_by("provider_id", "pk")
    return list(due.values_list("pk", "provider_id")[:most])


def _expire_chunk(due: Sequence[tuple[Any, Any]], now: datetime, using: str) -> int:
    """Expire these holds in a constant number of statements; how many still had to be."""
    locks.lock_calendars({provider_id for _pk, provider_id in due}, using=using)
    rows = list(
        Booking.objects.using(using)
        .select_for_update()
        .expired(now)
        .filter(pk__in=[pk for pk, _provider_id in due])
        .values_list("pk", "busy_interval_id", "party_size")
    )
    if not rows:
        return 0
    keys = [pk for pk, _interval_id, _seats in rows]
    held: Counter[int] = Counter()
    for _pk, interval_id, seats in rows:
        if interval_id is not None:
            held[interval_id] += seats
    Booking._base_manager.using(using).filter(pk__in=keys).update(
        status=Booking.Status.CANCELLED,
        busy_interval=None,
        cancelled_at=now,
        cancellation_reason=EXPIRED,
        auto_cancelled=True,
        version=F("version") + 1,
        updated_at=timezone.now(),
    )
    ledger.release_many(held, using=using)
    record_many(keys, BookingEvent.EventType.EXPIRED, _expired_data(), using=using, now=now)
    return len(keys)


def _expired_data() -> dict[str, Any]:
    statuses = {"status": Booking.Status.PENDING}, {"status": Booking.Status.CANCELLED}
    return old_and_new(*statuses) | {"reason": EXPIRED}


def past_stale_holds(
    write: Callable[[], T],
    provider_id: Any,
    window: tuple[int, int],
    *,
    now: datetime,
    using: str,
    own: Any = None,
) -> T:
    """Run ``write``; if a hold that has run out is in its way, expire that and run it once more.

    So an abandoned checkout never blocks a client, whether or not anything sweeps, nor when it is
    swept just then. ``own`` is the busy interval that ``write`` moves, which is in nobody's way.
    """
    try:
        return write()
    except (BookingConflict, CapacityExceeded) as refusal:
        stale = (
            Booking.objects.using(using)
            .expired(now)
            .filter(overlapping(*window, "busy_interval__"), provider_id=provider_id)
        )
        holds = list(stale)
        in_the_way = BusyInterval.objects.using(using).filter(
            overlapping(*window), calendar__provider=provider_id
        )
        if isinstance(refusal, CapacityExceeded):
            # Unless seats have been given back since, the slot is as full as it was.
            told: Any = refusal.params
            taken = F("seats_taken") + told["remaining"]
            in_the_way = in_the_way.filter(capacity__lte=taken)
        if not holds and in_the_way.exclude(pk=own).exists():
            raise
    for hold in holds:
        # Somebody may have cancelled or deleted it meanwhile, and then it is out of the way too.
        with suppress(InvalidTransition, MissingReference):
            _expire(hold, verb=None, now_dt=now)
    return write()
