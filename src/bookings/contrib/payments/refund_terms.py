"""The refund rules of a booking: copied from a policy when it is made, and read from its terms."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import F, Q

from bookings import terms
from bookings.contrib.payments.models import RefundPolicy
from bookings.contrib.payments.models.base import APP_LABEL
from bookings.contrib.payments.refund_rules import DEFAULT_RULES, RefundRules, Tier
from bookings.models import Booking

# The columns of a policy and of its tiers, and the attributes of a Tier that they become.
NO_SHOW_COLUMNS: Final = {
    "no_show_refund_percent": "refund_percent",
    "no_show_fee_percent": "fee_percent",
}
TIER_COLUMNS: Final = {
    "tiers__notice_minutes": "notice_minutes",
    "tiers__refund_percent": "refund_percent",
    "tiers__fee_percent": "fee_percent",
}


def terms_of_new_booking(booking: Booking, *, using: str) -> dict[str, Any]:
    """Return the rules that apply now, as JSON for :attr:`bookings.models.Booking.terms`."""
    return current_rules(booking.service_id, booking.tenant_id, using=using).to_json()


def agreed_rules(booking: Booking) -> RefundRules:
    """Return the rules that a booking was made under; the default for those older than this app."""
    stored = terms.of(booking, APP_LABEL)
    return DEFAULT_RULES if stored is None else RefundRules.from_json(stored)


def current_rules(service_id: Any, tenant_id: Any, *, using: str) -> RefundRules:
    """Return the rules for a new booking: those of the service's policy, else of the tenant's, else
    the default.
    """
    candidates = Q(service_id=service_id) | Q(service__isnull=True, tenant__isnull=True)
    if tenant_id is not None:
        candidates |= Q(tenant_id=tenant_id)
    # One statement for all candidates and their tiers, because every new booking waits for it.
    rows = list(
        RefundPolicy.objects.using(using)
        .filter(candidates)
        .order_by(
            F("service").asc(nulls_last=True),
            F("tenant").asc(nulls_last=True),
            "-tiers__notice_minutes",
        )
        .values("pk", "count_from_first_start", *NO_SHOW_COLUMNS, *TIER_COLUMNS)
    )
    if not rows:
        return DEFAULT_RULES
    first = rows[0]
    return RefundRules(
        tiers=tuple(
            Tier(**{attribute: row[column] for column, attribute in TIER_COLUMNS.items()})
            for row in rows
            # The join gives a policy without tiers one row, of which the tier's columns are null.
            if row["pk"] == first["pk"] and row["tiers__notice_minutes"] is not None
        ),
        no_show=Tier(
            notice_minutes=0,
            **{attribute: first[column] for column, attribute in NO_SHOW_COLUMNS.items()},
        ),
        count_from_first_start=first["count_from_first_start"],
    )
