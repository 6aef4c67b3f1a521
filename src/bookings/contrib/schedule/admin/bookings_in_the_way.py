"""The bookings in the way of time off, and what could become of each: where to move it, whom to
give it to, and what its cancellation costs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.admin import AdminSite
from django.db import router
from django.http import HttpRequest
from django.utils import timezone

from bookings import extensions
from bookings.admin.filters import midnight
from bookings.admin.visibility import can_change, selectable_objects, visible_objects
from bookings.contrib.schedule.exceptions import TimeOffConflict
from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.slots.availability import Availability
from bookings.contrib.schedule.slots.query import SlotQuery
from bookings.contrib.schedule.time_off_intervals import find_conflict
from bookings.exceptions import BookingError
from bookings.extensions import CalendarEntry
from bookings.models import Booking, BusyInterval
from bookings.rules import instants
from bookings.selectors.providers import active_providers
from bookings.services.booking_change import has_lapsed
from bookings.services.offered_providers import providers_who_offer

LOOK_AHEAD: Final = timedelta(days=14)
"""For so long after the time off, starts are looked for."""

LONGEST_SEARCH: Final = timedelta(days=60)
"""Before longer time off, no start is looked for on its first day."""

MAX_STARTS: Final = 30
"""How many starts are offered for a booking."""

MAX_PROVIDERS: Final = 20
"""How many providers are asked whether they are free."""


@dataclass(slots=True)
class BookingInTheWay:
    """A booking that the user may see, and what could become of it."""

    booking: Booking
    is_changeable: bool
    starts: list[datetime] = field(default_factory=list)
    """Where it could be moved to, with its provider."""
    providers: list[Any] = field(default_factory=list)
    """Who could take it as it is."""
    notes: Sequence[str] = ()
    """What follows if it is cancelled."""

    @property
    def window(self) -> tuple[int, int]:
        """The time that it takes, in Unix seconds."""
        return instants.busy_bounds_of(self.booking)

    def window_at(self, start_at: datetime) -> tuple[int, int]:
        """Return the time that it would take with another start, in Unix seconds."""
        moved = instants.floor_second(start_at) - instants.floor_second(self.booking.start_at)
        starts, ends = self.window
        return starts + moved, ends + moved


@dataclass(slots=True)
class InTheWay:
    """What is in the way of time off, as far as the user may see it."""

    bookings: list[BookingInTheWay] = field(default_factory=list)
    sessions: list[CalendarEntry] = field(default_factory=list)
    """The sessions that the user may see."""
    hidden: list[Booking] = field(default_factory=list)
    """Bookings that the user may not see, or whose session the user may not see."""
    hidden_intervals: list[BusyInterval] = field(default_factory=list)
    """Other time that is taken, of which no app has a page for the user."""

    def __bool__(self) -> bool:
        return bool(self.bookings or self.sessions or self.hidden or self.hidden_intervals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The search for what is in the way of time off of a provider."""

    site: AdminSite
    request: HttpRequest
    provider: Any
    start_at: datetime
    end_at: datetime
    now: datetime = field(default_factory=timezone.now)

    @property
    def window(self) -> tuple[int, int]:
        """The time off in Unix seconds."""
        return instants.busy_bounds(self.start_at, self.end_at, 0, 0)

    def find(self, *, most: int) -> InTheWay:
        """Return what is in the way.

        Of more than ``most`` bookings, it is not said what could become of them. The number of
        queries grows with that of the kinds of bookings, which differ in service, length or seats.
        """
        using = router.db_for_write(TimeOff)
        conflict = find_conflict(self.provider.pk, self.window, now=self.now, using=using)
        if conflict is None:
            return InTheWay()
        found = self._sort(conflict)
        changeable = [row for row in found.bookings if row.is_changeable]
        if len(found.bookings) <= most and changeable:
            self._find_offers(changeable)
            self._find_notes(changeable)
        return found

    def _sort(self, conflict: TimeOffConflict) -> InTheWay:
        """Tell apart bookings, sessions and other things, by what the user may see."""
        # What has lapsed is expired by the service before it looks.
        bookings = [one for one in conflict.bookings if not has_lapsed(one, self.now)]
        visible = self._visible(bookings)
        claims = {interval.pk: interval for interval in conflict.claims}
        in_session: dict[int, list[Booking]] = defaultdict(list)
        found = InTheWay()
        for stored in bookings:
            booking = visible.get(stored.pk)
            if (booking or stored).is_in_session:
                in_session[stored.busy_interval_id or 0].append(stored)
            elif booking is None:
                found.hidden.append(stored)
            else:
                may_change = can_change(self.site, Booking, self.request, booking)
                found.bookings.append(BookingInTheWay(booking, may_change))
        entries = self._entries() if claims or in_session else {}
        for key in (*in_session, *claims):
            if key in entries:
                found.sessions.append(entries[key])
            elif key in claims:
                found.hidden_intervals.append(claims[key])
            else:
                found.hidden.extend(in_session[key])
        return found

    def _visible(self, bookings: Sequence[Booking]) -> dict[Any, Booking]:
        """Return those of the bookings that the user sees, by key."""
        keys = [booking.pk for booking in bookings]
        rows = visible_objects(self.site, Booking, self.request).filter(pk__in=keys)
        related = ("service", "provider", "tenant", "busy_interval")
        return {booking.pk: booking for booking in rows.select_related(*related)}

    def _entries(self) -> dict[int, CalendarEntry]:
        """Return the work that apps have pages for, such as sessions, by busy interval."""
        span = (self.start_at, self.end_at)
        return {
            entry.busy_interval_id: entry
            for extension in extensions.implementing("calendar_entries")
            for entry in extension.calendar_entries(
                [self.provider], *span, site=self.site, request=self.request
            )
            if entry.is_work and entry.url and entry.busy_interval_id is not None
        }

    def _find_offers(self, rows: Iterable[BookingInTheWay]) -> None:
        alike: dict[Any, list[BookingInTheWay]] = defaultdict(list)
        for row in rows:
            alike[_kind(row.booking)].append(row)
        for group in alike.values():
            booking = group[0].booking
            starts = self._offered_starts(booking)
            # Who is only a resource of the booking is not replaced by another provider.
            is_own = booking.provider_id == self.provider.pk
            free = self._free_providers(group) if is_own else []
            for row in group:
                fitting = [one for one in starts if not _overlap(row.window_at(one), self.window)]
                row.starts = fitting[:MAX_STARTS]
                row.providers = [one.provider for one in free if row.booking.start_at in one]

    def _offered_starts(self, booking: Booking) -> list[datetime]:
        """Return starts with its provider, on the first day of the time off or after it."""
        first = self.end_at
        if self.end_at - self.start_at <= LONGEST_SEARCH:
            first = midnight(timezone.localtime(self.start_at).date())
        last = max(self.end_at, self.now) + LOOK_AHEAD
        bounds = instants.busy_bounds(max(first, self.now), last, 0, 0)
        answers = self._run(booking, bounds, [booking.provider])
        return [slot.start for answer in answers for slot in answer]

    def _free_providers(self, group: Sequence[BookingInTheWay]) -> list[Availability]:
        """Return when the other providers who offer the service are free."""
        booking = group[0].booking
        model: Any = Booking._meta.get_field("provider").related_model
        others = selectable_objects(self.site, model, self.request)
        others = active_providers(others, tenant=booking.tenant).exclude(pk=booking.provider_id)
        offering = providers_who_offer(booking.service)
        if offering is not None:
            others = others.filter(pk__in=offering.order_by().values("pk"))
        starts = sorted(instants.floor_second(row.booking.start_at) for row in group)
        return self._run(booking, (starts[0], starts[-1] + 1), list(others[:MAX_PROVIDERS]))

    def _run(
        self, booking: Booking, bounds: tuple[int, int], providers: list[Any]
    ) -> list[Availability]:
        """Return when the providers could take the booking; nothing where a rule refuses all."""
        try:
            query = SlotQuery.build(
                booking.service,
                bounds,
                tenant=booking.tenant,
                booking=booking,
                now_dt=self.now,
                override_policy=True,
            )
            return query.run(providers)
        except BookingError:
            return []

    def _find_notes(self, rows: Iterable[BookingInTheWay]) -> None:
        by_key = {row.booking.pk: row for row in rows}
        bookings = [row.booking for row in by_key.values()]
        for extension in extensions.implementing("cancellation_notes"):
            notes = extension.cancellation_notes(
                bookings, by="provider", site=self.site, request=self.request
            )
            for key, texts in notes.items():
                by_key[key].notes = [*by_key[key].notes, *texts]


def _kind(booking: Booking) -> tuple[Any, ...]:
    """Return what tells apart bookings for which other starts and providers are offered."""
    return (
        *(booking.service_id, booking.provider_id, booking.party_size, booking.duration_days),
        booking.end_at - booking.start_at,
        *(booking.buffer_before_minutes, booking.buffer_after_minutes),
        # The resources of another booking are not free for it.
        booking.pk if booking.resource_count else None,
    )


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
