"""Do the same for every start of a series, and learn where it was refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, TypeVar

from bookings.contrib.series.exceptions import Skipped
from bookings.contrib.series.services.things import Thing
from bookings.exceptions import (
    BookingBusy,
    BookingError,
    InvalidBooking,
    TenantMismatch,
)

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
