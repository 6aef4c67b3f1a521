"""Set the refund policy of a service or of a tenant, or the default."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings.contrib.payments.exceptions import InvalidRefundPolicy
from bookings.contrib.payments.models import RefundPolicy, RefundTier
from bookings.contrib.payments.refund_rules import ZERO, Tier, validate_rules
from bookings.contrib.payments.services import unique_rows
from bookings.ledger.transactions import atomic_with_retry
from bookings.rules import validation
from bookings.services import references


def set_refund_policy(
    tiers: Iterable[Tier],
    *,
    service: Any = None,
    tenant: Any = None,
    no_show_refund_percent: Decimal | int = ZERO,
    no_show_fee_percent: Decimal | int = ZERO,
    count_from_first_start: bool = False,
) -> RefundPolicy:
    """Set a refund policy for bookings that are made from now on.

    It replaces the policy of the same owner. Of two calls at the same time, the later one stays.

    :param tiers: :class:`~bookings.contrib.payments.refund_rules.Tier` objects, the longest notice
        first. A client who cancels later than all of them gets nothing back.
    :param service: the service whose policy it is.
    :param tenant: the tenant whose policy it is. Without a service and a tenant it is the default,
        of all that have no policy of their own.
    :param no_show_refund_percent: the percentage of the payments that is refunded after a no-show.
    :param no_show_fee_percent: the percentage of the booking's total that is owed after a no-show.
    :param count_from_first_start: count the notice to the start that the booking had before the
        client moved it for the first time, if that is earlier than its start. By default, a
        cancellation after a move by the client follows the tier of the move or of the cancellation,
        whichever gives less.
    :returns: the policy.
    :raises InvalidRefundPolicy: the tiers are out of order, a percentage is invalid, or both a
        service and a tenant are given.
    :raises InvalidBooking: another argument is invalid.
    :raises MissingReference: the service or tenant has been deleted.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """
    if service is not None and tenant is not None:
        raise InvalidRefundPolicy(
            _("A policy is of a service or of a tenant. Leave one of them out."), "two_owners"
        )
    owner = {
        "service": None
        if service is None
        else references.saved_instance(service, "SERVICE_MODEL", "service"),
        "tenant": None
        if tenant is None
        else references.saved_instance(tenant, "TENANT_MODEL", "tenant"),
    }
    no_show = Tier(
        notice_minutes=0,
        refund_percent=no_show_refund_percent,  # type: ignore[arg-type] # validate_rules converts
        fee_percent=no_show_fee_percent,  # type: ignore[arg-type]
    )
    rules = validate_rules(validation.as_list(tiers, "tiers", InvalidRefundPolicy), no_show)
    using = router.db_for_write(RefundPolicy)

    def write() -> RefundPolicy:
        policies = RefundPolicy.objects.using(using).select_for_update()
        stored = policies.filter(**owner).first()
        policy = stored or RefundPolicy(**owner)
        policy.no_show_refund_percent = rules.no_show.refund_percent
        policy.no_show_fee_percent = rules.no_show.fee_percent
        policy.count_from_first_start = bool(count_from_first_start)
        if stored is None:
            unique_rows.insert_unique(policy, using=using)
        else:
            policy.save(using=using)
        tier_rows = RefundTier.objects.using(using)
        tier_rows.filter(policy=policy).delete()
        tier_rows.bulk_create(
            RefundTier(
                policy=policy,
                notice_minutes=tier.notice_minutes,
                refund_percent=tier.refund_percent,
                fee_percent=tier.fee_percent,
            )
            for tier in rules.tiers
        )
        return policy

    return atomic_with_retry(write, using=using)
