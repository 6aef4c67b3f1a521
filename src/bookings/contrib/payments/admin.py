"""Money in the admin: to be read, but for the refund policies. What happened is recorded by the
services.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bookings.admin.booking import BookingAdmin
from bookings.admin.generic import Inline
from bookings.admin.inlines import ReadOnlyInline
from bookings.conf import app_settings
from bookings.contrib.payments.models import (
    Payment,
    Refund,
    RefundDue,
    RefundPolicy,
    RefundTier,
)
from bookings.contrib.payments.tiers import check_rules
from bookings.money import shown

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
    AnyTierFormSet = BaseInlineFormSet[RefundTier, RefundPolicy, Any]
    AnyTierInline = admin.TabularInline[RefundTier, RefundPolicy]
    AnyPolicyForm = forms.ModelForm[RefundPolicy]
else:
    AnyModelAdmin = admin.ModelAdmin
    AnyTierFormSet = BaseInlineFormSet
    AnyTierInline = admin.TabularInline
    AnyPolicyForm = forms.ModelForm


class MoneyInline(ReadOnlyInline):
    """For who may see payments, which not everybody may who sees bookings."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return Inline.has_view_permission(self, request, obj)


def money(model: type[Model], name: str) -> Any:
    """A column: an amount with the decimals of its currency, of which its field has the most."""

    field: Any = model._meta.get_field(name)

    @admin.display(description=field.verbose_name, ordering=name)
    def column(row: Any) -> str:
        return shown(getattr(row, name), row.currency)

    column.__name__ = name
    return column


PAID = money(Payment, "amount")
WENT_BACK = money(Payment, "amount_refunded")
REFUND = money(Refund, "amount")
OUTSTANDING = money(RefundDue, "outstanding")
DUE = money(RefundDue, "amount")
GRANTED = money(RefundDue, "granted")


class PaymentInline(MoneyInline):
    model = Payment
    show_change_link = True
    fields = readonly_fields = (
        "external_id",
        PAID,
        "currency",
        "status",
        WENT_BACK,
        "method",
        "processed_at",
    )


class RefundDueInline(MoneyInline):
    model = RefundDue
    fields = readonly_fields = (OUTSTANDING, DUE, "currency", "due_since", "reason")


# The history stays last. A host's subclass of BookingAdmin has them too.
BookingAdmin.inlines[-1:-1] = [PaymentInline, RefundDueInline]


class RefundInline(MoneyInline):
    model = Refund
    fk_name = "payment"
    fields = readonly_fields = ("external_id", REFUND, "reason", "processed_at", "recorded_by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("payment", "recorded_by")


class ReadOnlyAdmin(AnyModelAdmin):
    list_select_related: ClassVar[list[str]] = ["booking"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = (
        "external_id",
        "booking",
        PAID,
        "currency",
        "status",
        WENT_BACK,
        "method",
        "processed_at",
    )
    fields = readonly_fields = (*list_display, "recorded_by", "created_at", "updated_at")
    list_filter = ("status", "method", "currency")
    search_fields = ("external_id", "booking__reference", "booking__client_name")
    date_hierarchy = "created_at"
    inlines: ClassVar = [RefundInline]


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
class RefundDueAdmin(ReadOnlyAdmin):
    list_display = ("booking", OUTSTANDING, "currency", DUE, "due_since", "reason")
    fields = readonly_fields = (*list_display[:-2], GRANTED, *list_display[-2:])
    list_filter = (OutstandingFilter, "currency")
    search_fields = ("booking__reference", "booking__client_name", "booking__client_email")


class TierFormSet(AnyTierFormSet):
    def clean(self) -> None:
        """Hold the tiers that stay to their order, whichever order they are typed in."""
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
        check_rules([row.tier() for row in rows], self.instance.no_show())


class TierInline(AnyTierInline):
    model = RefundTier
    formset = TierFormSet
    extra = 1


class PolicyForm(AnyPolicyForm):
    def clean(self) -> dict[str, Any] | None:
        """One default: the database cannot say so everywhere, for it compares no nulls."""
        cleaned = super().clean() or self.cleaned_data
        others = RefundPolicy.objects.exclude(pk=self.instance.pk)
        is_default = not cleaned.get("service") and not cleaned.get("tenant")
        if is_default and others.filter(service__isnull=True, tenant__isnull=True).exists():
            raise forms.ValidationError(
                _("There is a default policy already. Change that one, or name a service here.")
            )
        return cleaned


@admin.register(RefundPolicy)
class RefundPolicyAdmin(AnyModelAdmin):
    form = PolicyForm
    list_display = ("__str__", "no_show_refund_percent", "no_show_fee_percent")
    list_select_related = ("service", "tenant")
    inlines: ClassVar = [TierInline]

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if app_settings.tenancy_enabled else ["tenant"]
