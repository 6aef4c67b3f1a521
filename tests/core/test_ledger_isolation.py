"""The lock under REPEATABLE READ, which a host may have chosen: a transaction reads the past."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from bookings.ledger import locks
from bookings.ledger.transactions import atomic_with_retry
from bookings.models import Calendar
from tests.isolation import SECOND_SESSION, repeatable_read  # noqa: F401 - a fixture

pytestmark = SECOND_SESSION


@pytest.fixture
def somebody_else() -> Iterator[Any]:
    """Another session, which commits every statement."""
    other = connection.copy()
    yield other
    other.close()


@pytest.mark.usefixtures("repeatable_read")
def test_a_calendar_that_somebody_else_makes_meanwhile_is_locked(
    provider: Any, other_provider: Any, somebody_else: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not in the snapshot of the transaction that was about to make it."""
    unmade = [provider.pk]
    real = locks._create_calendar

    def too_late(provider_id: Any, using: str) -> None:
        if provider_id in unmade:
            unmade.remove(provider_id)
            with somebody_else.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO bookings_calendar (provider_id, revision) VALUES (%s, 0)",
                    [provider_id],
                )
        real(provider_id, using)

    monkeypatch.setattr(locks, "_create_calendar", too_late)
    providers = [provider.pk, other_provider.pk]
    locked = atomic_with_retry(
        lambda: locks.lock_calendars(providers, using="default"), using="default"
    )
    assert not unmade
    assert locked == dict(Calendar.objects.values_list("provider_id", "pk"))
    assert set(Calendar.objects.values_list("revision", flat=True)) == {1}
