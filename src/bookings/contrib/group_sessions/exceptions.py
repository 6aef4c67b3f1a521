"""The errors of sessions and waitlists, in addition to those of :mod:`bookings.exceptions`."""

from __future__ import annotations

from typing import Any

from bookings.exceptions import BookingError, DuplicateBooking, InvalidBooking


class InvalidSession(InvalidBooking):
    """A value of a session, or a range of dates, is invalid; the code says which."""

    default_code = "invalid_session"


class SessionNotOpen(BookingError):
    """The session is cancelled, is over, has started, or is closed for booking. Choose another."""

    default_code = "session_not_open"


class StaleSession(BookingError):
    """The session has changed since it was read. Read it again and decide anew."""

    default_code = "stale_session"


class AlreadyBooked(DuplicateBooking):
    """The client has an active booking in this session. Change its party size instead."""

    default_code = "already_booked"

    reference: str
    """The reference of that booking."""

    def __init__(self, message: Any, code: str | None = None, *, reference: str = "") -> None:
        self.reference = reference
        super().__init__(message, code, {"reference": reference})


class AlreadyWaiting(DuplicateBooking):
    """The client is on the waitlist of this session already."""

    default_code = "already_waiting"


class WaitlistRefused(BookingError):
    """The session has no waitlist, needs none, or other clients come first; the code says which."""

    default_code = "waitlist_refused"

    remaining: int | None
    """With the code ``seats_free``, how many seats are free; else ``None``."""

    def __init__(
        self, message: Any, code: str | None = None, *, remaining: int | None = None
    ) -> None:
        self.remaining = remaining
        params = None if remaining is None else {"remaining": remaining}
        super().__init__(message, code, params)
