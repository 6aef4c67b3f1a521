"""Schedules in the admin: the week, the dates that differ, and what comes of them."""

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

from bookings.admin.refused import Refusing
from bookings.admin.relations import HostSearch, provider_search, registered_admin
from bookings.conf import app_settings
from bookings.contrib.schedule.admin import form as rules
from bookings.contrib.schedule.admin.actions import ACTIONS
from bookings.contrib.schedule.admin.days import INLINES
from bookings.contrib.schedule.admin.filters import OwnerFilter
from bookings.contrib.schedule.admin.form import ScheduleForm
from bookings.contrib.schedule.admin.preview import preview
from bookings.contrib.schedule.admin.writing import write_page
from bookings.contrib.schedule.models import BusinessHours, Schedule, TimeOff

TIMES_OFF: Final = 20
"""How many of a provider's times off are listed; a link leads to the rest."""

NEVER: Final = -1
"""A revision that no schedule has: of a page that does not say what it was opened at."""


@admin.register(Schedule)
class ScheduleAdmin(Refusing, HostSearch):
    """A page is stored as a whole, or refused as a whole."""

    actions = list(ACTIONS)  # noqa: RUF012 - as ModelAdmin declares it
    form = ScheduleForm
    inlines = INLINES
    list_per_page = 50

    class Media:
        css: ClassVar = {"all": ["bookings/admin.css", "bookings_schedule/admin.css"]}

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        tenant = ["tenant"] if app_settings.tenancy_enabled else []
        return ["owner", *tenant, "opens_on", "timezone", "slot_step_minutes"]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        tenant = ["tenant"] if app_settings.tenancy_enabled else []
        return [OwnerFilter, *tenant, "timezone"]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return provider_search(self.admin_site, Schedule, request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.select_related("provider", "tenant").prefetch_related("hours")

    @admin.display(description=_("provider"), ordering="provider")
    def owner(self, schedule: Schedule) -> str:
        if schedule.provider_id is not None:
            return str(schedule.provider)
        if schedule.tenant_id is not None:
            return str(_("Default of %(tenant)s") % {"tenant": schedule.tenant})
        return str(schedule)

    @admin.display(description=_("opens on"), empty_value="–")
    def opens_on(self, schedule: Schedule) -> str:
        today = timezone.localdate(timezone=schedule.zone)
        rows = [row for row in schedule.hours.all() if _holds(row, today)]
        closed = {row.day_of_week for row in rows if row.is_closed}
        return _named({row.day_of_week for row in rows} - closed)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        tenant = ("tenant",) if app_settings.tenancy_enabled else ()
        is_edited = obj is not None and self.has_change_permission(request, obj)
        hidden = ("expected_revision",) if is_edited else ()
        return [
            (None, {"fields": (*tenant, "provider", "timezone", *hidden)}),
            (_("Starts"), {"fields": (rules.GRID, rules.WINDOW)}),
            (_("Public holidays"), {"fields": (rules.HOLIDAYS,)}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else rules.OWNER

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A new one is made here; one that is there is written with its rows."""
        if not change:
            made = form.make()
            obj.pk, obj.revision, obj._state = made.pk, made.revision, made._state

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        if change:
            expected = form.cleaned_data["expected_revision"]
            write_page(
                form.instance, rules.RULES, formsets, NEVER if expected is None else expected
            )
        else:
            write_page(form.instance, (), formsets, None)

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        if context["original"] is not None:
            # As it is stored: a form that was refused has left its marks on the original.
            stored = self.get_queryset(request).get(pk=context["original"].pk)
            context["preview"] = preview(stored, timezone.now())
            context["stored"] = stored
            context["time_off"] = self.time_off(request, stored)
        return super().render_change_form(request, context, *args, **kwargs)

    def time_off(self, request: HttpRequest, schedule: Schedule) -> dict[str, Any] | None:
        """The provider's time off to come, and what this user may do about it."""
        times_off = registered_admin(self.admin_site, TimeOff)
        if (
            schedule.provider_id is None
            or times_off is None
            or not times_off.has_view_or_change_permission(request)
        ):
            return None
        rows = times_off.get_queryset(request).filter(
            provider=schedule.provider_id, end_at__gt=timezone.now()
        )
        shown = list(rows.order_by("start_at", "pk")[: TIMES_OFF + 1])
        return {
            "rows": shown[:TIMES_OFF],
            "has_more": len(shown) > TIMES_OFF,
            "query": urlencode({"provider__pk__exact": schedule.provider_id}),
            "can_add": times_off.has_add_permission(request),
            "can_delete": times_off.has_delete_permission(request),
        }


def _holds(row: BusinessHours, day: date) -> bool:
    return (row.valid_from or day) <= day <= (row.valid_until or day)


def _named(days: set[int]) -> str:
    """Three and more that follow each other as ``Mon–Fri``."""
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
