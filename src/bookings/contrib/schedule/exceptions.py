"""The errors of schedules, time off and slots, besides those of the core."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import ngettext_lazy

from bookings.exceptions import BookingConflict, BookingError, InvalidBooking, SlotUnavailable

if TYPE_CHECKING:
    from bookings.models import Booking, BusyInterval
    from bookings.protocols import ProviderLike


class InvalidSchedule(InvalidBooking):
    """Hours, a date, a time zone or a region is not valid. The message says which and why."""

    default_code = "invalid_schedule"


class _ProvidersError(BookingError):
    """An error of some providers, which names them."""

    def __init__(
        self,
        message: Any,
        code: str | None = None,
        params: Any = None,
        *,
        providers: Sequence[ProviderLike] = (),
    ) -> None:
        super().__init__(message, code, params)
        self.providers = list(providers)
        """The providers that the error is about."""


class ScheduleExists(_ProvidersError):
    """The provider, or the tenant, has a schedule already. Change that one.

    ``providers`` are those who have one; it is empty if the schedule is a default.
    """

    default_code = "schedule_exists"


class ScheduleMissing(_ProvidersError):
    """A provider has no schedule of its own. Create one, with ``create_schedule`` or
    ``copy_schedule``. ``providers`` are those without one.
    """

    default_code = "schedule_missing"


class StaleSchedule(BookingError):
    """The schedule has changed since it was read. Read it again and decide anew."""

    default_code = "stale_schedule"


class HolidaysNotInstalled(BookingError):
    """Public holidays need a library. Run ``pip install "django-bookings[holidays]"``."""

    default_code = "holidays_not_installed"


class StartNotOffered(SlotUnavailable):
    """The schedule does not offer this start. The code and the message say why."""

    def __init__(
        self,
        message: Any,
        code: str | None = None,
        params: Any = None,
        *,
        start_at: datetime | None = None,
        reason: str = "",
        remaining: int | None = None,
    ) -> None:
        super().__init__(message, code, params, start_at=start_at)
        self.reason = reason
        """With the code ``closed``: the reason of the override, or the name of the holiday."""
        self.remaining = remaining
        """With the code ``taken``: how many seats are left, if it is too few."""


class BookingChangesRefused(BookingError):
    """Bookings in the way of time off cannot be moved or cancelled as you asked, so nothing was
    written. Decide otherwise about these.
    """

    default_code = "booking_changes_refused"

    refusals: tuple[tuple[Booking, BookingError], ...]
    """Each such booking, as it is stored, and why not."""

    def __init__(
        self,
        message: Any,
        code: str | None = None,
        params: dict[str, Any] | None = None,
        *,
        refusals: Iterable[tuple[Booking, BookingError]] = (),
    ) -> None:
        self.refusals = tuple(refusals)
        super().__init__(message, code, params)


CONFLICT_MESSAGES: Final = {
    "bookings": ngettext_lazy(
        "%(bookings)d booking lies in that time. Move or cancel it first.",
        "%(bookings)d bookings lie in that time. Move or cancel them first.",
        "bookings",
    ),
    "claims": ngettext_lazy(
        "That time is taken by %(claims)d session or event of another calendar.",
        "That time is taken by %(claims)d sessions or events of other calendars.",
        "claims",
    ),
}


class TimeOffConflict(BookingConflict):
    """The provider is busy in that time, and not only by time off. Move what is there, or take
    other time off.
    """

    default_code = "time_off_conflict"

    def __init__(
        self, *, bookings: Sequence[Booking] = (), claims: Sequence[BusyInterval] = ()
    ) -> None:
        self.bookings = list(bookings)
        """The active bookings in that time, soonest first."""
        self.claims = list(claims)
        """The busy intervals that are no booking's: sessions, events of other calendars."""
        counts = {"bookings": len(self.bookings), "claims": len(self.claims)}
        errors = [
            ValidationError(message, self.default_code, counts)
            for name, message in CONFLICT_MESSAGES.items()
            if counts[name]
        ]
        super().__init__(errors)
        self.params = counts
