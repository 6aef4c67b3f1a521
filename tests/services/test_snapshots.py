"""Verbs inside a host's transaction that reads the past, as REPEATABLE READ does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction

from bookings.exceptions import BookingBusy
from bookings.models import Booking
from bookings.services import bulk_expire, expire_bookings
from tests.isolation import SECOND_SESSION, repeatable_read  # noqa: F401 - a fixture
from tests.services.clock import HOUR, NOW, minutes
from tests.services.conftest import Book

pytestmark = SECOND_SESSION


@pytest.fixture
def elsewhere() -> Iterator[Any]:
    """Run something as another session, which commits it."""
    other = connection.copy()

    def run(what: Any) -> Any:
        kept = connections["default"]
        connections["default"] = other
        try:
            return what()
        finally:
            connections["default"] = kept

    yield run
    other.close()


@pytest.mark.usefixtures("repeatable_read")
def test_a_sweep_ends_although_its_snapshot_shows_what_others_have_swept(
    book: Book, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hours in range(3):
        book(start_at=NOW + (2 * hours + 1) * HOUR, expires_at=NOW + minutes(15))
    chunks: list[int] = []
    real = bulk_expire._expire

    def counted(*args: Any, **values: Any) -> None:
        chunks.append(1)
        assert len(chunks) < 10
        real(*args, **values)

    with transaction.atomic():
        assert Booking.objects.expired(NOW + HOUR).count() == 3
        assert elsewhere(lambda: expire_bookings(now_dt=NOW + HOUR)) == 3
        monkeypatch.setattr(bulk_expire, "_expire", counted)
        try:
            assert expire_bookings(now_dt=NOW + HOUR, chunk_size=1) == 0
        except BookingBusy:
            # PostgreSQL says at once that the snapshot is too old.
            assert connection.vendor == "postgresql"
    assert set(Booking.objects.values_list("status", flat=True)) == {"CANCELLED"}


@pytest.mark.usefixtures("repeatable_read")
def test_a_request_that_has_been_answered_meanwhile_is_the_same_request(
    book: Book, elsewhere: Any
) -> None:
    with transaction.atomic():
        assert not Booking.objects.exists()
        first = elsewhere(lambda: book(idempotency_key="order-1"))
        try:
            assert book(idempotency_key="order-1") == first
        except BookingBusy:
            assert connection.vendor == "postgresql"
    assert Booking.objects.get() == first
