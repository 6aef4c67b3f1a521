"""Sending the same request twice books once."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any
from unittest.mock import MagicMock

import pytest
from django.apps import apps
from django.db import connection

from bookings import slots
from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import IdempotencyKeyReused, PastStart
from bookings.models import Booking
from bookings.services import (
    cancel_booking,
    expire_booking,
    repeats,
    reschedule_booking,
    update_booking,
)
from bookings.transactions import TryAgain
from tests.services.clock import DAY, NOW, START, minutes
from tests.services.conftest import Book, Make, Told
from tests.services.storage import nothing_done, nothing_written, stored


def test_the_same_key_gives_the_same_booking(book: Book) -> None:
    first = book(idempotency_key="order-1")

    with nothing_written():
        again = book(idempotency_key="order-1")

    assert again == first
    assert again.reference == first.reference


def test_a_replay_is_not_told_again(
    book: Book, told: Told, django_capture_on_commit_callbacks: Any
) -> None:
    book(idempotency_key="order-1")

    with django_capture_on_commit_callbacks(execute=True):
        book(idempotency_key="order-1")

    assert told == []


@pytest.mark.parametrize("none", ["", None])
def test_without_a_key_every_request_is_its_own(book: Book, none: Any) -> None:
    first = book(idempotency_key=none)
    second = book(idempotency_key=none, start_at=START + DAY)

    assert first != second
    assert stored(first).idempotency_key is None


def test_a_replay_needs_no_free_time_and_no_window(book: Book) -> None:
    first = book(idempotency_key="order-1")

    assert book(idempotency_key="order-1", now_dt=START + DAY) == first
    with nothing_written(), pytest.raises(PastStart):
        book(idempotency_key="order-2", now_dt=START + DAY)


def test_the_request_s_own_twin_is_not_in_its_way(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both looked for the key, found nothing, and one of them booked before the other asked."""
    twins: list[Booking] = []

    def nothing_left(**asked: Any) -> list[Any]:
        twins.append(book(idempotency_key="order-1", skip_slot_validation=True))
        return []

    monkeypatch.setattr(slots, "load_engine", lambda: nothing_left)

    assert [book(idempotency_key="order-1")] == twins


def test_a_replay_gives_the_booking_as_it_is_now(book: Book) -> None:
    first = book(idempotency_key="order-1")
    reschedule_booking(first, new_start_at=START + DAY, now_dt=NOW)
    update_booking(first, client_name="Marie")

    again = book(idempotency_key="order-1")

    assert (again, again.start_at, again.client_name) == (first, START + DAY, "Marie")


@pytest.mark.parametrize("end", [cancel_booking, expire_booking])
def test_a_replay_of_what_has_ended_books_nothing(book: Book, end: Any) -> None:
    first = book(idempotency_key="order-1", expires_at=NOW + minutes(15))
    end(first, now_dt=NOW + minutes(15))

    with nothing_done():
        again = book(idempotency_key="order-1", expires_at=NOW + minutes(15))

    assert (again, again.status) == (first, "CANCELLED")


def test_a_key_belongs_to_one_request(book: Book, other_provider: Any, make_service: Make) -> None:
    book(idempotency_key="order-1")

    for different in (
        {"start_at": START + DAY},
        {"provider": other_provider},
        {"service": make_service()},
    ):
        with nothing_written(), pytest.raises(IdempotencyKeyReused) as refused:
            book(idempotency_key="order-1", **different)
        assert refused.value.code == "idempotency_key_reused"


@pytest.mark.parametrize("other", ["ORDER-A", "order-a ", "order-ä"])
def test_a_key_that_only_looks_alike_never_gives_another_clients_booking(
    book: Book, group: Any, other: str
) -> None:
    """Some collations take them for equal; then they are refused, not mistaken for each other."""
    first = book(service=group, idempotency_key="order-a", client_name="Mary")

    try:
        second = book(service=group, idempotency_key=other, client_name="Martha")
    except IdempotencyKeyReused:
        return
    assert second != first


def test_a_key_of_an_imported_booking_is_taken(book: Book, service: Any, provider: Any) -> None:
    """It has no history to compare the request with."""
    imported = Booking(
        service=service,
        provider=provider,
        client_name="Mary",
        start_at=START,
        end_at=START + minutes(60),
        status="COMPLETED",
        reference="IMPORTED",
        idempotency_key="order-1",
    )
    Booking.objects.bulk_create([imported])

    with nothing_written(), pytest.raises(IdempotencyKeyReused):
        book(idempotency_key="order-1")


def test_a_key_belongs_to_its_tenant(book: Book, settings: Any) -> None:
    settings.BOOKINGS_TENANT_MODEL = "bookings.Tenant"
    tenants = apps.get_model("bookings.Tenant").objects
    one, two = tenants.create(), tenants.create()

    first = book(tenant=one, idempotency_key="order-1")
    second = book(tenant=two, idempotency_key="order-1", start_at=START + DAY)

    assert first != second
    assert book(tenant=one, idempotency_key="order-1") == first
    assert book(tenant=two, idempotency_key="order-1", start_at=START + DAY) == second


def test_a_request_that_was_overtaken_gives_what_the_other_made(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the first look for the key and the lock, the same request has come through."""
    made = []

    def overtake(*args: Any, **kwargs: Any) -> None:
        if not made:
            made.append(None)
            made[0] = book(idempotency_key="order-1")

    monkeypatch.setattr(DefaultBookingAdapter, "check_bookable", overtake)

    assert book(idempotency_key="order-1") == made[0]
    assert Booking.objects.count() == 1


def test_a_request_that_was_overtaken_by_another_one_is_refused(
    book: Book, other_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    overtaken = []

    def overtake(*args: Any, **kwargs: Any) -> None:
        if not overtaken:
            overtaken.append(True)
            book(idempotency_key="order-1", provider=other_provider)

    monkeypatch.setattr(DefaultBookingAdapter, "check_bookable", overtake)

    with pytest.raises(IdempotencyKeyReused):
        book(idempotency_key="order-1")
    assert Booking.objects.count() == 1


def test_a_key_that_only_the_database_knows_of_is_refused_by_its_name(
    book: Book, other_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a caller's snapshot from before it made a booking of another provider's."""
    book(idempotency_key="order-1", provider=other_provider)
    monkeypatch.setattr("bookings.services.book.replay", lambda *args, **kwargs: None)

    with nothing_written(), pytest.raises(IdempotencyKeyReused):
        book(idempotency_key="order-1")


@pytest.mark.parametrize(
    ("rows", "expected"), [([(1,)], nullcontext()), ([(1,), (2,)], pytest.raises(TryAgain))]
)
def test_a_key_that_the_database_cannot_guard_is_looked_for_once_more(
    monkeypatch: pytest.MonkeyPatch, rows: list[Any], expected: Any
) -> None:
    """As on MySQL, where two providers' locks let two requests with one key through."""
    monkeypatch.setattr(connection.features, "supports_partial_indexes", False)
    manager = MagicMock()
    same = manager.using.return_value.filter.return_value
    same.select_for_update.return_value.values_list.return_value.__getitem__.return_value = rows
    monkeypatch.setattr(Booking, "objects", manager)
    with expected:
        repeats.check_key(Booking(idempotency_key="order-1"), using="default")
    assert manager.using.return_value.filter.call_args.kwargs == {
        "tenant_id__isnull": True,
        "idempotency_key": "order-1",
    }
