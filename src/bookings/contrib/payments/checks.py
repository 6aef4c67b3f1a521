"""System checks of payments.

================================ ==============================================================
``bookings_payments.W001``       the tiers of a stored refund policy are out of order
================================ ==============================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import connections

from bookings.contrib.payments.models import RefundPolicy, RefundTier
from bookings.contrib.payments.refund_rules import validate_rules
from bookings.exceptions import BookingError


@register(Tags.database)
def check_refund_policies(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    return [message for alias in databases or () for message in _check_database(alias)]


def _check_database(alias: str) -> Iterator[CheckMessage]:
    tables = set(connections[alias].introspection.table_names())
    if not {RefundPolicy._meta.db_table, RefundTier._meta.db_table} <= tables:
        return
    for policy in RefundPolicy.objects.using(alias):
        try:
            validate_rules(policy.rules().tiers, policy.no_show_tier())
        except BookingError as error:
            yield CheckWarning(
                f"The refund policy {policy} (key {policy.pk}, database {alias!r}) is invalid: "
                f"{error}",
                hint="Set its tiers again, in the admin or with set_refund_policy().",
                id="bookings_payments.W001",
            )
