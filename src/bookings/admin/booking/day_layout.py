"""The layout of one day of several providers: a column for each, with boxes for what it has.

Positions are the time that has passed since midnight, so a day on which the clocks change has 23 or
25 hours.
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
"""In pixels."""

FOUR_LINES_HEIGHT: Final = 70
"""A lower box has room for two lines, so neither the client nor the rest takes two of them."""

DEFAULT_OPEN: Final = time(8)
DEFAULT_CLOSE: Final = time(18)
"""A day is shown between these, and as far beyond them as it has bookings or busy intervals."""

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
    def is_short(self) -> bool:
        return self.height < FOUR_LINES_HEIGHT


@dataclass(slots=True)
class Column:
    provider: Any
    bookings: list[Booking] = field(default_factory=list)
    busy_intervals: list[BusyInterval] = field(default_factory=list)
    booking_boxes: list[Box] = field(default_factory=list)
    busy_boxes: list[Box] = field(default_factory=list)
    """Shades behind the bookings; where a booking has buffers, they reach beyond it."""
    lane_count: int = 1
    """How many bookings are side by side where there are most."""


class DayLayout:
    """Call ``arrange``, which fills ``columns``, ``hours`` and ``height``."""

    def __init__(self, day: date) -> None:
        self.date = day
        self.start = midnight(day)
        self.end = midnight(day + timedelta(days=1))
        self.columns: list[Column] = []
        self.hours: list[tuple[int, datetime]] = []
        """The position of each full hour, in pixels, and the hour."""
        self.height = 0

    def arrange(
        self,
        bookings: Sequence[Booking],
        idle_providers: Iterable[Any],
        busy_intervals: Iterable[BusyInterval] = (),
    ) -> None:
        """Make a column for each provider that has a booking or is idle."""
        columns = {booking.provider_id: Column(booking.provider) for booking in bookings}
        columns |= {provider.pk: Column(provider) for provider in idle_providers}
        for booking in bookings:
            columns[booking.provider_id].bookings.append(booking)
        for interval in busy_intervals:
            columns[interval.calendar.provider_id].busy_intervals.append(interval)
        self.columns = sorted(columns.values(), key=lambda column: str(column.provider).casefold())
        self._choose_hours(bookings)
        shown_ids = {booking.busy_interval_id for booking in bookings}
        for column in self.columns:
            column.booking_boxes = self._place_side_by_side(column.bookings)
            column.lane_count = max(
                (round(100 / float(box.width)) for box in column.booking_boxes), default=1
            )
            column.busy_boxes = [
                self._box(
                    interval.start_at, interval.end_at, label=_busy_label(interval, shown_ids)
                )
                for interval in column.busy_intervals
            ]

    def _choose_hours(self, bookings: Iterable[Booking]) -> None:
        """Choose the full hours between which the day is shown."""
        intervals = [interval for column in self.columns for interval in column.busy_intervals]
        spans = [(booking.start_at, booking.end_at) for booking in bookings]
        spans += [(interval.start_at, interval.end_at) for interval in intervals]
        opens, closes = (
            timezone.make_aware(datetime.combine(self.date, clock)).astimezone(UTC)
            for clock in (DEFAULT_OPEN, DEFAULT_CLOSE)
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

    def _place_side_by_side(self, bookings: Iterable[Booking]) -> list[Box]:
        """Return a box for each booking. Those that overlap, as in a group, each have a lane."""
        boxes: list[Box] = []
        cluster: list[Booking] = []
        cluster_end = self.start
        for booking in sorted(bookings, key=lambda booking: (booking.start_at, booking.pk)):
            if booking.start_at >= cluster_end:
                boxes += self._place_in_lanes(cluster)
                cluster = []
            cluster.append(booking)
            cluster_end = max(cluster_end, booking.end_at)
        return boxes + self._place_in_lanes(cluster)

    def _place_in_lanes(self, cluster: Iterable[Booking]) -> list[Box]:
        lane_ends: list[datetime] = []
        placed: list[tuple[Booking, int]] = []
        for booking in cluster:
            free = (lane for lane, end in enumerate(lane_ends) if end <= booking.start_at)
            lane = next(free, len(lane_ends))
            lane_ends[lane : lane + 1] = [booking.end_at]
            placed.append((booking, lane))
        width = 100 / max(len(lane_ends), 1)
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


def _busy_label(interval: BusyInterval, shown_ids: set[int | None]) -> str:
    """Return the label of a busy interval; empty if its booking is shown on the page.

    That of concurrent bookings is how many seats they take, of how many.
    """
    if interval.pk in shown_ids:
        return ""
    if interval.kind == BusyInterval.Kind.SEGMENT:
        return f"{interval.seats_taken}/{interval.capacity}"
    if interval.kind == BusyInterval.Kind.BOOKING:
        return _("Busy")
    return str(interval.get_kind_display())
