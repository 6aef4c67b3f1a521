"""Update: another time, another teacher, other seats; the bookings come along."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db.models import F
from django.utils import timezone

from bookings import ledger, policies, prices
from bookings.conf import app_settings
from bookings.contrib.group_sessions import signals
from bookings.contrib.group_sessions.locking import Locked, rows, under_lock, using_of
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.rules import (
    check_coming,
    check_offer,
    check_offered,
    check_session,
    check_start,
    claim_of,
)
from bookings.contrib.group_sessions.seating import settle
from bookings.models import Booking, BookingEvent
from bookings.services import inputs
from bookings.services.expire import past_stale_holds
from bookings.services.history import old_and_new, record_many

CHANGEABLE: Final = (
    "title",
    "provider",
    "start_at",
    "end_at",
    "capacity",
    "price_amount",
    "meeting_link",
    "enable_waitlist",
    "waitlist_offer_minutes",
)
MOVED: Final = ("provider_id", "start_at", "end_at")


def update_session(
    session: Session,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    allow_past: bool | None = None,
    override_policy: bool = False,
    **changes: Any,
) -> Session:
    """Set any of ``CHANGEABLE``; the same object, refreshed.

    A ``start_at`` without ``end_at`` keeps the length. Other times or another ``provider`` move the
    session's time and every active booking, with one RESCHEDULED event each. Bookings keep the
    price they were made at. Seats that a larger ``capacity`` adds go to those who wait. Without
    ``enable_waitlist`` nobody joins any more; who waits already is still booked, or offered seats.
    ``override_policy`` (staff) lifts that the service and another provider be active.

    Raises what :func:`create_session` raises, ``CapacityExceeded`` (code ``seats_taken``) for a
    capacity below the seats that are taken, ``SessionNotOpen`` for a session that is cancelled or
    finished, and ``TypeError`` for a name that is not changeable.
    """
    if unknown := changes.keys() - set(CHANGEABLE):
        raise TypeError(f"update_session() cannot set {', '.join(sorted(unknown))}.")
    now = inputs.moment(now_dt)
    using = using_of(session)
    actor = inputs.user(actor, "actor")
    for name in {"start_at", "end_at"} & changes.keys():
        changes[name] = policies.instant(changes[name], name)
    if "enable_waitlist" in changes:
        changes["enable_waitlist"] = bool(changes["enable_waitlist"])
    if "provider" in changes:
        inputs.stored(changes["provider"], "PROVIDER_MODEL", "provider")

    def apply_changes(row: Session) -> None:
        apply(row, changes, now, allow_past, using, override_policy=override_policy)

    def act(at: Locked) -> Session:
        row = at.row
        check_coming(row)
        old = {name: getattr(row, name) for name in (*CHANGEABLE, "provider_id")}
        apply_changes(row)
        changed = {name for name in old if getattr(row, name) != old[name]}
        if not changed:
            return row
        if changed & {*MOVED, "capacity"}:
            interval_id: Any = row.busy_interval_id
            ledger.reshape(interval_id, at.calendars[row.provider_id], claim_of(row), using=using)
        row.save_row(using=using)
        if changed & set(MOVED):
            _move_bookings(row, old, using=using, now=now, actor=actor)
        settle([row.pk], using=using, now=now)
        row.refresh_from_db(using=using)
        names = sorted(changed - {"provider_id"})
        signals.announce(signals.session_updated, Session, using=using, session=row, changed=names)
        return row

    # What is wrong with the change, and which time it needs, by a copy that is thrown away.
    draft = rows(using).filter(pk=session.pk).first() or session
    apply_changes(draft)
    provider = changes.get("provider")
    fresh = past_stale_holds(
        lambda: under_lock(
            session, act, now=now, also_lock=None if provider is None else provider.pk
        ),
        draft.provider_id,
        claim_of(draft).window,
        now=now,
        using=using,
        own=session.busy_interval_id,
    )
    session.take_over(fresh)
    return session


def apply(
    row: Session,
    changes: dict[str, Any],
    now: datetime,
    allow_past: bool | None,
    using: str,
    *,
    override_policy: bool,
) -> None:
    """Make the row what it is to be, if it can be that; nothing is stored."""
    before, whose, offer = row.start_at, row.provider_id, row.waitlist_offer_minutes
    length = row.end_at - row.start_at
    for name, value in changes.items():
        setattr(row, name, value)
    if "start_at" in changes and "end_at" not in changes:
        row.end_at = policies.elapsed_end(row.start_at, length)
    check_session(row)
    # What is set already stays when the waitlist is closed: for those who still wait.
    if row.waitlist_offer_minutes != offer:
        check_offer(row)
    if row.start_at != before:
        check_start(row, now, allow_past)
    if not {"provider", "price_amount"} & changes.keys():
        return
    services = Session._meta.get_field("service").remote_field.model._base_manager.using(using)
    service = services.get(pk=row.service_id)
    if "price_amount" in changes:
        rules = policies.ServiceRules.of(service, default_currency=app_settings.DEFAULT_CURRENCY)
        prices.check_payable(row.price_amount, rules.currency, "price_amount")
    if provider := changes.get("provider"):
        inputs.same_tenant(row.tenant_id, provider=provider)
        if provider.pk != whose:
            check_offered(service, provider, override_policy=override_policy)


def _move_bookings(
    row: Session, old: dict[str, Any], *, using: str, now: datetime, actor: Any
) -> None:
    bookings = Booking._base_manager.using(using).filter(busy_interval=row.busy_interval_id)
    keys = list(bookings.select_for_update().order_by("pk").values_list("pk", flat=True))
    if not keys:
        return
    Booking._base_manager.using(using).filter(pk__in=keys).update(
        provider_id=row.provider_id,
        start_at=row.start_at,
        end_at=row.end_at,
        version=F("version") + 1,
        updated_at=timezone.now(),
    )
    # What is on offer lapses when it begins, at the latest.
    offered = Booking._base_manager.using(using).filter(pk__in=keys, expires_at__gt=row.start_at)
    offered.filter(status=Booking.Status.PENDING).update(expires_at=row.start_at)
    before = {"start_at": old["start_at"], "end_at": old["end_at"], "provider": old["provider_id"]}
    after = {"start_at": row.start_at, "end_at": row.end_at, "provider": row.provider_id}
    record_many(
        keys,
        BookingEvent.EventType.RESCHEDULED,
        old_and_new(before, after),
        using=using,
        now=now,
        actor=actor,
    )
