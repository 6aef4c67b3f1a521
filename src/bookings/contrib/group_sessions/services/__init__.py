"""The verbs of sessions, seats and waitlists."""

from bookings.contrib.group_sessions.services.attendance import mark_attendance
from bookings.contrib.group_sessions.services.book_seat import book_seat
from bookings.contrib.group_sessions.services.cancel import cancel_session
from bookings.contrib.group_sessions.services.create import create_session
from bookings.contrib.group_sessions.services.finish import finish_session, finish_sessions
from bookings.contrib.group_sessions.services.generate import (
    Generated,
    SlotConflict,
    generate_sessions,
)
from bookings.contrib.group_sessions.services.move_seat import move_seat
from bookings.contrib.group_sessions.services.opening import close_booking, reopen_booking
from bookings.contrib.group_sessions.services.update import update_session
from bookings.contrib.group_sessions.services.waiting import (
    join_waitlist,
    leave_waitlist,
    promote_from_waitlist,
)

__all__ = [
    "Generated",
    "SlotConflict",
    "book_seat",
    "cancel_session",
    "close_booking",
    "create_session",
    "finish_session",
    "finish_sessions",
    "generate_sessions",
    "join_waitlist",
    "leave_waitlist",
    "mark_attendance",
    "move_seat",
    "promote_from_waitlist",
    "reopen_booking",
    "update_session",
]
