"""Which slots are on offer. Nothing here writes, and nothing is stored: slots are computed.

A service is asked about with one provider, or with any number of them (a *pool*), which costs the
same few queries. Starts are held to the provider's schedule, to the service's window of booking and
to the ledger, by the same rules as a booking is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Unpack

from django.db.models import Count, Max
from django.utils import timezone
from django.utils.translation import get_language

from bookings import policies
from bookings.contrib.schedule import days, window
from bookings.contrib.schedule.availability import Availability, Slot
from bookings.contrib.schedule.days import DayStatus, DaySummary
from bookings.contrib.schedule.question import Options, Providers, Question, pool_of
from bookings.contrib.schedule.rules import schedules_of
from bookings.models import Booking, Calendar
from bookings.protocols import AddonLike, ProviderLike, ServiceLike
from bookings.services import inputs

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
    party_size: int | None = None,
    now_dt: datetime | None = None,
    override_policy: bool = False,
) -> Availability:
    """The slots that start in ``[start_dt, end_dt)``, or on the days from ``start_date`` to
    ``end_date`` (both included) of the zone ``tz``, by default the current one.

    The answer is a sequence of :class:`Slot`, soonest first, with a method ``why_not(start_at)``.
    ``addons`` and ``party_size`` are those of the booking to be made. ``booking`` is one to be
    moved: its own length and buffers count, and its own time is free; ``addons`` are then those
    that it is to have instead. ``override_policy`` (staff)
    lifts notice, advance and ``is_active``.

    Name it as ``BOOKINGS_SLOTS_AVAILABLE_FUNC``, and starts are held to it.

    Raises ``SlotUnavailable`` with the code ``no_schedule``, ``TenantMismatch``, and
    ``InvalidBooking`` for naive datetimes, a range that ends before it starts or is longer than 400
    days.
    """
    tz = tz or timezone.get_current_timezone()
    if start_dt is not None and end_dt is not None:
        bounds = window.of_instants(start_dt, end_dt)
    elif start_date is not None and end_date is not None:
        bounds = window.of_dates(start_date, end_date, tz)
    else:
        raise TypeError(
            "list_available_slots() needs start_dt and end_dt, or start_date and end_date."
        )
    question = Question.about(
        service,
        bounds,
        tenant=tenant,
        tz=tz,
        addons=addons,
        party_size=party_size,
        booking=booking,
        now_dt=now_dt,
        override_policy=override_policy,
    )
    return question.answer(provider)[0]


def slots_by_date(
    service: ServiceLike,
    providers: Providers,
    start_date: date,
    end_date: date | None = None,
    **options: Unpack[Options],
) -> dict[date, list[Slot]]:
    """Every day from ``start_date`` to ``end_date`` (both included; by default one day), with its
    slots.

    ``providers`` is one, or a pool; a start that several offer is there once for each, in their
    order. Options and errors are those of :func:`list_available_slots`.
    """
    question, chosen = _of_days(service, start_date, end_date, options)
    return days.slots_of(question.answer(providers), chosen)


def day_summary(
    service: ServiceLike,
    providers: Providers,
    start_date: date,
    end_date: date | None = None,
    **options: Unpack[Options],
) -> list[DaySummary]:
    """What a date picker shows: of every day whether it is open, full or closed, and how many
    starts it has.

    A day on which nothing could be booked even if the calendar were empty is closed, also because
    it is too soon or too far ahead. Arguments and errors are those of :func:`slots_by_date`.
    """
    question, chosen = _of_days(service, start_date, end_date, options)
    return days.summaries_of(question.answer(providers), chosen, question.tz)


def first_available(
    service: ServiceLike,
    providers: Providers,
    after: datetime | None = None,
    *,
    within_days: int = 60,
    **options: Unpack[Options],
) -> Slot | None:
    """The soonest slot at or after an instant, by default now; ``None`` if there is none within so
    many days.

    Of several providers who could take it, it is the first one's. Options and errors are those of
    :func:`list_available_slots`.
    """
    start = inputs.moment(options.get("now_dt") if after is None else after)
    policies.whole_number(within_days, "within_days", at_least=0, at_most=window.LONGEST_DAYS)
    bounds = window.of_instants(start, policies.elapsed_end(start, timedelta(days=within_days)))
    offers = Question.about(service, bounds, **options).answer(providers)
    soonest = (slot for slot in (next(iter(offer), None) for offer in offers) if slot is not None)
    return min(soonest, key=lambda slot: slot.start.timestamp(), default=None)


def any_provider(
    service: ServiceLike,
    start_at: datetime,
    providers: Iterable[ProviderLike],
    **options: Unpack[Options],
) -> list[ProviderLike]:
    """Who of a pool could take a booking at this start: who is least busy that day comes first.

    Options and errors are those of :func:`list_available_slots`.
    """
    start_at = policies.instant(start_at, "start_at")
    tz = options.get("tz") or timezone.get_current_timezone()
    day = start_at.astimezone(tz).date()
    bounds = window.of_dates(day, day, tz)
    offers = Question.about(service, bounds, **options).answer(providers)
    takers = [offer for offer in offers if start_at in offer]
    takers.sort(key=lambda offer: offer.seconds_taken(*bounds))
    return [offer.provider for offer in takers]


def availability_etag(
    service: ServiceLike, providers: Providers, **options: Unpack[Options]
) -> str:
    """An HTTP entity tag (RFC 9110, 8.8.3) that changes whenever what these selectors answer may.

    It is made of the revisions of the calendars and the schedules, of what the service asks for, of
    the holds that have run out, and of the minute: three queries, and no slot is computed. The
    range asked for is not in it, for that is in the address of the page.
    """
    question = Question.about(service, (0, 0), **options)
    pool = {provider.pk: provider for provider in pool_of(providers)}
    schedules = schedules_of(list(pool.values()), question.tenant_id)
    calendars = Calendar.objects.filter(provider__in=pool).order_by("pk")
    stale = Booking.objects.expired(question.now).filter(provider__in=pool).order_by()
    parts = (
        question.fingerprint(),
        [(key, getattr(provider, "is_active", True)) for key, provider in pool.items()],
        [(key, schedule.pk, schedule.revision) for key, schedule in schedules.items()],
        list(calendars.values_list("pk", "revision")),
        stale.aggregate(Count("pk"), Max("expires_at")),
        get_language(),
    )
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


def _of_days(
    service: ServiceLike, start_date: date, end_date: date | None, options: Options
) -> tuple[Question, list[date]]:
    end_date = start_date if end_date is None else end_date
    tz = options.get("tz") or timezone.get_current_timezone()
    bounds = window.of_dates(start_date, end_date, tz)
    chosen = [
        start_date + timedelta(days=number) for number in range((end_date - start_date).days + 1)
    ]
    return Question.about(service, bounds, **options), chosen
