"""Payments, refunds and refund policies in the admin.

Only the policies can be edited here. Staff grant and waive refunds by services; other services
record what happens to money.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bookings.admin.amounts import amount_column
from bookings.admin.booking_search import BookingSearchMixin
from bookings.admin.choices import ScopedChoicesMixin
from bookings.admin.display import user_column
from bookings.admin.generic_bases import InlineFormSet, TabularInline
from bookings.admin.own_providers import OwnProvidersMixin
from bookings.admin.read_only import PermittedReadOnlyInline, ReadOnlyAdmin
from bookings.admin.service_forms import ServiceForm, ServiceFormMixin
from bookings.conf import app_settings
from bookings.contrib.payments.admin.record_page import RecordPageMixin, method_column
from bookings.contrib.payments.admin.refund_pages import GrantPageMixin, WaivePageMixin
from bookings.contrib.payments.models import (
    Payment,
    Refund,
    RefundDue,
    RefundPolicy,
    RefundTier,
)
from bookings.contrib.payments.refund_rules import validate_rules

RECORDED_PAYMENT = user_column(Payment, "recorded_by")
RECORDED_REFUND = user_column(Refund, "recorded_by")
METHOD = method_column(Payment)
AMOUNT_PAID = amount_column(Payment, "amount")
AMOUNT_REFUNDED = amount_column(Payment, "amount_refunded")
AMOUNT_OF_REFUND = amount_column(Refund, "amount")
AMOUNT_OUTSTANDING = amount_column(RefundDue, "outstanding")
AMOUNT_DUE = amount_column(RefundDue, "amount")
AMOUNT_GRANTED = amount_column(RefundDue, "granted")
AMOUNT_WAIVED = amount_column(RefundDue, "waived")


class PaymentInline(PermittedReadOnlyInline):
    model = Payment
    show_change_link = True
    fields = readonly_fields = (
        "external_id",
        AMOUNT_PAID,
        "currency",
        "status",
        AMOUNT_REFUNDED,
        METHOD,
        "processed_at",
    )


class RefundDueInline(PermittedReadOnlyInline):
    model = RefundDue
    show_change_link = True
    fields = readonly_fields = (AMOUNT_OUTSTANDING, AMOUNT_DUE, "currency", "due_since", "reason")


class RefundInline(PermittedReadOnlyInline):
    model = Refund
    fk_name = "payment"
    fields = readonly_fields = (
        "external_id",
        AMOUNT_OF_REFUND,
        "reason",
        "processed_at",
        RECORDED_REFUND,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("payment", "recorded_by")


@admin.register(Payment)
class PaymentAdmin(
    RecordPageMixin, GrantPageMixin, BookingSearchMixin, ReadOnlyAdmin, OwnProvidersMixin
):
    """Read-only, with a page to record a payment, and one to grant a refund."""

    booking_path = "booking"
    provider_path = "booking__provider"
    list_select_related = ("booking",)
    list_display = (
        "external_id",
        "booking",
        AMOUNT_PAID,
        "currency",
        "status",
        AMOUNT_REFUNDED,
        METHOD,
        "processed_at",
    )
    fields = readonly_fields = (*list_display, RECORDED_PAYMENT, "created_at", "updated_at")
    list_filter = ("status", "method", "currency")
    search_fields = ("external_id", "booking__reference")
    date_hierarchy = "created_at"
    inlines: ClassVar = [RefundInline]

    def refund_links(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        return super().refund_links(request, obj) if obj.is_made else []


class OutstandingFilter(admin.SimpleListFilter):
    title = _("outstanding")
    parameter_name = "outstanding"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("To be refunded")), ("no", _("Done"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes":
            return queryset.filter(outstanding__gt=0)
        if self.value() == "no":
            return queryset.filter(outstanding=0)
        return queryset


@admin.register(RefundDue)
class RefundDueAdmin(WaivePageMixin, BookingSearchMixin, OwnProvidersMixin):
    """No field can be edited: staff grant and waive."""

    booking_path = "booking"
    provider_path = "booking__provider"
    list_select_related = ("booking",)
    list_display = ("booking", AMOUNT_OUTSTANDING, "currency", AMOUNT_DUE, "due_since", "reason")
    fields = readonly_fields = (
        *list_display[:-2],
        AMOUNT_GRANTED,
        AMOUNT_WAIVED,
        *list_display[-2:],
    )
    list_filter = (OutstandingFilter, "currency")
    search_fields = ("booking__reference",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write nothing: what was read before the page was sent may have changed since."""


class TierFormSet(InlineFormSet):
    def clean(self) -> None:
        """Check the tiers against each other, longest notice first, in whatever order they are."""
        super().clean()
        if any(self.errors):
            return
        rows = [
            form.instance
            for form in self.forms
            if form.has_changed() or form.instance.pk
            if not form.cleaned_data.get("DELETE")
        ]
        rows.sort(key=lambda row: -row.notice_minutes)
        validate_rules([row.tier() for row in rows], self.instance.no_show_tier())


class TierInline(TabularInline):
    model = RefundTier
    formset = TierFormSet
    extra = 1


class PolicyForm(ServiceForm):
    def clean(self) -> dict[str, Any]:
        """Refuse a second default policy.

        A unique constraint does not, because not every database can compare NULLs.
        """
        cleaned = super().clean()
        others = RefundPolicy.objects.exclude(pk=self.instance.pk)
        is_default = not cleaned.get("service") and not cleaned.get("tenant")
        if is_default and others.filter(service__isnull=True, tenant__isnull=True).exists():
            raise forms.ValidationError(
                _("There is a default policy already. Change that one, or name a service here.")
            )
        return cleaned


@admin.register(RefundPolicy)
class RefundPolicyAdmin(ServiceFormMixin, ScopedChoicesMixin):
    form = PolicyForm
    list_display = (
        "__str__",
        "no_show_refund_percent",
        "no_show_fee_percent",
        "count_from_first_start",
    )
    list_select_related = ("service", "tenant")
    inlines: ClassVar = [TierInline]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if change:
            self.refuse_if_hidden(request, form.instance)

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if app_settings.tenancy_enabled else ["tenant"]
