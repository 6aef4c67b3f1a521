"""Time off in the admin."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, tzinfo
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy

from bookings.admin.choices import RelatedFilter
from bookings.admin.display import user_column
from bookings.admin.filters import WhenFilter, WhenOrderingMixin
from bookings.admin.form_fields import InstantField, initial_instant, time_zone_help
from bookings.admin.related_search import RelatedSearchMixin, provider_search_fields
from bookings.admin.service_forms import ServiceForm, ServiceFormMixin
from bookings.contrib.schedule import time_ranges
from bookings.contrib.schedule.admin.display import conflict_list
from bookings.contrib.schedule.exceptions import TimeOffConflict
from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.schedule_rules import find_schedules
from bookings.contrib.schedule.services import cancel_time_off, move_time_off, take_time_off
from bookings.contrib.schedule.services.time_off import missing_time_off_error
from bookings.exceptions import BookingError

CREATED_BY = user_column(TimeOff, "created_by")
TIME_FIELDS = ("start_at", "end_at")


class TimeOffForm(ServiceForm):
    """A form whose errors list the bookings that are in the way."""

    site: ClassVar[admin.AdminSite]
    request: ClassVar[HttpRequest]

    whole_days = forms.BooleanField(
        required=False,
        label=gettext_lazy("Whole days"),
        help_text=gettext_lazy(
            "From the first day to the last one, in the time zone of the provider's schedule. "
            "Times are ignored, and no last day is one day."
        ),
    )
    start_at = InstantField()
    end_at = InstantField(label=gettext_lazy("End"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound and "whole_days" in self.fields and self["whole_days"].data:
            self.data = self._with_noons()
        # Validation writes the new values onto the instance, but services need the stored ones.
        self.time_off: TimeOff = copy.copy(self.instance)
        for name in TIME_FIELDS:
            field: Any = self.fields[name]
            field.current = getattr(self.instance, name)
        self.fields["end_at"].help_text = time_zone_help()

    def _with_noons(self) -> QueryDict:
        """Return what was sent with times that exist in every zone: only the days count."""
        data = cast("QueryDict", self.data).copy()
        first_day, last_day = (self.add_prefix(f"{name}_0") for name in TIME_FIELDS)
        data[last_day] = data.get(last_day) or data.get(first_day, "")
        for name in TIME_FIELDS:
            data[self.add_prefix(f"{name}_1")] = "12:00"
        return data

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if values.get("whole_days") and not {*TIME_FIELDS} & self.errors.keys():
            first, last = (timezone.localtime(values[name]).date() for name in TIME_FIELDS)
            try:
                seconds = time_ranges.seconds_of_dates(first, last, self._zone())
            except BookingError as error:
                self.add_error("end_at", error)
            else:
                values |= {
                    name: datetime.fromtimestamp(second, UTC)
                    for name, second in zip(TIME_FIELDS, seconds, strict=True)
                }
        return values

    def _zone(self) -> tzinfo:
        """Return the zone of the provider's schedule; the current one without a schedule."""
        is_new = self.time_off.pk is None
        provider = self.cleaned_data.get("provider") if is_new else self.time_off.provider
        pool = [] if provider is None else [provider]
        schedule = next(iter(find_schedules(pool, None).values()), None)
        return timezone.get_current_timezone() if schedule is None else schedule.zone

    def as_form_error(self, error: BookingError) -> ValidationError:
        if not isinstance(error, TimeOffConflict):
            return super().as_form_error(error)
        conflicts = conflict_list(self.site, self.request, error.bookings, error.claims)
        message = format_html("{} {}", " ".join(error.messages), conflicts)
        return ValidationError({"start_at": [message]})

    def write(self, actor: Any) -> TimeOff:
        """Store the time off and return it."""
        values = {name: self.cleaned_data[name] for name in (*TIME_FIELDS, "reason")}
        if self.time_off.pk is None:
            return take_time_off(actor=actor, provider=self.cleaned_data["provider"], **values)
        times = {name: values[name] for name in TIME_FIELDS}
        is_moved = any(getattr(self.time_off, name) != value for name, value in times.items())
        if is_moved and set(TIME_FIELDS) & set(self.changed_data):
            move_time_off(self.time_off, **times)
        if "reason" in self.changed_data:
            rows = TimeOff.objects.filter(pk=self.time_off.pk)
            if not rows.update(reason=values["reason"]):
                raise missing_time_off_error()
        return self.time_off


@admin.register(TimeOff)
class TimeOffAdmin(ServiceFormMixin, WhenOrderingMixin, RelatedSearchMixin):
    form = TimeOffForm

    class Media:
        css: ClassVar = {"all": ["bookings_schedule/admin.css"]}

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return ["provider", "start_at", "end_at", "reason"]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [WhenFilter, ("provider", RelatedFilter)]

    def get_list_select_related(self, request: HttpRequest) -> list[str]:
        return ["provider"]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return ["reason", *provider_search_fields(self.admin_site, TimeOff, request)]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        record = () if obj is None else (("created_at", CREATED_BY),)
        is_edited = obj is None or self.has_change_permission(request, obj)
        days = ("whole_days",) if is_edited else ()
        return [(None, {"fields": ("provider", *days, *TIME_FIELDS, "reason", *record)})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[Any, ...]:
        return () if obj is None else ("provider", "created_at", CREATED_BY)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.site, form.request = self.admin_site, request
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        return initial | {
            name: initial_instant(initial[name]) for name in TIME_FIELDS if name in initial
        }

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        time_off = form.write(self.get_actor(request))
        obj.pk, obj._state = time_off.pk, time_off._state

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        cancel_time_off(obj)
