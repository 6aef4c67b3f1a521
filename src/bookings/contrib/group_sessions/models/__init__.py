"""The tables of sessions, their resources, seats and waitlists."""

from bookings.contrib.group_sessions.models.seat import Seat
from bookings.contrib.group_sessions.models.session import Session
from bookings.contrib.group_sessions.models.session_resource import SessionResource
from bookings.contrib.group_sessions.models.waitlist import WaitlistEntry

__all__ = ["Seat", "Session", "SessionResource", "WaitlistEntry"]
