"""What a calendar shows of its providers: bookings, busy time, opening hours and entries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.contrib.admin import AdminSite
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from bookings import extensions
from bookings.extensions import CalendarEntry
from bookings.models import Booking, BusyInterval
from bookings.models.querysets import IS_COMPARED, overlapping
from bookings.rules import instants

Span = tuple[datetime, datetime]
"""``[start, end)``."""

ABSENCES: Final = (BusyInterval.Kind.TIME_OFF, BusyInterval.Kind.EXTERNAL)
"""The kinds of busy intervals in which a provider is away. They do not stretch the day."""


@dataclass(slots=True)
class ProviderContents:
    """What the calendar shows of one provider."""

    provider: Any
    bookings: list[Booking] = field(default_factory=list)
    """Without those that an entry shows together."""
    entries: list[CalendarEntry] = field(default_factory=list)
    busy_intervals: list[BusyInterval] = field(default_factory=list)
    open_time: Sequence[Span] | None = None
    """Sorted; ``None`` if the provider has no opening hours, and is open at all times."""
    shown_intervals: set[int | None] = field(default_factory=set)
    """The busy intervals that a booking or an entry shows."""

    def unshown_label(self, interval: BusyInterval) -> str:
        """Return what to say in a busy interval; nothing if a box shows what it is.

        That of concurrent bookings is how many seats they take, of how many.
        """
        if interval.pk in self.shown_intervals:
            return ""
        if interval.kind == BusyInterval.Kind.SEGMENT:
            return f"{interval.seats_taken}/{interval.capacity}"
        if interval.kind == BusyInterval.Kind.BOOKING:
            return _("Busy")
        return str(interval.get_kind_display())

    def free_time(self, start: datetime, end: datetime) -> list[Span]:
        """Return when the provider is open and not busy, between two instants."""
        free = []
        taken = sorted((interval.start_at, interval.end_at) for interval in self.busy_intervals)
        for opens, closes in [(start, end)] if self.open_time is None else self.open_time:
            at = max(opens, start)
            for begins, ends in taken:
                if at < begins:
                    free.append((at, min(begins, closes, end)))
                at = max(at, ends)
            free.append((at, min(closes, end)))
        return [(begins, ends) for begins, ends in free if begins < ends]

    def closed_time(self, start: datetime, end: datetime) -> list[Span]:
        """Return when the provider is closed, between two instants."""
        if self.open_time is None:
            return []
        closed, at = [], start
        for opens, closes in self.open_time:
            if at < opens:
                closed.append((at, min(opens, end)))
            at = max(at, closes)
        closed.append((at, end))
        return [(begins, ends) for begins, ends in closed if begins < ends]


def load_contents(
    providers: Collection[Any],
    bookings: Iterable[Booking],
    start: datetime,
    end: datetime,
    *,
    tenant_id: Any,
    now: datetime,
    site: AdminSite,
    request: HttpRequest,
) -> list[ProviderContents]:
    """Return the contents of each provider, by name, in a constant number of queries."""
    contents = {provider.pk: ProviderContents(provider) for provider in providers}
    entries = _entries(providers, start, end, site=site, request=request)
    shown_together = {key for entry in entries for key in entry.booking_ids}
    for entry in entries:
        contents[entry.provider_id].entries.append(entry)
        contents[entry.provider_id].shown_intervals.add(entry.busy_interval_id)
    for booking in bookings:
        shown = contents[booking.provider_id]
        shown.shown_intervals.add(booking.busy_interval_id)
        if booking.pk not in shown_together:
            shown.bookings.append(booking)
    for interval in _busy_intervals(contents, start, end, now):
        contents[interval.calendar.provider_id].busy_intervals.append(interval)
    hours: Mapping[Any, Sequence[Span]] = extensions.open_time(
        providers, start, end, tenant_id=tenant_id
    )
    for key, shown in contents.items():
        shown.open_time = hours.get(key)
    return sorted(contents.values(), key=lambda shown: str(shown.provider).casefold())


def _entries(
    providers: Collection[Any],
    start: datetime,
    end: datetime,
    *,
    site: AdminSite,
    request: HttpRequest,
) -> list[CalendarEntry]:
    return [
        entry
        for extension in extensions.implementing("calendar_entries")
        for entry in extension.calendar_entries(providers, start, end, site=site, request=request)
    ]


def _busy_intervals(
    provider_ids: Collection[Any], start: datetime, end: datetime, now: datetime
) -> Iterable[BusyInterval]:
    """Return the busy intervals of the providers, without holds that have expired.

    Of concurrent bookings, these are the segments.
    """
    return BusyInterval.objects.filter(
        IS_COMPARED,
        overlapping(instants.floor_second(start), instants.ceil_second(end)),
        Q(lapses__isnull=True) | Q(lapses__gt=instants.floor_second(now)),
        calendar__provider__in=list(provider_ids),
    ).select_related("calendar")
