"""What a cancellation costs, and what it gives back, said before staff cancel."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext as _

from bookings.admin.visibility import can_view
from bookings.contrib.payments.models import Payment
from bookings.contrib.payments.selectors import amount_paid, fee_due, refund_due
from bookings.models import Booking
from bookings.rules.money import format_amount


def cancellation_notes(booking: Booking, *, site: AdminSite, request: HttpRequest) -> Iterator[str]:
    """Yield the refund and the fee of a booking that is cancelled now, for the client."""
    if not booking.holds_time or not can_view(site, Payment, request):
        return

    def money(amount: Decimal) -> str:
        return f"{format_amount(amount, booking.currency)} {booking.currency}"

    if paid := amount_paid(booking):
        yield _("%(refund)s of the %(paid)s paid would be refunded.") % {
            "refund": money(refund_due(booking)),
            "paid": money(paid),
        }
    if fee := fee_due(booking):
        yield _("A fee of %(fee)s would be due.") % {"fee": money(fee)}
