"""Update: correct who the client is and what is noted. The rest has verbs of its own."""

from __future__ import annotations

from copy import copy
from datetime import datetime
from typing import Any, Final

from bookings.models import Booking, BookingEvent
from bookings.services import inputs
from bookings.services.allowance import Allowance
from bookings.services.changes import Change, Locked, change_booking, check_saved
from bookings.services.details import CLIENT
from bookings.services.history import old_and_new
from bookings.services.repeats import check_duplicate

DETAILS: Final = (
    "client_name",
    "client_email",
    "client_phone",
    "client_user",
    "notes_client",
    "notes_internal",
    "metadata",
)


def update_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    override_policy: bool = False,
    expected_version: int | None = None,
    **details: Any,
) -> Booking:
    """Set any of ``DETAILS``; one event with the old and the new values, none if nothing differs.

    A hold whose client is told is held to the limits and to the guard against duplicates, as when
    it is submitted with the same details; ``override_policy`` (staff) lifts the limits. Any other
    booking is corrected, and asks for none.

    Raises ``InvalidBooking`` for a value that cannot be stored, and ``TypeError`` for a name that
    is no detail; of a hold also ``LimitReached`` and ``DuplicateBooking``.
    """
    if unknown := details.keys() - set(DETAILS):
        raise TypeError(f"update_booking() cannot set {', '.join(sorted(unknown))}.")
    if "client_user" in details:
        details["client_user"] = inputs.user(details["client_user"], "client_user")
    allowance = _allowance(booking, details, override_policy=override_policy)

    def decide(at: Locked) -> Change | None:
        row = at.row
        new = {name: value for name, value in details.items() if getattr(row, name) != value}
        if not new:
            return None
        before, old = copy(row), {name: getattr(row, name) for name in new}
        for name, value in new.items():
            setattr(row, name, value)
        inputs.check_fields(row, new.keys() - {"client_user"})
        if allowance is not None and row.is_hold and new.keys() & set(CLIENT):
            check_duplicate(row, now=at.now, using=at.using)
            allowance.check(row, now=at.now, using=at.using, before=before)
        return Change(BookingEvent.EventType.UPDATED, fields=new.keys(), data=old_and_new(old, new))

    return change_booking(
        booking,
        decide,
        verb="update",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
        allowance=allowance,
    )


def _allowance(
    booking: Booking, details: dict[str, Any], *, override_policy: bool
) -> Allowance | None:
    """What the limits leave for the client of a hold, if one is told."""
    check_saved(booking)
    if not (booking.is_hold and details.keys() & set(CLIENT)):
        return None
    draft = copy(booking)
    for name, value in details.items():
        setattr(draft, name, value)
    inputs.check_fields(draft, details.keys() - {"client_user"})
    return Allowance(draft, override_policy=override_policy)
