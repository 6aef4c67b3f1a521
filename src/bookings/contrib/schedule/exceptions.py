"""What a schedule can refuse, beside what the core does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import ngettext_lazy

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


IN_THE_WAY: Final = {
    "bookings": ngettext_lazy(
        "%(bookings)d booking lies in that time. Move or cancel it first.",
        "%(bookings)d bookings lie in that time. Move or cancel them first.",
        "bookings",
    ),
    "claims": ngettext_lazy(
        "That time is taken by %(claims)d session, time off or event of another calendar.",
        "That time is taken by %(claims)d sessions, time off or events of other calendars.",
        "claims",
    ),
}


class TimeOffConflict(BookingConflict):
    """The provider is busy in that time. Move what is there, or take other time off.

    ``bookings`` are the active bookings in the way, soonest first; ``claims`` are the busy
    intervals that are no booking's: sessions, other time off, imported calendars.
    """

    default_code = "time_off_conflict"

    def __init__(
        self, *, bookings: Sequence[Booking] = (), claims: Sequence[BusyInterval] = ()
    ) -> None:
        self.bookings = list(bookings)
        self.claims = list(claims)
        counts = {"bookings": len(self.bookings), "claims": len(self.claims)}
        said = [
            ValidationError(sentence, self.default_code, counts)
            for name, sentence in IN_THE_WAY.items()
            if counts[name]
        ]
        super().__init__(said)
        self.params = counts

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is made anew of the arguments that its base got, which are not these.
        return type(self), (), self.__dict__
