"""The calendar page: a day, a column for each provider."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from bookings import policies
from bookings.admin.day import Day
from bookings.admin.generic import BookingModelAdmin
from bookings.admin.relations import registered_admin
from bookings.conf import app_settings
from bookings.models import Booking, BusyInterval
from bookings.querysets import overlapping

COLUMNS: Final = 20
"""Providers without bookings fill the page up to here; those with bookings are always there."""

TENANTS: Final = 100
"""How many tenants without a booking on the day there are to choose from."""

SHOWN: Final = [
    status
    for status in Booking.Status.values
    if status not in (Booking.Status.CANCELLED, Booking.Status.DECLINED)
]
YEARS: Final = range(1971, 4147)


class CalendarPage(BookingModelAdmin):
    calendar_template = "admin/bookings/booking/calendar.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.calendar_view)
        return [path("calendar/", view, name="bookings_booking_calendar"), *super().get_urls()]

    def calendar_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        day = Day(_asked_day(request.GET.get("day", "")))
        bookings = self.get_calendar_bookings(request, day)
        tenants = {
            str(tenant.pk): tenant for tenant in self.get_calendar_tenants(request, bookings)
        }
        tenant = tenants.get(request.GET.get("tenant", ""))
        if tenant is not None:
            bookings = [item for item in bookings if item.tenant_id == tenant.pk]
        present = {item.provider_id for item in bookings}
        idle = self.get_idle_providers(request, tenant, present)
        present |= {provider.pk for provider in idle}
        day.arrange(bookings, idle, _busy(day, present))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Calendar"),
            "subtitle": None,
            "opts": self.opts,
            "media": self.media,
            "day": day,
            "today": timezone.localdate(),
            "yesterday": day.date - timedelta(days=1),
            "tomorrow": day.date + timedelta(days=1),
            "tenant": tenant,
            "tenants": sorted(tenants.values(), key=str),
            "has_add_permission": self.has_add_permission(request),
            "has_view_permission": True,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.calendar_template, context)

    def get_calendar_bookings(self, request: HttpRequest, day: Day) -> list[Booking]:
        """Those of the day that this user may see, except what was cancelled or declined."""
        visible = self.get_queryset(request).filter(
            status__in=SHOWN, start_at__lt=day.end, end_at__gt=day.start
        )
        return list(visible.select_related("service", "provider", "tenant"))

    def get_calendar_tenants(self, request: HttpRequest, bookings: list[Booking]) -> list[Any]:
        """The tenants to choose from: those of the day, and those that this user sees anyway.

        Without the latter, the choice of a tenant would be lost on a day when it has no bookings.
        """
        if not app_settings.tenancy_enabled:
            return []
        model: Any = Booking._meta.get_field("tenant").related_model
        tenants: admin.ModelAdmin[Any] | None = registered_admin(self.admin_site, model)
        seen: list[Any] = []
        if tenants is not None and tenants.has_view_permission(request):
            seen = list(tenants.get_queryset(request)[:TENANTS])
        return [*seen, *(item.tenant for item in bookings if item.tenant_id)]

    def get_idle_providers(self, request: HttpRequest, tenant: Any, present: set[Any]) -> list[Any]:
        """Providers without a booking on the day, where this user may see providers at all."""
        model: Any = Booking._meta.get_field("provider").related_model
        providers: admin.ModelAdmin[Any] | None = registered_admin(self.admin_site, model)
        room = COLUMNS - len(present)
        if providers is None or not providers.has_view_permission(request) or room <= 0:
            return []
        wanted = Q()
        if _has_field(model, "is_active"):
            wanted &= Q(is_active=True)
        if tenant is not None and _has_field(model, "tenant"):
            wanted &= Q(tenant=tenant)
        idle = providers.get_queryset(request).filter(wanted).exclude(pk__in=present)
        return list(idle[:room])


def _asked_day(text: str) -> date:
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    return day if day is not None and day.year in YEARS else timezone.localdate()


def _has_field(model: Any, name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True


def _busy(day: Day, provider_ids: set[Any]) -> list[BusyInterval]:
    """What the ledger holds of these providers, but for holds that have run out."""
    starts, ends = policies.floor_second(day.start), policies.ceil_second(day.end)
    now = policies.floor_second(timezone.now())
    return list(
        BusyInterval.objects.filter(
            overlapping(starts, ends),
            Q(lapses__isnull=True) | Q(lapses__gt=now),
            calendar__provider__in=provider_ids,
        ).select_related("calendar")
    )
