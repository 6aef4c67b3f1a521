"""Deliver: the provider says the service is done, and the client has yet to confirm it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.models import Booking, BookingEvent
from bookings.services import inputs
from bookings.services.changes import Change, Locked, change_booking, not_before_start, step
from bookings.services.metadata import merge_into


def deliver_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    message: str = "",
    metadata: dict[str, Any] | None = None,
    expected_version: int | None = None,
) -> Booking:
    """CONFIRMED → DELIVERED, not before the start. A delivered booking is returned as it is.

    ``message`` is for the client, and kept in the history; ``metadata`` is merged, as by
    :func:`merge_metadata`.
    """
    inputs.text("message", message)
    patch = {} if metadata is None else inputs.document("metadata", metadata)

    def decide(at: Locked) -> Change | None:
        row = at.row
        if row.status == Booking.Status.DELIVERED:
            return None
        step(
            Booking.deliver,
            row,
            _("Only confirmed bookings can be delivered; this one is: %(status)s."),
            now_dt=at.now,
        )
        not_before_start(row, at.now, _("A booking cannot be delivered before it starts."))
        data = merge_into(row, patch)
        return Change(BookingEvent.EventType.DELIVERED, message=message, data=data)

    return change_booking(
        booking,
        decide,
        verb="deliver",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
    )
