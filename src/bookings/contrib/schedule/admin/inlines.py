"""The inlines of a schedule's page: one for each day of the week, and one for other dates."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.admin.generic_bases import TabularInline
from bookings.contrib.schedule.admin.forms import SHIFT_FIELDS, DateOverrideForm, ShiftForm
from bookings.contrib.schedule.admin.formsets import DateOverrideFormSet, WeekdayFormSet
from bookings.contrib.schedule.models import BusinessHours, DateOverride, Schedule

PREFIXES: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class RowInline(TabularInline):
    """Rows that are a part of their schedule: who may change it may change them."""

    template = "admin/bookings_schedule/schedule/rows.html"
    # A browser without scripts cannot add a row to the page, so each inline has a blank one.
    extra = 1

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        schedules = self.admin_site.get_model_admin(Schedule)
        if obj is None:
            return schedules.has_add_permission(request)
        return schedules.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


class WeekdayInline(RowInline):
    model = BusinessHours
    form = ShiftForm
    fields = (*SHIFT_FIELDS, "valid_from", "valid_until")
    verbose_name = pgettext_lazy("hours of work", "shift")
    weekday: int

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(day_of_week=self.weekday)


def weekday_inline(weekday: int) -> type[WeekdayInline]:
    """Return the inline of one day; Monday is 0."""
    prefix = PREFIXES[weekday]
    name = prefix.capitalize()
    formset = type(
        f"{name}FormSet", (WeekdayFormSet,), {"weekday": weekday, "default_prefix": prefix}
    )
    values = {"weekday": weekday, "formset": formset, "verbose_name_plural": WEEKDAYS[weekday]}
    return type(f"{name}Inline", (WeekdayInline,), values)


class DateOverrideInline(RowInline):
    model = DateOverride
    form = DateOverrideForm
    formset = DateOverrideFormSet
    fields = ("date", *SHIFT_FIELDS, "reason")
    verbose_name = _("date")
    verbose_name_plural = _("Dates that are different")


INLINES: Final[tuple[type[RowInline], ...]] = (*map(weekday_inline, range(7)), DateOverrideInline)
