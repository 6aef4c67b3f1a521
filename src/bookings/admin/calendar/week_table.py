"""The layout of a week of many providers: a row for each, with what it has on each day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    status: str = ""
    """The label of the booking's status."""
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
    # Once, because get_status_display() translates the labels of all statuses each time.
    labels = {value: str(label) for value, label in Booking.Status.choices}
    return [Row(shown.provider, list(_cells(shown, days, labels))) for shown in contents]


def _cells(
    shown: ProviderContents,
    days: Iterable[tuple[date, datetime, datetime]],
    labels: Mapping[str, str],
) -> Iterator[Cell]:
    items = [
        *(
            (
                booking.start_at,
                booking.end_at,
                WeekItem(booking.start_at, booking, labels[booking.status]),
            )
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
