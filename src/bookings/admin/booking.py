"""The bookings in the admin."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from bookings.admin import layout
from bookings.admin.actions import ACTIONS
from bookings.admin.calendar import CalendarPage
from bookings.admin.chronological import Chronological
from bookings.admin.filters import WaitingFilter, WhenFilter
from bookings.admin.forms import AddForm, DetailsForm, MoveForm
from bookings.admin.inlines import AddonInline, EventInline
from bookings.admin.lifecycle import Lifecycle
from bookings.admin.refused import Refusing
from bookings.admin.relations import HostRelations
from bookings.admin.start import from_link
from bookings.admin.tenants import TenantFilter, search_tenant
from bookings.conf import app_settings
from bookings.models import Booking
from bookings.money import shown


@admin.register(Booking)
class BookingAdmin(Refusing, Lifecycle, CalendarPage, Chronological, HostRelations):
    """Every write is a service's; a booking is cancelled, never deleted."""

    actions = list(ACTIONS)  # noqa: RUF012 - as ModelAdmin declares it
    date_hierarchy = "start_at"
    inlines: ClassVar = [AddonInline, EventInline]
    search_fields = ("reference", "client_name", "client_email", "client_phone")
    search_help_text = _("Reference, or the client's name, e-mail address or phone number.")

    class Media:
        css: ClassVar = {"all": ["bookings/admin.css"]}

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        tenant = ["tenant"] if app_settings.tenancy_enabled else []
        columns = ["reference", "start_at", "state", "client_name", "service", "provider", "total"]
        return [*columns, *tenant]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        tenant = [("tenant", TenantFilter)] if app_settings.tenancy_enabled else []
        return [WhenFilter, WaitingFilter, "status", *tenant, "provider", "service"]

    def get_list_select_related(self, request: HttpRequest) -> list[str]:
        return ["service", "provider", "tenant"]

    @admin.display(description=_("status"), ordering="status")
    def state(self, booking: Booking) -> SafeString:
        if booking.status != Booking.Status.PENDING or booking.expires_at is None:
            return badge(booking)
        has_run_out = booking.expires_at <= timezone.now()
        text = _("ran out %(time)s") if has_run_out else _("until %(time)s")
        until = text % {"time": localize(timezone.localtime(booking.expires_at))}
        return format_html('{} <small class="bookings-until">{}</small>', badge(booking), until)

    @admin.display(description=_("total"), ordering="total_amount")
    def total(self, booking: Booking) -> str:
        if booking.total_amount is None:
            return "–"
        return f"{shown(booking.total_amount, booking.currency)} {booking.currency}"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return layout.adding()
        if not self.has_change_permission(request, obj):
            return layout.viewing()
        return layout.changing(movable=obj.holds_time)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            editable = layout.ADDING
        elif not self.has_change_permission(request, obj):
            editable = frozenset()
        else:
            editable = layout.MOVING if obj.holds_time else layout.OVER
        shown = flatten_fieldsets(self.get_fieldsets(request, obj))
        return [name for name in shown if name not in editable]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs.setdefault("form", self.choose_form(request, obj))
        form = super().get_form(request, obj, change, **kwargs)
        form.site_name = self.admin_site.name
        form.extras_widget = self.extras_widget(request)
        form.extras_queryset = self.get_extras_queryset(request)
        if obj is not None:
            # The tenant of a booking is no field of its form, so the searches cannot read it there.
            search_tenant([form.extras_widget, *form.base_fields.values()], obj.tenant_id)
        return form

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return [] if obj is None else [*super().get_inlines(request, obj)]

    def choose_form(self, request: HttpRequest, obj: Any = None) -> type[Any]:
        if obj is None:
            return AddForm
        if not self.has_change_permission(request, obj):
            return forms.ModelForm
        return MoveForm if obj.holds_time else DetailsForm

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        if "start_at" in initial:
            initial["start_at"] = from_link(initial["start_at"])
        return initial

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        written = form.write(self.get_actor(request))
        obj.take_over(written)

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        if context["original"] is not None:
            context["booking_steps"] = self.open_steps(request, context["original"])
        return super().render_change_form(request, context, *args, **kwargs)


def badge(booking: Booking) -> SafeString:
    return format_html(
        '<span class="bookings-status bookings-status-{}">{}</span>',
        booking.status.lower(),
        booking.get_status_display(),
    )
