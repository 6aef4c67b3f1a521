"""Time off in the admin."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, tzinfo
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bookings.admin.choices import RelatedFilter
from bookings.admin.conflicts import MAX_ITEMS
from bookings.admin.display import user_column
from bookings.admin.filters import WhenFilter, WhenOrderingMixin
from bookings.admin.form_fields import InstantField, initial_instant, time_zone_help
from bookings.admin.own_providers import OwnProvidersMixin
from bookings.admin.related_search import RelatedSearchMixin, provider_search_fields
from bookings.admin.service_forms import ServiceForm, ServiceFormMixin
from bookings.contrib.schedule import time_ranges
from bookings.contrib.schedule.admin.bookings_in_the_way import Search
from bookings.contrib.schedule.admin.decisions import DecisionsForm, has_decisions
from bookings.contrib.schedule.exceptions import BookingChangesRefused, TimeOffConflict
from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.schedule_rules import find_schedules
from bookings.contrib.schedule.services import cancel_time_off, move_time_off, take_time_off
from bookings.contrib.schedule.services.time_off import missing_time_off_error
from bookings.exceptions import BookingError

CREATED_BY = user_column(TimeOff, "created_by")
TIME_FIELDS = ("start_at", "end_at")


class TimeOffForm(ServiceForm):
    """A form that asks what becomes of the bookings in the way, once it was refused for them."""

    site: ClassVar[admin.AdminSite]
    request: ClassVar[HttpRequest]
    decisions: DecisionsForm | None = None
    """What the page asks about the bookings in the way; ``None`` if it asks nothing."""

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
        if not self.errors and has_decisions(self.data):
            self.decisions = self._find_decisions(values, self.data)
            if not self.decisions.is_valid():
                self.add_error(None, _("Say below what becomes of each booking in the way."))
        return values

    def _find_decisions(self, values: dict[str, Any], data: Any) -> DecisionsForm:
        times = {name: values[name] for name in TIME_FIELDS}
        search = Search(site=self.site, request=self.request, provider=self._provider(), **times)
        return DecisionsForm(data, search)

    def _provider(self) -> Any:
        is_new = self.time_off.pk is None
        return self.cleaned_data.get("provider") if is_new else self.time_off.provider

    def _zone(self) -> tzinfo:
        """Return the zone of the provider's schedule; the current one without a schedule."""
        provider = self._provider()
        pool = [] if provider is None else [provider]
        schedule = next(iter(find_schedules(pool, None).values()), None)
        return timezone.get_current_timezone() if schedule is None else schedule.zone

    def as_form_error(self, error: BookingError) -> ValidationError:
        if isinstance(error, BookingChangesRefused) and self.decisions is not None:
            self.decisions.add_refusals(error)
            count = len(error.refusals)
            text = ngettext(
                "%(count)d booking cannot be changed so. See below why.",
                "%(count)d bookings cannot be changed so. See below why.",
                count,
            )
            return ValidationError(text % {"count": count})
        if not isinstance(error, TimeOffConflict):
            return super().as_form_error(error)
        if self.decisions is None:
            self.decisions = self._find_decisions(self.cleaned_data, None)
        may_decide = self.decisions.decided
        text = _("Say below what becomes of it.") if may_decide else _("See below what it is.")
        link = format_html('<a href="#bookings-in-the-way">{}</a>', text)
        message = format_html("{} {}", " ".join(error.messages), link)
        return ValidationError({"start_at": [message]})

    def write(self, actor: Any) -> TimeOff:
        """Store the time off, with what was decided about bookings in the way, and return it."""
        values = {name: self.cleaned_data[name] for name in (*TIME_FIELDS, "reason")}
        decided: dict[str, Any] = {"actor": actor}
        if self.decisions is not None:
            decided |= {
                "changes": self.decisions.changes(),
                "override_policy": self.decisions.cleaned_data["override_policy"],
            }
        if self.time_off.pk is None:
            return take_time_off(provider=self.cleaned_data["provider"], **values, **decided)
        times = {name: values[name] for name in TIME_FIELDS}
        is_moved = any(getattr(self.time_off, name) != value for name, value in times.items())
        if is_moved and set(TIME_FIELDS) & set(self.changed_data):
            move_time_off(self.time_off, **times, **decided)
        if "reason" in self.changed_data:
            rows = TimeOff.objects.filter(pk=self.time_off.pk)
            if not rows.update(reason=values["reason"]):
                raise missing_time_off_error()
        return self.time_off


@admin.register(TimeOff)
class TimeOffAdmin(ServiceFormMixin, WhenOrderingMixin, RelatedSearchMixin, OwnProvidersMixin):
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
        if form.decisions is not None and (outcomes := [*form.decisions.outcomes()]):
            for booking, text in outcomes:
                self.log_change(request, booking, text)
            texts = " ".join(text for _booking, text in outcomes[:MAX_ITEMS])
            messages.success(request, texts + (" …" if len(outcomes) > MAX_ITEMS else ""))

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        decisions = getattr(context["adminform"].form, "decisions", None)
        if decisions is not None and decisions.found:
            context |= {"decisions": decisions, "zone_help": time_zone_help()}
        return super().render_change_form(request, context, *args, **kwargs)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        cancel_time_off(obj)
