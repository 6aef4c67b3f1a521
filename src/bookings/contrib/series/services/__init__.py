"""What can be done to a series, each all or nothing.

Errors are :class:`~bookings.exceptions.BookingError`; after one, nothing has changed. Each booking
of a series is an ordinary one, with a history of its own.
"""

from bookings.contrib.series.services.create import (
    BookingOptions,
    OnConflict,
    SeriesResult,
    create_series,
)

__all__ = ["BookingOptions", "OnConflict", "SeriesResult", "create_series"]
