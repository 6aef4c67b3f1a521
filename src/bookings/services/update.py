"""Update: correct who the client is and what is noted. The rest has verbs of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from bookings.models import Booking, BookingEvent
from bookings.services import inputs
from bookings.services.changes import Change, Locked, change_booking
from bookings.services.history import old_and_new

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
    expected_version: int | None = None,
    **details: Any,
) -> Booking:
    """Set any of ``DETAILS``; one event with the old and the new values, none if nothing differs.

    Raises ``InvalidBooking`` for a value that cannot be stored, and ``TypeError`` for a name that
    is no detail.
    """
    if unknown := details.keys() - set(DETAILS):
        raise TypeError(f"update_booking() cannot set {', '.join(sorted(unknown))}.")
    if "client_user" in details:
        details["client_user"] = inputs.user(details["client_user"], "client_user")

    def decide(at: Locked) -> Change | None:
        row = at.row
        new = {name: value for name, value in details.items() if getattr(row, name) != value}
        if not new:
            return None
        old = {name: getattr(row, name) for name in new}
        for name, value in new.items():
            setattr(row, name, value)
        inputs.check_fields(row, new.keys() - {"client_user"})
        return Change(BookingEvent.EventType.UPDATED, fields=new.keys(), data=old_and_new(old, new))

    return change_booking(
        booking,
        decide,
        verb="update",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
    )
