"""The refund policy that a booking is made under, and keeps."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from bookings import terms
from bookings.contrib.payments.models import RefundPolicy
from bookings.contrib.payments.models.kept import LABEL
from bookings.contrib.payments.tiers import DEFAULT, RefundRules
from bookings.models import Booking


def refund_terms(booking: Booking, *, using: str) -> dict[str, Any]:
    """What :mod:`bookings.terms` is told for a new booking."""
    policy = policy_for(booking.service_id, booking.tenant_id, using=using)
    return (DEFAULT if policy is None else policy.rules()).as_json()


def rules_of(booking: Booking) -> RefundRules:
    """The rules that a booking was made under; the default for those older than this app."""
    said = terms.of(booking, LABEL)
    return DEFAULT if said is None else RefundRules.of_json(said)


def policy_for(service_id: Any, tenant_id: Any, *, using: str) -> RefundPolicy | None:
    """The service's policy, else the tenant's, else the one of everybody else."""
    owned = Q(service_id=service_id) | Q(service__isnull=True, tenant__isnull=True)
    if tenant_id is not None:
        owned |= Q(tenant_id=tenant_id)
    return min(
        RefundPolicy.objects.using(using).filter(owned),
        key=lambda policy: (policy.service_id is None, policy.tenant_id is None, policy.pk),
        default=None,
    )
