"""A row that somebody inserts meanwhile is found by the next run, whatever it is unique by."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import models, router

from bookings.contrib.payments.models import RefundPolicy, RefundTier
from bookings.contrib.payments.refund_rules import Tier
from bookings.contrib.payments.services import set_refund_policy

pytestmark = pytest.mark.django_db


def set_percent(percent: int, **owner: Any) -> RefundPolicy:
    return set_refund_policy(
        [Tier(notice_minutes=60, refund_percent=Decimal(percent), fee_percent=Decimal(0))], **owner
    )


@pytest.fixture(params=["service", "nobody"])
def owner(request: pytest.FixtureRequest, service: Any) -> dict[str, Any]:
    return {"service": service} if request.param == "service" else {}


def find_nothing_once(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let the first look for a policy find none, as the snapshot of a transaction may."""
    looks: list[Any] = []
    stored: Callable[[Any], Any] = models.QuerySet.first

    def first(rows: Any) -> Any:
        looks.append(rows)
        return None if len(looks) == 1 else stored(rows)

    monkeypatch.setattr(models.QuerySet, "first", first)
    return looks


def test_a_policy_that_somebody_sets_meanwhile_is_replaced(
    owner: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = set_percent(10, **owner)
    looks = find_nothing_once(monkeypatch)

    later = set_percent(90, **owner)

    assert (len(looks), later.pk) == (2, earlier.pk)
    using = router.db_for_read(RefundTier)
    percents = RefundTier.objects.using(using).values_list("refund_percent", flat=True)
    assert list(percents) == [90]
