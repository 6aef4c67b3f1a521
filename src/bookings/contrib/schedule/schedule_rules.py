"""Read schedules from the database, as the opening hours that the engine computes with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Q

from bookings.conf import app_settings
from bookings.contrib.schedule.engine import OpeningHours, Shift, WeeklyShift
from bookings.contrib.schedule.hours import Hours
from bookings.contrib.schedule.models import BusinessHours, DateOverride, Schedule
from bookings.contrib.schedule.models.business_hours import valid_between
from bookings.contrib.schedule.public_holidays import public_holidays
from bookings.contrib.schedule.time_ranges import ONE_DAY
from bookings.models.read_alias import read_alias
from bookings.protocols import ProviderLike

SHIFT_COLUMNS: Final = ("open_time", "close_time", "closes_next_day")


@dataclass(frozen=True, slots=True)
class ScheduleRules:
    """What one schedule says about a range of dates."""

    schedule: Schedule
    hours: OpeningHours
    reasons: Mapping[date, str]
    """Why dates are closed: the reason of the override, or the name of the holiday."""


def load_rules_by_provider(
    providers: Collection[ProviderLike], first: date, last: date, *, tenant_id: Any = None
) -> dict[Any, ScheduleRules]:
    """Return the rules from ``first`` to ``last`` that each provider follows, by provider key.

    A provider without a schedule of its own follows its tenant's default, else the project's. A
    provider without any is left out. It takes three queries, however many providers there are.
    """
    schedules = find_schedules(providers, tenant_id)
    rules = load_rules_by_schedule(
        {schedule.pk: schedule for schedule in schedules.values()}, first, last
    )
    return {provider_id: rules[schedule.pk] for provider_id, schedule in schedules.items()}


def load_own_rules(
    provider_ids: Collection[Any], first: date, last: date
) -> dict[Any, ScheduleRules]:
    """Return the rules of the providers that have a schedule of their own, by provider key.

    It takes three queries, and one if there is no such schedule.
    """
    schedules = Schedule.objects.using(read_alias(Schedule)).filter(provider__in=list(provider_ids))
    own: dict[Any, Any] = {schedule.provider_id: schedule for schedule in schedules}
    if not own:
        return {}
    around = (first - 2 * ONE_DAY, last + 2 * ONE_DAY)
    rules = load_rules_by_schedule({schedule.pk: schedule for schedule in own.values()}, *around)
    return {key: rules[schedule.pk] for key, schedule in own.items()}


def load_rules_by_schedule(
    schedules: Mapping[Any, Schedule], first: date, last: date
) -> dict[Any, ScheduleRules]:
    """Return the rules of each schedule from ``first`` to ``last``, by its key, in two queries."""
    weekly = _load_weekly_shifts(schedules, first, last)
    overrides, reasons = _load_overrides(schedules, first, last)
    rules = {}
    for key, schedule in schedules.items():
        for day, name in _holidays(schedule, first, last):
            # An override of the same date takes precedence.
            if day not in overrides[key]:
                overrides[key][day] = ()
                reasons[key][day] = name
        hours = OpeningHours(
            zone=ZoneInfo(schedule.timezone), weekly=weekly[key], overrides=overrides[key]
        )
        rules[key] = ScheduleRules(schedule, hours, reasons[key])
    return rules


def find_schedules(providers: Collection[ProviderLike], tenant_id: Any) -> dict[Any, Schedule]:
    """Return the schedule that each provider follows, by provider key, in one query.

    ``tenant_id`` is the tenant of the providers whose model has no tenant.
    """
    tenants = {provider.pk: tenant_id_of(provider, tenant_id) for provider in providers}
    is_default = Q(tenant__isnull=True) | Q(tenant__in=set(tenants.values()) - {None})
    own: dict[Any, Schedule] = {}
    defaults: dict[Any, Schedule] = {}
    for schedule in Schedule.objects.using(read_alias(Schedule)).filter(
        Q(provider__in=tenants) | Q(is_default, provider__isnull=True)
    ):
        if schedule.provider_id is None:
            defaults[schedule.tenant_id] = schedule
        else:
            own[schedule.provider_id] = schedule
    found = {
        key: own.get(key) or defaults.get(tenant_id) or defaults.get(None)
        for key, tenant_id in tenants.items()
    }
    return {key: schedule for key, schedule in found.items() if schedule is not None}


def tenant_id_of(provider: ProviderLike, tenant_id: Any) -> Any:
    """Return the key of the provider's tenant, or ``tenant_id`` if the provider has no tenant.

    Without tenancy, return ``None``.
    """
    if not app_settings.tenancy_enabled:
        return None
    return getattr(provider, "tenant_id", tenant_id)


def _load_weekly_shifts(
    schedules: Collection[Any], first: date, last: date
) -> dict[Any, list[WeeklyShift]]:
    weekly: dict[Any, list[WeeklyShift]] = defaultdict(list)
    hours = BusinessHours.objects.using(read_alias(BusinessHours))
    rows = hours.filter(valid_between(first, last), schedule__in=schedules).values_list(
        "schedule_id", "day_of_week", "is_closed", "valid_from", "valid_until", *SHIFT_COLUMNS
    )
    for key, day_of_week, is_closed, valid_from, valid_until, *columns in rows:
        shift = None if is_closed else _shift(*columns)
        weekly[key].append(WeeklyShift(day_of_week, shift, valid_from, valid_until))
    return weekly


def _load_overrides(
    schedules: Collection[Any], first: date, last: date
) -> tuple[dict[Any, dict[date, tuple[Shift, ...]]], dict[Any, dict[date, str]]]:
    """Return the shifts of the overridden dates, and the reasons of those that are closed."""
    shifts: dict[Any, dict[date, tuple[Shift, ...]]] = defaultdict(dict)
    reasons: dict[Any, dict[date, str]] = defaultdict(dict)
    rows = (
        DateOverride.objects.using(read_alias(DateOverride))
        .filter(schedule__in=schedules, date__range=(first, last))
        # A row that closes the date comes last, and takes precedence over the others.
        .order_by("is_closed", "open_time")
        .values_list("schedule_id", "date", "is_closed", "reason", *SHIFT_COLUMNS)
    )
    for key, day, is_closed, reason, *columns in rows:
        if is_closed:
            shifts[key][day] = ()
            reasons[key][day] = reason
        else:
            shifts[key][day] = (*shifts[key].get(day, ()), _shift(*columns))
    return shifts, reasons


def _shift(open_time: Any, close_time: Any, closes_next_day: bool) -> Shift:
    return Shift(*Hours(open_time, close_time, closes_next_day).seconds)


def _holidays(schedule: Schedule, first: date, last: date) -> Iterable[tuple[date, str]]:
    for year in range(first.year, last.year + 1):
        region = schedule.holiday_country, schedule.holiday_subdivision
        for day, name in public_holidays(*region, year).items():
            if first <= day <= last:
                yield day, name
