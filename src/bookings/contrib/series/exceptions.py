"""What a series can refuse, beside what the core does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from bookings.exceptions import BookingError, InvalidBooking

MOST_TOLD: Final = 5


class InvalidRecurrence(InvalidBooking):
    """A rule, a start or an exception makes no sense; the message says which and what to write."""

    default_code = "invalid_recurrence"


class DateutilNotInstalled(BookingError):
    """Series need a library. Run ``pip install "django-bookings[series]"``."""

    default_code = "dateutil_not_installed"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A start of a series that could not be booked, or whose booking could not be changed."""

    start_at: datetime
    """As the series has it, in UTC."""
    error: BookingError
    alternatives: tuple[datetime, ...] = ()
    """The next starts that are free, in UTC, if they were asked for."""


class SeriesConflict(BookingError):
    """Some starts of a series cannot be as they were asked for, so nothing was written.

    ``skipped`` has all of them, each with its error; the message has the first five.
    """

    default_code = "series_conflict"

    def __init__(self, skipped: Sequence[Skipped], *, of: int, zone: ZoneInfo) -> None:
        self.skipped = tuple(skipped)
        told = [
            f"{item.start_at.astimezone(zone):%Y-%m-%d %H:%M}: {item.error}"
            for item in self.skipped[:MOST_TOLD]
        ]
        if len(self.skipped) > MOST_TOLD:
            told.append("…")
        super().__init__(
            _("Starts of the series that are not possible: %(number)d of %(of)d. %(told)s"),
            params={"number": len(self.skipped), "of": of, "told": " ".join(told)},
        )
