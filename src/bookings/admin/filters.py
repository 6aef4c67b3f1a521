"""The question staff ask most often: when?"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import get_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.models import Booking

AHEAD: Final = ("today", "tomorrow", "week", "upcoming")
"""The answers that are read from the soonest on."""


class WhenFilter(admin.SimpleListFilter):
    title = pgettext_lazy("filter", "when")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("today", _("Today")),
            ("tomorrow", _("Tomorrow")),
            ("week", _("This week")),
            ("upcoming", _("Upcoming")),
            ("past", _("Past")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        today = timezone.localdate()
        match self.value():
            case "today":
                return queryset.filter(start_at__range=days(today, 1))
            case "tomorrow":
                return queryset.filter(start_at__range=days(today + timedelta(days=1), 1))
            case "week":
                return queryset.filter(start_at__range=days(first_day_of_week(today), 7))
            case "upcoming":
                return queryset.filter(end_at__gt=timezone.now())
            case "past":
                return queryset.filter(end_at__lte=timezone.now())
        return queryset


class WaitingFilter(admin.SimpleListFilter):
    """What somebody has yet to act on, and who."""

    title = pgettext_lazy("filter", "waiting for")
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("approval", _("Approval")),
            ("client", _("The client's confirmation")),
            ("hold", _("The client, during a hold")),
            ("overdue", _("Somebody to say what became of it")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        match self.value():
            case "approval":
                return queryset.filter(pk__in=Booking.objects.awaiting_approval().values("pk"))
            case "client":
                return queryset.filter(pk__in=Booking.objects.awaiting_confirmation().values("pk"))
            case "hold":
                return queryset.filter(pk__in=Booking.objects.holds().values("pk"))
            case "overdue":
                return queryset.filter(status__in=Booking.ACTIVE_STATUSES, end_at__lte=now)
        return queryset


def days(first: date, number: int) -> tuple[datetime, datetime]:
    """The first and the last instant of some days, however long the clocks make them."""
    end = midnight(first + timedelta(days=number))
    return midnight(first), end - timedelta(microseconds=1)


def midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min)).astimezone(UTC)


def first_day_of_week(day: date) -> date:
    """In the current locale: Django counts from Sunday, Python from Monday."""
    starts_on = (int(get_format("FIRST_DAY_OF_WEEK")) - 1) % 7
    return day - timedelta(days=(day.weekday() - starts_on) % 7)
