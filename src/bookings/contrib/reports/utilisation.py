"""How much of their open time providers are at work, computed with intervals of whole seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from django.db.models import F, Q, QuerySet

from bookings import extensions
from bookings.contrib.reports import definitions
from bookings.contrib.reports.expressions import Seconds, covered_time
from bookings.contrib.reports.figures import Utilisation
from bookings.contrib.reports.grouping import Grouping, day_of
from bookings.contrib.reports.periods import ONE_DAY, Period
from bookings.contrib.reports.scope import Scope
from bookings.models import BookingResource, BusyInterval
from bookings.models.querysets import overlapping
from bookings.rules.instants import ceil_second, floor_second
from bookings.rules.zones import midnight

Interval: TypeAlias = tuple[int, int]

ABSENCES: Final = (BusyInterval.Kind.TIME_OFF, BusyInterval.Kind.EXTERNAL)


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the time that these intervals cover together, sorted, in as few as possible."""
    covered: list[Interval] = []
    for starts, ends in sorted(intervals):
        if covered and starts <= covered[-1][1]:
            if ends > covered[-1][1]:
                covered[-1] = (covered[-1][0], ends)
        elif starts < ends:
            covered.append((starts, ends))
    return covered


def intersection(one: Sequence[Interval], other: Sequence[Interval]) -> Iterator[Interval]:
    """Yield the time that two unions share."""
    i = j = 0
    while i < len(one) and j < len(other):
        starts, ends = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if starts < ends:
            yield starts, ends
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1


def difference(one: Sequence[Interval], other: Sequence[Interval]) -> Iterator[Interval]:
    """Yield the time of the first union that is not in the second."""
    j = 0
    for starts, ends in one:
        at = starts
        while j < len(other) and other[j][1] <= at:
            j += 1
        k = j
        while k < len(other) and other[k][0] < ends:
            if at < other[k][0]:
                yield at, other[k][0]
            at = max(at, other[k][1])
            k += 1
        if at < ends:
            yield at, ends


def length(intervals: Iterable[Interval]) -> int:
    return sum(ends - starts for starts, ends in intervals)


def utilisation_by_group(
    scope: Scope, providers: Sequence[Any], grouping: Grouping | None
) -> dict[Any, Utilisation]:
    """Return the utilisation of each provider, or of all in each part of the period."""
    period = scope.period
    keys = {provider.pk for provider in providers}
    opened = extensions.open_time(
        providers, period.start_at, period.end_at, tenant_id=scope.tenant_id
    )
    absent = _absences(scope, keys)
    services, with_buffers = _work(scope, keys)
    parts = _parts(period, grouping)
    found: dict[Any, Utilisation] = defaultdict(Utilisation)
    for provider in providers:
        key = provider.pk
        working_time = None
        if key in opened:
            hours = union((floor_second(start), ceil_second(end)) for start, end in opened[key])
            working_time = list(difference(hours, union(absent[key])))
        work = union(services[key])
        # Only what has buffers takes more than its own time.
        taken = union((*work, *with_buffers[key])) if with_buffers[key] else work
        for part, bounds in parts:
            group = key if grouping is not None and grouping.is_model else part
            found[group].add(_utilisation(bounds, working_time, work, taken))
    return dict(found)


def _utilisation(
    bounds: Interval,
    working_time: Sequence[Interval] | None,
    work: Sequence[Interval],
    taken: Sequence[Interval],
) -> Utilisation:
    within = list(intersection(work, [bounds]))
    if working_time is None:
        return Utilisation(overtime=length(within))
    open_time = list(intersection(working_time, [bounds]))
    service = length(intersection(within, open_time))
    return Utilisation(
        open=length(open_time),
        service=service,
        # The time with buffers covers that of the services.
        buffers=length(intersection(taken, open_time)) - service,
        overtime=length(within) - service,
    )


def _parts(period: Period, grouping: Grouping | None) -> list[tuple[Any, Interval]]:
    """Return the parts of the period, in Unix seconds, by the key of their group."""
    first, last = period.seconds()
    if grouping is None or grouping.is_model:
        return [(None, (first, last))]
    days_of: dict[Any, list[Any]] = defaultdict(list)
    for day in period.days():
        days_of[day_of(grouping.name, day)].append(day)
    return [
        (
            key,
            (
                max(first, floor_second(midnight(days[0], period.zone))),
                min(last, floor_second(midnight(days[-1] + ONE_DAY, period.zone))),
            ),
        )
        for key, days in days_of.items()
    ]


def _absences(scope: Scope, keys: set[Any]) -> dict[Any, list[Interval]]:
    absent: dict[Any, list[Interval]] = defaultdict(list)
    rows: QuerySet[Any] = QuerySet(BusyInterval, using=scope.using)
    for key, starts, ends in rows.filter(
        overlapping(*scope.period.seconds()), kind__in=ABSENCES, calendar__provider__in=keys
    ).values_list("calendar__provider_id", "starts", "ends"):
        absent[key].append((starts, ends))
    return absent


def _work(
    scope: Scope, keys: set[Any]
) -> tuple[dict[Any, list[Interval]], dict[Any, list[Interval]]]:
    """Return when providers, and resources, give a service, and that with its buffers."""
    services: dict[Any, list[Interval]] = defaultdict(list)
    with_buffers: dict[Any, list[Interval]] = defaultdict(list)
    overlaps = Q(start_at__lt=scope.period.end_at, end_at__gt=scope.period.start_at)
    # A provider may work for a booking of another one, as its resource.
    without_provider = Scope(
        scope.period,
        {name: key for name, key in scope.keys.items() if name != "provider"},
        scope.visible,
        scope.using,
    )
    bookings = without_provider.bookings().filter(
        definitions.STANDS, ~definitions.IS_HOLD, overlaps
    )
    resources: QuerySet[Any] = QuerySet(BookingResource, using=scope.using)
    of_providers = bookings.filter(provider__in=keys)
    of_resources = resources.filter(provider__in=keys, booking__in=bookings)
    has_buffers = Q(buffer_before_minutes__gt=0) | Q(buffer_after_minutes__gt=0)
    for rows, prefix in ((of_providers, ""), (of_resources, "booking__")):
        start: Any = Seconds(F(f"{prefix}start_at"))
        end: Any = Seconds(F(f"{prefix}end_at"))
        for key, starts, ends in covered_time(rows, start, end):
            services[key].append((starts, ends))
        start -= 60 * F("buffer_before_minutes")
        end += 60 * F("buffer_after_minutes")
        for key, starts, ends in covered_time(rows.filter(has_buffers), start, end):
            with_buffers[key].append((starts, ends))
    return services, with_buffers
