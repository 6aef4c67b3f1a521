"""The errors of series, beside those of the core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from bookings.exceptions import BookingError, InvalidBooking

MAX_STARTS_IN_MESSAGE: Final = 5


class InvalidRecurrence(InvalidBooking):
    """The rule, the first start or an excluded start is wrong; the message says what to write."""

    default_code = "invalid_recurrence"

    limit: int | None
    """How many starts the rule may have; only with the code ``too_many_starts``."""
    first_start: datetime | None
    """The first start of the rule, in UTC; only with the code ``start_not_in_rule``."""

    def __init__(
        self,
        message: Any,
        code: str | None = None,
        params: dict[str, Any] | None = None,
        *,
        limit: int | None = None,
        first_start: datetime | None = None,
    ) -> None:
        self.limit = limit
        self.first_start = first_start
        super().__init__(message, code, params)


class DateutilNotInstalled(BookingError):
    """Series need python-dateutil. Run ``pip install "django-bookings[series]"``."""

    default_code = "dateutil_not_installed"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A start that could not be booked, or whose booking could not be changed."""

    start_at: datetime
    """The start by the rule of the series, in UTC."""
    error: BookingError
    """Why not."""
    alternatives: tuple[datetime, ...] = ()
    """The next free starts, in UTC, if the caller asked for alternatives."""


class SeriesConflict(BookingError):
    """Some starts of a series cannot be booked or changed, so nothing was written.

    The message names the first five.
    """

    default_code = "series_conflict"

    skipped: tuple[Skipped, ...]
    """Every such start with its error, soonest first."""

    def __init__(self, skipped: Sequence[Skipped], *, total: int, zone: ZoneInfo) -> None:
        self.skipped = tuple(skipped)
        reasons = [
            f"{item.start_at.astimezone(zone):%Y-%m-%d %H:%M}: {item.error}"
            for item in self.skipped[:MAX_STARTS_IN_MESSAGE]
        ]
        if len(self.skipped) > MAX_STARTS_IN_MESSAGE:
            reasons.append("…")
        super().__init__(
            _("Starts of the series that are not possible: %(number)d of %(total)d. %(reasons)s"),
            params={
                "number": len(self.skipped),
                "total": total,
                "reasons": " ".join(reasons),
            },
        )
