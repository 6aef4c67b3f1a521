"""What the services of a series return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bookings.contrib.series.exceptions import Skipped
from bookings.contrib.series.models import Series
from bookings.contrib.series.services.things import Thing
from bookings.models import Booking

if TYPE_CHECKING:
    from bookings.contrib.group_sessions.models import Session


@dataclass(frozen=True, slots=True)
class SeriesResult:
    """A series as it is now, and what was done to it."""

    series: Series
    bookings: list[Booking] = field(default_factory=list)
    """Those that were made, moved or cancelled, soonest first."""
    sessions: list[Session] = field(default_factory=list)
    """As above, of a series of sessions."""
    skipped: tuple[Skipped, ...] = ()
    """The starts that were left out, soonest first."""

    @classmethod
    def of(
        cls, series: Series, things: Sequence[Thing], skipped: Sequence[Skipped] = ()
    ) -> SeriesResult:
        return cls(
            series,
            [thing for thing in things if isinstance(thing, Booking)],
            [thing for thing in things if not isinstance(thing, Booking)],
            tuple(skipped),
        )
