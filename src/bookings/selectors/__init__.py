"""Read bookings: busy time, expired and overdue ones, and how fast providers answer requests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final
from uuid import UUID

from django.db import router
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings import slots
from bookings.exceptions import InvalidBooking
from bookings.models import Booking, BookingEvent, BusyInterval, arguments
from bookings.models.querysets import IS_COMPARED, BookingQuerySet, overlapping
from bookings.models.read_alias import read_alias
from bookings.protocols import ProviderLike, ServiceLike
from bookings.rules import instants, validation, zones
from bookings.rules.lengths import INVALID_DURATION
from bookings.selectors import overdue
from bookings.selectors.concurrent_seats import ConcurrentSeats, bounds_by_provider
from bookings.selectors.joinable_slots import JoinableSlots

# A booking has at most one of these events.
ANSWERS: Final = (BookingEvent.EventType.CONFIRMED, BookingEvent.EventType.DECLINED)


def get_busy_intervals(
    provider: ProviderLike | int | str | UUID,
    start_dt: datetime | None = None,
    end_dt: datetime | None = None,
    *,
    tenant: Any = None,
    service: ServiceLike | None = None,
    party_size: int = 1,
    duration_minutes: int | None = None,
    duration_days: int | None = None,
    start_date: date | None = None,
    end_date: date | None = None,
    tz: tzinfo | None = None,
    ignored_interval_id: int | None = None,
) -> list[tuple[datetime, datetime]]:
    """Return when a provider is busy between two instants, buffers included, in one query.

    That covers bookings, sessions, time off and imported calendars. Expired holds are not busy.

    ``mroudai-django-slots`` calls it with ``start_date``, ``end_date`` and ``tz``. Name it there as
    ``SLOTS_GET_BUSY_INTERVALS_FUNC``.

    :param provider: the provider, or its key.
    :param start_dt: the beginning of the range, an aware datetime.
    :param end_dt: the end of the range, an aware datetime.
    :param tenant: not used, for a provider can only be in one place: the busy time of all tenants
        is returned. Callers may pass it.
    :param service: the service to be booked, whose shared slots can be joined while they have
        seats; by default all are busy. Of such a slot, only the second before it and the second
        after it are returned: a booking can take exactly its time, and cannot overlap it otherwise.
        So nor can one that begins or ends with the slot be told apart from one that overlaps it,
        unless a slot engine is asked about one booking. :func:`get_joinable_starts` has no such
        limit. If the service's ``capacity_mode`` is CONCURRENT, the time in which enough of its
        seats are free is not busy, without any such limit.
    :param party_size: how many seats of the service have to be free.
    :param duration_minutes: how long the booking of the service lasts, where that lets the client
        choose: only slots that are as long can be joined. By default the service's length.
    :param duration_days: the same in days, where the service is booked by the day.
    :param start_date: the first day, in place of ``start_dt`` and ``end_dt``.
    :param end_date: the last day, included.
    :param tz: the zone of the days, by default the current time zone.
    :param ignored_interval_id: the key of a busy interval to leave out. By default, while a slot
        engine is asked about a booking that is moved, the one that the booking holds.
    :returns: pairs of aware datetimes, sorted.
    :raises InvalidBooking: a datetime is naive, ``provider`` is neither a saved provider nor a key,
        or another argument is invalid.
    :raises TypeError: the call has neither ``start_dt`` and ``end_dt`` nor ``start_date`` and
        ``end_date``.
    """
    provider_id = arguments.provider_key(provider)
    zone = arguments.time_zone(tz)
    for name, day in (("start_date", start_date), ("end_date", end_date)):
        if day is not None:
            validation.calendar_date(day, name)
    if start_dt is None or end_dt is None:
        start_dt, end_dt = _midnights(start_date, end_date, zone)
    busy = _busy([provider_id], start_dt, end_dt, ignored_interval_id)
    bounds: Iterable[tuple[int, int]]
    if service is None:
        validation.whole_number(party_size, "party_size", at_least=1)
        if duration_minutes is not None or duration_days is not None:
            raise InvalidBooking(
                _("A length is one of a service. Give the service too."),
                INVALID_DURATION,
                field="service",
            )
        bounds = bounds_by_provider(busy)[provider_id]
    else:
        shared = JoinableSlots.of(
            arguments.saved_service(service),
            provider,
            party_size,
            duration_minutes,
            duration_days,
        )
        concurrent = ConcurrentSeats()
        bounds = [
            each
            for interval in busy
            if not concurrent.counts(interval)
            for each in _bounds_in_the_way(interval, shared)
        ]
        key = shared.service_id if shared.is_concurrent else None
        bounds = sorted([*bounds, *concurrent.in_the_way(key, shared.most_taken)])
    return [
        (datetime.fromtimestamp(starts, UTC), datetime.fromtimestamp(ends, UTC))
        for starts, ends in bounds
    ]


def get_joinable_starts(
    service: ServiceLike,
    provider: ProviderLike,
    start_dt: datetime,
    end_dt: datetime,
    *,
    party_size: int = 1,
    duration_minutes: int | None = None,
    duration_days: int | None = None,
) -> list[datetime]:
    """Return the starts of the shared slots that a booking of the service can join, in one query.

    A slot engine of your own offers these starts besides those that are free by
    :func:`get_busy_intervals` without ``service``. There are none if the service's
    ``capacity_mode`` is CONCURRENT: offer what is free by :func:`get_busy_intervals` with the
    service and the party size.

    :param service: the service to be booked.
    :param provider: the provider.
    :param start_dt: the first instant at which a slot may start, an aware datetime.
    :param end_dt: the instant before which a slot has to start, an aware datetime.
    :param party_size: how many seats have to be free.
    :param duration_minutes: how long the booking lasts, where the service lets the client choose:
        only slots that are as long can be joined. By default the service's length.
    :param duration_days: the same in days, where the service is booked by the day.
    :returns: aware datetimes, sorted: the starts of the bookings, without buffers. A booking with
        add-ons is longer than the slot, and cannot join it.
    :raises InvalidBooking: a datetime is naive, the service or the provider is not saved, or
        ``party_size`` or an attribute of the service is invalid.
    """
    provider_id = arguments.saved_provider(provider).pk
    shared = JoinableSlots.of(
        arguments.saved_service(service), provider, party_size, duration_minutes, duration_days
    )
    slots_of_service = _busy([provider_id], start_dt, end_dt, None).filter(service=service.pk)
    joinable = (
        datetime.fromtimestamp(interval.starts + shared.buffer_before, UTC)
        for interval in slots_of_service
        if shared.can_join(interval)
    )
    return [start for start in joinable if start_dt <= start < end_dt]


def _bounds_in_the_way(interval: BusyInterval, shared: JoinableSlots) -> list[tuple[int, int]]:
    """Return the parts of an interval that a booking must not overlap."""
    starts, ends = interval.starts, interval.ends
    if not shared.can_join(interval):
        return [(starts, ends)]
    requested = slots.requested_bounds.get()
    if not requested:
        return [(starts - 1, starts), (ends, ends + 1)]
    return [] if (starts, ends) in requested else [(starts, ends)]


def get_busy_seconds(
    provider_ids: Iterable[Any],
    start: datetime,
    end: datetime,
    *,
    ignored_interval_id: int | None = None,
) -> dict[Any, list[tuple[int, int]]]:
    """Return when several providers are busy, in one query, as :func:`get_busy_intervals` does.

    :param provider_ids: the keys of the providers.
    :param start: the beginning of the range, an aware datetime.
    :param end: the end of the range, an aware datetime.
    :param ignored_interval_id: the key of a busy interval to leave out, by default as for
        :func:`get_busy_intervals`.
    :returns: sorted pairs of Unix seconds for each provider, by key. The keys are of the type of
        the provider's primary key: 7 for ``"7"``.
    :raises InvalidBooking: a datetime is naive, or one of ``provider_ids`` is no such key.
    """
    keys = validation.as_list(provider_ids, "provider_ids")
    result: dict[Any, list[tuple[int, int]]] = {arguments.provider_key(key): [] for key in keys}
    busy = _busy(list(result), start, end, ignored_interval_id, names=("start", "end"))
    return result | bounds_by_provider(busy)


def list_expired_bookings(
    now_dt: datetime | None = None, *, tenant: Any = None, provider: ProviderLike | None = None
) -> list[Booking]:
    """Return the holds and requests that have expired, which ``expire_bookings`` would cancel.

    :param now_dt: the current time, by default the clock's.
    :param tenant: only bookings of this tenant.
    :param provider: only bookings of this provider.
    :returns: the bookings, in the order in which they end.
    :raises InvalidBooking: the datetime is naive, or the tenant or the provider is not saved.
    :raises TenantMismatch: a tenant is given without tenancy.
    """
    now = arguments.resolve_now(now_dt)
    return list(_by_end(tenant, provider).expired(now))


def list_overdue_bookings(
    now_dt: datetime | None = None, *, tenant: Any = None, provider: ProviderLike | None = None
) -> list[Booking]:
    """Return the overdue bookings, which ``auto_cancel_expired_bookings`` would cancel.

    :param now_dt: the current time, by default the clock's.
    :param tenant: only bookings of this tenant.
    :param provider: only bookings of this provider.
    :returns: the bookings, in the order in which they end. Those of a service whose grace period is
        not valid are left out.
    :raises InvalidBooking: the datetime is naive, or the tenant or the provider is not saved.
    :raises TenantMismatch: a tenant is given without tenancy.
    """
    now = arguments.resolve_now(now_dt)
    bookings = _by_end(tenant, provider)
    deadlines = overdue.deadlines(bookings, now, using=bookings.db)
    return [
        booking
        for booking in deadlines.prefilter(bookings)
        if deadlines.is_overdue(*(getattr(booking, name) for name in overdue.COLUMNS))
    ]


def _by_end(tenant: Any, provider: ProviderLike | None) -> BookingQuerySet:
    bookings = Booking.objects.using(router.db_for_read(Booking)).order_by("end_at", "pk")
    if tenant is not None:
        bookings = bookings.for_tenant(arguments.saved_tenant(tenant))
    if provider is not None:
        bookings = bookings.for_provider(arguments.saved_provider(provider))
    return bookings


def get_response_time(booking: Booking) -> timedelta | None:
    """Return how long the provider took to confirm or decline a request.

    :param booking: the booking.
    :returns: the time from the request to the answer; ``None`` if there is no request or no answer.
    :raises MissingReference: the booking is not saved, or has been deleted.
    """
    arguments.saved_booking(booking)
    times = _response_times(booking.events.all()) if booking.requested_at is not None else []
    return times[0] if times else None


def get_response_times(
    provider: ProviderLike, start_dt: datetime, end_dt: datetime, *, tenant: Any = None
) -> list[timedelta]:
    """Return how long a provider took to answer requests, in one query.

    Requests that were not answered do not count: those that are waiting still, and those that
    expired or were cancelled.

    :param provider: the provider.
    :param start_dt: the first instant of the requests, an aware datetime.
    :param end_dt: the instant before which the requests were made, an aware datetime.
    :param tenant: only requests of this tenant.
    :returns: the times from request to answer, the oldest request first, for example for
        ``statistics.median()``.
    :raises InvalidBooking: a datetime is naive, or the provider or the tenant is not saved.
    :raises TenantMismatch: a tenant is given without tenancy.
    """
    start, end = instants.aware_utc(start_dt, "start_dt"), instants.aware_utc(end_dt, "end_dt")
    tenant = arguments.saved_tenant(tenant)
    events = BookingEvent.objects.filter(
        booking__provider=arguments.saved_provider(provider).pk,
        booking__requested_at__gte=start,
        booking__requested_at__lt=end,
    )
    return _response_times(events if tenant is None else events.filter(booking__tenant=tenant))


def _response_times(events: QuerySet[BookingEvent]) -> list[timedelta]:
    answers = events.filter(event_type__in=ANSWERS).order_by("booking__requested_at", "pk")
    answered_and_requested: Any = answers.values_list("created_at", "booking__requested_at")
    return [answered - requested for answered, requested in answered_and_requested]


def _busy(
    provider_ids: list[Any],
    start: datetime,
    end: datetime,
    ignored_interval_id: int | None,
    *,
    names: tuple[str, str] = ("start_dt", "end_dt"),
) -> QuerySet[BusyInterval]:
    """Return the busy intervals between two instants, whose arguments have these ``names``.

    Of concurrent bookings, these are the segments, and those claims whose seats are free.
    """
    starts = instants.floor_second(instants.aware_utc(start, names[0]))
    ends = instants.ceil_second(instants.aware_utc(end, names[1]))
    now = instants.floor_second(timezone.now())
    is_free = Q(lapses__isnull=False, lapses__lte=now)
    if ignored := slots.with_ignored(arguments.interval_key(ignored_interval_id)):
        is_free |= Q(pk__in=ignored)
    busy = BusyInterval.objects.using(read_alias(BusyInterval)).filter(
        overlapping(starts, ends), calendar__provider__in=provider_ids
    )
    return busy.filter(IS_COMPARED & ~is_free | ~IS_COMPARED & is_free).order_by("starts")


def _midnights(first: date | None, last: date | None, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the beginning of the first day, and the end of the last."""
    if first is None or last is None:
        raise TypeError(
            "get_busy_intervals() needs start_dt and end_dt, or start_date and end_date."
        )
    try:
        return zones.midnight(first, zone), zones.midnight(last + timedelta(days=1), zone)
    except OverflowError:
        raise instants.out_of_range_error() from None
