"""The next free starts after one that is not free. Nothing here writes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from django.db import router

from bookings import selectors, slots
from bookings.conf import app_settings
from bookings.exceptions import BookingBusy, BookingError, InvalidBooking, SlotUnavailable
from bookings.ledger.claims import Claim
from bookings.models import Booking
from bookings.models.read_alias import reading_from
from bookings.protocols import BookingType
from bookings.rules import instants, policies, service_rules, slot_answers
from bookings.rules.lengths import Length, WallLength
from bookings.rules.wall_clock import SECOND
from bookings.services.day_zones import DayZones
from bookings.services.expected_refusals import ExpectedRefusals
from bookings.services.new_booking import SNAPSHOT_FIELDS
from bookings.services.resource_choice import ResourceChoice, read_busy
from bookings.services.resource_needs import needs_of_new

if TYPE_CHECKING:
    from bookings.contrib.series.services.instances import SeriesInstance

SEARCH_WINDOW: Final = timedelta(days=7)

MOST_BETWEEN: Final = timedelta(days=1)
"""How far apart two weeks may be that count as touching: a change of the clocks is in between."""

LONGEST_STRETCH: Final = timedelta(days=366)
"""How far apart the starts may be that an engine is asked for at once; the bundled one answers
about 400 days."""


@dataclass(frozen=True, slots=True)
class InstanceTemplate:
    """What every booking or session of a series has, apart from its start."""

    service: Any
    provider: Any
    tenant: Any
    now: datetime
    client: Mapping[str, Any] = field(default_factory=dict)
    """The client's fields of a booking."""
    addons: Sequence[Any] = ()
    duration_minutes: int | None = None
    """The length that the client has chosen; ``None`` for the service's."""
    duration_days: int | None = None
    """The same in days."""
    party_size: int = 1
    resources: Sequence[Any] | None = None
    """The resources that the caller asks for."""
    override_policy: bool = False
    skip_slot_validation: bool = False
    session_length: Length | None = None
    """The length of a session; ``None`` for a booking. Slot engines do not offer sessions, and a
    session's time is exclusive."""
    zones: DayZones = field(default_factory=DayZones)

    def load_engine(self) -> slots.Engine | None:
        """Return the slot engine that limits the starts; ``None`` if any free start will do."""
        needs_slot = self.session_length is None and not self.skip_slot_validation
        return slots.load_engine() if needs_slot else None

    def load_rules(self) -> service_rules.ServiceRules:
        return (
            service_rules.ServiceRules.of(
                self.service, default_currency=app_settings.DEFAULT_CURRENCY
            )
            .for_provider(self.provider)
            .of_length(self.duration_minutes, self.duration_days, override=self.override_policy)
        )

    def build_booking(self, start_at: datetime) -> Booking:
        """Return the booking that would start then, not saved, to ask host code about."""
        rules = self.load_rules()
        booking = Booking(
            service=self.service,
            provider=self.provider,
            tenant=self.tenant,
            start_at=start_at,
            party_size=self.party_size,
            **{name: getattr(rules, name) for name in SNAPSHOT_FIELDS},
            **self.client,
        )
        booking.requested_resources = self.resources
        extra = sum(getattr(addon, "extra_duration_minutes", 0) or 0 for addon in self.addons)
        booking.addon_length = timedelta(minutes=extra)
        length = timedelta(minutes=rules.duration_minutes + extra)
        if self.session_length is None:
            booking.set_wall_length(rules.wall_length)
        elif isinstance(self.session_length, WallLength):
            booking.set_wall_length(self.session_length)
        else:
            length = self.session_length
        booking.end_at = instants.add_elapsed(start_at, length)
        if booking.duration_days is not None:
            booking.end_at = self.ends_of(booking)(start_at)
        return booking

    def ends_of(self, booking: Booking) -> Callable[[datetime], datetime]:
        """Return a function from the start of a booking like this one to its end."""
        elapsed, wall_length = booking.end_at - booking.start_at, booking.wall_length
        if wall_length is None:
            return lambda start: start + elapsed
        zone, extra = self.zones.of(booking), booking.addon_length or timedelta(0)

        def end_of(start: datetime) -> datetime:
            try:
                return wall_length.end_at(start, zone) + extra
            except (InvalidBooking, SlotUnavailable):
                # Nothing starts then.
                return start + elapsed

        return end_of


class _TakenTime:
    """The time that the series itself takes, or that was proposed for another of its starts."""

    def __init__(self, template: InstanceTemplate, starts: Iterable[datetime]) -> None:
        booking = template.build_booking(template.now)
        self._before = timedelta(minutes=booking.buffer_before_minutes)
        self._after = timedelta(minutes=booking.buffer_after_minutes)
        self._end_of = template.ends_of(booking)
        self._windows = sorted(map(self._window, starts))

    def is_free(self, start: datetime) -> bool:
        """Return whether a booking at this start would overlap none of it."""
        begin, end = self._window(start)
        position = bisect_left(self._windows, end, key=itemgetter(0))
        return not position or self._windows[position - 1][1] <= begin

    def take(self, start: datetime) -> None:
        insort(self._windows, self._window(start))

    def _window(self, start: datetime) -> tuple[datetime, datetime]:
        return start - self._before, self._end_of(start) + self._after


def find_alternatives(
    template: InstanceTemplate,
    refused: Sequence[datetime],
    accepted: Iterable[SeriesInstance],
    limit: int,
) -> dict[datetime, tuple[datetime, ...]]:
    """Return up to ``limit`` free starts in the week after each refused start, in UTC, soonest
    first, by the refused start.

    They are the starts that the slot engine offers; none if the engine refuses to answer. Without
    an engine they follow the refused start at distances of the booking's length. Refused starts
    whose weeks touch take one question to the engine, or one query. All alternatives can be booked:
    those of two refused starts do not overlap, nor do they and the ``accepted`` instances, the
    resources are free, and neither the adapter nor a limit refuses a booking there.
    """
    instances = list(accepted)
    taken = _TakenTime(template, [instance.start_at for instance in instances])
    is_refused = _refusals(template, refused, instances)
    lacks_resource = _missing_resources(template, refused)
    on_offer = _starts_after(template, refused)
    found = {}
    for start_at in refused:
        free = (
            start
            for start in on_offer[start_at]
            if taken.is_free(start) and not is_refused(start) and not lacks_resource(start)
        )
        found[start_at] = tuple(islice(free, limit))
        for start in found[start_at]:
            taken.take(start)
    return found


def _refusals(
    template: InstanceTemplate, refused: Sequence[datetime], accepted: Iterable[SeriesInstance]
) -> Callable[[datetime], bool]:
    """Return a function which says whether the adapter or a limit refuses a booking at a start."""
    if template.session_length is not None:
        # What is refused to a session is refused at every start.
        return lambda _start: False
    draft = template.build_booking(refused[0])
    refusals = ExpectedRefusals(
        [draft],
        kind=BookingType.ONE_TO_ONE,
        first=instants.floor_second(refused[0]),
        last=instants.floor_second(max(refused[-1], template.now) + SEARCH_WINDOW),
        now=template.now,
        override_policy=template.override_policy,
    )
    for instance in accepted:
        refusals.assume(instance)
    end_of = template.ends_of(draft)

    def is_refused(start: datetime) -> bool:
        draft.start_at, draft.end_at = start, end_of(start)
        return bool(refusals.of_start(draft) or refusals.of_stored_bookings(draft))

    return is_refused


def _missing_resources(
    template: InstanceTemplate, refused: Sequence[datetime]
) -> Callable[[datetime], bool]:
    """Return a function which says whether a resource is taken at a start, after three queries."""
    draft, using = template.build_booking(refused[0]), router.db_for_write(Booking)
    with reading_from(using):
        needs = needs_of_new(draft)
    if not needs:
        return lambda _start: False
    end_of = template.ends_of(draft)

    def choice_at(start: datetime) -> ResourceChoice:
        draft.start_at, draft.end_at = start, end_of(start)
        starts, ends = instants.busy_bounds_of(draft)
        return ResourceChoice(
            draft,
            needs,
            Claim(starts=starts, ends=ends),
            now=template.now,
            using=using,
            override_policy=template.override_policy,
        )

    first = choice_at(refused[0])
    begins = first.bounds()[0]
    ends = choice_at(max(refused[-1], template.now) + SEARCH_WINDOW).bounds()[1]
    with reading_from(using):
        busy = read_busy(first.candidates, begins, ends, now=template.now, using=using)

    def is_missing(start: datetime) -> bool:
        try:
            choice_at(start).find_free(busy)
        except BookingError:
            return True
        return False

    return is_missing


@dataclass(slots=True)
class _Stretch:
    """Refused starts whose weeks touch, as those of a weekly series do: one question is enough."""

    first: datetime
    """Where the week of the first one begins: alternatives are never in the past."""
    until: datetime
    refused: list[datetime]


def _stretches(template: InstanceTemplate, refused: Iterable[datetime]) -> list[_Stretch]:
    stretches: list[_Stretch] = []
    for start in sorted(refused):
        after = max(start, template.now)
        until = after + SEARCH_WINDOW
        last = stretches[-1] if stretches else None
        if (
            last is None
            or after > last.until + MOST_BETWEEN
            or until - last.first > LONGEST_STRETCH
        ):
            stretches.append(_Stretch(after, until, [start]))
        else:
            last.until = until
            last.refused.append(start)
    return stretches


def _starts_after(
    template: InstanceTemplate, refused: Iterable[datetime]
) -> dict[datetime, Iterable[datetime]]:
    """Return the starts in the week after each refused one that are free by themselves."""
    engine = template.load_engine()
    found: dict[datetime, Iterable[datetime]] = {}
    for stretch in _stretches(template, refused):
        if engine is None:
            busy = _busy_intervals(template, stretch)
            found |= {start: _free_starts(template, start, busy) for start in stretch.refused}
            continue
        offered = _offered_starts(template, engine, stretch)
        for start in stretch.refused:
            if offered is None and len(stretch.refused) > 1:
                # The engine may answer about one week what it does not about many.
                after = max(start, template.now)
                week = _Stretch(after, after + SEARCH_WINDOW, [start])
                found[start] = _in_week(template, start, _offered_starts(template, engine, week))
            else:
                found[start] = _in_week(template, start, offered)
    return found


def _in_week(
    template: InstanceTemplate, start: datetime, offered: list[datetime] | None
) -> list[datetime]:
    after = max(start, template.now)
    known = offered or []
    return known[bisect_right(known, after) : bisect_left(known, after + SEARCH_WINDOW)]


def _offered_starts(
    template: InstanceTemplate, engine: slots.Engine, stretch: _Stretch
) -> list[datetime] | None:
    """Return the starts that the engine offers, sorted; ``None`` if it refuses to answer."""
    try:
        offered = engine(
            service=template.service,
            provider=template.provider,
            start_at=stretch.first,
            end_at=stretch.until,
            tenant=template.tenant,
            booking=template.build_booking(stretch.refused[0]),
            now_dt=template.now,
            override_policy=template.override_policy,
        )
        return sorted(set(slot_answers.starts_of(offered)))
    except BookingBusy:
        raise
    except BookingError:
        # The start itself was refused for the same reason, as of a provider without hours.
        return None


def _busy_intervals(
    template: InstanceTemplate, stretch: _Stretch
) -> list[tuple[datetime, datetime]]:
    """Return when the provider is busy in a stretch, sorted by the end."""
    booking = template.build_booking(stretch.refused[0])
    length = booking.end_at - booking.start_at
    if booking.wall_length is not None:
        length = booking.wall_length.longest * SECOND + (booking.addon_length or timedelta(0))
    busy = selectors.get_busy_intervals(
        template.provider,
        stretch.first - timedelta(minutes=booking.buffer_before_minutes),
        stretch.until + length + timedelta(minutes=booking.buffer_after_minutes),
        service=None if template.session_length else template.service,
        party_size=1 if template.session_length else booking.party_size,
    )
    return sorted(busy, key=itemgetter(1))


def _free_starts(
    template: InstanceTemplate, refused: datetime, busy: list[tuple[datetime, datetime]]
) -> Iterator[datetime]:
    """Yield the starts between the provider's busy intervals, in steps of the booking's length, or
    of whole days by the wall clock.
    """
    booking, after = template.build_booking(refused), max(refused, template.now)
    end_of = template.ends_of(booking)
    buffer_before = timedelta(minutes=booking.buffer_before_minutes)
    buffer_after = timedelta(minutes=booking.buffer_after_minutes)
    rules, zone = template.load_rules(), partial(template.zones.of, booking)
    for start in _steps(booking, after, zone):
        position = bisect_right(busy, start - buffer_before, key=itemgetter(1))
        is_free = position == len(busy) or busy[position][0] >= end_of(start) + buffer_after
        if is_free and _meets_policy(template, rules, start, zone=zone):
            yield start


def _steps(booking: Booking, after: datetime, zone: Callable[[], tzinfo]) -> Iterator[datetime]:
    """Yield the starts in the week from ``after`` on that follow the booking's own."""
    start, wall_length = booking.start_at, booking.wall_length
    length = booking.end_at - start
    if wall_length is None:
        start += length * max(1, -(-(after - start) // length))
        while start < after + SEARCH_WINDOW:
            yield start
            start += length
        return
    step = max(1, wall_length.days)
    days = step * max(1, (after - start) // (step * timedelta(days=1)))
    while True:
        following = WallLength(days).end_at(start, zone())
        if following >= after + SEARCH_WINDOW:
            return
        if following >= after and _is_before_end(wall_length, following, zone()):
            yield following
        days += step


def _is_before_end(length: WallLength, start: datetime, zone: tzinfo) -> bool:
    try:
        length.end_at(start, zone)
    except SlotUnavailable:
        return False
    return True


def _meets_policy(
    template: InstanceTemplate,
    rules: service_rules.ServiceRules,
    start: datetime,
    *,
    zone: Callable[[], tzinfo],
) -> bool:
    try:
        policies.check_start(
            start,
            now=template.now,
            rules=rules,
            zone=zone,
            allow_past=False,
            override=template.override_policy,
        )
    except BookingError:
        return False
    return True
