"""Close many schedules on many dates, and open them again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.db import models, router
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule import dates, window
from bookings.contrib.schedule.exceptions import InvalidSchedule, ScheduleMissing
from bookings.contrib.schedule.models import DateOverride, Schedule
from bookings.contrib.schedule.models.revision import bump
from bookings.contrib.schedule.services import inputs
from bookings.models import Booking
from bookings.protocols import ProviderLike
from bookings.services.inputs import check_fields
from bookings.transactions import atomically

LONGEST_DAYS: Final = 366
A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Closures:
    """What :func:`add_closures` has done.

    ``overrides`` are the closures that it made; dates that were closed already have none.
    ``bookings`` are the active bookings that begin on one of the closed dates, soonest first: they
    are still booked, and somebody has to move them or keep them.
    """

    overrides: list[DateOverride]
    bookings: list[Booking]


def add_closures(
    *,
    providers: Iterable[ProviderLike] | None = None,
    schedules: Iterable[Schedule] | None = None,
    first_date: date,
    last_date: date | None = None,
    reason: str = "",
) -> Closures:
    """Close providers, or schedules, from ``first_date`` to ``last_date``, both included.

    Without ``last_date`` it is one day; 366 days at most. A default schedule among ``schedules``
    closes for all who have none of their own. Bookings stay; the answer lists those concerned.
    Takes a constant number of queries.

    Raises ``ScheduleMissing`` for providers without a schedule of their own, and
    ``InvalidSchedule`` for dates that make no sense.
    """
    first, last = _dates(first_date, last_date)
    check_fields(DateOverride(reason=reason), ("reason",))
    whom = _whom(providers, schedules)
    using = router.db_for_write(DateOverride)

    def write() -> Closures:
        chosen = _locked(*whom, using)
        rows: models.QuerySet[DateOverride] = models.QuerySet(DateOverride, using=using)
        closed = set(
            rows.select_for_update()
            .filter(schedule__in=chosen, date__range=(first, last), is_closed=True)
            .values_list("schedule_id", "date")
        )
        dates = [first + number * A_DAY for number in range((last - first).days + 1)]
        new = [
            DateOverride(schedule=schedule, date=day, is_closed=True, reason=reason)
            for schedule in chosen
            for day in dates
            if (schedule.pk, day) not in closed
        ]
        return Closures(rows.bulk_create(new), _concerned(chosen, first, last + A_DAY, using))

    return atomically(write, using=using)


def remove_closures(
    *,
    providers: Iterable[ProviderLike] | None = None,
    schedules: Iterable[Schedule] | None = None,
    first_date: date,
    last_date: date | None = None,
) -> int:
    """Take back what :func:`add_closures` did on these dates, whatever the reason; how many.

    A date's own shifts are not touched, and hold again. Raises what :func:`add_closures` raises.
    """
    first, last = _dates(first_date, last_date)
    whom = _whom(providers, schedules)
    using = router.db_for_write(DateOverride)

    def write() -> int:
        chosen = _locked(*whom, using)
        rows: models.QuerySet[DateOverride] = models.QuerySet(DateOverride, using=using)
        closures = rows.filter(schedule__in=chosen, date__range=(first, last), is_closed=True)
        return closures.delete()[0]

    return atomically(write, using=using)


def _dates(first_date: date, last_date: date | None) -> tuple[date, date]:
    first = dates.day(first_date, "first_date")
    last = first if last_date is None else last_date
    dates.in_order(first, last, ("first_date", "last_date"))
    if (last - first).days >= LONGEST_DAYS:
        raise InvalidSchedule(
            _("%(days)d days are too many for one call. Close %(most)d at most."),
            "range_too_long",
            params={"days": (last - first).days + 1, "most": LONGEST_DAYS},
        )
    window.of_dates(first, last, UTC)
    return first, last


def _whom(providers: Any, schedules: Any) -> tuple[list[Any], list[Schedule]]:
    """Before anything is locked: an iterator would be empty when that is tried again."""
    if providers is None and schedules is None:
        raise InvalidSchedule(_("Say whom to close: pass providers or schedules."), "nobody")
    return (
        [] if providers is None else inputs.stored_providers(providers),
        [] if schedules is None else inputs.stored_schedules(schedules),
    )


def _locked(people: list[Any], schedules: list[Schedule], using: str) -> list[Schedule]:
    """The schedules meant, locked."""
    keys = {schedule.pk for schedule in schedules}
    rows: models.QuerySet[Schedule] = models.QuerySet(Schedule, using=using)
    theirs = dict(
        rows.filter(provider__in=[person.pk for person in people]).values_list("provider_id", "pk")
    )
    if missing := [person for person in people if person.pk not in theirs]:
        raise ScheduleMissing(
            _(
                "Without a schedule of their own: %(providers)s. Make them one with make_schedule "
                "or copy_schedule, or close the default schedule."
            ),
            params={"providers": inputs.named(missing)},
        )
    keys |= set(theirs.values())
    if bump(keys, using=using) != len(keys):
        raise inputs.gone()
    return list(rows.filter(pk__in=keys))


def _concerned(schedules: Iterable[Schedule], first: date, end: date, using: str) -> list[Booking]:
    """The active bookings of these schedules that begin from ``first`` until before ``end``."""
    in_zone: dict[str, list[Schedule]] = defaultdict(list)
    for schedule in schedules:
        in_zone[schedule.timezone].append(schedule)
    concerned = Q(pk__in=[])
    for group in in_zone.values():
        whose = Q(provider__in=[row.provider_id for row in group if row.provider_id is not None])
        for schedule in group:
            if schedule.provider_id is None:
                whose |= _without_their_own(schedule, using)
        midnights = [datetime.combine(day, time.min, group[0].zone) for day in (first, end)]
        concerned |= whose & Q(start_at__gte=midnights[0], start_at__lt=midnights[1])
    rows = Booking.objects.using(using).active().filter(concerned)
    return list(rows.order_by("start_at", "pk"))


def _without_their_own(default: Schedule, using: str) -> Q:
    """Bookings of the providers that a default schedule stands for."""
    has_none = Q(provider__booking_schedule__isnull=True)
    if default.tenant_id is not None:
        return has_none & Q(tenant=default.tenant_id)
    defaults: models.QuerySet[Any] = models.QuerySet(Schedule, using=using)
    theirs = defaults.filter(provider__isnull=True, tenant__isnull=False).values("tenant")
    return has_none & (Q(tenant__isnull=True) | ~Q(tenant__in=theirs))
