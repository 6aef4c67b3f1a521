"""What a schedule can refuse, beside what the core does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bookings.exceptions import BookingConflict, BookingError, InvalidBooking

if TYPE_CHECKING:
    from bookings.models import Booking, BusyInterval


class InvalidSchedule(InvalidBooking):
    """Hours, a date, a zone or a region makes no sense; the message says which and why."""

    default_code = "invalid_schedule"


class ScheduleExists(BookingError):
    """The provider (or the tenant) has a schedule already. Change that one."""

    default_code = "schedule_exists"


class ScheduleMissing(BookingError):
    """A provider has no schedule of its own. Make one, with ``make_schedule`` or
    ``copy_schedule``.
    """

    default_code = "schedule_missing"


class HolidaysNotInstalled(BookingError):
    """Public holidays need a library. Run ``pip install "django-bookings[holidays]"``."""

    default_code = "holidays_not_installed"


class TimeOffConflict(BookingConflict):
    """The provider is busy in that time. Move what is there, or take other time off.

    ``bookings`` are the active bookings in the way, soonest first; ``claims`` are the busy
    intervals that are no booking's: sessions, other time off, imported calendars.
    """

    default_code = "time_off_conflict"

    def __init__(
        self,
        message: Any,
        code: str | None = None,
        params: Any = None,
        *,
        bookings: Sequence[Booking] = (),
        claims: Sequence[BusyInterval] = (),
    ) -> None:
        super().__init__(message, code, params)
        self.bookings = list(bookings)
        self.claims = list(claims)
