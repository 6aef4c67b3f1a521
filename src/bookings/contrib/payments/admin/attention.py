"""What needs attention of payments: refunds that are due."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from bookings.admin.attention import total_of
from bookings.admin.display import change_url
from bookings.admin.visibility import visible_objects
from bookings.contrib.payments.models import RefundDue
from bookings.extensions import AttentionRow, AttentionSection
from bookings.rules.money import format_amount


def refunds_due(*, site: AdminSite, request: HttpRequest, rows: int) -> AttentionSection:
    """Return the refunds that are due and that this user may see, the oldest first."""
    due = visible_objects(site, RefundDue, request).filter(outstanding__gt=0)
    due = due.order_by("due_since", "pk")
    found = [
        AttentionRow(
            text=f"{format_amount(refund.outstanding, refund.currency)} {refund.currency}",
            details=refund.booking.client_name,
            url=change_url(site, refund),
            since=refund.due_since,
        )
        for refund in due.select_related("booking")[:rows]
    ]
    return AttentionSection(
        name="refunds",
        title=_("Refunds to pay"),
        count=total_of(found, due, rows),
        rows=found,
        url=reverse("admin:bookings_payments_refunddue_changelist", current_app=site.name)
        if found
        else "",
    )
