"""The layout of a week of many providers: a row for each, with what it has on each day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format

from bookings.admin.calendar.contents import ProviderContents
from bookings.admin.calendar.period import ONE_DAY
from bookings.admin.filters import midnight
from bookings.extensions import CalendarEntry
from bookings.models import Booking


@dataclass(frozen=True, slots=True)
class WeekItem:
    """A booking, a session or an absence on one day."""

    start: datetime
    booking: Booking | None = None
    entry: CalendarEntry | None = None

    @property
    def time(self) -> str:
        return date_format(timezone.localtime(self.start), "TIME_FORMAT")


@dataclass(slots=True)
class Cell:
    date: date
    items: list[WeekItem] = field(default_factory=list)
    absences: list[WeekItem] = field(default_factory=list)
    is_closed: bool = False


@dataclass(slots=True)
class Row:
    provider: Any
    cells: list[Cell]


def week_rows(contents: Iterable[ProviderContents], dates: Sequence[date]) -> list[Row]:
    """Return a row for each provider. What spans several days is in each of their cells."""
    days = [(day, midnight(day), midnight(day + ONE_DAY)) for day in dates]
    return [Row(shown.provider, list(_cells(shown, days))) for shown in contents]


def _cells(
    shown: ProviderContents, days: Iterable[tuple[date, datetime, datetime]]
) -> Iterator[Cell]:
    items = [
        *(
            (booking.start_at, booking.end_at, WeekItem(booking.start_at, booking=booking))
            for booking in shown.bookings
        ),
        *(
            (entry.start_at, entry.end_at, WeekItem(entry.start_at, entry=entry))
            for entry in shown.entries
        ),
    ]
    items.sort(key=lambda item: item[0])
    for day, start, end in days:
        found = [item for begins, ends, item in items if begins < end and start < ends]
        is_open = shown.open_time is None or any(
            opens < end and start < closes for opens, closes in shown.open_time
        )
        yield Cell(
            day,
            [item for item in found if item.entry is None or item.entry.is_work],
            [item for item in found if item.entry is not None and not item.entry.is_work],
            is_closed=not is_open,
        )
