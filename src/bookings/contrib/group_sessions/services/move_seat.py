"""Move a booking to another session."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from datetime import datetime, tzinfo
from functools import partial
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.contrib.group_sessions import waitlist
from bookings.contrib.group_sessions.exceptions import InvalidSession
from bookings.contrib.group_sessions.locked_session import write_alias
from bookings.contrib.group_sessions.models import Seat, Session
from bookings.contrib.group_sessions.session_reconciliation import reconcile_sessions
from bookings.contrib.group_sessions.session_rules import session_claim
from bookings.contrib.group_sessions.session_seats import SessionSeats
from bookings.exceptions import InvalidTransition, NotAllowed, TenantMismatch
from bookings.ledger import entries
from bookings.ledger.locked import fresh
from bookings.models import Booking, BookingEvent, name_snapshots
from bookings.models.arguments import saved_booking
from bookings.rules import policies, service_rules, validation
from bookings.services import approval, references
from bookings.services.booking_change import (
    LockedBooking,
    check_not_lapsed,
    check_version,
    with_locked_booking,
    write_row,
)
from bookings.services.booking_move import check_reschedulable
from bookings.services.day_zones import DayZones
from bookings.services.history import field_values, old_and_new, on_behalf_data, record_event
from bookings.services.lapsed_holds import retry_without_lapsed_holds
from bookings.services.limit_check import LimitCheck
from bookings.services.reschedule_count import check_reschedules_left

MOVED_FIELDS: Final = (
    "start_at",
    "end_at",
    "buffer_before_minutes",
    "buffer_after_minutes",
    "provider",
)

DEPENDENT_FIELDS: Final = ("expires_at", "location", "meeting_link")
"""What may differ besides."""


def move_seat(
    booking: Booking,
    to_session: Session,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    by: str = "client",
    override_policy: bool = False,
    expected_version: int | None = None,
) -> Booking:
    """Move a booking to another session of its service.

    It keeps its reference, price and rules, even if a seat of the other session costs something
    else. As with :func:`~bookings.services.reschedule_booking`, the notice is measured against the
    old start, and the service's booking window and the limits apply to the new one. The seats that
    are freed go to the waitlist. To move a booking to the session that it is in does nothing.

    :param booking: the booking.
    :param to_session: the other session, as the client has seen it.
    :param actor: the user who moves it, recorded in the event; ``None`` for nobody.
    :param now_dt: the current time; ``None`` for the clock's.
    :param by: on whose behalf it is moved, ``client`` or ``provider``; the refund policy counts
        what the client moves.
    :param override_policy: staff only: lifts the notice, that the booking must not have begun, the
        booking window, the limits, that the booking may not be rescheduled, or not once more, a
        closed booking, and the precedence of the waitlist.
    :param expected_version: refuse the move unless the booking has this ``version``; ``None`` for
        any.
    :returns: the same object, refreshed.
    :raises NotAllowed: the booking is in no session (code ``not_a_seat``), may not be rescheduled,
        or the adapter does not permit it.
    :raises InvalidSession: the session is of another service (code ``other_service``).
    :raises SessionNotOpen: the session is cancelled, is over, has started, or is closed.
    :raises StaleSession: the session has another provider, time or price than ``to_session``.
    :raises AlreadyBooked: the client has an active booking in the session.
    :raises CapacityExceeded: fewer seats are free than the booking has.
    :raises WaitlistRefused: in strict order, other clients come first (code ``others_wait``).
    :raises InvalidTransition: the booking is not active, or its hold has expired (code
        ``hold_expired``).
    :raises NoticeWindow: too late to move it, as from its start on (code ``booking_started``), or
        to book the session.
    :raises BookingError: whatever else :func:`~bookings.services.reschedule_booking` raises.
    """
    now = references.resolve_now(now_dt)
    actor = references.saved_user(actor, "actor")
    validation.expected_version(expected_version)
    on_behalf_of = on_behalf_data(by)
    saved_booking(booking)
    using = write_alias(to_session)
    session_seats = SessionSeats(to_session, override_policy=override_policy)
    draft, zones = copy(booking), DayZones()
    _set_time(draft, to_session)
    limit_check = LimitCheck(draft, zones=zones, override_policy=override_policy)

    def act(locked: LockedBooking) -> Booking:
        row = locked.row
        check_version(row, expected_version)
        get_adapter().check_permission(actor, "reschedule", row)
        seat = _read_seat(row, locked)
        if seat.session_id == to_session.pk:
            return row
        references.load_related(row, "service", using=using)
        zone = partial(zones.of, draft)
        _check_movable(row, to_session, now, zone=zone, override_policy=override_policy)
        session_seats.check_open(row, now=now, using=using)
        before = copy(row)
        old_session_id, held = seat.session_id, (row.busy_interval_id, row.party_size)
        _set_time(row, to_session)
        check_reschedules_left(
            row, before, using=using, lock=True, by=by, override_policy=override_policy
        )
        approval.adjust_expiry(row, before.start_at, now=now)
        references.load_related(row, "provider", using=using)
        if row.provider_id != before.provider_id:
            name_snapshots.copy_names(row, "provider")
        get_adapter().check_bookable(row, override_policy=override_policy)
        limit_check.check(row, now=now, using=using, before=before)
        row.busy_interval_id = entries.add(
            locked.calendars[row.provider_id], session_seats.claim(row), using=using
        )
        seat.session_id = to_session.pk
        seat.save(using=using, update_fields=["session"])
        dependent = (
            name for name in DEPENDENT_FIELDS if getattr(before, name) != getattr(row, name)
        )
        moved = (*MOVED_FIELDS, *dependent)
        write_row(row, (*moved, "provider_name"), held, using=using)
        waitlist.accept_offer(row.pk, using=using)
        session_seats.after_seats_are_taken(row, using=using)
        record_event(
            row,
            BookingEvent.EventType.RESCHEDULED,
            using=using,
            now=now,
            actor=actor,
            data=old_and_new(field_values(before, moved), field_values(row, moved)) | on_behalf_of,
        )
        reconcile_sessions([old_session_id], using=using, now=now)
        return row

    stored = retry_without_lapsed_holds(
        lambda: with_locked_booking(
            booking,
            act,
            now=now,
            actor=actor,
            also_lock=[to_session.provider_id],
            limit_check=limit_check,
        ),
        to_session.provider_id,
        session_claim(to_session).window,
        now=now,
        using=using,
        own=booking.busy_interval_id,
    )
    booking.copy_from(stored)
    return booking


def _read_seat(row: Booking, locked: LockedBooking) -> Seat:
    if not row.holds_time:
        raise InvalidTransition(_("Only pending or confirmed bookings can be rescheduled."))
    check_not_lapsed(row, locked.now)
    seat = fresh(Seat.objects.using(locked.using).filter(booking=row)).first()
    if seat is None:
        raise NotAllowed(
            _("This booking is in no session. Move it with reschedule_booking."), "not_a_seat"
        )
    return seat


def _check_movable(
    row: Booking,
    session: Session,
    now: datetime,
    *,
    zone: Callable[[], tzinfo],
    override_policy: bool,
) -> None:
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
        rules=service_rules.ServiceRules.of(
            row.service, default_currency=app_settings.DEFAULT_CURRENCY
        ),
        zone=zone,
        allow_past=False,
        override=override_policy,
    )


def _set_time(row: Booking, session: Session) -> None:
    row.start_at, row.end_at = session.start_at, session.end_at
    row.buffer_before_minutes = session.buffer_before_minutes
    row.buffer_after_minutes = session.buffer_after_minutes
    row.provider_id = session.provider_id
    row.location, row.meeting_link = session.location, session.meeting_link
