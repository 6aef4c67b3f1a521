"""When the resources that a booking needs are free and open.

A resource without a schedule of its own is open at all times. Starts are Unix seconds. A start is
*blocked* for a resource if the booking would overlap its busy time or not fit into its hours, and
for a pool if it is blocked for all of its providers.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings import slots
from bookings.adapters import get_adapter, is_overridden
from bookings.contrib.schedule import engine
from bookings.contrib.schedule.engine import Interval, OpeningHours, SlotRules
from bookings.contrib.schedule.exceptions import StartNotOffered
from bookings.contrib.schedule.length_pieces import join_intervals
from bookings.contrib.schedule.schedule_rules import ScheduleRules, load_own_rules
from bookings.contrib.schedule.slots.requested_booking import RequestedBooking
from bookings.exceptions import BookingError, InvalidBooking
from bookings.ledger.resource_claims import other_resources_error
from bookings.models import Booking, BookingResource
from bookings.models.read_alias import read_alias
from bookings.protocols import ProviderLike
from bookings.rules import instants
from bookings.rules.service_rules import spans_closures
from bookings.services.resource_choice import ask_for_buffers, match, read_busy
from bookings.services.resource_needs import (
    RESOURCE_IS_PROVIDER,
    KnownResources,
    Need,
    needs_of_new,
    needs_of_stored,
)

MAX_NAMES: Final = 5
"""How many providers of a pool a message names."""


@dataclass(frozen=True, slots=True)
class ResourceTime:
    """The busy time and the hours of one resource, as they concern one requested booking."""

    provider: ProviderLike
    busy: Sequence[Interval]
    """Sorted."""
    hours: OpeningHours | None
    """``None`` if it is open at all times."""
    rules: SlotRules
    """How long the booking lasts, and its buffers here."""
    refusal: BookingError | None = None
    """Why it cannot be booked at any start."""

    def blocked(self, first: int, last: int, *, ignore_busy_time: bool) -> list[Interval]:
        """Return the blocked starts in ``[first, last)`` as intervals, sorted and joined."""
        if self.refusal is not None:
            return [(first, last)]
        closed = [] if self.hours is None else list(self._closed(self.hours, first, last))
        return join_intervals([*closed, *(() if ignore_busy_time else self._taken(first, last))])

    def refusal_at(self, start: int, *, ignore_busy_time: bool = False) -> BookingError | None:
        """Return why it cannot be booked at a start."""
        if self.refusal is not None:
            return self.refusal
        if self.hours is not None and any(self._closed(self.hours, start, start + 1)):
            return _closed_error(self.provider, start)
        if not ignore_busy_time and any(self._taken(start, start + 1)):
            return _taken_error(self.provider, start)
        return None

    def _taken(self, first: int, last: int) -> Iterator[Interval]:
        rules = self.rules
        if rules.is_in_pieces:
            yield from engine.taken_starts(self.busy, (), rules, first, last)
            return
        reach = rules.duration + rules.after
        # A binary search for the end: of intervals that do not overlap, both bounds are sorted.
        begin = bisect_right(self.busy, first - rules.before, key=lambda interval: interval[1])
        for begins, ends in self.busy[begin:]:
            blocked_from = begins - reach + 1
            if blocked_from >= last:
                return
            yield blocked_from, ends + rules.before

    def _closed(self, hours: OpeningHours, first: int, last: int) -> Iterator[Interval]:
        if self.rules.is_in_pieces:
            yield from engine.closed_starts(hours, self.rules, first, last)
            return
        at, duration = first, self.rules.duration
        for opens, closes in engine.openings(hours, first, last + duration):
            if at >= last:
                return
            if at < opens:
                yield at, min(opens, last)
            at = max(at, closes - duration + 1)
        if at < last:
            yield at, last


@dataclass(frozen=True, slots=True)
class ResourceSearch:
    """The resources that a booking with one provider needs."""

    needs: Sequence[Need]
    times: Mapping[Any, ResourceTime]
    """By the key of the resource."""
    of_slots: Mapping[int, Collection[Any]] = field(default_factory=dict)
    """The resources of the shared slots that the booking can join, by their starts."""
    check: Callable[[ProviderLike, int], BookingError | None] | None = None
    """What the adapter has against a resource at a start, if that depends on the start."""
    refusal: BookingError | None = None
    """Why the booking cannot have what it needs at any start."""

    @property
    def is_certain(self) -> bool:
        """Whether a start is free if it is not blocked: no resource is needed twice."""
        keys = [key for need in self.needs for key in need.keys]
        return len(set(keys)) == len(keys) and self.check is None and not self.of_slots

    def blocked(self, first: int, last: int, *, ignore_busy_time: bool) -> list[Interval]:
        """Return the starts in ``[first, last)`` that are blocked for a need, as intervals."""
        if self.refusal is not None:
            return [(first, last)]
        blocked = [
            interval
            for need in self.needs
            for interval in _intersect(
                self.times[key].blocked(first, last, ignore_busy_time=ignore_busy_time)
                for key in need.keys
            )
        ]
        joinable = sorted(start for start in self.of_slots if first <= start < last)
        return _without(join_intervals(blocked), joinable) if joinable else blocked

    def refusal_at(self, start: int) -> BookingError | None:
        """Return why the needs are not met at a start; ``None`` if they are."""
        if self.refusal is not None:
            return self.refusal
        joined = self.of_slots.get(start, ())
        refusals = {
            key: self._refusal_of(key, start, ignore_busy_time=key in joined) for key in self.times
        }
        free = [
            [one.pk for one in need.candidates if refusals[one.pk] is None] for need in self.needs
        ]
        # As the service chooses: the resources of the slot come first.
        options = [sorted(keys, key=lambda key: key not in joined) for keys in free]
        matched = match(options)
        for number, need in enumerate(self.needs):
            if number not in matched:
                return _unmet_error(need, refusals, start)
        return None if set(joined) <= set(matched.values()) else other_resources_error()

    def _refusal_of(self, key: Any, start: int, *, ignore_busy_time: bool) -> BookingError | None:
        time = self.times[key]
        refusal = time.refusal_at(start, ignore_busy_time=ignore_busy_time)
        if refusal is None and self.check is not None:
            return self.check(time.provider, start)
        return refusal


def load_resource_searches(
    drafts: Mapping[Any, Booking],
    requested: Mapping[Any, RequestedBooking],
    first: int,
    last: int,
    joinable: Mapping[Any, Collection[int]],
    *,
    now: datetime,
    override_policy: bool,
) -> dict[Any, ResourceSearch]:
    """Return what each draft needs, by the key of its provider, in a constant number of queries.

    So are ``requested``, and ``joinable``, the starts of the shared slots that it can join. A draft
    that needs nothing is left out.
    """
    if slots.requested_bounds.get():
        # A service asks about one booking, and chooses its resources by itself.
        return {}
    alias = read_alias(BookingResource)
    if not drafts:
        return {}
    any_request = next(iter(requested.values()))
    held = _held_by(any_request.before, alias)
    needs, refusals = _needs_of(drafts, held, alias)
    searches = {key: ResourceSearch((), {}, refusal=error) for key, error in refusals.items()}
    if not needs:
        return searches
    is_shared = any_request.is_shared
    of_slots = _load_resources_of_slots(joinable, requested, alias) if is_shared else {}
    loader = _Loader(any_request, drafts, needs, held, override_policy)
    loader.load(first, last, now=now, using=alias)
    return searches | {
        key: ResourceSearch(
            found,
            {one.pk: loader.time_of(one, drafts[key]) for need in found for one in need.candidates},
            of_slots.get(key, {}),
            loader.check_of(drafts[key]),
        )
        for key, found in needs.items()
    }


def resource_candidates(
    drafts: Mapping[Any, Booking], requested: RequestedBooking
) -> dict[Any, ProviderLike]:
    """Return every provider that may become a resource of one of the drafts, by key."""
    alias = read_alias(BookingResource)
    needs, _refusals = _needs_of(drafts, _held_by(requested.before, alias), alias)
    return {one.pk: one for found in needs.values() for need in found for one in need.candidates}


def closed_resources(
    resources: Sequence[ProviderLike], bookings: Sequence[Booking]
) -> list[dict[Any, BookingError]]:
    """Return for each booking which resources are closed at its time, by key, in three queries."""
    first = min(booking.start_at for booking in bookings).astimezone(UTC).date()
    last = max(booking.end_at for booking in bookings).astimezone(UTC).date()
    rules = load_own_rules([resource.pk for resource in resources], first, last)
    closed: list[dict[Any, BookingError]] = []
    for booking in bookings:
        start, end = instants.floor_second(booking.start_at), instants.ceil_second(booking.end_at)
        closed.append(
            {
                resource.pk: _closed_error(resource, start)
                for resource in resources
                if resource.pk in rules
                and not engine.fits(
                    rules[resource.pk].hours,
                    start,
                    end,
                    spans_closures=spans_closures(booking.service),
                )
            }
        )
    return closed


@dataclass(slots=True)
class _Loader:
    """Reads the busy time and the hours of all resources once."""

    requested: RequestedBooking
    drafts: Mapping[Any, Booking]
    needs: Mapping[Any, Sequence[Need]]
    held: Mapping[Any, BookingResource]
    override_policy: bool
    asks_about_each: bool = field(default_factory=lambda: is_overridden("check_resource"))
    _busy: dict[Any, list[Interval]] = field(default_factory=dict)
    _rules: dict[Any, ScheduleRules] = field(default_factory=dict)
    _times: dict[tuple[Any, ...], ResourceTime] = field(default_factory=dict)

    def load(self, first: int, last: int, *, now: datetime, using: str) -> None:
        candidates = [
            (one, self.drafts[key])
            for key, found in self.needs.items()
            for need in found
            for one in need.candidates
        ]
        buffers = [self._buffers(one, draft) for one, draft in candidates]
        keys = {one.pk for one, _draft in candidates}
        starts = first - max(before for before, _after in buffers)
        ends = last + self.requested.duration + max(after for _before, after in buffers)
        seats = {row.busy_interval_id: 1 for row in self.held.values()}
        seats[self.requested.current_interval_id] = self.requested.party_size
        freed = {key: number for key, number in seats.items() if key is not None}
        busy = read_busy(keys, starts, ends, now=now, using=using, freed=freed)
        self._busy = {key: sorted(intervals) for key, intervals in busy.items()}
        days = (datetime.fromtimestamp(second, UTC).date() for second in (starts, ends))
        self._rules = load_own_rules(keys, *days)

    def time_of(self, provider: Any, draft: Booking) -> ResourceTime:
        before, after = self._buffers(provider, draft)
        key = (provider.pk, before, after)
        if key not in self._times:
            rules = self._rules.get(provider.pk)
            self._times[key] = ResourceTime(
                provider,
                self._busy[provider.pk],
                None if rules is None else rules.hours,
                self.requested.slot_rules(before=before, after=after),
                None if self.asks_about_each else self._refusal_of(provider, draft),
            )
        return self._times[key]

    def check_of(self, draft: Booking) -> Callable[[ProviderLike, int], BookingError | None] | None:
        """Return what asks the adapter at each start, if it may answer differently each time."""
        if not self.asks_about_each:
            return None

        def check(provider: ProviderLike, start: int) -> BookingError | None:
            self.requested.set_start(draft, start)
            return self._refusal_of(provider, draft)

        return check

    def _refusal_of(self, provider: ProviderLike, draft: Booking) -> BookingError | None:
        try:
            get_adapter().check_resource(draft, provider, override_policy=self.override_policy)
        except BookingError as error:
            return error
        return None

    def _buffers(self, provider: Any, draft: Booking) -> tuple[int, int]:
        """Return the seconds before and after: of a booking to be moved, as they are stored."""
        row = self.held.get(provider.pk)
        before, after = ask_for_buffers(draft, provider) if row is None else row.buffers
        return 60 * before, 60 * after


def _held_by(before: Booking | None, using: str) -> dict[Any, BookingResource]:
    """Return the resources of a booking to be moved, by the key of the resource."""
    if before is None or not before.resource_count:
        return {}
    stored = BookingResource.objects.using(using).filter(booking=before).order_by("pk")
    return {row.provider_id: row for row in stored}


def _needs_of(
    drafts: Mapping[Any, Booking], held: Mapping[Any, BookingResource], using: str
) -> tuple[dict[Any, list[Need]], dict[Any, BookingError]]:
    """Return what each draft needs, and why one cannot have it, by the key of its provider.

    A draft that needs nothing is left out. One cannot have its own provider as a resource; another
    provider may take the booking with that resource.
    """
    known = KnownResources()
    needs: dict[Any, list[Need]] = {}
    refusals: dict[Any, BookingError] = {}
    for key, draft in drafts.items():
        try:
            found = _needs(draft, held, known, using)
        except InvalidBooking as error:
            if error.code != RESOURCE_IS_PROVIDER:
                raise
            refusals[key] = error
        else:
            if found:
                needs[key] = found
    return needs, refusals


def _needs(
    draft: Booking, held: Mapping[Any, BookingResource], known: KnownResources, using: str
) -> list[Need]:
    if draft.pk is None or draft.requested_resources is not None:
        return needs_of_new(draft, known)
    if not held:
        return []
    return needs_of_stored([draft], list(held.values()), using=using)[draft.pk]


def _load_resources_of_slots(
    joinable: Mapping[Any, Collection[int]], requested: Mapping[Any, RequestedBooking], using: str
) -> dict[Any, dict[int, set[Any]]]:
    """Return the resources of the shared slots that the booking can join, in one query.

    They are given by the key of the slot's provider, and by the start of the booking.
    """
    of_slots: dict[Any, dict[int, set[Any]]] = {
        key: {start: set() for start in starts} for key, starts in joinable.items()
    }
    begins = [
        start - requested[key].buffer_before for key, starts in joinable.items() for start in starts
    ]
    if not begins:
        return of_slots
    service_id = next(iter(requested.values())).service.pk
    rows = BookingResource.objects.using(using).filter(
        booking__busy_interval__calendar__provider__in=list(joinable),
        booking__busy_interval__service=service_id,
        booking__busy_interval__starts__range=(min(begins), max(begins)),
        busy_interval__isnull=False,
    )
    columns = ("booking__provider_id", "booking__busy_interval__starts", "provider_id")
    for provider_id, starts, resource_id in rows.values_list(*columns):
        start = starts + requested[provider_id].buffer_before
        # A slot in between may have too few seats to be joined.
        of_slots[provider_id].get(start, set()).add(resource_id)
    return of_slots


def _unmet_error(
    need: Need, refusals: Mapping[Any, BookingError | None], start: int
) -> BookingError:
    """Return why a need is not met: the reason of a certain resource, or a word for a pool."""
    if need.strategy is None:
        refusal = refusals.get(need.candidates[0].pk)
        return _taken_error(need.candidates[0], start) if refusal is None else refusal
    names = [str(one) for one in need.candidates[:MAX_NAMES]]
    return StartNotOffered(
        _("None of these is free at that time: %(names)s. Choose another time."),
        "resource_taken",
        params={"names": ", ".join(names) + (", …" if len(need.candidates) > MAX_NAMES else "")},
        start_at=datetime.fromtimestamp(start, UTC),
    )


def _taken_error(provider: ProviderLike, start: int) -> StartNotOffered:
    return StartNotOffered(
        _("%(resource)s is taken at that time. Choose another time, or another resource."),
        "resource_taken",
        params={"resource": str(provider)},
        start_at=datetime.fromtimestamp(start, UTC),
    )


def _closed_error(provider: ProviderLike, start: int) -> StartNotOffered:
    return StartNotOffered(
        _("%(resource)s is closed at that time. Choose another time, or another resource."),
        "resource_closed",
        params={"resource": str(provider)},
        start_at=datetime.fromtimestamp(start, UTC),
    )


def _intersect(lists: Iterable[Sequence[Interval]]) -> list[Interval]:
    """Return what all lists of joined intervals have in common."""
    common: list[Interval] | None = None
    for intervals in lists:
        common = list(intervals) if common is None else _common_of_two(common, intervals)
        if not common:
            break
    return common or []


def _common_of_two(one: Sequence[Interval], other: Sequence[Interval]) -> list[Interval]:
    common, at_one, at_other = [], 0, 0
    while at_one < len(one) and at_other < len(other):
        begins = max(one[at_one][0], other[at_other][0])
        ends = min(one[at_one][1], other[at_other][1])
        if begins < ends:
            common.append((begins, ends))
        if one[at_one][1] < other[at_other][1]:
            at_one += 1
        else:
            at_other += 1
    return common


def _without(intervals: Iterable[Interval], starts: Sequence[int]) -> list[Interval]:
    """Return the intervals without these single starts, which are sorted."""
    left = []
    for begins, ends in intervals:
        at = begins
        for start in starts[bisect_left(starts, begins) : bisect_left(starts, ends)]:
            if at < start:
                left.append((at, start))
            at = start + 1
        if at < ends:
            left.append((at, ends))
    return left
