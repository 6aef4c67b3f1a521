"""What can be done to a schedule and to a provider's time off, each all or nothing.

Errors are :class:`~bookings.exceptions.BookingError`; after one, nothing has changed. No change of
a schedule touches a booking that is there: what is booked stays booked.
"""

from bookings.contrib.schedule.services.closures import Closures, add_closures, remove_closures
from bookings.contrib.schedule.services.copies import copy_schedule
from bookings.contrib.schedule.services.make import make_schedule
from bookings.contrib.schedule.services.time_off import (
    cancel_time_off,
    move_time_off,
    take_time_off,
)
from bookings.contrib.schedule.services.week import set_week

__all__ = [
    "Closures",
    "add_closures",
    "cancel_time_off",
    "copy_schedule",
    "make_schedule",
    "move_time_off",
    "remove_closures",
    "set_week",
    "take_time_off",
]
