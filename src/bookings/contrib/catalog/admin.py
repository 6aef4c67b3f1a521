"""Services, providers and add-ons in the admin."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from bookings.admin.amounts import AmountsMixin, amount_column, length_column
from bookings.admin.choices import RelatedFilter, ScopedChoicesMixin
from bookings.admin.generic_bases import TabularInline
from bookings.admin.invalid_filters import InvalidFilterMixin
from bookings.admin.related_search import RelatedSearchMixin
from bookings.contrib.catalog.models import Provider, ResourcePool, Service, ServiceAddon


class ServiceAddonInline(AmountsMixin, TabularInline):
    model = ServiceAddon
    extra = 0
    fields = ("name", "extra_duration_minutes", "price_amount", "currency", "is_active")


@admin.register(Service)
class ServiceAdmin(AmountsMixin, InvalidFilterMixin):
    list_display = (
        "name",
        length_column(Service, "duration_minutes"),
        amount_column(Service, "price_amount"),
        "currency",
        "is_active",
    )
    list_filter = ("is_active",)
    search_fields = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "duration_minutes", "providers", "is_active")}),
        (
            _("Duration that the client chooses"),
            {
                "fields": (
                    ("minimum_duration_minutes", "maximum_duration_minutes"),
                    "duration_step_minutes",
                )
            },
        ),
        (
            _("By the day"),
            {
                "fields": (
                    ("duration_days", "ends_at_time"),
                    ("minimum_duration_days", "maximum_duration_days"),
                    "duration_step_days",
                    "spans_closures",
                ),
                "description": _("A duration in days takes the place of the one in minutes."),
            },
        ),
        (_("Price"), {"fields": ("pricing_type", ("price_amount", "currency"))}),
        (
            _("Time"),
            {
                "fields": (
                    ("buffer_before_minutes", "buffer_after_minutes"),
                    ("minimum_notice_minutes", "maximum_advance_days"),
                    ("allow_multiple_clients_per_slot", "capacity", "capacity_mode"),
                    "pools",
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
                    ("reschedule_allowed", "reschedule_notice_minutes", "max_reschedules"),
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
                    "named_seats",
                )
            },
        ),
        (_("Questions"), {"fields": ("questions",)}),
    )
    inlines: ClassVar = [ServiceAddonInline]
    autocomplete_fields = ("providers", "pools")


@admin.register(Provider)
class ProviderAdmin(RelatedSearchMixin):
    fields = (
        ("name", "user"),
        "max_bookings_per_day",
        ("buffer_before_minutes", "buffer_after_minutes"),
        "is_active",
    )
    list_display = ("name", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name",)


@admin.register(ResourcePool)
class ResourcePoolAdmin(InvalidFilterMixin):
    list_display = ("name", "strategy")
    search_fields = ("name",)
    autocomplete_fields = ("members",)


@admin.register(ServiceAddon)
class ServiceAddonAdmin(AmountsMixin, ScopedChoicesMixin):
    list_display = (
        "name",
        "service",
        length_column(ServiceAddon, "extra_duration_minutes"),
        amount_column(ServiceAddon, "price_amount"),
        "is_active",
    )
    list_filter = ("is_active", ("service", RelatedFilter))
    list_select_related = ("service",)
    search_fields = ("name",)
