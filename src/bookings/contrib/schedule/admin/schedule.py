"""Schedules in the admin: the week and the dates that differ as one form, and a preview."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.admin.amounts import AmountsMixin, length_column
from bookings.admin.choices import RelatedFilter
from bookings.admin.own_providers import OwnProvidersMixin
from bookings.admin.related_search import RelatedSearchMixin, provider_search_fields
from bookings.admin.service_forms import ServiceFormMixin
from bookings.admin.tenants import tenant_fields
from bookings.admin.visibility import can_view
from bookings.contrib.schedule.admin.actions import ACTIONS
from bookings.contrib.schedule.admin.copy_hours import CopyHoursMixin
from bookings.contrib.schedule.admin.display import schedule_name, warn_of_bookings_outside_hours
from bookings.contrib.schedule.admin.forms import (
    GRID_FIELDS,
    HOLIDAY_FIELDS,
    OWNER_FIELDS,
    RULE_FIELDS,
    WINDOW_FIELDS,
    ScheduleForm,
)
from bookings.contrib.schedule.admin.formsets import save_page
from bookings.contrib.schedule.admin.inlines import INLINES
from bookings.contrib.schedule.admin.preview import preview
from bookings.contrib.schedule.models import BusinessHours, Schedule, TimeOff
from bookings.contrib.schedule.outside_hours import upcoming_bookings

MAX_TIMES_OFF: Final = 20
"""How many of a provider's times off the page lists; a link leads to the rest."""

STEP: Final = length_column(Schedule, "slot_step_minutes")

NO_REVISION: Final = -1
"""What no schedule's revision equals, for a page that was sent without one."""


class OwnerFilter(admin.SimpleListFilter):
    title = pgettext_lazy("filter", "whose")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("own", _("One provider's")), ("default", _("Default"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in {"own", "default"}:
            return queryset.filter(provider__isnull=self.value() == "default")
        return queryset


@admin.register(Schedule)
class ScheduleAdmin(
    AmountsMixin, CopyHoursMixin, ServiceFormMixin, RelatedSearchMixin, OwnProvidersMixin
):
    """A page is stored as a whole, or refused as a whole."""

    actions = list(ACTIONS)  # noqa: RUF012 - as ModelAdmin declares it
    form = ScheduleForm
    inlines = INLINES
    list_per_page = 50

    class Media:
        css: ClassVar = {"all": ["bookings_schedule/admin.css"]}

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return ["owner", *tenant_fields(), "opens_on", "timezone", STEP]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [OwnerFilter, *((name, RelatedFilter) for name in tenant_fields()), "timezone"]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return provider_search_fields(self.admin_site, Schedule, request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.select_related("provider", "tenant").prefetch_related("hours")

    @admin.display(description=_("provider"), ordering="provider")
    def owner(self, schedule: Schedule) -> str:
        return schedule_name(schedule)

    @admin.display(description=_("opens on"), empty_value="–")
    def opens_on(self, schedule: Schedule) -> str:
        today = timezone.localdate(timezone=schedule.zone)
        rows = [row for row in schedule.hours.all() if _is_valid_on(row, today)]
        closed = {row.day_of_week for row in rows if row.is_closed}
        return _weekday_names({row.day_of_week for row in rows} - closed)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        is_edited = obj is not None and self.has_change_permission(request, obj)
        hidden = ("expected_revision",) if is_edited else ()
        return [
            (None, {"fields": (*tenant_fields(), "provider", "timezone", *hidden)}),
            (_("Starts"), {"fields": (GRID_FIELDS, WINDOW_FIELDS)}),
            (_("Public holidays"), {"fields": (HOLIDAY_FIELDS,)}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else OWNER_FIELDS

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Create a new schedule. An existing one is saved with its rows."""
        if not change:
            created = form.create()
            obj.pk, obj.revision, obj._state = created.pk, created.revision, created._state

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.delete_queryset(request, Schedule.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        bookings = upcoming_bookings(queryset)
        super().delete_queryset(request, queryset)
        warn_of_bookings_outside_hours(self.admin_site, request, bookings)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        if change:
            expected = form.cleaned_data["expected_revision"]
            revision = NO_REVISION if expected is None else expected
            save_page(form.instance, RULE_FIELDS, formsets, revision)
        else:
            save_page(form.instance, (), formsets)
            self.refuse_if_hidden(request, form.instance)
        bookings = upcoming_bookings([form.instance])
        warn_of_bookings_outside_hours(self.admin_site, request, bookings)

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        if context["original"] is not None:
            # Validation has written the values of a refused form onto the original.
            stored = self.get_queryset(request).get(pk=context["original"].pk)
            context["preview"] = preview(stored, timezone.now())
            context["stored"] = stored
            context["time_off"] = self.upcoming_time_off(request, stored)
        return super().render_change_form(request, context, *args, **kwargs)

    def upcoming_time_off(self, request: HttpRequest, schedule: Schedule) -> dict[str, Any] | None:
        """Return the provider's time off to come, and what this user may do about it.

        ``None`` for a schedule without a provider, and a user who may not see time off.
        """
        site = self.admin_site
        if schedule.provider_id is None or not can_view(site, TimeOff, request):
            return None
        time_off_admin = site.get_model_admin(TimeOff)
        rows = time_off_admin.get_queryset(request).filter(
            provider=schedule.provider_id, end_at__gt=timezone.now()
        )
        first_rows = list(rows.order_by("start_at", "pk")[: MAX_TIMES_OFF + 1])
        return {
            "rows": first_rows[:MAX_TIMES_OFF],
            "has_more": len(first_rows) > MAX_TIMES_OFF,
            "query": urlencode({"provider__pk__exact": schedule.provider_id}),
            "can_add": time_off_admin.has_add_permission(request),
            "can_delete": time_off_admin.has_delete_permission(request),
        }


def _is_valid_on(row: BusinessHours, day: date) -> bool:
    return (row.valid_from or day) <= day <= (row.valid_until or day)


def _weekday_names(days: set[int]) -> str:
    """Return the names of the days; three and more in a row as ``Mon–Fri``."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(
        f"{WEEKDAYS_ABBR[run[0]]}–{WEEKDAYS_ABBR[run[-1]]}"
        if len(run) > 2
        else ", ".join(str(WEEKDAYS_ABBR[day]) for day in run)
        for run in runs
    )
