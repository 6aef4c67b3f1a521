"""What a series can refuse, beside what the core does."""

from __future__ import annotations

from bookings.exceptions import BookingError, InvalidBooking


class InvalidRecurrence(InvalidBooking):
    """A rule, a start or an exception makes no sense; the message says which and what to write."""

    default_code = "invalid_recurrence"


class DateutilNotInstalled(BookingError):
    """Series need a library. Run ``pip install "django-bookings[series]"``."""

    default_code = "dateutil_not_installed"
