"""What the schedule adds to the core: checks of time off, and the providers' days and zones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bookings.contrib.schedule import engine, integrity
from bookings.contrib.schedule.schedule_rules import find_schedules, load_rules_by_provider
from bookings.contrib.schedule.slots.resource_time import closed_resources
from bookings.contrib.schedule.time_ranges import ONE_DAY, dates_between
from bookings.exceptions import BookingError
from bookings.extensions import CalendarEntry, Extension
from bookings.integrity import Problem
from bookings.models import Booking
from bookings.protocols import ProviderLike, ServiceLike
from bookings.rules.instants import ceil_second, floor_second
from bookings.rules.working_days import WorkingDays

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
    from django.http import HttpRequest


class ScheduleExtension(Extension):
    name = "bookings_schedule"
    order = 10

    def closed_resources(
        self, resources: Sequence[ProviderLike], bookings: Sequence[Booking]
    ) -> Sequence[Mapping[Any, BookingError]]:
        """Return which resources are closed; one without a schedule of its own is always open."""
        return closed_resources(resources, bookings)

    def find_problems(self, using: str) -> Iterator[Problem]:
        return integrity.find_problems(using)

    def working_days(
        self, providers: Collection[ProviderLike], first: date, last: date
    ) -> Mapping[Any, WorkingDays]:
        """Return the days on which a shift begins, of each provider with a schedule.

        It takes three queries, however many providers there are.
        """
        dates = dates_between(first, last)
        by_schedule: dict[Any, WorkingDays] = {}
        by_provider: dict[Any, WorkingDays] = {}
        for provider_id, rules in load_rules_by_provider(providers, first, last).items():
            key, hours = rules.schedule.pk, rules.hours
            if key not in by_schedule:
                working_dates = frozenset(day for day in dates if hours.shifts_on(day))
                by_schedule[key] = WorkingDays(hours.zone, working_dates)
            by_provider[provider_id] = by_schedule[key]
        return by_provider

    def time_zones(
        self, providers: Collection[ProviderLike], *, tenant_id: Any
    ) -> Mapping[Any, tzinfo]:
        """Return the zones of the schedules that the providers follow, in one query."""
        schedules = find_schedules(providers, tenant_id)
        return {key: ZoneInfo(schedule.timezone) for key, schedule in schedules.items()}

    def open_time(
        self,
        providers: Collection[ProviderLike],
        start_at: datetime,
        end_at: datetime,
        *,
        tenant_id: Any,
    ) -> Mapping[Any, Sequence[tuple[datetime, datetime]]]:
        """Return the opening hours of each provider with a schedule, in three queries."""
        starts, ends = floor_second(start_at), ceil_second(end_at)
        # A shift may begin on the day before, in a zone that is a day behind.
        days = (start_at.date() - 2 * ONE_DAY, end_at.date() + 2 * ONE_DAY)
        by_schedule: dict[Any, list[tuple[datetime, datetime]]] = {}
        by_provider = {}
        rules_by_provider = load_rules_by_provider(providers, *days, tenant_id=tenant_id)
        for provider_id, rules in rules_by_provider.items():
            key = rules.schedule.pk
            if key not in by_schedule:
                by_schedule[key] = [
                    (datetime.fromtimestamp(opens, UTC), datetime.fromtimestamp(closes, UTC))
                    for opens, closes in engine.openings(rules.hours, starts, ends)
                ]
            by_provider[provider_id] = by_schedule[key]
        return by_provider

    def free_starts(
        self, service: ServiceLike, provider: ProviderLike, start_at: datetime, end_at: datetime
    ) -> Iterator[datetime]:
        from bookings.contrib.schedule.selectors import list_available_slots

        found = list_available_slots(service, provider, start_at, end_at, override_policy=True)
        return (slot.start for slot in found)

    def calendar_entries(
        self,
        providers: Collection[ProviderLike],
        start_at: datetime,
        end_at: datetime,
        *,
        site: AdminSite,
        request: HttpRequest,
    ) -> Iterator[CalendarEntry]:
        from bookings.contrib.schedule.admin.calendar_entries import time_off_entries

        return time_off_entries(providers, start_at, end_at, site=site, request=request)
