"""What the app adds to the core."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bookings.contrib.payments import integrity
from bookings.contrib.payments.refund_terms import terms_of_new_booking
from bookings.contrib.payments.refunds_due import update_after_event
from bookings.extensions import AttentionSection, Extension
from bookings.integrity import Problem
from bookings.models import Booking

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
    from django.contrib.admin.options import InlineModelAdmin
    from django.db.models import Model
    from django.http import HttpRequest
    from django.utils.safestring import SafeString


class PaymentsExtension(Extension):
    name = "bookings_payments"
    order = 40
    # What is due follows from these.
    guarded_fields = frozenset(
        {
            "auto_cancelled",
            "cancelled_at",
            "confirmed_at",
            "currency",
            "price_amount",
            "terms",
            "total_amount",
        }
    )
    terms_vary_with = ("service_id", "tenant_id")

    def terms(self, booking: Booking, *, using: str) -> dict[str, Any] | None:
        return terms_of_new_booking(booking, using=using)

    def after_event(
        self, booking_ids: Sequence[Any], event_type: str, *, using: str, now: datetime
    ) -> None:
        update_after_event(booking_ids, event_type, using=using, now=now)

    def find_problems(self, using: str) -> Iterator[Problem]:
        return integrity.find_problems(using)

    def related_links(
        self, instance: Model, site: AdminSite, request: HttpRequest
    ) -> Iterator[tuple[str, SafeString]]:
        from bookings.contrib.payments.admin.record_page import payment_link

        if isinstance(instance, Booking):
            yield from payment_link(instance, site=site, request=request)

    def booking_inlines(self) -> Sequence[type[InlineModelAdmin[Any, Any]]]:
        from bookings.contrib.payments.admin import PaymentInline, RefundDueInline

        return (PaymentInline, RefundDueInline)

    def attention(
        self, *, site: AdminSite, request: HttpRequest, rows: int
    ) -> Iterator[AttentionSection]:
        from bookings.contrib.payments.admin.attention import refunds_due

        yield refunds_due(site=site, request=request, rows=rows)

    def cancellation_notes(
        self, bookings: Sequence[Booking], *, by: str, site: AdminSite, request: HttpRequest
    ) -> Mapping[Any, Sequence[str]]:
        from bookings.contrib.payments.admin.cancellation import cancellation_notes

        return cancellation_notes(bookings, by=by, site=site, request=request)
