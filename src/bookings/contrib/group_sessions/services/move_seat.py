"""Move seats to another session."""

from __future__ import annotations

from copy import copy
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings import clients, ledger, policies
from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.contrib.group_sessions.exceptions import InvalidSession
from bookings.contrib.group_sessions.following import take_offer
from bookings.contrib.group_sessions.locking import using_of
from bookings.contrib.group_sessions.models import Seat, Session
from bookings.contrib.group_sessions.occasion import SeatOccasion
from bookings.contrib.group_sessions.rules import claim_of
from bookings.contrib.group_sessions.seating import settle
from bookings.exceptions import InvalidTransition, NotAllowed, TenantMismatch
from bookings.models import Booking, BookingEvent
from bookings.services import approval, inputs
from bookings.services.allowance import Allowance
from bookings.services.changes import (
    Locked,
    check_hold,
    check_saved,
    check_version,
    under_lock,
    write_row,
)
from bookings.services.expire import past_stale_holds
from bookings.services.history import old_and_new, record, values_of
from bookings.services.reschedule import check_reschedulable

MOVED: Final = (
    "start_at",
    "end_at",
    "buffer_before_minutes",
    "buffer_after_minutes",
    "provider",
)


def move_seat(
    booking: Booking,
    to_session: Session,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    override_policy: bool = False,
    expected_version: int | None = None,
) -> Booking:
    """Move a booking to another session of its service; it keeps its reference, price and rules,
    also where a seat costs something else.

    The notice is measured against the old start, and the new one is held to the limits, as by
    :func:`~bookings.services.reschedule_booking`. The seats it leaves go to those who wait. Raises
    what that and :func:`book_seat` raise, ``NotAllowed`` (code ``not_a_seat``) for a booking that
    is in no session, and ``InvalidSession`` (code ``other_service``).
    """
    now = inputs.moment(now_dt)
    actor = inputs.user(actor, "actor")
    inputs.version(expected_version)
    check_saved(booking)
    using = using_of(to_session)
    occasion = SeatOccasion(to_session, override_policy=override_policy)
    allowance = Allowance(booking, override_policy=override_policy)

    def act(at: Locked) -> Booking:
        row = at.row
        check_version(row, expected_version)
        get_adapter().check_permission(actor, "reschedule", row)
        seat = _seat_of(row, at)
        if seat.session_id == to_session.pk:
            return row
        inputs.load(row, "service", using=using)
        _check_movable(row, to_session, now, override_policy=override_policy)
        occasion.admit(row, now=now, using=using)
        before = copy(row)
        left, held = seat.session_id, (row.busy_interval_id, row.party_size)
        _put(row, to_session)
        approval.follow_start(row, before.start_at, now=now)
        inputs.load(row, "provider", using=using)
        get_adapter().check_bookable(row, override_policy=override_policy)
        allowance.check(row, now=now, using=using, before=before)
        row.busy_interval_id = ledger.take(
            at.calendars[row.provider_id], occasion.claim(row), using=using
        )
        seat.session_id = to_session.pk
        seat.save(using=using, update_fields=["session"])
        moved = MOVED if row.expires_at == before.expires_at else (*MOVED, "expires_at")
        write_row(row, moved, held, using=using)
        take_offer(row.pk, using=using)
        occasion.settle(row, clients.key(row), using=using)
        record(
            row,
            BookingEvent.EventType.RESCHEDULED,
            using=using,
            now=now,
            actor=actor,
            data=old_and_new(values_of(before, moved), values_of(row, moved)),
        )
        settle([left], using=using, now=now)
        return row

    fresh = past_stale_holds(
        lambda: under_lock(
            booking,
            act,
            now=now,
            actor=actor,
            also_lock=to_session.provider_id,
            allowance=allowance,
        ),
        to_session.provider_id,
        claim_of(to_session).window,
        now=now,
        using=using,
        own=booking.busy_interval_id,
    )
    booking.take_over(fresh)
    return booking


def _seat_of(row: Booking, at: Locked) -> Seat:
    if not row.holds_time:
        raise InvalidTransition(_("Only pending or confirmed bookings can be rescheduled."))
    check_hold(row, at.now)
    seat = Seat.objects.using(at.using).select_for_update().filter(booking=row).first()
    if seat is None:
        raise NotAllowed(
            _("This booking is in no session. Move it with reschedule_booking."), "not_a_seat"
        )
    return seat


def _check_movable(row: Booking, session: Session, now: datetime, *, override_policy: bool) -> None:
    if not override_policy:
        check_reschedulable(row, now)
    if session.tenant_id != row.tenant_id:
        raise TenantMismatch(
            _("The session belongs to another tenant. Choose one of the booking's tenant.")
        )
    if session.service_id != row.service_id:
        raise InvalidSession(
            _("The session is of another service. Cancel the booking, and book a new one."),
            "other_service",
        )
    policies.check_start(
        session.start_at,
        now=now,
        rules=policies.ServiceRules.of(row.service, default_currency=app_settings.DEFAULT_CURRENCY),
        allow_past=False,
        override=override_policy,
    )


def _put(row: Booking, session: Session) -> None:
    row.start_at, row.end_at = session.start_at, session.end_at
    row.buffer_before_minutes = session.buffer_before_minutes
    row.buffer_after_minutes = session.buffer_after_minutes
    row.provider_id = session.provider_id
