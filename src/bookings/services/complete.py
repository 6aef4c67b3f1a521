"""Complete: the service took place."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidTransition
from bookings.models import Booking, BookingEvent
from bookings.services.changes import Change, Locked, change_booking, not_before_start, step


def complete_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    override_policy: bool = False,
    expected_version: int | None = None,
) -> Booking:
    """CONFIRMED or DELIVERED → COMPLETED, not before the start; NO_SHOW → COMPLETED as a
    correction.

    With ``two_sided_completion`` it has to be delivered first, unless staff ``override_policy``. A
    completed booking is returned as it is. Raises ``InvalidTransition``.
    """
    return change_booking(
        booking,
        partial(decide, override_policy=override_policy),
        verb="complete",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
    )


def decide(at: Locked, *, override_policy: bool = False) -> Change | None:
    row = at.row
    if row.status == Booking.Status.COMPLETED:
        return None
    if row.status == Booking.Status.CONFIRMED and not override_policy:
        _check_delivery(row)
    step(
        Booking.complete,
        row,
        _("Only confirmed or delivered bookings can be completed; this one is: %(status)s."),
        now_dt=at.now,
    )
    not_before_start(row, at.now, _("A booking cannot be completed before it starts."))
    return Change(BookingEvent.EventType.COMPLETED)


def _check_delivery(row: Booking) -> None:
    if row.two_sided_completion:
        raise InvalidTransition(
            _("The provider has to deliver this booking before it can be completed."),
            "not_delivered",
        )
