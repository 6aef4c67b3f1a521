"""The writes of sessions, seats and waitlists."""

from bookings.contrib.group_sessions.generated_sessions import Generated, SlotConflict
from bookings.contrib.group_sessions.services.book_seat import book_seat
from bookings.contrib.group_sessions.services.cancel_session import cancel_session
from bookings.contrib.group_sessions.services.close_session import close_session, reopen_session
from bookings.contrib.group_sessions.services.create_session import create_session
from bookings.contrib.group_sessions.services.finish_session import (
    finish_session,
    finish_sessions,
)
from bookings.contrib.group_sessions.services.generate_sessions import generate_sessions
from bookings.contrib.group_sessions.services.mark_attendance import mark_attendance
from bookings.contrib.group_sessions.services.move_seat import move_seat
from bookings.contrib.group_sessions.services.update_session import update_session
from bookings.contrib.group_sessions.services.waitlist import (
    join_waitlist,
    leave_waitlist,
    mark_notified,
    promote_from_waitlist,
)

__all__ = [
    "Generated",
    "SlotConflict",
    "book_seat",
    "cancel_session",
    "close_session",
    "create_session",
    "finish_session",
    "finish_sessions",
    "generate_sessions",
    "join_waitlist",
    "leave_waitlist",
    "mark_attendance",
    "mark_notified",
    "move_seat",
    "promote_from_waitlist",
    "reopen_session",
    "update_session",
]
