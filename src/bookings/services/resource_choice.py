"""Choose the resources of a booking: who is free is read without a lock.

The claim under the lock then tells for certain, and what it refuses is left out of the next choice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from django.db.models import Count, Q, Sum
from django.utils.translation import gettext_lazy as _

from bookings import extensions, slots
from bookings.adapters import get_adapter
from bookings.exceptions import (
    BookingConflict,
    BookingError,
    InvalidBooking,
    MissingReference,
    PoolExhausted,
    ResourceTaken,
)
from bookings.ledger import resource_claims
from bookings.ledger.claims import Claim
from bookings.ledger.resource_claims import (
    SlotHasOtherResources,
    other_resources_error,
    resource_taken_error,
)
from bookings.models import Booking, BookingResource, BusyInterval, Calendar, name_snapshots
from bookings.models.querysets import IS_COMPARED, overlapping
from bookings.models.read_alias import reading_from
from bookings.pools import Strategy
from bookings.rules import instants, validation, zones
from bookings.selectors.concurrent_seats import KINDS as CONCURRENT_KINDS
from bookings.selectors.concurrent_seats import ConcurrentSeats
from bookings.services.day_zones import DayZones
from bookings.services.resource_needs import Need

Result = TypeVar("Result")
Seconds = tuple[int, int]

MAX_REASONS: Final = 5
"""How many providers of a pool a message names; the error has all of them."""

CHOICES_BY_SLOT: Final = 10
"""How often the resources of a shared slot are read again, because another client has joined."""


@dataclass(slots=True)
class ResourceChoice:
    """The choice for one booking, whose start, end and provider are set."""

    booking: Booking
    needs: Sequence[Need]
    claim: Claim
    now: datetime
    using: str
    ignores_hours: bool = False
    """Whether a resource may be booked outside of its hours."""
    override_policy: bool = False
    freed: Mapping[int, int] = field(default_factory=dict)
    """The seats that the booking gives up, by busy interval: they are not in its way."""
    buffers: dict[Any, tuple[int, int]] = field(default_factory=dict)
    """The minutes before and after, by the key of the resource, as far as they are known."""
    busy: Mapping[Any, list[Seconds]] | None = None
    """The busy time of the candidates by key, if it has been read already."""
    closed: Mapping[Any, BookingError] | None = None
    """Why candidates are closed at that time, by key, if it has been read already."""
    refusals: dict[Any, BookingError] = field(default_factory=dict)
    """Which candidates have turned out to be taken, by key."""
    slot_resources: set[Any] = field(default_factory=set)
    """The keys of the resources that those who share the slot have already."""

    def choose(self) -> list[BookingResource]:
        """Return a free resource for each need, not stored yet.

        Raises ``ResourceTaken`` or what else refuses a certain resource, and ``PoolExhausted`` for
        a pool.
        """
        if not self.needs:
            return []
        with reading_from(self.using):
            candidates, day = self.candidates, self.day()
            refusals = self._check_each(candidates)
            busy = self._read_busy(day) if self.busy is None else self.busy
            self.slot_resources = self._resources_of_slot()
            self._add_taken(refusals, candidates, busy)
            options = []
            for need in self.needs:
                ranked = rank(need.candidates, need.strategy, busy, day, using=self.using)
                ranked.sort(key=partial(self._preference, need))
                options.append([one.pk for one in ranked if one.pk not in refusals])
        matched = self._match(options, refusals)
        if self.slot_resources - set(matched.values()):
            raise other_resources_error()
        return [
            self._resource(need, candidates[matched[number]])
            for number, need in enumerate(self.needs)
        ]

    def find_free(self, busy: Mapping[Any, list[Seconds]]) -> set[Any]:
        """Return the keys of free resources, one for each need, without a query.

        ``busy`` is the busy time of all candidates. It does not ask whether they are open, and does
        not rank them. Raises what ``choose`` raises.
        """
        self.closed = {}
        candidates = self.candidates
        refusals = self._check_each(candidates)
        self._add_taken(refusals, candidates, busy)
        options = [
            [one.pk for one in need.candidates if one.pk not in refusals] for need in self.needs
        ]
        return set(self._match(options, refusals).values())

    def _add_taken(
        self,
        refusals: dict[Any, BookingError],
        candidates: Mapping[Any, Any],
        busy: Mapping[Any, list[Seconds]],
    ) -> None:
        """Refuse the candidates that are busy at that time, but for those of the shared slot."""
        for key, candidate in candidates.items():
            if key in self.slot_resources:
                continue
            if overlaps(busy[key], self.window(candidate)):
                refusals.setdefault(key, resource_taken_error(candidate))

    def _match(
        self, options: Sequence[Sequence[Any]], refusals: Mapping[Any, BookingError]
    ) -> dict[int, Any]:
        """Return one key for each need, by its number, or raise why there is none for one."""
        matched = match(options)
        for number, need in enumerate(self.needs):
            if number not in matched:
                raise self._refusal(need, refusals)
        return matched

    def _preference(self, need: Need, candidate: Any) -> int:
        """Return a lower number for a resource that the slot or the booking has already."""
        if candidate.pk in self.slot_resources:
            return 0
        return 1 if candidate.pk == need.current else 2

    @property
    def candidates(self) -> dict[Any, Any]:
        """All providers to choose from, by key."""
        return {one.pk: one for need in self.needs for one in need.candidates}

    def window(self, provider: Any) -> Seconds:
        """Return the time that the booking takes of a resource, in Unix seconds."""
        before, after = self._buffers_of(provider)
        booking = self.booking
        return instants.busy_bounds(booking.start_at, booking.end_at, before, after)

    def bounds(self) -> Seconds:
        """Return the time that holds every window, that of the provider included."""
        windows = [self.claim.window]
        windows += [self.window(one) for need in self.needs for one in need.candidates]
        return min(starts for starts, _ends in windows), max(ends for _starts, ends in windows)

    def refuse(self, key: Any, error: BookingError) -> None:
        """Leave a resource out of the next choice, because it has turned out not to be free."""
        self.refusals[key] = error

    def _buffers_of(self, provider: Any) -> tuple[int, int]:
        if provider.pk not in self.buffers:
            self.buffers[provider.pk] = ask_for_buffers(self.booking, provider)
        return self.buffers[provider.pk]

    def _check_each(self, candidates: Mapping[Any, Any]) -> dict[Any, BookingError]:
        """Return what has refused a resource, and what the adapter and the extensions have against
        one, by its key.
        """
        adapter, refusals = get_adapter(), {}
        for key, candidate in candidates.items():
            try:
                adapter.check_resource(
                    self.booking, candidate, override_policy=self.override_policy
                )
            except BookingError as error:
                refusals[key] = error
        if self.closed is None:
            [self.closed] = read_closed(
                list(candidates.values()), [self.booking], ignores_hours=self.ignores_hours
            )
        return self.refusals | dict(self.closed) | refusals

    def _resources_of_slot(self) -> set[Any]:
        """Return the keys of the resources that those who share the slot have already."""
        if not self.claim.shared:
            return set()
        slot = [(self.booking, self.claim)]
        of_slots = resource_claims.resources_of_slots(slot, using=self.using)
        return of_slots.get(self.booking.provider_id, set())

    def day(self) -> Seconds:
        """Return the bounds of the day of the start; empty if no strategy asks for it."""
        if not any(need.strategy == Strategy.LEAST_BUSY for need in self.needs):
            return 0, 0
        return day_of(self.booking)

    def _read_busy(self, day: Seconds) -> Mapping[Any, list[Seconds]]:
        """Return the busy time of the candidates; without a pool, the lock alone tells it."""
        if all(need.strategy is None for need in self.needs):
            return defaultdict(list)
        spans = [self.bounds(), day] if day[1] else [self.bounds()]
        starts, ends = min(span[0] for span in spans), max(span[1] for span in spans)
        return read_busy(
            self.candidates, starts, ends, now=self.now, using=self.using, freed=self.freed
        )

    def _resource(self, need: Need, provider: Any) -> BookingResource:
        before, after = self._buffers_of(provider)
        resource = BookingResource(
            provider_name=name_snapshots.name_of(provider),
            buffer_before_minutes=before,
            buffer_after_minutes=after,
            pool=need.pool(),
            created_at=self.now,
        )
        resource.provider = provider
        return resource

    def _refusal(self, need: Need, refusals: Mapping[Any, BookingError]) -> BookingError:
        # One that nothing refuses is what another need of the same booking takes.
        refused = [
            (one, refusals.get(one.pk) or resource_taken_error(one)) for one in need.candidates
        ]
        if need.strategy is None:
            return refused[0][1]
        return exhausted_error(refused)


def with_resources(
    choice: ResourceChoice, write: Callable[[list[BookingResource]], Result]
) -> Result:
    """Choose resources and ``write`` with them; choose again if one has been taken meanwhile.

    ``write`` is a transaction. Every further choice leaves out one provider more, so it comes to an
    end.
    """
    changes_of_slot = 0
    # What was taken before a lapsed hold has expired may be free now.
    choice.refusals.clear()
    while True:
        resources = choice.choose()
        try:
            return write(resources)
        except ResourceTaken as error:
            choice.refuse(error.resource.pk, error)
        except MissingReference as error:
            resource = choice.candidates.get(error.provider_id)
            if resource is None:
                raise
            choice.refuse(resource.pk, _missing_error(resource))
        except SlotHasOtherResources:
            changes_of_slot += 1
            if changes_of_slot == CHOICES_BY_SLOT:
                raise BookingConflict(
                    _("Others are changing this slot at the moment. Try again.")
                ) from None


def read_closed(
    resources: Sequence[Any], bookings: Sequence[Booking], *, ignores_hours: bool
) -> list[dict[Any, BookingError]]:
    """Return for each booking why resources are closed at its time, by the resource's key."""
    closed: list[dict[Any, BookingError]] = [{} for _booking in bookings]
    if not ignores_hours and slots.load_engine() is not None:
        for extension in extensions.implementing("closed_resources"):
            answers = extension.closed_resources(resources, bookings)
            for known, answer in zip(closed, answers, strict=True):
                known.update({key: error for key, error in answer.items() if key not in known})
    return closed


def rank(
    candidates: Iterable[Any],
    strategy: Strategy | None,
    busy: Mapping[Any, Sequence[Seconds]],
    day: Seconds,
    *,
    using: str,
) -> list[Any]:
    """Return the candidates in the order in which the strategy tries them."""
    ranked = list(candidates)
    if strategy == Strategy.LEAST_BUSY:
        ranked.sort(key=lambda one: _seconds_within(busy[one.pk], day))
    elif strategy == Strategy.ROUND_ROBIN:
        calendars = Calendar.objects.using(using).filter(
            provider__in=[one.pk for one in ranked], chosen_at__isnull=False
        )
        chosen = dict(calendars.values_list("provider_id", "chosen_at"))
        ranked.sort(key=lambda one: (one.pk in chosen, chosen.get(one.pk)))
    return ranked


def read_busy(
    keys: Iterable[Any],
    starts: int,
    ends: int,
    *,
    now: datetime,
    using: str,
    freed: Mapping[int, int] | None = None,
) -> dict[Any, list[Seconds]]:
    """Return the busy time of providers by key, in a constant number of queries.

    The time of holds that have lapsed is free, and so are the seats ``freed``, by busy interval. A
    session's time is only free if its interval is among them, however many of its seats are taken.
    """
    busy: dict[Any, list[Seconds]] = {key: [] for key in keys}
    given_up = set(freed or ())
    free = Counter(freed or {})
    is_lapsed = Q(lapses__isnull=False, lapses__lte=instants.floor_second(now))
    # The claims of concurrent bookings whose seats are free.
    is_free = ~IS_COMPARED & (is_lapsed | Q(pk__in=list(free)))
    rows = BusyInterval.objects.using(using).filter(
        IS_COMPARED & ~is_lapsed | is_free,
        overlapping(starts, ends),
        calendar__provider__in=list(busy),
    )
    columns = ("pk", "calendar__provider_id", "capacity", "kind")
    of_interval = ("service_id", "starts", "ends", "seats_taken")
    intervals = list(rows.values_list(*columns, *of_interval))
    # A slot that several share does not lapse with one of its holds.
    shared = [row[0] for row in intervals if row[2] > 1]
    if shared:
        free.update(_seats_of_lapsed_holds(shared, now=now, using=using))
    concurrent: dict[Any, ConcurrentSeats] = defaultdict(ConcurrentSeats)
    for pk, key, _capacity, kind, service_id, begins, until, seats in intervals:
        if kind in CONCURRENT_KINDS:
            concurrent[key].add(kind, service_id, begins, until, seats)
        elif pk not in given_up if kind == BusyInterval.Kind.SESSION else seats > free[pk]:
            busy[key].append((begins, until))
    for key, taken in concurrent.items():
        busy[key] += taken.in_the_way()
    return busy


def _seats_of_lapsed_holds(
    interval_ids: Sequence[int], *, now: datetime, using: str
) -> dict[int, int]:
    """Return the seats that holds have not released since they lapsed, by busy interval."""
    holds = Booking.objects.using(using).expired(now).order_by()
    of_providers = holds.filter(busy_interval__in=interval_ids)
    seats = dict(of_providers.values_list("busy_interval_id").annotate(Sum("party_size")))
    of_resources = BookingResource.objects.using(using).filter(
        busy_interval__in=interval_ids, booking__in=holds.values("pk")
    )
    counted = of_resources.order_by().values_list("busy_interval_id").annotate(Count("pk"))
    return seats | dict(counted)


def day_of(booking: Booking) -> Seconds:
    """Return the bounds of the day of the booking's start, in the zone of its provider."""
    zone = DayZones().of(booking)
    day = booking.start_at.astimezone(zone).date()
    first = zones.midnight(day, zone)
    last = zones.midnight(day + timedelta(days=1), zone)
    return instants.floor_second(first), instants.floor_second(last)


def ask_for_buffers(booking: Booking, resource: Any) -> tuple[int, int]:
    """Return the minutes before and after that the adapter's ``resource_buffers()`` says.

    Raises ``InvalidBooking`` if it does not say two whole numbers.
    """
    name = "resource_buffers()"
    answer = get_adapter().resource_buffers(booking, resource)
    buffers = validation.as_list(answer, name)
    if len(buffers) != 2:
        raise InvalidBooking(
            _("%(name)s must return two whole numbers, not %(value)r."),
            params={"name": name, "value": validation.Readable(answer)},
        )
    before, after = (
        validation.whole_number(value, name, at_least=0, at_most=validation.MAX_MINUTES)
        for value in buffers
    )
    return before, after


def match(options: Sequence[Sequence[Any]]) -> dict[int, Any]:
    """Give each list one of its own keys, none twice, the first ones as far as that is possible.

    Return the keys by the number of the list; a list for which none is left is missing. By
    augmenting paths (Kuhn, *The Hungarian method*, 1955).
    """
    owner: dict[Any, int] = {}

    def find(number: int, tried: set[Any]) -> bool:
        for key in options[number]:
            if key in tried:
                continue
            tried.add(key)
            if key not in owner or find(owner[key], tried):
                owner[key] = number
                return True
        return False

    for number in range(len(options)):
        find(number, set())
    return {number: key for key, number in owner.items()}


def _missing_error(resource: Any) -> MissingReference:
    return MissingReference(
        _("%(resource)s does not exist any more. Choose another."),
        params={"resource": str(resource)},
        field="resources",
    )


def exhausted_error(refused: Sequence[tuple[Any, BookingError]]) -> PoolExhausted:
    """Return the error that says why each provider of a pool was refused."""
    reasons = " ".join(f"{provider}: {error}" for provider, error in refused[:MAX_REASONS])
    if len(refused) > MAX_REASONS:
        reasons += " …"
    return PoolExhausted(
        _("None of %(count)d can be booked at that time. %(reasons)s"),
        params={"count": len(refused), "reasons": reasons},
        refusals=refused,
    )


def overlaps(busy: Iterable[Seconds], window: Seconds) -> bool:
    """Return whether one of the busy intervals overlaps the window."""
    return any(starts < window[1] and window[0] < ends for starts, ends in busy)


def _seconds_within(busy: Iterable[Seconds], day: Seconds) -> int:
    return sum(max(0, min(ends, day[1]) - max(starts, day[0])) for starts, ends in busy)
