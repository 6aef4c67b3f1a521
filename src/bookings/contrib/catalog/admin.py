"""The catalogue in the admin."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from bookings.contrib.catalog.models import Provider, Service, ServiceAddon


class ServiceAddonInline(admin.TabularInline):  # type: ignore[type-arg]
    model = ServiceAddon
    extra = 0
    fields = ("name", "extra_duration_minutes", "price_amount", "currency", "is_active")


@admin.register(Service)
class ServiceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "duration_minutes", "price_amount", "currency", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "duration_minutes", "is_active")}),
        (_("Price"), {"fields": ("pricing_type", ("price_amount", "currency"))}),
        (
            _("Time"),
            {
                "fields": (
                    ("buffer_before_minutes", "buffer_after_minutes"),
                    ("minimum_notice_minutes", "maximum_advance_days"),
                    ("allow_multiple_clients_per_slot", "capacity"),
                )
            },
        ),
        (
            _("Course"),
            {
                "fields": (
                    ("requires_approval", "two_sided_completion"),
                    "auto_cancel_grace_hours",
                    ("cancellation_allowed", "cancellation_notice_minutes"),
                    ("reschedule_allowed", "reschedule_notice_minutes"),
                )
            },
        ),
        (
            _("Limits"),
            {
                "fields": (
                    "max_active_bookings_per_client",
                    "max_bookings_per_client_per_day",
                    "max_bookings_per_client_per_week",
                )
            },
        ),
    )
    inlines: ClassVar = [ServiceAddonInline]


@admin.register(Provider)
class ProviderAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name",)


@admin.register(ServiceAddon)
class ServiceAddonAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "service", "extra_duration_minutes", "price_amount", "is_active")
    list_filter = ("is_active", "service")
    list_select_related = ("service",)
    search_fields = ("name",)
