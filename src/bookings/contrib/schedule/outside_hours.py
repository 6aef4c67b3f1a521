"""Find the bookings that the hours of their providers no longer cover."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import router
from django.db.models import Q, QuerySet
from django.utils import timezone

from bookings.contrib.schedule import engine
from bookings.contrib.schedule.engine import OpeningHours
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.schedule_rules import load_own_rules, load_rules_by_provider
from bookings.contrib.schedule.slots.query import Providers, list_providers
from bookings.models import Booking, BookingResource
from bookings.rules import instants
from bookings.rules.service_rules import spans_closures
from bookings.services import references

MARGIN: Final = timedelta(days=3)
"""A shift belongs to the date on which it begins and may end on another one."""


def list_bookings_outside_hours(
    providers: Providers | None = None,
    *,
    start_dt: datetime | None = None,
    end_dt: datetime | None = None,
    now_dt: datetime | None = None,
) -> list[Booking]:
    """Return the active bookings that are not within the hours of who takes part in them.

    Call it after :func:`~bookings.contrib.schedule.services.set_week`, a closure, a public holiday
    or the deletion of a schedule: bookings stay when hours change. Move these, or keep them.

    The hours are those of the provider's schedule, else those of the default schedule. Without
    either, a provider has no hours, and all bookings are outside. Buffers may be outside, and time
    off does not count: it is never over a booking. A resource of a booking has the hours of its own
    schedule, and without one it is open at all times. It takes four queries, however many providers
    there are, and four more if there are resources; seven more for each further tenant.

    :param providers: one provider, or several: the bookings that take their time, also as that of
        a resource; ``None`` for all.
    :param start_dt: only bookings that end after this instant, an aware datetime; by default now.
    :param end_dt: only bookings that begin before this instant; by default there is no end.
    :param now_dt: the current time, by default the clock's.
    :returns: the bookings, soonest first.
    :raises InvalidBooking: a datetime is naive or out of range, or what is given as a provider is
        not a saved one.
    """
    now = references.resolve_now(now_dt)
    start = now if start_dt is None else instants.aware_utc(start_dt, "start_dt")
    rows = Booking.objects.active().filter(end_at__gt=start)
    if end_dt is not None:
        rows = rows.filter(start_at__lt=instants.aware_utc(end_dt, "end_dt"))
    if providers is not None:
        pool = list_providers(providers)
        rows = rows.filter(takes_time_of([provider.pk for provider in pool]))
    return outside_hours(rows)


def outside_hours(rows: QuerySet[Booking]) -> list[Booking]:
    """Return those of the bookings that are not within the hours, soonest first."""
    bookings = list(rows.select_related("provider", "service").order_by("start_at", "pk"))
    by_tenant: dict[Any, list[Booking]] = defaultdict(list)
    for booking in bookings:
        by_tenant[booking.tenant_id].append(booking)
    outside = set()
    for tenant_id, group in by_tenant.items():
        first = (group[0].start_at - MARGIN).date()
        last = (max(booking.end_at for booking in group) + MARGIN).date()
        pool = {booking.provider_id: booking.provider for booking in group}
        rules = load_rules_by_provider(list(pool.values()), first, last, tenant_id=tenant_id)
        resources = _resources_of(group, rows.db)
        own_rules = load_own_rules(
            {key for keys in resources.values() for key in keys}, first, last
        )
        outside |= {
            booking.pk
            for booking in group
            if booking.provider_id not in rules
            or not _covers(rules[booking.provider_id].hours, booking)
            or not all(
                _covers(own_rules[key].hours, booking)
                for key in resources[booking.pk]
                if key in own_rules
            )
        }
    return [booking for booking in bookings if booking.pk in outside]


def _resources_of(bookings: Iterable[Booking], using: str) -> dict[Any, set[Any]]:
    """Return the keys of the resources of each booking, by its key."""
    resources: dict[Any, set[Any]] = defaultdict(set)
    if having := [booking.pk for booking in bookings if booking.resource_count]:
        rows = BookingResource.objects.using(using).filter(booking__in=having)
        for booking_id, provider_id in rows.values_list("booking_id", "provider_id"):
            resources[booking_id].add(provider_id)
    return resources


def takes_time_of(provider_ids: Collection[Any], using: str | None = None) -> Q:
    """Select the bookings that take the time of these providers, also as that of a resource."""
    as_resource = BookingResource.objects.using(using).filter(provider__in=provider_ids)
    return Q(provider__in=provider_ids) | Q(pk__in=as_resource.values("booking"))


def upcoming_bookings(schedules: Iterable[Schedule]) -> QuerySet[Booking]:
    """Return the active bookings to come of the providers who follow these schedules.

    The providers are read at once: who has followed a schedule is not known once it is deleted.
    """
    using = router.db_for_write(Schedule)
    upcoming = Booking.objects.using(using).active().filter(end_at__gt=timezone.now())
    condition = Q(pk__in=())
    for schedule in schedules:
        if schedule.provider_id is not None:
            condition |= takes_time_of([schedule.provider_id], using)
            continue
        followers = upcoming.filter(follows_default(schedule, using)).order_by()
        of_default = Q(provider__in=list(followers.values_list("provider", flat=True).distinct()))
        if schedule.tenant_id is not None:
            of_default &= Q(tenant=schedule.tenant_id)
        condition |= of_default
    return upcoming.filter(condition)


def follows_default(default: Schedule, using: str) -> Q:
    """Select the bookings of the providers who follow a default schedule."""
    has_no_schedule = Q(provider__booking_schedule__isnull=True)
    if default.tenant_id is not None:
        return has_no_schedule & Q(tenant=default.tenant_id)
    schedules: QuerySet[Any] = QuerySet(Schedule, using=using)
    tenant_defaults = schedules.filter(provider__isnull=True, tenant__isnull=False)
    return has_no_schedule & (
        Q(tenant__isnull=True) | ~Q(tenant__in=tenant_defaults.values("tenant"))
    )


def _covers(hours: OpeningHours, booking: Booking) -> bool:
    starts = instants.floor_second(booking.start_at)
    ends = instants.ceil_second(booking.end_at)
    return engine.fits(hours, starts, ends, spans_closures=spans_closures(booking.service))
