"""What can be done to a series, each all or nothing.

Errors are :class:`~bookings.exceptions.BookingError`; after one, nothing has changed. Each booking
of a series is an ordinary one, with a history of its own.
"""

from bookings.contrib.series.services.cancel import cancel_series
from bookings.contrib.series.services.create import BookingOptions, create_series
from bookings.contrib.series.services.make import OnConflict
from bookings.contrib.series.services.reschedule import reschedule_series
from bookings.contrib.series.services.result import SeriesResult
from bookings.contrib.series.services.scope import Scope
from bookings.contrib.series.services.seats import SeatOptions, book_session_series
from bookings.contrib.series.services.sessions import SessionOptions, create_session_series
from bookings.contrib.series.services.update import update_series

__all__ = [
    "BookingOptions",
    "OnConflict",
    "Scope",
    "SeatOptions",
    "SeriesResult",
    "SessionOptions",
    "book_session_series",
    "cancel_series",
    "create_series",
    "create_session_series",
    "reschedule_series",
    "update_series",
]
