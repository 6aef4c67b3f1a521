"""What the services of a series return."""

from __future__ import annotations

from dataclasses import dataclass

from bookings.contrib.series.exceptions import Skipped
from bookings.contrib.series.models import Series
from bookings.models import Booking


@dataclass(frozen=True, slots=True)
class SeriesResult:
    """A series as it is now, and what was done to it."""

    series: Series
    bookings: list[Booking]
    """Those that were made, moved or cancelled, soonest first."""
    skipped: tuple[Skipped, ...] = ()
    """The starts that were left out, soonest first."""
