"""Book seats of a session, and move them to another."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings import ledger, policies
from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.contrib.group_sessions.clients import client_key
from bookings.contrib.group_sessions.exceptions import InvalidSession
from bookings.contrib.group_sessions.locking import using_of
from bookings.contrib.group_sessions.models import Seat, Session
from bookings.contrib.group_sessions.occasion import SeatOccasion, stale
from bookings.contrib.group_sessions.rules import claim_of
from bookings.contrib.group_sessions.seating import booking_in, settle
from bookings.exceptions import InvalidTransition, NotAllowed
from bookings.models import Booking, BookingEvent
from bookings.services import inputs
from bookings.services.book import book
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


def book_seat(
    session: Session,
    *,
    client_name: str,
    client_email: str = "",
    client_phone: str = "",
    client_user: Any = None,
    seats: int = 1,
    addon_ids: Iterable[Any] | None = None,
    created_by: Any = None,
    now_dt: datetime | None = None,
    notes_client: str = "",
    notes_internal: str = "",
    metadata: dict[str, Any] | None = None,
    idempotency_key: str | None = "",
    expires_at: datetime | None = None,
    override_policy: bool = False,
) -> Booking:
    """Book ``seats`` of a session for a client; an ordinary booking, whose time is the session's.

    Add-ons do not make it longer. ``override_policy`` (staff) lifts the service's window of
    booking, a closed booking, and the turn of those who wait. The rest is as for
    :func:`~bookings.services.create_booking`.

    Raises ``SessionNotOpen``, ``StaleSession``, ``AlreadyBooked``, ``CapacityExceeded``,
    ``WaitlistRefused`` (code ``others_wait``), and what ``create_booking`` raises but
    ``SlotUnavailable``.
    """
    now = inputs.moment(now_dt)
    using = using_of(session)
    if idempotency_key is not None:
        inputs.text("idempotency_key", idempotency_key)
    booking = booking_in(
        session,
        using=using,
        party_size=seats,
        expires_at=None if expires_at is None else policies.instant(expires_at, "expires_at"),
        client_name=client_name,
        client_email=client_email,
        client_phone=client_phone,
        client_user=inputs.user(client_user, "client_user"),
        created_by=inputs.user(created_by, "created_by"),
        notes_client=notes_client,
        notes_internal=notes_internal,
        metadata={} if metadata is None else metadata,
        idempotency_key=idempotency_key or None,
        created_at=now,
    )
    return book(
        booking,
        addon_ids=addon_ids,
        now=now,
        using=using,
        override_policy=override_policy,
        occasion=SeatOccasion(session, override_policy=override_policy),
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
    """Move a booking to another session of its service; it keeps its reference, price and rules.

    The notice is measured against the old start, as by
    :func:`~bookings.services.reschedule_booking`. The seats it leaves go to those who wait. Raises
    what that and :func:`book_seat` raise, ``NotAllowed`` (code ``not_a_seat``) for a booking that
    is in no session, and ``InvalidSession`` (code ``other_service``).
    """
    now = inputs.moment(now_dt)
    actor = inputs.user(actor, "actor")
    check_saved(booking)
    using = using_of(to_session)
    occasion = SeatOccasion(to_session, override_policy=override_policy)

    def act(at: Locked) -> Booking:
        row = at.row
        check_version(row, expected_version)
        adapter = get_adapter()
        adapter.check_permission(actor, "reschedule", row)
        if not row.holds_time:
            raise InvalidTransition(_("Only pending or confirmed bookings can be rescheduled."))
        check_hold(row, now)
        seat = Seat.objects.using(using).select_for_update().filter(booking=row).first()
        if seat is None:
            raise NotAllowed(
                _("This booking is in no session. Move it with reschedule_booking."), "not_a_seat"
            )
        if seat.session_id == to_session.pk:
            return row
        if not override_policy:
            check_reschedulable(row, now)
        if to_session.service_id != row.service_id:
            raise InvalidSession(
                _("The session is of another service. Cancel the booking, and book a new one."),
                "other_service",
            )
        if to_session.provider_id not in at.calendars:
            raise stale()
        inputs.load(row, "service", using=using)
        policies.check_start(
            to_session.start_at,
            now=now,
            rules=policies.ServiceRules.of(
                row.service, default_currency=app_settings.DEFAULT_CURRENCY
            ),
            allow_past=False,
            override=override_policy,
        )
        left, old, held = (
            seat.session_id,
            values_of(row, MOVED),
            (row.busy_interval_id, row.party_size),
        )
        occasion.admit(row, now=now, using=using)
        _put(row, to_session)
        inputs.load(row, "provider", using=using)
        adapter.check_bookable(row, override_policy=override_policy)
        row.busy_interval_id = ledger.take(
            at.calendars[row.provider_id], occasion.claim(row), using=using
        )
        seat.session_id = to_session.pk
        seat.save(using=using, update_fields=["session"])
        write_row(row, MOVED, held, using=using)
        occasion.settle(row, client_key(row), using=using)
        record(
            row,
            BookingEvent.EventType.RESCHEDULED,
            using=using,
            now=now,
            actor=actor,
            data=old_and_new(old, values_of(row, MOVED)),
        )
        settle([left], using=using, now=now)
        return row

    fresh = past_stale_holds(
        lambda: under_lock(booking, act, now=now, actor=actor, also_lock=to_session.provider_id),
        to_session.provider_id,
        claim_of(to_session).window,
        now=now,
        using=using,
        own=booking.busy_interval_id,
    )
    booking.take_over(fresh)
    return booking


def _put(row: Booking, session: Session) -> None:
    row.start_at, row.end_at = session.start_at, session.end_at
    row.buffer_before_minutes = session.buffer_before_minutes
    row.buffer_after_minutes = session.buffer_after_minutes
    row.provider_id = session.provider_id
