"""Reads: taken time, what nobody came for, how fast providers answer. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from django.db import router
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from bookings import overdue, policies, slots
from bookings.models import Booking, BookingEvent, BusyInterval, Calendar
from bookings.protocols import ProviderLike, ServiceLike
from bookings.querysets import overlapping

# A booking has at most one of them.
ANSWERS: Final = (BookingEvent.EventType.CONFIRMED, BookingEvent.EventType.DECLINED)


def get_busy_intervals(
    provider: ProviderLike,
    start_dt: datetime | None = None,
    end_dt: datetime | None = None,
    *,
    tenant: Any = None,
    service: ServiceLike | None = None,
    start_date: date | None = None,
    end_date: date | None = None,
    tz: tzinfo | None = None,
) -> list[tuple[datetime, datetime]]:
    """When a provider is busy between two instants: sorted pairs of aware datetimes, buffers
    included.

    It covers bookings, sessions, time off and imported calendars of every tenant, for a provider
    can be in one place only (``tenant`` is accepted for the callers that pass it). Holds that have
    run out are not busy. With ``service``, neither are that service's shared slots while they have
    seats.

    ``mroudai-django-slots`` calls it with ``start_date`` and ``end_date`` (both included) in the
    zone ``tz``, by default the current one. Name it there as ``SLOTS_GET_BUSY_INTERVALS_FUNC``.
    """
    if start_dt is None or end_dt is None:
        start_dt, end_dt = _days(start_date, end_date, tz or timezone.get_current_timezone())
    busy = _busy([provider.pk], start_dt, end_dt)
    if service is not None:
        busy = busy.exclude(
            service=service.pk, kind=BusyInterval.Kind.BOOKING, seats_taken__lt=F("capacity")
        )
    return [
        (datetime.fromtimestamp(starts, UTC), datetime.fromtimestamp(ends, UTC))
        for starts, ends in busy.order_by("starts").values_list("starts", "ends")
    ]


def get_busy_seconds(
    provider_ids: Iterable[Any], start: datetime, end: datetime
) -> dict[Any, list[tuple[int, int]]]:
    """The same for many providers, as sorted pairs of Unix seconds, in one query.

    Every provider asked for is a key of the answer, as its model has it: 7 for ``"7"``.
    """
    to_python = Calendar._meta.get_field("provider").to_python
    result: dict[Any, list[tuple[int, int]]] = {to_python(key): [] for key in provider_ids}
    rows = _busy(list(result), start, end).order_by("starts")
    for provider_id, starts, ends in rows.values_list("calendar__provider_id", "starts", "ends"):
        result[provider_id].append((starts, ends))
    return result


def list_expired_bookings(
    now_dt: datetime | None = None, *, tenant: Any = None, provider: ProviderLike | None = None
) -> list[Booking]:
    """What the next ``expire_bookings`` would cancel: holds that have run out and overdue bookings.

    Of one tenant or provider, if given; those that ended first come first. Bookings of a service
    whose grace is none are left out.
    """
    now = timezone.now() if now_dt is None else policies.instant(now_dt, "now_dt")
    using = router.db_for_read(Booking)
    bookings = Booking.objects.using(using).order_by("end_at", "pk")
    if tenant is not None:
        bookings = bookings.for_tenant(tenant)
    if provider is not None:
        bookings = bookings.for_provider(provider.pk)
    deadlines = overdue.deadlines(bookings, now, using=using)
    quiet = [
        booking
        for booking in deadlines.narrow(bookings)
        if deadlines.is_overdue(*(getattr(booking, name) for name in overdue.COLUMNS))
    ]
    return sorted((*bookings.expired(now), *quiet), key=lambda booking: booking.end_at)


def get_response_time(booking: Booking) -> timedelta | None:
    """How long the provider took to confirm or decline; ``None`` without a request or an answer."""
    times = _response_times(booking.events.all()) if booking.requested_at is not None else []
    return times[0] if times else None


def get_response_times(
    provider: ProviderLike, start_dt: datetime, end_dt: datetime, *, tenant: Any = None
) -> list[timedelta]:
    """How long a provider took to answer what was asked in ``[start_dt, end_dt)``, oldest first.

    Only what was answered counts: not what is waiting still, has lapsed or was cancelled before.
    With ``tenant``, only that tenant's requests do. One query; ``statistics.median()`` takes it.
    """
    start, end = policies.instant(start_dt, "start_dt"), policies.instant(end_dt, "end_dt")
    asked = BookingEvent.objects.filter(
        booking__provider=provider.pk,
        booking__requested_at__gte=start,
        booking__requested_at__lt=end,
    )
    return _response_times(asked if tenant is None else asked.filter(booking__tenant=tenant))


def _response_times(events: QuerySet[BookingEvent]) -> list[timedelta]:
    answers = events.filter(event_type__in=ANSWERS).order_by("booking__requested_at", "pk")
    instants: Any = answers.values_list("created_at", "booking__requested_at")
    return [answered - asked for answered, asked in instants]


def _busy(provider_ids: list[Any], start: datetime, end: datetime) -> QuerySet[BusyInterval]:
    starts = policies.floor_second(policies.instant(start, "start_dt"))
    ends = policies.ceil_second(policies.instant(end, "end_dt"))
    now = policies.floor_second(timezone.now())
    busy = BusyInterval.objects.filter(
        overlapping(starts, ends),
        Q(lapses__isnull=True) | Q(lapses__gt=now),
        calendar__provider__in=provider_ids,
    )
    left_behind = slots.left_behind.get()
    return busy if left_behind is None else busy.exclude(pk=left_behind)


def _days(first: date | None, last: date | None, tz: tzinfo) -> tuple[datetime, datetime]:
    if first is None or last is None:
        raise TypeError(
            "get_busy_intervals() needs start_dt and end_dt, or start_date and end_date."
        )
    after_last = last + timedelta(days=1)
    return datetime.combine(first, time.min, tz), datetime.combine(after_last, time.min, tz)
