"""The refund policy that a booking is made under, and keeps."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import F, Q

from bookings import terms
from bookings.contrib.payments.models import RefundPolicy
from bookings.contrib.payments.models.kept import LABEL
from bookings.contrib.payments.tiers import DEFAULT, RefundRules, Tier
from bookings.models import Booking

NO_SHOW: Final = {"no_show_refund_percent": "refund_percent", "no_show_fee_percent": "fee_percent"}
TIER: Final = {
    "tiers__notice_minutes": "notice_minutes",
    "tiers__refund_percent": "refund_percent",
    "tiers__fee_percent": "fee_percent",
}


def refund_terms(booking: Booking, *, using: str) -> dict[str, Any]:
    """What :mod:`bookings.terms` is told for a new booking."""
    return rules_for(booking.service_id, booking.tenant_id, using=using).as_json()


def rules_of(booking: Booking) -> RefundRules:
    """The rules that a booking was made under; the default for those older than this app."""
    said = terms.of(booking, LABEL)
    return DEFAULT if said is None else RefundRules.of_json(said)


def rules_for(service_id: Any, tenant_id: Any, *, using: str) -> RefundRules:
    """By the service's policy, else by the tenant's, else by the one of everybody else."""
    owned = Q(service_id=service_id) | Q(service__isnull=True, tenant__isnull=True)
    if tenant_id is not None:
        owned |= Q(tenant_id=tenant_id)
    # All that there are, with their tiers, in one statement: every new booking waits for it.
    rows = list(
        RefundPolicy.objects.using(using)
        .filter(owned)
        .order_by(
            F("service").asc(nulls_last=True),
            F("tenant").asc(nulls_last=True),
            "-tiers__notice_minutes",
        )
        .values("pk", *NO_SHOW, *TIER)
    )
    if not rows:
        return DEFAULT
    first = rows[0]
    return RefundRules(
        tiers=tuple(
            Tier(**{of: row[name] for name, of in TIER.items()})
            for row in rows
            # A policy without tiers is a row too.
            if row["pk"] == first["pk"] and row["tiers__notice_minutes"] is not None
        ),
        no_show=Tier(notice_minutes=0, **{of: first[name] for name, of in NO_SHOW.items()}),
    )
