"""The parts of a schedule's page that are edited in rows: seven days, and the dates that differ."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Final

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.admin.generic import AnyInline
from bookings.contrib.schedule.admin.rows import OPENING, DayInput, RowForm, RowFormSet
from bookings.contrib.schedule.models import BusinessHours, DateOverride, Schedule

SHOWN: Final = 40
"""How many overrides are on the page; Django takes a thousand values of a form at most."""

PREFIXES: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class WeeklyForm(RowForm):
    class Meta:
        widgets: ClassVar = {"valid_from": DayInput(), "valid_until": DayInput()}


class DayFormSet(RowFormSet):
    """The shifts of one day of the week."""

    day: int
    prefix_of_day: str
    values = (*OPENING, "day_of_week", "valid_from", "valid_until")

    @classmethod
    def get_default_prefix(cls) -> str:
        return cls.prefix_of_day

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form: Any = super()._construct_form(i, **kwargs)  # type: ignore[misc]
        form.instance.day_of_week = self.day
        return form

    def meet(self, one: BusinessHours, other: BusinessHours) -> bool:
        first = max(row.valid_from or date.min for row in (one, other))
        last = min(row.valid_until or date.max for row in (one, other))
        return first <= last

    def stored(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = BusinessHours.objects.filter(schedule=self.instance.pk)
        return rows.filter(day_of_week=self.day)


class OverrideForm(RowForm):
    class Meta:
        widgets: ClassVar = {"date": DayInput(), "reason": forms.TextInput()}


class OverrideFormSet(RowFormSet):
    """The dates to come that have hours of their own. What is past is on record."""

    values = (*OPENING, "date", "reason")

    @classmethod
    def get_default_prefix(cls) -> str:
        return "dates"

    def get_queryset(self) -> QuerySet[Any]:
        if not hasattr(self, "_queryset"):
            self._queryset = super().get_queryset().filter(date__gte=self.today)[:SHOWN]
        return self._queryset

    @property
    def more(self) -> int:
        """How many are not on the page."""
        if self.is_bound:
            return 0
        rows = DateOverride.objects.filter(schedule=self.instance.pk, date__gte=self.today)
        return max(0, rows.count() - SHOWN)

    def clean(self) -> None:
        super().clean()
        stored = list(self.stored())
        there = {self.value_of(row) for row in stored}
        unseen = [row for row in stored if row.pk not in self.known_keys]
        for form in self.kept:
            if self.value_of(form.instance) not in there:
                if form.instance.date < self.today:
                    form.add_error("date", _("That day has passed. Choose a later one."))
                for other in unseen:
                    self.refuse_overlap(form, other)

    @property
    def known_keys(self) -> set[Any]:
        """The stored rows that were on the page."""
        return {form.cleaned_data.get("id") for form in self.forms} - {None}

    def covers(self, row: DateOverride) -> bool:
        return row.pk in self.known_keys

    def meet(self, one: DateOverride, other: DateOverride) -> bool:
        return one.date == other.date

    @property
    def today(self) -> date:
        return timezone.localdate(timezone=self.instance.zone)

    def stored(self) -> QuerySet[Any]:
        """Those of the dates that were sent, and those that were on the page."""
        dates = [form.instance.date for form in self.kept]
        rows: QuerySet[Any] = DateOverride.objects.filter(schedule=self.instance.pk)
        return rows.filter(Q(date__in=dates) | Q(pk__in=self.known_keys, date__gte=self.today))


class RowInline(AnyInline):
    """Rows are a part of their schedule: who may change that may change them."""

    template = "admin/bookings_schedule/schedule/rows.html"
    extra = 0

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


class DayInline(RowInline):
    model = BusinessHours
    form = WeeklyForm
    fields = (*OPENING, "valid_from", "valid_until")
    verbose_name = pgettext_lazy("hours of work", "shift")
    day: int

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(day_of_week=self.day)

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        """A row to begin with, for a new schedule."""
        return 0 if obj else 1


def inline_of(day: int) -> type[DayInline]:
    name = PREFIXES[day].capitalize()
    formset = type(f"{name}FormSet", (DayFormSet,), {"day": day, "prefix_of_day": PREFIXES[day]})
    values = {"day": day, "formset": formset, "verbose_name_plural": WEEKDAYS[day]}
    return type(f"{name}Inline", (DayInline,), values)


class OverrideInline(RowInline):
    model = DateOverride
    form = OverrideForm
    formset = OverrideFormSet
    fields = ("date", *OPENING, "reason")
    verbose_name = _("date")
    verbose_name_plural = _("Dates that are different")


INLINES: Final[tuple[type[RowInline], ...]] = (*map(inline_of, range(7)), OverrideInline)
