"""What can be done to a series; each call does all of it or nothing.

Errors are :class:`~bookings.exceptions.BookingError`; after one, nothing has changed. Each booking
of a series is an ordinary booking with a history of its own.
"""

from bookings.contrib.series.services.add_occurrence import add_occurrence
from bookings.contrib.series.services.book_seats import SeatOptions, book_session_series
from bookings.contrib.series.services.cancel import cancel_series
from bookings.contrib.series.services.create import SeriesBookingOptions, create_series
from bookings.contrib.series.services.create_sessions import (
    SessionOptions,
    create_session_series,
)
from bookings.contrib.series.services.new_series import OnConflict
from bookings.contrib.series.services.reschedule import reschedule_series
from bookings.contrib.series.services.results import SeriesResult
from bookings.contrib.series.services.series_change import Scope
from bookings.contrib.series.services.update import update_series

__all__ = [
    "OnConflict",
    "Scope",
    "SeatOptions",
    "SeriesBookingOptions",
    "SeriesResult",
    "SessionOptions",
    "add_occurrence",
    "book_session_series",
    "cancel_series",
    "create_series",
    "create_session_series",
    "reschedule_series",
    "update_series",
]
