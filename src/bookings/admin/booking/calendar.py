"""The calendar page: one day, with a column for each provider."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from bookings.admin.base import BaseAdmin, Page
from bookings.admin.booking.day_layout import DayLayout
from bookings.admin.visibility import visible_objects
from bookings.conf import app_settings
from bookings.models import Booking, BusyInterval
from bookings.models.querysets import IS_COMPARED, overlapping
from bookings.rules import instants
from bookings.selectors.providers import active_providers

MAX_COLUMNS: Final = 20
"""Providers without a booking fill the page up to here; those with bookings are always shown."""

MAX_TENANTS: Final = 100
"""How many tenants without a booking on the day there are to choose from."""

SHOWN_STATUSES: Final = [
    status
    for status in Booking.Status.values
    if status not in (Booking.Status.CANCELLED, Booking.Status.DECLINED)
]

YEARS: Final = range(1971, 4147)
"""The years of which the ledger can store every instant."""


class CalendarMixin(BaseAdmin):
    calendar_template = "admin/bookings/booking/calendar.html"

    def get_pages(self) -> list[Page]:
        return [Page("calendar/", self.calendar_view, "calendar"), *super().get_pages()]

    def calendar_view(self, request: HttpRequest) -> HttpResponse:
        self.check_view_permission(request)
        day = DayLayout(_parse_day(request.GET.get("day", "")))
        bookings = self.get_calendar_bookings(request, day)
        tenants = {
            str(tenant.pk): tenant for tenant in self.get_calendar_tenants(request, bookings)
        }
        tenant = tenants.get(request.GET.get("tenant", ""))
        if tenant is not None:
            bookings = [booking for booking in bookings if booking.tenant_id == tenant.pk]
        provider_ids = {booking.provider_id for booking in bookings}
        idle_providers = self.get_idle_providers(request, tenant, provider_ids)
        provider_ids |= {provider.pk for provider in idle_providers}
        day.arrange(bookings, idle_providers, _busy_intervals(day, provider_ids))
        return self.render_page(
            request,
            self.calendar_template,
            title=_("Calendar"),
            day=day,
            today=timezone.localdate(),
            yesterday=day.date - timedelta(days=1),
            tomorrow=day.date + timedelta(days=1),
            tenant=tenant,
            tenants=sorted(tenants.values(), key=str),
            has_add_permission=self.has_add_permission(request),
            has_view_permission=True,
        )

    def get_calendar_bookings(self, request: HttpRequest, day: DayLayout) -> list[Booking]:
        """Return the day's bookings that this user may see and that are neither cancelled nor
        declined.
        """
        bookings = self.get_queryset(request).filter(
            status__in=SHOWN_STATUSES, start_at__lt=day.end, end_at__gt=day.start
        )
        return list(bookings.select_related("service", "provider", "tenant"))

    def get_calendar_tenants(self, request: HttpRequest, bookings: list[Booking]) -> list[Any]:
        """Return the tenants to choose from: those of the bookings, and those that this user sees.

        Without the latter, the choice of a tenant would be lost on a day without its bookings.
        """
        if not app_settings.tenancy_enabled:
            return []
        model: Any = Booking._meta.get_field("tenant").related_model
        visible = visible_objects(self.admin_site, model, request)[:MAX_TENANTS]
        return [*visible, *(booking.tenant for booking in bookings if booking.tenant_id)]

    def get_idle_providers(
        self, request: HttpRequest, tenant: Any, provider_ids: set[Any]
    ) -> list[Any]:
        """Return providers other than these, for the columns that are left. The user sees them."""
        free_columns = MAX_COLUMNS - len(provider_ids)
        if free_columns <= 0:
            return []
        model: Any = Booking._meta.get_field("provider").related_model
        visible = visible_objects(self.admin_site, model, request)
        providers = active_providers(visible, tenant=tenant)
        return list(providers.exclude(pk__in=provider_ids)[:free_columns])


def _parse_day(text: str) -> date:
    """Return the day of the address; today if it is none."""
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    return day if day is not None and day.year in YEARS else timezone.localdate()


def _busy_intervals(day: DayLayout, provider_ids: set[Any]) -> list[BusyInterval]:
    """Return the busy intervals of the providers on the day, without holds that have expired.

    Of concurrent bookings, these are the segments.
    """
    starts, ends = instants.floor_second(day.start), instants.ceil_second(day.end)
    now = instants.floor_second(timezone.now())
    return list(
        BusyInterval.objects.filter(
            IS_COMPARED,
            overlapping(starts, ends),
            Q(lapses__isnull=True) | Q(lapses__gt=now),
            calendar__provider__in=provider_ids,
        ).select_related("calendar")
    )
