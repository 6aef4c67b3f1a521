"""The form of the reports page: the period, its zone, the division and the filters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, Final

from django import forms
from django.forms.models import ModelChoiceIterator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings.admin.form_errors import error_message
from bookings.admin.generic_bases import ModelChoiceField
from bookings.conf import app_settings
from bookings.contrib.reports.grouping import GROUPINGS
from bookings.contrib.reports.periods import ONE_DAY, Period, named_zone
from bookings.exceptions import BookingError
from bookings.models import Booking

MAX_CHOICES: Final = 200
"""How many services, providers or tenants there are to choose from. An address may name others."""

Days = tuple[date, date]


def _month_end(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - ONE_DAY


def _last_month(day: date) -> Days:
    end = day.replace(day=1) - ONE_DAY
    return end.replace(day=1), end


def _week(day: date) -> Days:
    monday = day - day.weekday() * ONE_DAY
    return monday, monday + 6 * ONE_DAY


PRESETS: Final[dict[str, tuple[Any, Callable[[date], Days]]]] = {
    "month": (_("This month"), lambda day: (day.replace(day=1), _month_end(day))),
    "last_month": (_("Last month"), _last_month),
    "week": (_("This week"), _week),
    "last_week": (_("Last week"), lambda day: _week(day - 7 * ONE_DAY)),
    "30_days": (_("The last 30 days"), lambda day: (day - 29 * ONE_DAY, day)),
    "year": (_("This year"), lambda day: (day.replace(month=1, day=1), date(day.year, 12, 31))),
    "last_year": (
        _("Last year"),
        lambda day: (date(day.year - 1, 1, 1), date(day.year - 1, 12, 31)),
    ),
}


class _FirstChoices(ModelChoiceIterator):  # type: ignore[type-arg]
    def __iter__(self) -> Iterator[Any]:
        yield ("", self.field.empty_label)
        for choice in self.queryset.order_by("pk")[:MAX_CHOICES]:
            yield self.choice(choice)


class ObjectField(ModelChoiceField):
    """Accepts every object of its queryset, and offers the first ones."""

    iterator = _FirstChoices


class ReportForm(forms.Form):
    """What the address of the page says."""

    preset = forms.ChoiceField(
        label=_("period"),
        required=False,
        choices=[
            *((name, label) for name, (label, _days) in PRESETS.items()),
            ("", _("These days:")),
        ],
    )
    first = forms.DateField(
        label=_("from"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    last = forms.DateField(
        label=_("to"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    zone = forms.CharField(label=_("time zone"), required=False)
    group_by = forms.ChoiceField(label=_("by"), required=False)

    def __init__(self, data: Any, choices: dict[str, Any]) -> None:
        """Make the form for the address; ``choices`` are the querysets of the filters by name."""
        data = data.copy()
        if not data.get("first") and not data.get("last"):
            data.setdefault("preset", "month")
        data.setdefault("zone", timezone.get_current_timezone_name())
        super().__init__(data)
        self.fields["group_by"].choices = [  # type: ignore[attr-defined]
            ("", _("nothing")),
            *(
                (name, grouping.title)
                for name, grouping in GROUPINGS.items()
                if name != "tenant" or app_settings.tenancy_enabled
            ),
        ]
        for name, rows in choices.items():
            field: Any = Booking._meta.get_field(name)
            self.fields[name] = ObjectField(
                rows, label=field.verbose_name, required=False, empty_label=_("all")
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                cleaned["period"] = self._period(cleaned)
            except BookingError as error:
                self.add_error(None, error_message(error))
        return cleaned

    def _period(self, cleaned: dict[str, Any]) -> Period:
        zone = named_zone(cleaned["zone"])
        today = timezone.localdate(timezone=zone)
        if cleaned["preset"]:
            _label, days = PRESETS[cleaned["preset"]]
            return Period.of_days(*days(today), zone)
        first = cleaned["first"] or cleaned["last"] or today
        return Period.of_days(first, cleaned["last"] or first, zone)

    def filters(self) -> dict[str, Any]:
        """Return the service, the provider and the tenant, as far as they are chosen."""
        names = ("service", "provider", "tenant")
        return {name: self.cleaned_data[name] for name in names if self.cleaned_data.get(name)}
