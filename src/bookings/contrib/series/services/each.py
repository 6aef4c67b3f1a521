"""Do the same for several starts of a series, and learn where it was refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, TypeVar

from bookings.contrib.series.exceptions import SeriesConflict, Skipped
from bookings.contrib.series.services.result import SeriesResult
from bookings.contrib.series.services.scope import Opened, Scope
from bookings.contrib.series.services.things import Thing
from bookings.exceptions import (
    BookingBusy,
    BookingError,
    InvalidBooking,
    TenantMismatch,
)
from bookings.zones import named_zone

T = TypeVar("T")

OF_ALL: Final = (BookingBusy, InvalidBooking, TenantMismatch)
"""What another start would be refused for just the same."""


def for_each(
    items: Iterable[tuple[datetime, T]], act: Callable[[T], Thing]
) -> tuple[list[Thing], list[Skipped]]:
    """What became of each, soonest first; an error that is about all of them is raised."""
    done: list[Thing] = []
    skipped: list[Skipped] = []
    for start_at, item in items:
        try:
            done.append(act(item))
        except OF_ALL:
            raise
        except BookingError as error:
            skipped.append(Skipped(start_at, error))
    done.sort(key=lambda thing: thing.start_at)
    skipped.sort(key=lambda refused: refused.start_at)
    return done, skipped


def change_each(at: Opened, scope: Scope, act: Callable[[Thing], Thing]) -> SeriesResult:
    """Change what is meant; of several all or none, with every refusal in a ``SeriesConflict``."""
    if scope is Scope.ONE:
        return SeriesResult.of(at.series, [act(at.named())])
    meant = at.of(scope)
    changed, refused = for_each(((row.original_start_at, thing) for row, thing in meant), act)
    if refused:
        raise SeriesConflict(refused, of=len(meant), zone=named_zone(at.series.timezone))
    return SeriesResult.of(at.series, changed)
