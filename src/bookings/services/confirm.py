"""Confirm: the provider accepts a request, or a hold becomes a booking."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings import ledger
from bookings.models import Booking, BookingEvent
from bookings.services import inputs
from bookings.services.changes import Change, Locked, change_booking, check_hold, step
from bookings.services.details import Details
from bookings.services.recheck import SETTLED, recheck, recheck_slot, recheck_type


def confirm_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    client_name: str | None = None,
    client_email: str | None = None,
    client_phone: str | None = None,
    client_user: Any = None,
    notes_client: str | None = None,
    metadata: dict[str, Any] | None = None,
    override_policy: bool = False,
    expected_version: int | None = None,
) -> Booking:
    """PENDING → CONFIRMED. A confirmed booking is returned as it is.

    A client's details that are given are stored; ``metadata`` is merged, as by
    :func:`merge_metadata`. A hold without a client's name needs one now.

    What may have changed meanwhile is checked again: that service and provider are active and of
    the booking's tenant, that its start has not passed since, and with a new client what
    :func:`create_booking` asks of one. Of a request also that the service is still booked in this
    way, and that the provider still works then, if the slot engine's signature names
    ``override_policy``: notice was kept when it was made. A hold is a promise of its time.
    ``override_policy`` (staff) lifts all but the tenant and the client's other bookings like it.

    Raises ``InvalidTransition`` for any other status and for a hold that has run out, ``PastStart``
    or what :func:`create_booking` raises.
    """
    details = Details(client_name, client_email, client_phone, client_user, notes_client, metadata)
    allowance = details.allowance(booking, override_policy=override_policy)

    def decide(at: Locked) -> Change | None:
        row = at.row
        if row.status == Booking.Status.CONFIRMED:
            return None
        check_hold(row, at.now)
        is_lapsing = row.expires_at is not None
        step(
            Booking.confirm,
            row,
            _("Only pending bookings can be confirmed; this one is: %(status)s."),
            now_dt=at.now,
        )
        if row.requested_at is not None and not override_policy:
            recheck_type(at)
        data = recheck(at, details, allowance, override_policy=override_policy)
        if is_lapsing:
            ledger.keep(row, using=at.using)
        return Change(BookingEvent.EventType.CONFIRMED, fields=SETTLED, data=data)

    now, actor = inputs.moment(now_dt), inputs.user(actor, "actor")
    if not override_policy:
        recheck_slot(booking, actor=actor, now=now, expected_version=expected_version)
    return change_booking(
        booking,
        decide,
        verb="confirm",
        actor=actor,
        now_dt=now,
        expected_version=expected_version,
        allowance=allowance,
    )
