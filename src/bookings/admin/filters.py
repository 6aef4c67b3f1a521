"""The filter of lists by time, and the order of rows that goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.db import connections
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import get_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.admin.generic_bases import ModelAdmin

SOONEST_FIRST: Final = ("today", "tomorrow", "week", "upcoming")
"""The choices of the filter for which the list begins with the soonest row."""


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
                return queryset.filter(start_at__range=day_range(today, 1))
            case "tomorrow":
                return queryset.filter(start_at__range=day_range(today + timedelta(days=1), 1))
            case "week":
                return queryset.filter(start_at__range=day_range(first_day_of_week(today), 7))
            case "upcoming":
                return queryset.filter(end_at__gt=timezone.now())
            case "past":
                return queryset.filter(end_at__lte=timezone.now())
        return queryset


class OrderedChangeList(ChangeList):
    """Marks the columns by which the rows are sorted, also if the sort depends on a filter."""

    default_ordering: Sequence[Any] = ()
    """The order of rows that ``get_ordering()`` returns for the request."""

    def get_ordering_field_columns(self) -> dict[int, Literal["asc", "desc"]]:
        if ORDER_VAR in self.params:
            return super().get_ordering_field_columns()
        columns: dict[int, Literal["asc", "desc"]] = {}
        fields = [self.get_ordering_field(name) for name in self.list_display]
        # A host may sort by an expression, which is no column.
        for name in (one for one in self.default_ordering if isinstance(one, str)):
            field = name.removeprefix("-")
            if field in fields:
                columns[fields.index(field)] = "desc" if name.startswith("-") else "asc"
        return columns


class WhenOrderingMixin(ModelAdmin):
    """For lists with a :class:`WhenFilter`, of rows that have a ``start_at``."""

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Return the order that the filter asks for; without a filter, the latest row is first."""
        if request.GET.get(WhenFilter.parameter_name) in SOONEST_FIRST:
            return ["start_at", "pk"]
        return [*(self.ordering or ("-start_at", "-pk"))]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        ordering = self.get_ordering(request)
        return type("ChangeList", (OrderedChangeList,), {"default_ordering": ordering})

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        database = connections[changelist.queryset.db]
        # MySQL and MariaDB cannot group by day in a time zone before somebody has loaded their time
        # zone tables.
        if (
            not database.features.has_zoneinfo_database
            and timezone.get_current_timezone_name() != database.timezone_name
        ):
            changelist.date_hierarchy = None
        return changelist


def day_range(first: date, count: int) -> tuple[datetime, datetime]:
    """Return the first and the last instant of ``count`` days in the current time zone."""
    end = midnight(first + timedelta(days=count))
    return midnight(first), end - timedelta(microseconds=1)


def midnight(day: date) -> datetime:
    """Return the instant at which a day begins in the current time zone."""
    return timezone.make_aware(datetime.combine(day, time.min)).astimezone(UTC)


def first_day_of_week(day: date) -> date:
    """Return the first day of the week in the current locale."""
    # Django counts the days from Sunday, Python from Monday.
    starts_on = (int(get_format("FIRST_DAY_OF_WEEK")) - 1) % 7
    return day - timedelta(days=(day.weekday() - starts_on) % 7)
