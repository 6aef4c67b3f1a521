"""The calendar page: a day or a week, of all providers or of one."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from bookings.admin.base import BaseAdmin, Page
from bookings.admin.calendar.contents import load_contents
from bookings.admin.calendar.period import Period, View
from bookings.admin.calendar.time_grid import TimeGrid
from bookings.admin.calendar.week_table import week_rows
from bookings.admin.choices import with_key
from bookings.admin.own_providers import only_own_providers, own_providers
from bookings.admin.visibility import visible_objects
from bookings.conf import app_settings
from bookings.models import Booking
from bookings.selectors.providers import active_providers

MAX_COLUMNS: Final = 20
"""Providers without a booking fill the page up to here; those with bookings are always shown."""

MAX_PROVIDERS: Final = 200
"""How many providers without a booking in the period there are to choose from."""

MAX_TENANTS: Final = 100
"""How many tenants without a booking in the period there are to choose from."""

SHOWN_STATUSES: Final = [
    status
    for status in Booking.Status.values
    if status not in (Booking.Status.CANCELLED, Booking.Status.DECLINED)
]


class CalendarMixin(BaseAdmin):
    calendar_template = "admin/bookings/booking/calendar.html"

    def get_pages(self) -> list[Page]:
        return [Page("calendar/", self.calendar_view, "calendar"), *super().get_pages()]

    def calendar_view(self, request: HttpRequest) -> HttpResponse:
        self.check_view_permission(request)
        period = Period.from_text(request.GET.get("view", ""), request.GET.get("day", ""))
        bookings = self.get_calendar_bookings(request, period)
        tenants = {
            str(tenant.pk): tenant for tenant in self.get_calendar_tenants(request, bookings)
        }
        tenant = tenants.get(request.GET.get("tenant", ""))
        if tenant is not None:
            bookings = [booking for booking in bookings if booking.tenant_id == tenant.pk]
        choices = self.get_calendar_providers(request, tenant, bookings)
        chosen = self.get_chosen_provider(request, choices)
        if chosen is None:
            providers = _columns(choices, bookings)
        else:
            providers = [chosen]
            bookings = [booking for booking in bookings if booking.provider_id == chosen.pk]
        now = timezone.now()
        contents = load_contents(
            providers,
            bookings,
            period.start,
            period.end,
            tenant_id=None if tenant is None else tenant.pk,
            now=now,
            site=self.admin_site,
            request=request,
        )
        may_add = self.has_add_permission(request)
        is_table = period.view == View.WEEK and chosen is None
        return self.render_page(
            request,
            self.calendar_template,
            title=_("Calendar"),
            period=period,
            grid=None
            if is_table
            else TimeGrid(contents, period.dates, now=now, with_free_time=may_add),
            rows=week_rows(contents, period.dates) if is_table else [],
            today=timezone.localdate(),
            address=_Address(period, tenant, chosen),
            statuses=[
                (status, label)
                for status, label in Booking.Status.choices
                if status in SHOWN_STATUSES
            ],
            tenant_name=Booking._meta.get_field("tenant").verbose_name,
            tenant=tenant,
            tenants=sorted(tenants.values(), key=str),
            provider=chosen,
            providers=choices,
            has_add_permission=may_add,
            has_change_permission=self.has_change_permission(request),
        )

    def get_calendar_bookings(self, request: HttpRequest, period: Period) -> list[Booking]:
        """Return the period's bookings that this user may see and that are neither cancelled nor
        declined.
        """
        shown: Any = self.get_queryset(request).filter(status__in=SHOWN_STATUSES)
        keys = own_providers(request)
        if keys is not None:
            # Not those of which a provider is only a resource: they are others' columns.
            shown = shown.filter(provider__in=keys)
        bookings = shown.during(period.start, period.end)
        # Joined, each booking would have a service and a provider of its own, which take time.
        return list(bookings.select_related("tenant").prefetch_related("service", "provider"))

    def get_calendar_tenants(self, request: HttpRequest, bookings: list[Booking]) -> list[Any]:
        """Return the tenants to choose from: those of the bookings, and those that this user sees.

        Without the latter, the choice of a tenant would be lost on a day without its bookings.
        """
        if not app_settings.tenancy_enabled:
            return []
        model: Any = Booking._meta.get_field("tenant").related_model
        visible = visible_objects(self.admin_site, model, request)[:MAX_TENANTS]
        return [*visible, *(booking.tenant for booking in bookings if booking.tenant_id)]

    def get_calendar_providers(
        self, request: HttpRequest, tenant: Any, bookings: list[Booking]
    ) -> list[Any]:
        """Return the providers to choose from, by name: those of the bookings, and further ones
        that are active and that this user sees.
        """
        model: Any = Booking._meta.get_field("provider").related_model
        if own_providers(request) is None:
            visible = visible_objects(self.admin_site, model, request)
        else:
            # Whoever sees their bookings sees their calendar, also without one.
            visible = only_own_providers(model._default_manager.all(), request)
        found = {booking.provider_id: booking.provider for booking in bookings}
        for provider in active_providers(visible, tenant=tenant)[:MAX_PROVIDERS]:
            found.setdefault(provider.pk, provider)
        return sorted(found.values(), key=lambda provider: str(provider).casefold())

    def get_chosen_provider(self, request: HttpRequest, choices: list[Any]) -> Any:
        """Return the provider that the address names, if this user may see it."""
        key = request.GET.get("provider", "")
        known = next((provider for provider in choices if str(provider.pk) == key), None)
        if known is not None or not key:
            return known
        model: Any = Booking._meta.get_field("provider").related_model
        visible = visible_objects(self.admin_site, model, request)
        return with_key(visible, key).first()


def _columns(choices: list[Any], bookings: list[Booking]) -> list[Any]:
    """Return the providers that have a booking, and others up to ``MAX_COLUMNS``."""
    busy = {booking.provider_id for booking in bookings}
    free_columns = max(MAX_COLUMNS - len(busy), 0)
    idle = [provider.pk for provider in choices if provider.pk not in busy][:free_columns]
    return [provider for provider in choices if provider.pk in busy or provider.pk in idle]


class _Address:
    """The addresses of the page's other days, views and providers."""

    def __init__(self, period: Period, tenant: Any, provider: Any) -> None:
        self.period = period
        self.tenant_key = "" if tenant is None else str(tenant.pk)
        self.provider_key = "" if provider is None else str(provider.pk)

    def of(self, **changes: Any) -> str:
        values = {
            "view": self.period.view.value if self.period.view != View.DAY else "",
            "day": f"{self.period.day:%Y-%m-%d}",
            "tenant": self.tenant_key,
            "provider": self.provider_key,
        } | changes
        return "?" + urlencode({name: value for name, value in values.items() if value})

    def previous(self) -> str:
        return self.of(day=f"{self.period.previous:%Y-%m-%d}")

    def next(self) -> str:
        return self.of(day=f"{self.period.next:%Y-%m-%d}")

    def today(self) -> str:
        return self.of(day="")

    def as_day(self) -> str:
        return self.of(view="")

    def as_week(self) -> str:
        return self.of(view=View.WEEK.value)
