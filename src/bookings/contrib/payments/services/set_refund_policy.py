"""Lay down how much goes back when."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings.contrib.payments.exceptions import InvalidRefundPolicy
from bookings.contrib.payments.models import RefundPolicy, RefundTier
from bookings.contrib.payments.services import once
from bookings.contrib.payments.tiers import ZERO, Tier, check_rules
from bookings.services import inputs
from bookings.transactions import atomically


def set_refund_policy(
    tiers: Iterable[Tier],
    *,
    service: Any = None,
    tenant: Any = None,
    no_show_refund_percent: Decimal | int = ZERO,
    no_show_fee_percent: Decimal | int = ZERO,
) -> RefundPolicy:
    """The policy of a service or of a tenant; without either, of all that have none of their own.

    It replaces the one there was, for bookings that are made from now on. ``tiers`` are
    :class:`~bookings.contrib.payments.tiers.Tier`, the longest notice first; who cancels later than
    all of them gets nothing back. Of two calls at one moment, one comes second and is what stays.

    Raises ``InvalidRefundPolicy``, ``InvalidBooking``, ``MissingReference`` or ``BookingBusy``.
    """
    if service is not None and tenant is not None:
        raise InvalidRefundPolicy(
            _("A policy is of a service or of a tenant. Leave one of them out."), "two_owners"
        )
    owner = {
        "service": None if service is None else inputs.stored(service, "SERVICE_MODEL", "service"),
        "tenant": None if tenant is None else inputs.stored(tenant, "TENANT_MODEL", "tenant"),
    }
    unique = next((name for name, row in owner.items() if row is not None), "is_default")
    no_show = Tier(
        notice_minutes=0,
        refund_percent=no_show_refund_percent,  # type: ignore[arg-type] # check_rules makes it one
        fee_percent=no_show_fee_percent,  # type: ignore[arg-type]
    )
    rules = check_rules(inputs.listed(tiers, "tiers", InvalidRefundPolicy), no_show)
    using = router.db_for_write(RefundPolicy)

    def write() -> RefundPolicy:
        policies = RefundPolicy.objects.using(using).select_for_update()
        found = policies.filter(**owner).first()
        policy = found or RefundPolicy(**owner)
        policy.no_show_refund_percent = rules.no_show.refund_percent
        policy.no_show_fee_percent = rules.no_show.fee_percent
        if found is None:
            once.store(policy, unique=unique, using=using)
        else:
            policy.save(using=using)
        kept = RefundTier.objects.using(using)
        kept.filter(policy=policy).delete()
        kept.bulk_create(
            RefundTier(
                policy=policy,
                notice_minutes=tier.notice_minutes,
                refund_percent=tier.refund_percent,
                fee_percent=tier.fee_percent,
            )
            for tier in rules.tiers
        )
        return policy

    return atomically(write, using=using)
