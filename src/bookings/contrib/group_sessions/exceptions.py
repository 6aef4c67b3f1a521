"""What sessions and their waitlists refuse, beside what the core refuses."""

from __future__ import annotations

from bookings.exceptions import BookingError, DuplicateBooking, InvalidBooking


class InvalidSession(InvalidBooking):
    """A session's times, or what it is to be changed to, make no sense; the message says which."""

    default_code = "invalid_session"


class SessionNotOpen(BookingError):
    """The session is cancelled, over, has begun or takes no bookings. Choose another."""

    default_code = "session_not_open"


class StaleSession(BookingError):
    """The session has changed since it was read. Read it again and decide anew."""

    default_code = "stale_session"


class AlreadyBooked(DuplicateBooking):
    """The client has a seat in this session. Change that booking's party size instead."""

    default_code = "already_booked"


class AlreadyWaiting(DuplicateBooking):
    """The client is in this session's waitlist already."""

    default_code = "already_waiting"


class WaitlistRefused(BookingError):
    """The session has no waitlist, or no need of one; the code says which."""

    default_code = "waitlist_refused"
