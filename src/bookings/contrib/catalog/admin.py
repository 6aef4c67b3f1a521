"""The catalogue in the admin."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

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
