"""The instances of a series: bookings, or sessions where their app is installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from django.utils.translation import gettext_lazy as _

from bookings.contrib.series.models import Occurrence
from bookings.exceptions import BookingError
from bookings.ledger.locked import fresh
from bookings.models import Booking
from bookings.services import cancel_booking, update_booking
from bookings.services.bulk_reschedule import Target

if TYPE_CHECKING:
    from bookings.contrib.group_sessions.bulk_changes import BulkSessionChange
    from bookings.contrib.group_sessions.models import Session
    from bookings.contrib.series.services.series_change import LockedSeries

SESSION_OPTIONS: Final = {"allow_past", "override_policy"}
"""They concern only what ``update_series()`` cannot set."""

SeriesInstance: TypeAlias = "Booking | Session"


def read_instances(
    occurrences: Iterable[Occurrence], *, using: str, lock: bool = True
) -> dict[int, SeriesInstance]:
    """Return the booking or session of each occurrence that has one, by the occurrence's key.

    With ``lock`` the rows are locked; the caller holds the lock of their calendars already.
    """
    bookings = {row.pk: row.booking_id for row in occurrences if row.booking_id is not None}
    sessions = {row.pk: row.session_key for row in occurrences if row.session_key is not None}
    booking_of = _read(Booking, bookings.values(), using=using, lock=lock)
    # Without a lock, a booking may have been deleted since its occurrence was read.
    instances: dict[int, SeriesInstance] = {
        pk: booking_of[key] for pk, key in bookings.items() if key in booking_of
    }
    if sessions:
        from bookings.contrib.group_sessions.models import Session

        session_of = _read(Session, sessions.values(), using=using, lock=lock)
        instances |= {pk: session_of[key] for pk, key in sessions.items()}
    return instances


def _read(model: type[Any], keys: Iterable[int], *, using: str, lock: bool) -> dict[int, Any]:
    rows = model.objects.using(using).filter(pk__in=list(keys)).order_by("pk")
    return {row.pk: row for row in (fresh(rows) if lock else rows)}


def is_active(instance: SeriesInstance) -> bool:
    """Return whether a booking holds its time, or a session is to take place."""
    return instance.holds_time if isinstance(instance, Booking) else instance.is_active


def is_cancelled(instance: SeriesInstance) -> bool:
    """Return whether a booking or session was cancelled, or a request for a booking declined."""
    return instance.status in {Booking.Status.CANCELLED, Booking.Status.DECLINED}


def cancel_instance(
    instance: SeriesInstance,
    *,
    actor: Any,
    now_dt: datetime,
    reason: str,
    by: str,
    override_policy: bool,
) -> SeriesInstance:
    if isinstance(instance, Booking):
        return cancel_booking(
            instance,
            actor=actor,
            now_dt=now_dt,
            reason=reason,
            by=by,
            override_policy=override_policy,
        )
    from bookings.contrib.group_sessions.services import cancel_session

    _check_not_begun(instance, now=now_dt, override_policy=override_policy)
    refund = "full" if by == "provider" else "policy"
    return cancel_session(instance, actor=actor, now_dt=now_dt, reason=reason, refund=refund)


def update_instance(
    instance: SeriesInstance, *, actor: Any, now_dt: datetime, details: dict[str, Any]
) -> SeriesInstance:
    if isinstance(instance, Booking):
        return update_booking(instance, actor=actor, now_dt=now_dt, **details)
    _check_session_details(details)
    from bookings.contrib.group_sessions.services import update_session

    return update_session(instance, actor=actor, now_dt=now_dt, **details)


def _check_session_details(details: dict[str, Any]) -> None:
    if not_allowed := {"start_at", "end_at", "provider"} & details.keys():
        names = ", ".join(sorted(not_allowed))
        raise TypeError(f"update_series() cannot set {names}; reschedule_series() moves.")


def cancel_sessions(
    locked: LockedSeries, sessions: Sequence[Any], actor: Any, refuse: Any, *, reason: str, by: str
) -> None:
    from bookings.contrib.group_sessions.services.cancel_session import cancellation_data

    data = cancellation_data(reason, "full" if by == "provider" else "policy")
    _bulk_change(locked, actor, refuse).cancel(sessions, data)


def update_sessions(
    locked: LockedSeries,
    sessions: Sequence[Any],
    actor: Any,
    refuse: Any,
    details: dict[str, Any],
) -> None:
    from bookings.contrib.group_sessions.services.update_session import parse_changes

    _check_session_details(details)
    options = {name: details[name] for name in SESSION_OPTIONS & details.keys()}
    changes = parse_changes({name: value for name, value in details.items() if name not in options})
    by_session = {session.pk: changes for session in sessions}
    _bulk_change(locked, actor, refuse).update(sessions, by_session, **options)


def move_sessions(
    locked: LockedSeries,
    targets: Mapping[Any, Target],
    actor: Any,
    refuse: Any,
    *,
    override_policy: bool,
) -> None:
    if not targets:
        return
    changes = {}
    for session, target in targets.items():
        _check_not_begun(session, now=locked.now, override_policy=override_policy)
        changes[session.pk] = {"start_at": target.start_at}
        if target.provider is not None:
            changes[session.pk]["provider"] = target.provider
    _bulk_change(locked, actor, refuse).update(
        list(targets),
        changes,
        allow_past=True if override_policy else None,
    )


def check_new_provider(
    service: Any, targets: Mapping[Any, Target], refuse: Any, *, override_policy: bool
) -> None:
    """Ask the adapter, without a lock, whether the sessions may move to another provider."""
    elsewhere = {
        session.pk: target.provider
        for session, target in targets.items()
        if target.provider is not None and target.provider.pk != session.provider_id
    }
    if not elsewhere:
        return
    from bookings.contrib.group_sessions.session_rules import check_publishable

    provider = next(iter(elsewhere.values()))
    try:
        check_publishable(service, provider, override_policy=override_policy)
    except BookingError as error:
        for key in elsewhere:
            refuse(key, error)


def _bulk_change(locked: LockedSeries, actor: Any, refuse: Any) -> BulkSessionChange:
    from bookings.contrib.group_sessions.bulk_changes import BulkSessionChange

    return BulkSessionChange(locked.calendars, locked.now, locked.using, actor, refuse)


def _check_not_begun(session: Session, *, now: datetime, override_policy: bool) -> None:
    from bookings.contrib.group_sessions.exceptions import SessionNotOpen

    if not override_policy and is_active(session) and session.start_at <= now:
        raise SessionNotOpen(
            _("The session has begun. Only staff may still change it, by overriding the policy."),
            "session_started",
        )
