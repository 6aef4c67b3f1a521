"""What a service of series returns, and how it collects the starts that were refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from bookings.contrib.series.exceptions import Skipped
from bookings.contrib.series.models import Series
from bookings.contrib.series.services.instances import SeriesInstance
from bookings.exceptions import BookingBusy, BookingError, InvalidBooking, TenantMismatch
from bookings.models import Booking

if TYPE_CHECKING:
    from bookings.contrib.group_sessions.models import Session

ERRORS_OF_THE_WHOLE_CALL: Final = (BookingBusy, InvalidBooking, TenantMismatch)
"""Errors that every other start would raise as well, so they are not collected."""


@dataclass(frozen=True, slots=True)
class SeriesResult:
    """A series as it is now, and what was done to it."""

    series: Series
    """The series; after a split, the part that was changed."""
    bookings: list[Booking] = field(default_factory=list)
    """The bookings that were made, moved, updated or cancelled, soonest first."""
    sessions: list[Session] = field(default_factory=list)
    """The same of a series of sessions."""
    skipped: tuple[Skipped, ...] = ()
    """The starts that were left out, soonest first."""
    is_replay: bool = field(default=False, compare=False)
    """Whether the idempotency key had made the series before, so that nothing was written now."""

    @classmethod
    def of(
        cls,
        series: Series,
        instances: Sequence[SeriesInstance],
        skipped: Sequence[Skipped] = (),
        *,
        is_replay: bool = False,
    ) -> SeriesResult:
        return cls(
            series,
            [instance for instance in instances if isinstance(instance, Booking)],
            [instance for instance in instances if not isinstance(instance, Booking)],
            tuple(skipped),
            is_replay,
        )


class Refusals:
    """The starts that were refused, each with its error."""

    def __init__(self) -> None:
        self._errors: dict[datetime, BookingError] = {}

    def add(self, start_at: datetime, error: BookingError) -> None:
        """Keep the error of a start, or raise one that concerns the whole call."""
        if isinstance(error, ERRORS_OF_THE_WHOLE_CALL):
            raise error
        self._errors[start_at] = error

    def copy(self) -> Refusals:
        other = Refusals()
        other._errors = dict(self._errors)
        return other

    def skipped(
        self, alternatives: Mapping[datetime, tuple[datetime, ...]] | None = None
    ) -> list[Skipped]:
        """Return the refused starts, soonest first."""
        found = alternatives or {}
        return [
            Skipped(start_at, error, found.get(start_at, ()))
            for start_at, error in sorted(self._errors.items())
        ]
