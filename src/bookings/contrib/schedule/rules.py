"""A schedule's rows as the rules that the engine computes with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q

from bookings.conf import app_settings
from bookings.contrib.schedule.engine import (
    Alignment,
    OpeningHours,
    Shift,
    SlotRules,
    WeeklyShift,
)
from bookings.contrib.schedule.hours import Hours
from bookings.contrib.schedule.models import BusinessHours, DateOverride, Schedule
from bookings.contrib.schedule.public_holidays import public_holidays
from bookings.contrib.schedule.wanted import Wanted
from bookings.protocols import ProviderLike

WALL_CLOCK = ("open_time", "close_time", "closes_next_day")


@dataclass(frozen=True, slots=True)
class ScheduleRules:
    """What one schedule says about a stretch of days."""

    schedule: Schedule
    hours: OpeningHours
    reasons: Mapping[date, str]
    """Why the dates are closed that an override or a holiday closes."""

    def grid(self, wanted: Wanted) -> SlotRules:
        return SlotRules(
            duration=wanted.duration,
            step=60 * self.schedule.slot_step_minutes,
            before=wanted.before,
            after=wanted.after,
            alignment=Alignment(self.schedule.alignment),
        )

    def notice(self, wanted: Wanted) -> int:
        """In seconds: the longer of the schedule's and the service's."""
        return 60 * max(self.schedule.minimum_notice_minutes, wanted.rules.minimum_notice_minutes)

    def advance_days(self, wanted: Wanted) -> int | None:
        """The fewer of the schedule's and the service's; ``None`` where neither has a limit."""
        limits = (self.schedule.maximum_advance_days, wanted.rules.maximum_advance_days)
        return min((days for days in limits if days is not None), default=None)


def load_rules(
    providers: Collection[ProviderLike], first: date, last: date, *, tenant_id: Any = None
) -> dict[Any, ScheduleRules]:
    """The rules of each provider between two dates, by its key: three queries for any number.

    A provider without a schedule of its own follows its tenant's default, else the project's; one
    without any is left out.
    """
    chosen = schedules_of(providers, tenant_id)
    rules = rules_of({schedule.pk: schedule for schedule in chosen.values()}, first, last)
    return {provider_id: rules[schedule.pk] for provider_id, schedule in chosen.items()}


def rules_of(
    schedules: Mapping[Any, Schedule], first: date, last: date
) -> dict[Any, ScheduleRules]:
    """The rules of each schedule between two dates, by its key: two queries for any number."""
    weekly = _weekly(schedules, first, last)
    overrides, reasons = _overrides(schedules, first, last)
    rules = {}
    for key, schedule in schedules.items():
        for day, name in _holidays(schedule, first, last):
            # What somebody has said about that very date counts for more.
            if day not in overrides[key]:
                overrides[key][day] = ()
                reasons[key][day] = name
        hours = OpeningHours(
            zone=ZoneInfo(schedule.timezone), weekly=weekly[key], overrides=overrides[key]
        )
        rules[key] = ScheduleRules(schedule, hours, reasons[key])
    return rules


def schedules_of(providers: Collection[ProviderLike], tenant_id: Any) -> dict[Any, Schedule]:
    """The schedule that each provider follows, in one query."""
    tenants = {provider.pk: _tenant_key(provider, tenant_id) for provider in providers}
    is_default = Q(tenant__isnull=True) | Q(tenant__in=set(tenants.values()) - {None})
    own: dict[Any, Schedule] = {}
    defaults: dict[Any, Schedule] = {}
    for schedule in Schedule.objects.filter(
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


def _tenant_key(provider: ProviderLike, tenant_id: Any) -> Any:
    if not app_settings.tenancy_enabled:
        return None
    return getattr(provider, "tenant_id", tenant_id)


def _weekly(schedules: Collection[Any], first: date, last: date) -> dict[Any, list[WeeklyShift]]:
    weekly: dict[Any, list[WeeklyShift]] = defaultdict(list)
    rows = BusinessHours.objects.filter(
        Q(valid_from__isnull=True) | Q(valid_from__lte=last),
        Q(valid_until__isnull=True) | Q(valid_until__gte=first),
        schedule__in=schedules,
    ).values_list(
        "schedule_id", "day_of_week", "is_closed", "valid_from", "valid_until", *WALL_CLOCK
    )
    for key, day_of_week, is_closed, valid_from, valid_until, *wall_clock in rows:
        weekly[key].append(
            WeeklyShift(
                day_of_week,
                None if is_closed else _shift(*wall_clock),
                valid_from,
                valid_until,
            )
        )
    return weekly


def _overrides(
    schedules: Collection[Any], first: date, last: date
) -> tuple[dict[Any, dict[date, tuple[Shift, ...]]], dict[Any, dict[date, str]]]:
    """What begins on the dates that are different, and why those that are closed are."""
    shifts: dict[Any, dict[date, tuple[Shift, ...]]] = defaultdict(dict)
    reasons: dict[Any, dict[date, str]] = defaultdict(dict)
    rows = (
        DateOverride.objects.filter(schedule__in=schedules, date__range=(first, last))
        # A row that closes the date comes last, and counts whatever else there is.
        .order_by("is_closed", "open_time")
        .values_list("schedule_id", "date", "is_closed", "reason", *WALL_CLOCK)
    )
    for key, day, is_closed, reason, *wall_clock in rows:
        if is_closed:
            shifts[key][day] = ()
            reasons[key][day] = reason
        else:
            shifts[key][day] = (*shifts[key].get(day, ()), _shift(*wall_clock))
    return shifts, reasons


def _shift(open_time: Any, close_time: Any, closes_next_day: bool) -> Shift:
    return Shift(*Hours(open_time, close_time, closes_next_day).seconds)


def _holidays(schedule: Schedule, first: date, last: date) -> Iterable[tuple[date, str]]:
    for year in range(first.year, last.year + 1):
        region = schedule.holiday_country, schedule.holiday_subdivision
        for day, name in public_holidays(*region, year).items():
            if first <= day <= last:
                yield day, name
