"""What a cancellation costs, and what it gives back, said before staff cancel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext as _

from bookings.admin.visibility import can_view
from bookings.contrib.payments.models import Payment
from bookings.contrib.payments.selectors import refunds_and_fees_if_cancelled
from bookings.models import Booking
from bookings.rules.money import format_amount


def cancellation_notes(
    bookings: Sequence[Booking], *, by: str, site: AdminSite, request: HttpRequest
) -> Mapping[Any, Sequence[str]]:
    """Return the refund and the fee of bookings that are cancelled now, by key."""
    active = [booking for booking in bookings if booking.holds_time]
    if not active or not can_view(site, Payment, request):
        return {}
    notes: dict[Any, list[str]] = {}
    answers = refunds_and_fees_if_cancelled(active, by=by)
    for booking, answer in zip(active, answers, strict=True):

        def money(amount: Decimal, currency: str = booking.currency) -> str:
            return f"{format_amount(amount, currency)} {currency}"

        found = notes[booking.pk] = []
        if answer.paid:
            found.append(
                _("%(refund)s of the %(paid)s paid would be refunded.")
                % {"refund": money(answer.refund), "paid": money(answer.paid)}
            )
        if answer.fee:
            found.append(_("A fee of %(fee)s would be due.") % {"fee": money(answer.fee)})
    return notes
