"""What a series is of: bookings, or sessions where their app is installed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from bookings.contrib.series.models import Occurrence
from bookings.models import Booking
from bookings.protocols import ProviderLike
from bookings.services import cancel_booking, reschedule_booking, update_booking

if TYPE_CHECKING:
    from bookings.contrib.group_sessions.models import Session

Thing: TypeAlias = "Booking | Session"


def lock_things(occurrences: Iterable[Occurrence], *, using: str) -> dict[int, Thing]:
    """The booking or session of each occurrence that has one, by the occurrence's key."""
    bookings = {row.pk: row.booking_id for row in occurrences if row.booking_id is not None}
    sessions = {row.pk: row.session_key for row in occurrences if row.session_key is not None}
    booked = _lock_bookings(bookings.values(), using=using)
    held = _lock_sessions(sessions.values(), using=using)
    things: dict[int, Thing] = {pk: booked[key] for pk, key in bookings.items()}
    return things | {pk: held[key] for pk, key in sessions.items()}


def _lock_bookings(keys: Iterable[int], *, using: str) -> dict[int, Booking]:
    rows = Booking.objects.using(using).select_for_update().filter(pk__in=list(keys))
    return {booking.pk: booking for booking in rows.order_by("pk")}


def _lock_sessions(keys: Iterable[int], *, using: str) -> dict[int, Session]:
    wanted = list(keys)
    if not wanted:
        return {}
    from bookings.contrib.group_sessions.models import Session

    rows = Session.objects.using(using).select_for_update().filter(pk__in=wanted)
    return {session.pk: session for session in rows.order_by("pk")}


def is_coming(thing: Thing) -> bool:
    """Whether it still takes place, as far as is known."""
    return thing.holds_time if isinstance(thing, Booking) else thing.is_coming


def cancel(
    thing: Thing, *, actor: Any, now_dt: datetime, reason: str, override_policy: bool
) -> Thing:
    if isinstance(thing, Booking):
        return cancel_booking(
            thing, actor=actor, now_dt=now_dt, reason=reason, override_policy=override_policy
        )
    from bookings.contrib.group_sessions.services import cancel_session

    return cancel_session(thing, actor=actor, now_dt=now_dt, reason=reason)


def update(thing: Thing, *, actor: Any, now_dt: datetime, details: dict[str, Any]) -> Thing:
    if isinstance(thing, Booking):
        return update_booking(thing, actor=actor, now_dt=now_dt, **details)
    if moved := {"start_at", "end_at", "provider"} & details.keys():
        raise TypeError(
            f"update_series() cannot set {', '.join(sorted(moved))}; reschedule_series() moves."
        )
    from bookings.contrib.group_sessions.services import update_session

    return update_session(thing, actor=actor, now_dt=now_dt, **details)


def move(
    thing: Thing,
    *,
    new_start_at: datetime,
    new_provider: ProviderLike | None,
    actor: Any,
    now_dt: datetime,
    override_policy: bool,
    skip_slot_validation: bool,
) -> Thing:
    if isinstance(thing, Booking):
        return reschedule_booking(
            thing,
            new_start_at=new_start_at,
            new_provider=new_provider,
            actor=actor,
            now_dt=now_dt,
            override_policy=override_policy,
            skip_slot_validation=skip_slot_validation,
        )
    from bookings.contrib.group_sessions.services import update_session

    elsewhere: dict[str, Any] = {} if new_provider is None else {"provider": new_provider}
    return update_session(
        thing,
        start_at=new_start_at,
        **elsewhere,
        actor=actor,
        now_dt=now_dt,
        allow_past=True if override_policy else None,
        override_policy=override_policy,
    )
