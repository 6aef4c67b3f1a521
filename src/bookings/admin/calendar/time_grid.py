"""The layout of columns of time: a day of several providers, or several days of one.

A position is the time that has passed since the first hour shown, so a day on which the clocks
change has an hour more or less.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.utils import timezone

from bookings.admin.calendar.contents import ABSENCES, ProviderContents, Span
from bookings.admin.calendar.period import ONE_DAY
from bookings.admin.filters import midnight
from bookings.extensions import CalendarEntry
from bookings.models import Booking

HOUR_HEIGHT: Final = 72
"""In pixels."""

MAX_HOUR_HEIGHT: Final = 312

ONE_LINE: Final = 26
"""The height of a box with one line of text, of which a thumb needs 24. An hour is higher if the
shortest box needs it."""

TWO_LINES: Final = 36
FOUR_LINES: Final = 70

FIRST_HOUR: Final = 8
LAST_HOUR: Final = 18
"""The day of a provider without opening hours; what is booked beyond them is shown too."""

HOUR: Final = timedelta(hours=1)
SHORTEST_FREE_TIME: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """``left`` and ``width`` in percent of the column, ``top`` and ``height`` in pixels."""

    top: int
    height: int
    start: datetime
    end: datetime
    booking: Booking | None = None
    bookings: Sequence[Booking] = ()
    """Several bookings of one service that begin and end together, as those of a shared slot."""
    entry: CalendarEntry | None = None
    label: str = ""
    url: str = ""
    lane: int = 0
    lanes: int = 1

    @property
    def left(self) -> str:
        return f"{100 * self.lane / self.lanes:.3f}"

    @property
    def right(self) -> str:
        """Return the position from the right, for languages that are written from there."""
        return f"{100 - 100 * (self.lane + 1) / self.lanes:.3f}"

    @property
    def width(self) -> str:
        return f"{100 / self.lanes:.3f}"

    @property
    def seats(self) -> int:
        return sum(booking.party_size for booking in self.bookings)

    @property
    def size(self) -> str:
        """Return how much text there is room for."""
        if self.height < TWO_LINES:
            return "tiny"
        return "short" if self.height < FOUR_LINES else "tall"


@dataclass(slots=True)
class Column:
    """One day of one provider."""

    contents: ProviderContents
    date: date
    origin: datetime
    """The instant at the top."""
    end: datetime
    hour_height: int
    is_closed: bool = False
    """Whether the provider is closed on the whole day."""
    hours: list[tuple[int, datetime]] = field(default_factory=list)
    """The position of each full hour, and the hour."""
    boxes: list[Box] = field(default_factory=list)
    """Bookings and sessions, those that overlap side by side."""
    absences: list[Box] = field(default_factory=list)
    """Time off and external time."""
    busy: list[Box] = field(default_factory=list)
    """Shades behind the boxes; where a booking has buffers, they reach beyond it."""
    closed: list[Box] = field(default_factory=list)
    free: list[Box] = field(default_factory=list)
    """Stretches of an hour at most, each of which begins a booking when it is clicked."""
    now: int | None = None
    """The position of the current time, if it is on the page."""
    own_hours: bool = False
    """Whether the hours are not those at the side, because the clocks change."""

    @property
    def provider(self) -> Any:
        return self.contents.provider

    @property
    def lane_count(self) -> int:
        return max((box.lanes for box in self.boxes), default=1)

    @property
    def height(self) -> int:
        return self.position(self.end)

    def position(self, instant: datetime) -> int:
        return (min(max(instant, self.origin), self.end) - self.origin) * self.hour_height // HOUR

    def box(self, start: datetime, end: datetime, **values: Any) -> Box:
        top, bottom = self.position(start), self.position(end)
        return Box(top=top, height=max(bottom - top, 1), start=start, end=end, **values)


class TimeGrid:
    """Columns of time beside each other, all with the same hours of the clock."""

    def __init__(
        self,
        contents: Sequence[ProviderContents],
        dates: Sequence[date],
        *,
        now: datetime,
        with_free_time: bool,
    ) -> None:
        days = [(shown, day) for shown in contents for day in dates]
        first, last = _hours_shown(days)
        hour_height = _hour_height(days)
        self.columns = [self._column(shown, day, first, last, hour_height) for shown, day in days]
        self.hours = max((column.hours for column in self.columns), key=len, default=[])
        """The position of each full hour, in pixels, and the hour."""
        self.height = max((column.height for column in self.columns), default=0)
        for column in self.columns:
            column.own_hours = [f"{hour:%H}" for _top, hour in column.hours] != [
                f"{hour:%H}" for _top, hour in self.hours
            ]
            _fill(column, now, with_free_time=with_free_time)

    @staticmethod
    def _column(
        shown: ProviderContents, day: date, first: int, last: int, hour_height: int
    ) -> Column:
        column = Column(shown, day, _instant(day, first), _instant(day, last), hour_height)
        count = -((column.origin - column.end) // HOUR)
        column.hours = [
            (number * hour_height, timezone.localtime(column.origin + number * HOUR))
            for number in range(count)
        ]
        return column


def _instant(day: date, hour: int) -> datetime:
    """Return the instant of a full hour of a day, of which the 24th is midnight."""
    if hour == 24:
        return midnight(day + ONE_DAY)
    return timezone.make_aware(datetime.combine(day, time(hour))).astimezone(UTC)


def _hours_shown(days: Iterable[tuple[ProviderContents, date]]) -> tuple[int, int]:
    """Return the full hours of the clock between which all days are shown.

    They are those of the opening hours, bookings and sessions. An absence does not stretch them.
    """
    first, last = 24, 0
    for shown, day in days:
        if shown.open_time is None:
            first, last = min(first, FIRST_HOUR), max(last, LAST_HOUR)
        start, end = midnight(day), midnight(day + ONE_DAY)
        for begins, ends in _working_spans(shown):
            if begins < end and start < ends:
                first = 0 if begins <= start else min(first, timezone.localtime(begins).hour)
                last = 24 if ends >= end else max(last, _hour_after(timezone.localtime(ends)))
    return (first, last) if first < last else (FIRST_HOUR, LAST_HOUR)


def _working_spans(shown: ProviderContents) -> Iterator[Span]:
    yield from shown.open_time or ()
    yield from _text_spans(shown)
    for interval in shown.busy_intervals:
        if interval.kind not in ABSENCES:
            yield interval.start_at, interval.end_at


def _hour_after(moment: datetime) -> int:
    return moment.hour + (moment.minute > 0 or moment.second > 0)


def _hour_height(days: Iterable[tuple[ProviderContents, date]]) -> int:
    """Return how high an hour is, so that the shortest booking has a line of text."""
    shortest = min(
        (
            end - start
            for shown in {id(shown): shown for shown, _day in days}.values()
            for start, end in _text_spans(shown)
        ),
        default=HOUR,
    )
    needed = -(-ONE_LINE * HOUR // max(shortest, timedelta(minutes=1)))
    return min(max(HOUR_HEIGHT, needed), MAX_HOUR_HEIGHT)


def _text_spans(shown: ProviderContents) -> Iterator[Span]:
    yield from ((booking.start_at, booking.end_at) for booking in shown.bookings)
    yield from ((entry.start_at, entry.end_at) for entry in shown.entries if entry.is_work)


def _fill(column: Column, now: datetime, *, with_free_time: bool) -> None:
    """Place everything in the column."""
    shown, start, end = column.contents, column.origin, column.end

    def is_on_page(begins: datetime, ends: datetime) -> bool:
        return begins < end and start < ends

    column.is_closed = not any(
        is_on_page(*span)
        for span in ([(start, end)] if shown.open_time is None else shown.open_time)
    )
    column.closed = [column.box(*span) for span in shown.closed_time(start, end)]
    column.absences = [
        column.box(entry.start_at, entry.end_at, entry=entry, label=entry.title, url=entry.url)
        for entry in shown.entries
        if not entry.is_work and is_on_page(entry.start_at, entry.end_at)
    ]
    column.busy = [
        column.box(interval.start_at, interval.end_at, label=shown.unshown_label(interval))
        for interval in shown.busy_intervals
        if is_on_page(interval.start_at, interval.end_at)
    ]
    spans = list(_booking_spans(shown.bookings))
    spans += [
        (entry.start_at, entry.end_at, {"entry": entry, "url": entry.url})
        for entry in shown.entries
        if entry.is_work
    ]
    column.boxes = list(
        _side_by_side(column, [span for span in spans if is_on_page(span[0], span[1])])
    )
    if with_free_time:
        column.free = [
            column.box(*span) for span in _by_the_hour(shown.free_time(max(start, now), end))
        ]
    if start <= now < end:
        column.now = column.position(now)


def _booking_spans(
    bookings: Iterable[Booking],
) -> Iterator[tuple[datetime, datetime, dict[str, Any]]]:
    """Yield a span for each booking, and one for those that share a slot."""
    by_slot: dict[Any, list[Booking]] = defaultdict(list)
    for booking in bookings:
        by_slot[booking.service_id, booking.start_at, booking.end_at].append(booking)
    for (_service, start, end), found in by_slot.items():
        found.sort(key=lambda booking: (booking.client_name.casefold(), booking.reference))
        one, *others = found
        yield start, end, {"bookings": found} if others else {"booking": one}


def _by_the_hour(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield the spans in pieces that end at full hours of the clock."""
    for start, end in spans:
        begins = start
        while begins < end:
            local = timezone.localtime(begins)
            passed = timedelta(
                minutes=local.minute, seconds=local.second, microseconds=local.microsecond
            )
            ends = min(begins + HOUR - passed, end)
            if ends - begins >= SHORTEST_FREE_TIME:
                yield begins, ends
            begins = ends


def _side_by_side(
    column: Column, spans: Iterable[tuple[datetime, datetime, dict[str, Any]]]
) -> Iterator[Box]:
    """Yield a box for each span. Those that overlap each have a lane."""
    cluster: list[tuple[datetime, datetime, dict[str, Any]]] = []
    cluster_end = column.origin
    for span in sorted(spans, key=lambda span: span[:2]):
        if cluster and span[0] >= cluster_end:
            yield from _in_lanes(column, cluster)
            cluster = []
        cluster.append(span)
        cluster_end = max(cluster_end, span[1])
    yield from _in_lanes(column, cluster)


def _in_lanes(
    column: Column, cluster: Iterable[tuple[datetime, datetime, dict[str, Any]]]
) -> Iterator[Box]:
    lane_ends: list[datetime] = []
    placed = []
    for start, end, values in cluster:
        free = (lane for lane, lane_end in enumerate(lane_ends) if lane_end <= start)
        lane = next(free, len(lane_ends))
        lane_ends[lane : lane + 1] = [end]
        placed.append((start, end, lane, values))
    for start, end, lane, values in placed:
        yield column.box(start, end, lane=lane, lanes=len(lane_ends), **values)
