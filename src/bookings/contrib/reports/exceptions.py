"""The errors of reports, beside those of the core."""

from __future__ import annotations

from bookings.exceptions import InvalidBooking


class InvalidReport(InvalidBooking):
    """A period, a grouping or another argument of a report is wrong; the message says why."""

    default_code = "invalid_report"


class MissingLibrary(InvalidReport):
    """A file of this format needs a library that is not installed; the message names it."""

    default_code = "missing_library"
