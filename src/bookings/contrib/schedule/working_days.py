"""What a schedule says about business days: a day on which a shift begins is one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from bookings.contrib.schedule.rules import load_rules
from bookings.protocols import ProviderLike
from bookings.working_days import WorkingDays


def working_days_of(
    providers: Collection[ProviderLike], first: date, last: date
) -> dict[Any, WorkingDays]:
    """The working days of the providers who have a schedule, in three queries."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    by_schedule: dict[Any, WorkingDays] = {}
    told = {}
    for provider_id, rules in load_rules(providers, first, last).items():
        key, hours = rules.schedule.pk, rules.hours
        if key not in by_schedule:
            dates = frozenset(day for day in days if hours.on(day))
            by_schedule[key] = WorkingDays(hours.zone, dates)
        told[provider_id] = by_schedule[key]
    return told
