"""Find slots: the starts that can be booked. Slots are computed, and never stored.

Each selector but :func:`list_available_slots` takes one provider or several, a *pool*, in the same
number of queries. Starts are held to the schedule of the provider, to the booking window of the
service and to the ledger, by the same rules as a booking is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Unpack

from django.db.models import Count, Max, Q
from django.utils.translation import get_language

from bookings.contrib.schedule import time_ranges
from bookings.contrib.schedule.outside_hours import list_bookings_outside_hours
from bookings.contrib.schedule.schedule_rules import find_schedules
from bookings.contrib.schedule.slots.availability import Availability, Slot
from bookings.contrib.schedule.slots.by_day import (
    DayStatus,
    DaySummary,
    group_by_day,
    summarize_days,
)
from bookings.contrib.schedule.slots.query import Options, Providers, SlotQuery, list_providers
from bookings.models import Booking, Calendar, arguments
from bookings.pools import AnyOf
from bookings.protocols import AddonLike, ProviderLike, ServiceLike
from bookings.rules import instants, validation

__all__ = [
    "Availability",
    "DayStatus",
    "DaySummary",
    "Options",
    "Slot",
    "any_provider",
    "availability_etag",
    "day_summary",
    "first_available",
    "list_available_slots",
    "list_bookings_outside_hours",
    "slots_between",
    "slots_by_date",
]


def list_available_slots(
    service: ServiceLike,
    provider: ProviderLike,
    start_dt: datetime | None = None,
    end_dt: datetime | None = None,
    tenant: Any = None,
    *,
    start_date: date | None = None,
    end_date: date | None = None,
    tz: tzinfo | None = None,
    booking: Booking | None = None,
    addons: Iterable[AddonLike] | None = None,
    resources: Iterable[ProviderLike | AnyOf] | None = None,
    duration_minutes: int | None = None,
    duration_days: int | None = None,
    party_size: int | None = None,
    client_name: str = "",
    client_email: str = "",
    client_phone: str = "",
    client_user: Any = None,
    ignored_interval_id: int | None = None,
    starts: Sequence[datetime] | None = None,
    now_dt: datetime | None = None,
    override_policy: bool = False,
) -> Availability:
    """Return the slots of one provider that start between two instants, or on certain days.

    Name this function as ``BOOKINGS_SLOTS_AVAILABLE_FUNC``, and bookings can only start at a slot.

    :param service: the service to be booked.
    :param provider: the provider to be booked.
    :param start_dt: the first instant at which a slot may start, an aware datetime.
    :param end_dt: the instant before which a slot has to start, an aware datetime.
    :param tenant: the tenant; by default that of the service.
    :param start_date: the first day, in place of ``start_dt`` and ``end_dt``.
    :param end_date: the last day, included.
    :param tz: the zone of the days and of the slots' datetimes; by default the current time zone.
    :param booking: a booking to be moved. It keeps its length and its buffers, and its own time is
        free.
    :param addons: the add-ons of the booking, which make it longer. By default a new booking has
        none, and ``booking`` keeps its own.
    :param resources: the resources that the booking takes besides those that the service needs,
        each one or ``AnyOf`` several. By default ``booking`` keeps its own.
    :param duration_minutes: how long the booking lasts without its add-ons, where the service lets
        the client choose. By default a new booking has the service's length, and ``booking`` keeps
        its own.
    :param duration_days: the same in days, where the service is booked by the day.
    :param party_size: the party size of a new booking, by default 1. ``booking`` keeps its own.
    :param client_name: the client of a new booking, as far as known: with a client, starts that a
        limit on clients or the duplicate guard would refuse are not on offer. ``booking`` keeps its
        own.
    :param client_email: the client's e-mail address.
    :param client_phone: the client's phone number.
    :param client_user: the client's user account.
    :param ignored_interval_id: the key of a busy interval to leave out as a whole. ``booking``
        needs none: of its own interval, it only leaves out its own seats.
    :param starts: the starts, sorted, that you look up in the answer, in place of ``start_dt`` and
        ``end_dt``. They may be further apart than 400 days.
    :param now_dt: the current time, by default the clock's.
    :param override_policy: for staff: minimum notice, maximum advance, limits and the duplicate
        guard do not count, nor who offers the service, nor ``is_active`` unless the adapter says
        otherwise.
    :returns: a sequence of :class:`Slot`, soonest first, with a method ``why_not(start_at)``.
    :raises SlotUnavailable: the provider has no schedule, and there is no default one
        (``no_schedule``).
    :raises TenantMismatch: the service or the provider belongs to another tenant.
    :raises InvalidBooking: a datetime is naive, the range ends before it starts or is longer than
        400 days, an object is not saved, or another argument is invalid.
    :raises TypeError: the call has neither ``start_dt`` and ``end_dt`` nor ``start_date`` and
        ``end_date``; or it has ``booking``, and a client or a ``party_size``.
    """
    tz = arguments.time_zone(tz)
    time_ranges.validate_dates(start_date, end_date, ("start_date", "end_date"))
    if starts is not None and (seconds := _seconds_of(starts)):
        bounds = seconds[0], seconds[-1] + 1
        instants.check_range(*bounds)
    elif start_dt is not None and end_dt is not None:
        bounds = time_ranges.seconds_between(start_dt, end_dt)
    elif start_date is not None and end_date is not None:
        bounds = time_ranges.seconds_of_dates(start_date, end_date, tz)
    else:
        raise TypeError(
            "list_available_slots() needs start_dt and end_dt, or start_date and end_date."
        )
    query = SlotQuery.build(
        service,
        bounds,
        tenant=tenant,
        tz=tz,
        addons=addons,
        resources=resources,
        duration_minutes=duration_minutes,
        duration_days=duration_days,
        party_size=party_size,
        client_name=client_name,
        client_email=client_email,
        client_phone=client_phone,
        client_user=client_user,
        booking=booking,
        ignored_interval_id=ignored_interval_id,
        now_dt=now_dt,
        override_policy=override_policy,
    )
    return query.run(arguments.saved_provider(provider))[0]


def slots_between(
    service: ServiceLike,
    providers: Providers,
    start_dt: datetime,
    end_dt: datetime,
    **options: Unpack[Options],
) -> list[Slot]:
    """Return the slots of one provider or of several that start between two instants.

    :param service: the service to be booked.
    :param providers: one provider, or several. Of several, those without a schedule are left out.
    :param start_dt: the first instant at which a slot may start, an aware datetime.
    :param end_dt: the instant before which a slot has to start, an aware datetime.
    :param options: see :class:`Options`.
    :returns: the slots, soonest first. A start that several providers offer is there once for each,
        in their order.
    :raises BookingError: as by :func:`list_available_slots`.
    :raises TypeError: a name is no option; or as by :func:`list_available_slots`.
    """
    bounds = time_ranges.seconds_between(start_dt, end_dt)
    availabilities = SlotQuery.build(service, bounds, **options).run(providers)
    # By the second: Python compares two datetimes of one zone by their wall time.
    starts = sorted(
        (start, number)
        for number, availability in enumerate(availabilities)
        for start in availability.starts()
    )
    return [availabilities[number].slot_at(start) for start, number in starts]


def slots_by_date(
    service: ServiceLike,
    providers: Providers,
    start_date: date,
    end_date: date | None = None,
    **options: Unpack[Options],
) -> dict[date, list[Slot]]:
    """Return the slots of each day.

    :param service: the service to be booked.
    :param providers: one provider, or several. Of several, those without a schedule are left out.
    :param start_date: the first day.
    :param end_date: the last day, included; by default ``start_date``.
    :param options: see :class:`Options`.
    :returns: every day with its slots, sorted by start. A start that several providers offer is
        there once for each, in their order.
    :raises BookingError: as by :func:`list_available_slots`.
    :raises TypeError: a name is no option; or as by :func:`list_available_slots`.
    """
    query, days = _query_days(service, start_date, end_date, options)
    return group_by_day(query.run(providers), days)


def day_summary(
    service: ServiceLike,
    providers: Providers,
    start_date: date,
    end_date: date | None = None,
    **options: Unpack[Options],
) -> list[DaySummary]:
    """Return for each day whether it is open, full or closed, and how many starts it has.

    A day is full if it only has no starts because of what is booked. All other days without starts
    are closed, also those that are too soon or too far ahead.

    :param service: the service to be booked.
    :param providers: one provider, or several. Of several, those without a schedule are left out.
    :param start_date: the first day.
    :param end_date: the last day, included; by default ``start_date``.
    :param options: see :class:`Options`.
    :returns: one :class:`DaySummary` for each day, in order.
    :raises BookingError: as by :func:`list_available_slots`.
    :raises TypeError: a name is no option; or as by :func:`list_available_slots`.
    """
    query, days = _query_days(service, start_date, end_date, options)
    return summarize_days(query.run(providers), days, query.tz)


def first_available(
    service: ServiceLike,
    providers: Providers,
    after: datetime | None = None,
    *,
    within_days: int = 60,
    **options: Unpack[Options],
) -> Slot | None:
    """Return the soonest slot.

    :param service: the service to be booked.
    :param providers: one provider, or several. Of several, those without a schedule are left out.
    :param after: the first instant at which it may start, an aware datetime; by default now.
    :param within_days: how many days of 24 hours to search, at most 400.
    :param options: see :class:`Options`.
    :returns: the slot, of the first provider that offers it; ``None`` if there is none.
    :raises BookingError: as by :func:`list_available_slots`.
    :raises TypeError: a name is no option; or as by :func:`list_available_slots`.
    """
    if after is None:
        start = arguments.resolve_now(options.get("now_dt"))
    else:
        start = instants.aware_utc(after, "after")
    validation.whole_number(within_days, "within_days", at_least=0, at_most=time_ranges.MAX_DAYS)
    end = instants.add_elapsed(start, timedelta(days=within_days))
    query = SlotQuery.build(service, time_ranges.seconds_between(start, end), **options)
    first_slots = (next(iter(availability), None) for availability in query.run(providers))
    return min(
        (slot for slot in first_slots if slot is not None),
        key=lambda slot: slot.start.timestamp(),
        default=None,
    )


def any_provider(
    service: ServiceLike,
    start_at: datetime,
    providers: Iterable[ProviderLike],
    **options: Unpack[Options],
) -> list[ProviderLike]:
    """Return the providers who could take a booking at a start.

    :param service: the service to be booked.
    :param start_at: the start, an aware datetime.
    :param providers: the providers to choose from.
    :param options: see :class:`Options`.
    :returns: the providers; the one who is least busy on that day comes first.
    :raises BookingError: as by :func:`list_available_slots`.
    :raises TypeError: a name is no option; or as by :func:`list_available_slots`.
    """
    start_at = instants.aware_utc(start_at, "start_at")
    tz = arguments.time_zone(options.get("tz"))
    instants.check_range(instants.floor_second(start_at), instants.ceil_second(start_at))
    day = start_at.astimezone(tz).date()
    bounds = time_ranges.seconds_of_dates(day, day, tz)
    availabilities = SlotQuery.build(service, bounds, **options).run(providers)
    able = [availability for availability in availabilities if start_at in availability]
    able.sort(key=lambda availability: availability.search.busy_seconds(*bounds))
    return [availability.provider for availability in able]


def availability_etag(
    service: ServiceLike, providers: Providers, **options: Unpack[Options]
) -> str:
    """Return an HTTP entity tag (RFC 9110, 8.8.3) that changes whenever the slots may change.

    It is computed in three queries from the revisions of the calendars and the schedules, the
    attributes of the service, the expired holds and the current minute, and in up to two more from
    what limits and the duplicate guard count, and one more if not every
    provider offers the service. The range of slots is not part of it, because that is
    part of the page's address. Nor is what an overridden ``check_bookable`` of the adapter reads.

    :param service: the service to be booked.
    :param providers: one provider, or several.
    :param options: see :class:`Options`.
    :returns: the tag, in double quotes.
    :raises BookingError: as by :func:`list_available_slots`.
    :raises TypeError: a name is no option; or as by :func:`list_available_slots`.
    """
    query = SlotQuery.build(service, (0, 0), **options)
    pool = {provider.pk: provider for provider in list_providers(providers)}
    resources = query.resource_candidates(pool.values())
    every = pool | resources
    schedules = find_schedules(list(every.values()), query.tenant_id)
    calendars = Calendar.objects.filter(provider__in=every).order_by("pk")
    is_in_the_way = Q(provider__in=every)
    if resources:
        is_in_the_way |= Q(resources__provider__in=resources)
    expired_holds = Booking.objects.expired(query.now).filter(is_in_the_way).order_by()
    parts = (
        query.fingerprint(pool.values()),
        list(pool),
        list(resources),
        [(key, schedule.pk, schedule.revision) for key, schedule in schedules.items()],
        list(calendars.values_list("pk", "revision")),
        expired_holds.aggregate(Count("pk"), Max("expires_at")),
        get_language(),
    )
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


def _seconds_of(starts: Any) -> list[int]:
    return [
        instants.floor_second(instants.aware_utc(start, "starts"))
        for start in validation.as_list(starts, "starts")
    ]


def _query_days(
    service: ServiceLike, start_date: date, end_date: date | None, options: Options
) -> tuple[SlotQuery, list[date]]:
    time_ranges.validate_date(start_date, "start_date")
    last_date = start_date if end_date is None else end_date
    tz = arguments.time_zone(options.get("tz"))
    bounds = time_ranges.seconds_of_dates(start_date, last_date, tz)
    days = time_ranges.dates_between(start_date, last_date)
    return SlotQuery.build(service, bounds, **options), days
