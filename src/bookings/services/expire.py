"""Expire: a hold whose time has run out gives its slot back, and so does what is overdue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from bookings import overdue
from bookings.conf import app_settings
from bookings.exceptions import (
    BookingConflict,
    CapacityExceeded,
    InvalidTransition,
    MissingReference,
)
from bookings.models import Booking, BookingEvent, BusyInterval
from bookings.models.lifecycle import EXPIRED
from bookings.querysets import overlapping
from bookings.services.changes import Change, Locked, change_booking, has_run_out, step

T = TypeVar("T")


def expire_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
) -> Booking:
    """PENDING with ``expires_at`` reached, or overdue → CANCELLED, with ``auto_cancelled`` set and
    an EXPIRED event.

    PENDING and CONFIRMED bookings are overdue as :func:`expire_bookings` says. A booking that has
    expired already is returned as it is. Raises ``InvalidTransition`` for one that is not due.
    """
    return _expire(
        booking, verb="expire", actor=actor, now_dt=now_dt, expected_version=expected_version
    )


def _expire(booking: Booking, *, verb: str | None, **values: Any) -> Booking:
    def decide(at: Locked) -> Change | None:
        row = at.row
        if row.auto_cancelled:
            return None
        lapsed = has_run_out(row, at.now)
        if not lapsed and (verb is None or not _is_overdue(at)):
            raise InvalidTransition(
                _(
                    "Only a pending booking whose expires_at has passed, or one that is overdue, "
                    "can expire."
                ),
                "not_due",
            )
        step(Booking.expire, row, "", now_dt=at.now)
        notify = is_told(row.requested_at, is_overdue=not lapsed)
        return Change(BookingEvent.EventType.EXPIRED, data=expired_data(notify))

    return change_booking(booking, decide, verb=verb, **values)


def end_hold(booking: Booking, *, now: datetime) -> Booking:
    """Expire a hold or request that has run out: time does it, so nobody's permission is asked."""
    return _expire(booking, verb=None, now_dt=now)


def _is_overdue(at: Locked) -> bool:
    row = at.row
    if not row.holds_time or row.end_at > at.now:
        return False
    pair = row.service_id, row.provider_id
    deadlines = overdue.deadlines_of([pair], at.now, using=at.using)
    for refusal in deadlines.refusals:
        raise refusal
    return deadlines.is_overdue(*(getattr(row, name) for name in overdue.COLUMNS))


def is_told(requested_at: datetime | None, *, is_overdue: bool) -> bool:
    """Whether both sides are to be told of an end: not of a hold's, which somebody walked away
    from.
    """
    return app_settings.AUTO_CANCEL_NOTIFY and (is_overdue or requested_at is not None)


def expired_data(notify: bool) -> dict[str, Any]:
    """What an EXPIRED event says: why, and whether the two sides are to be told."""
    return {"reason": EXPIRED, "notify": notify}


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
        holds = _stale_holds(provider_id, window, now, using)
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
    _give_way(holds, now)
    return write()


def expire_stale_holds(
    provider_id: Any, window: tuple[int, int], *, now: datetime, using: str
) -> None:
    """Give back what holds that have run out still take between two seconds."""
    _give_way(_stale_holds(provider_id, window, now, using), now)


def _stale_holds(
    provider_id: Any, window: tuple[int, int], now: datetime, using: str
) -> list[Booking]:
    stale = Booking.objects.using(using).expired(now)
    in_window = overlapping(*window, "busy_interval__")
    return list(stale.filter(in_window, provider_id=provider_id))


def _give_way(holds: Iterable[Booking], now: datetime) -> None:
    for hold in holds:
        # Somebody may have cancelled or deleted it meanwhile, and then it is out of the way too.
        with suppress(InvalidTransition, MissingReference):
            end_hold(hold, now=now)
