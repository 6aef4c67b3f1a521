"""One day of several providers, as rectangles: what is where, in pixels and percent.

Positions are elapsed time since midnight, so a day on which the clocks change has 23 or 25 hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from bookings.admin.filters import midnight
from bookings.models import Booking, BusyInterval

HOUR_HEIGHT: Final = 84
LINES_HEIGHT: Final = 70
"""What four lines of text need; in a lower box, neither the client nor the rest takes two."""

OPENS: Final = time(8)
CLOSES: Final = time(18)
"""A quiet day is shown from and to here; a booking or a claim outside makes it longer."""

HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Box:
    """``left`` and ``width`` in percent of the column, ``top`` and ``height`` in pixels."""

    top: int
    height: int
    booking: Booking | None = None
    label: str = ""
    left: str = "0"
    width: str = "100"

    @property
    def is_low(self) -> bool:
        return self.height < LINES_HEIGHT


@dataclass(slots=True)
class Column:
    provider: Any
    bookings: list[Booking] = field(default_factory=list)
    busy: list[BusyInterval] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    shades: list[Box] = field(default_factory=list)
    lanes: int = 1


class Day:
    """``arrange`` fills ``columns``, ``hours`` and ``height``."""

    def __init__(self, day: date) -> None:
        self.date = day
        self.start = midnight(day)
        self.end = midnight(day + timedelta(days=1))
        self.columns: list[Column] = []
        self.hours: list[tuple[int, datetime]] = []
        self.height = 0

    def arrange(
        self,
        bookings: Sequence[Booking],
        idle: Iterable[Any],
        busy: Iterable[BusyInterval] = (),
    ) -> None:
        """A column for each provider with a booking, and for each of the ``idle`` ones."""
        columns = {booking.provider_id: Column(booking.provider) for booking in bookings}
        columns |= {provider.pk: Column(provider) for provider in idle}
        for booking in bookings:
            columns[booking.provider_id].bookings.append(booking)
        for interval in busy:
            columns[interval.calendar.provider_id].busy.append(interval)
        self.columns = sorted(columns.values(), key=lambda item: str(item.provider).casefold())
        self._open(bookings)
        known = {booking.busy_interval_id for booking in bookings}
        for column in self.columns:
            column.boxes = self._side_by_side(column.bookings)
            column.lanes = max((round(100 / float(box.width)) for box in column.boxes), default=1)
            column.shades = [
                self._box(item.start_at, item.end_at, label=_label(item, known))
                for item in column.busy
            ]

    def _open(self, bookings: Iterable[Booking]) -> None:
        spans = [(item.start_at, item.end_at) for item in bookings]
        spans += [(item.start_at, item.end_at) for column in self.columns for item in column.busy]
        opens, closes = (
            timezone.make_aware(datetime.combine(self.date, clock)).astimezone(UTC)
            for clock in (OPENS, CLOSES)
        )
        first = max(self.start, min([opens, *(start for start, _end in spans)]))
        last = min(self.end, max([closes, *(end for _start, end in spans)]))
        self.first = self.start + (first - self.start) // HOUR * HOUR
        count = -((self.first - last) // HOUR)
        self.last = self.first + count * HOUR
        self.height = count * HOUR_HEIGHT
        self.hours = [
            (number * HOUR_HEIGHT, timezone.localtime(self.first + number * HOUR))
            for number in range(count)
        ]

    def _box(self, start: datetime, end: datetime, **values: Any) -> Box:
        top, bottom = (
            (min(max(instant, self.first), self.last) - self.first) * HOUR_HEIGHT // HOUR
            for instant in (start, end)
        )
        return Box(top=top, height=max(bottom - top, 1), **values)

    def _side_by_side(self, bookings: Iterable[Booking]) -> list[Box]:
        """Bookings that share an instant, as those of a group do, each get a lane of the column."""
        boxes: list[Box] = []
        cluster: list[Booking] = []
        until = self.start
        for booking in sorted(bookings, key=lambda item: (item.start_at, item.pk)):
            if booking.start_at >= until:
                boxes += self._lanes(cluster)
                cluster = []
            cluster.append(booking)
            until = max(until, booking.end_at)
        return boxes + self._lanes(cluster)

    def _lanes(self, cluster: Iterable[Booking]) -> list[Box]:
        free_from: list[datetime] = []
        placed: list[tuple[Booking, int]] = []
        for booking in cluster:
            free = (lane for lane, end in enumerate(free_from) if end <= booking.start_at)
            lane = next(free, len(free_from))
            free_from[lane : lane + 1] = [booking.end_at]
            placed.append((booking, lane))
        width = 100 / max(len(free_from), 1)
        return [
            self._box(
                booking.start_at,
                booking.end_at,
                booking=booking,
                left=f"{lane * width:.3f}",
                width=f"{width:.3f}",
            )
            for booking, lane in placed
        ]


def _label(interval: BusyInterval, known: set[int | None]) -> str:
    """A claim behind a booking that is shown needs no word; its edges are the buffers."""
    if interval.pk in known:
        return ""
    if interval.kind == BusyInterval.Kind.BOOKING:
        return _("Busy")
    return str(interval.get_kind_display())
