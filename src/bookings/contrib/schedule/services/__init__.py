"""Change schedules, and take time off. Each service does all of it or nothing.

Errors are :class:`~bookings.exceptions.BookingError`; after one, nothing has changed. No change of
a schedule changes a booking that exists already.
"""

from bookings.contrib.schedule.services.booking_changes import CancelBooking, MoveBooking
from bookings.contrib.schedule.services.closures import Closures, add_closures, remove_closures
from bookings.contrib.schedule.services.copies import copy_schedule
from bookings.contrib.schedule.services.create import create_schedule
from bookings.contrib.schedule.services.time_off import (
    cancel_time_off,
    move_time_off,
    take_time_off,
)
from bookings.contrib.schedule.services.weekly_hours import set_week

__all__ = [
    "CancelBooking",
    "Closures",
    "MoveBooking",
    "add_closures",
    "cancel_time_off",
    "copy_schedule",
    "create_schedule",
    "move_time_off",
    "remove_closures",
    "set_week",
    "take_time_off",
]
