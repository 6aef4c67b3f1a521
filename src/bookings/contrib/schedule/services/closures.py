"""Close many schedules on many dates, and open them again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

from django.db import connections, models, router
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule import time_ranges
from bookings.contrib.schedule.exceptions import InvalidSchedule, ScheduleMissing
from bookings.contrib.schedule.models import DateOverride, Schedule
from bookings.contrib.schedule.models.schedule import bump_revisions
from bookings.contrib.schedule.outside_hours import follows_default, takes_time_of
from bookings.contrib.schedule.services import references
from bookings.contrib.schedule.time_ranges import ONE_DAY
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import atomic_with_retry
from bookings.models import Booking
from bookings.models.field_validation import clean_fields
from bookings.protocols import ProviderLike

MAX_DAYS: Final = 366


@dataclass(frozen=True, slots=True)
class Closures:
    """The result of :func:`add_closures`."""

    overrides: list[DateOverride]
    """The closures that were made. A date that was closed before has none."""
    bookings: list[Booking]
    """The active bookings that begin on one of the closed dates, soonest first. They are still
    booked: move them, or keep them."""


def add_closures(
    *,
    providers: Iterable[ProviderLike] | None = None,
    schedules: Iterable[Schedule] | None = None,
    first_date: date,
    last_date: date | None = None,
    reason: str = "",
) -> Closures:
    """Close providers, or schedules, on a range of dates.

    Bookings are not changed. It takes a constant number of queries.

    :param providers: the providers to close; each needs a schedule of its own.
    :param schedules: the schedules to close. A default schedule closes all providers who follow it.
    :param first_date: the first closed day.
    :param last_date: the last closed day, included; by default ``first_date``. At most 366 days are
        closed at once.
    :param reason: a text of at most 255 characters, which clients may be shown.
    :returns: the new closures, and the bookings on the closed dates.
    :raises ScheduleMissing: a provider has no schedule of its own; ``providers`` lists them.
    :raises MissingReference: a schedule is not saved, or has been deleted.
    :raises InvalidSchedule: neither providers nor schedules are given (``nobody``), or the dates
        are not dates (``invalid_date``), are reversed (``range_reversed``) or too many
        (``range_too_long``).
    :raises InvalidBooking: a provider or the reason is not valid.
    """
    first, last = _validate_dates(first_date, last_date)
    clean_fields(DateOverride(reason=reason), ("reason",))
    targets = _saved_targets(providers, schedules)
    using = router.db_for_write(DateOverride)

    def write() -> Closures:
        locked = _lock_schedules(*targets, using)
        rows: models.QuerySet[DateOverride] = models.QuerySet(DateOverride, using=using)
        closed = set(
            fresh(rows)
            .filter(schedule__in=locked, date__range=(first, last), is_closed=True)
            .values_list("schedule_id", "date")
        )
        new = [
            DateOverride(schedule=schedule, date=day, is_closed=True, reason=reason)
            for schedule in locked
            for day in time_ranges.dates_between(first, last)
            if (schedule.pk, day) not in closed
        ]
        rows.bulk_create(new)
        if not connections[using].features.can_return_rows_from_bulk_insert:
            _read_keys(new, rows)
        return Closures(new, _find_bookings(locked, first, last + ONE_DAY, using))

    return atomic_with_retry(write, using=using)


def _read_keys(new: list[DateOverride], rows: models.QuerySet[DateOverride]) -> None:
    """Give new closures the keys of their rows. Each is its schedule's only one on its date."""
    stored = rows.filter(
        schedule__in={row.schedule_id for row in new},
        date__in={row.date for row in new},
        is_closed=True,
    )
    keys = {
        (schedule, day): key
        for key, schedule, day in stored.values_list("pk", "schedule_id", "date")
    }
    for row in new:
        row.pk = keys[row.schedule_id, row.date]


def remove_closures(
    *,
    providers: Iterable[ProviderLike] | None = None,
    schedules: Iterable[Schedule] | None = None,
    first_date: date,
    last_date: date | None = None,
) -> int:
    """Remove all closures on a range of dates, whatever their reasons.

    If a date has overrides with hours, these apply again.

    :param providers: the providers to open; each needs a schedule of its own.
    :param schedules: the schedules to open.
    :param first_date: the first day.
    :param last_date: the last day, included; by default ``first_date``.
    :returns: how many closures were removed.
    :raises BookingError: as by :func:`add_closures`.
    """
    first, last = _validate_dates(first_date, last_date)
    targets = _saved_targets(providers, schedules)
    using = router.db_for_write(DateOverride)

    def write() -> int:
        locked = _lock_schedules(*targets, using)
        rows: models.QuerySet[DateOverride] = models.QuerySet(DateOverride, using=using)
        closures = rows.filter(schedule__in=locked, date__range=(first, last), is_closed=True)
        return closures.delete()[0]

    return atomic_with_retry(write, using=using)


def _validate_dates(first_date: date, last_date: date | None) -> tuple[date, date]:
    first = time_ranges.validate_date(first_date, "first_date")
    last = first if last_date is None else last_date
    time_ranges.validate_dates(first, last, ("first_date", "last_date"))
    if (last - first).days >= MAX_DAYS:
        raise InvalidSchedule(
            _("%(days)d days are too many for one call. Close %(most)d at most."),
            "range_too_long",
            params={"days": (last - first).days + 1, "most": MAX_DAYS},
        )
    time_ranges.seconds_of_dates(first, last, UTC)
    return first, last


def _saved_targets(providers: Any, schedules: Any) -> tuple[list[Any], list[Schedule]]:
    # As lists: a transaction that is retried would find an iterator empty.
    if providers is None and schedules is None:
        raise InvalidSchedule(_("Say whom to close: pass providers or schedules."), "nobody")
    return (
        [] if providers is None else references.saved_providers(providers),
        [] if schedules is None else references.saved_schedules(schedules),
    )


def _lock_schedules(providers: list[Any], schedules: list[Schedule], using: str) -> list[Schedule]:
    """Lock the schedules, and those of the providers, and return them as they are stored."""
    keys = {schedule.pk for schedule in schedules}
    rows: models.QuerySet[Schedule] = models.QuerySet(Schedule, using=using)
    by_provider = dict(
        rows.filter(provider__in=[provider.pk for provider in providers]).values_list(
            "provider_id", "pk"
        )
    )
    if missing := [provider for provider in providers if provider.pk not in by_provider]:
        raise ScheduleMissing(
            _(
                "Without a schedule of their own: %(providers)s. Make them one with "
                "create_schedule or copy_schedule, or close the default schedule."
            ),
            params={"providers": references.join_names(missing)},
            providers=missing,
        )
    keys |= set(by_provider.values())
    if bump_revisions(keys, using=using) != len(keys):
        raise references.missing_schedule_error()
    return list(rows.filter(pk__in=keys))


def _find_bookings(
    schedules: Iterable[Schedule], first: date, end: date, using: str
) -> list[Booking]:
    """Return the active bookings of these schedules that begin from ``first`` to before ``end``."""
    by_timezone: dict[str, list[Schedule]] = defaultdict(list)
    for schedule in schedules:
        by_timezone[schedule.timezone].append(schedule)
    condition = Q(pk__in=[])
    for group in by_timezone.values():
        providers = [row.provider_id for row in group if row.provider_id is not None]
        owners = takes_time_of(providers, using)
        for schedule in group:
            if schedule.provider_id is None:
                owners |= follows_default(schedule, using)
        midnights = [datetime.combine(day, time.min, group[0].zone) for day in (first, end)]
        condition |= owners & Q(start_at__gte=midnights[0], start_at__lt=midnights[1])
    rows = Booking.objects.using(using).active().filter(condition)
    return list(rows.order_by("start_at", "pk"))
