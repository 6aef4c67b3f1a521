"""Sending the same request twice books once."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, Final
from unittest.mock import MagicMock
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.db import connection

from bookings import slots
from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import IdempotencyKeyReused, PastStart
from bookings.ledger.transactions import RetryTransaction
from bookings.models import Booking
from bookings.services import (
    cancel_booking,
    create_booking,
    expire_booking,
    hold_booking,
    idempotency,
    reschedule_booking,
    submit_hold,
    update_booking,
)
from tests.look_alikes import LOOK_ALIKE, LOOK_ALIKES
from tests.services.clock import DAY, NOW, START, minutes
from tests.services.conftest import Book, Make, SentSignals
from tests.services.storage import nothing_done, nothing_written, stored


def test_the_same_key_gives_the_same_booking(book: Book) -> None:
    first = book(idempotency_key="order-1")

    with nothing_written():
        again = book(idempotency_key="order-1")

    assert again == first
    assert again.reference == first.reference


def test_a_replay_is_not_told_again(
    book: Book, sent_signals: SentSignals, django_capture_on_commit_callbacks: Any
) -> None:
    book(idempotency_key="order-1")

    with django_capture_on_commit_callbacks(execute=True):
        book(idempotency_key="order-1")

    assert sent_signals == []


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

    monkeypatch.setattr(slots, "load_engine", lambda: slots.adapt(nothing_left))

    assert [book(idempotency_key="order-1")] == twins


def test_a_replay_gives_the_booking_as_it_is_now(book: Book) -> None:
    first = book(idempotency_key="order-1")
    reschedule_booking(first, new_start_at=START + DAY, now_dt=NOW)
    update_booking(first, client_name="Marie")

    again = book(idempotency_key="order-1")

    assert (again, again.start_at, again.client_name) == (first, START + DAY, "Marie")


def test_a_replay_of_what_was_cancelled_books_nothing(book: Book) -> None:
    first = book(idempotency_key="order-1", expires_at=NOW + minutes(15))
    cancel_booking(first, now_dt=NOW)

    with nothing_done():
        again = book(idempotency_key="order-1", expires_at=NOW + minutes(15))

    assert (again, again.status) == (first, "CANCELLED")


# Another request


BODY: Final[dict[str, Any]] = {
    "client_name": "Kim Lee",
    "client_email": "kim@example.com",
    "client_phone": "+61 400 000 000",
    "notes_client": "Please ring.",
    "notes_internal": "Regular.",
    "metadata": {"a": [1, {"b": None}]},
    "party_size": 2,
}

OTHER_BODIES: Final[dict[str, Any]] = {
    "client_name": ["Kim Li", "kim lee", "Kim Lee "],
    "client_email": ["lee@example.com", ""],
    "client_phone": ["+61 400 000 001", ""],
    "notes_client": ["", "Please ring!"],
    "notes_internal": [""],
    "metadata": [
        None,
        {},
        {"a": [1, {"b": False}]},
        {"a": [True, {"b": None}]},
        {"a": [{"b": None}, 1]},
        {"a": {1, 2}},
        {"a": 10**5000},
        {1: 1, "a": 2},
    ],
    "party_size": [1, 3, "2", None, 10**5000],
    "start_at": [START + DAY, START + minutes(1)],
    "expires_at": [NOW + minutes(15)],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # Without the value, which may be too long for an integer to be written.
        pytest.param(name, value, id=f"{name}-{number}")
        for name, values in OTHER_BODIES.items()
        for number, value in enumerate(values)
    ],
)
def test_a_key_belongs_to_one_request(book: Book, group: Any, name: str, value: Any) -> None:
    body = {"service": group, "idempotency_key": "order-1"} | BODY
    first = book(**body)

    with nothing_written(), pytest.raises(IdempotencyKeyReused) as refused:
        book(**body | {name: value})

    assert refused.value.code == "idempotency_key_reused"
    assert book(**body) == first


def test_a_key_belongs_to_what_it_has_booked(
    book: Book, other_provider: Any, make_service: Make, make_addon: Make, user: Any, staff: Any
) -> None:
    addons = [make_addon(name=name).pk for name in ("Tea", "Towel")]
    given: dict[str, Any] = {
        "idempotency_key": "order-1",
        "addon_ids": addons,
        "client_user": user,
        "created_by": staff,
    }
    first = book(**given)

    for different in (
        {"provider": other_provider},
        {"service": make_service()},
        {"addon_ids": addons[:1]},
        {"addon_ids": []},
        {"addon_ids": None},
        {"client_user": staff},
        {"client_user": None},
        {"created_by": user},
        {"created_by": None},
    ):
        with nothing_written(), pytest.raises(IdempotencyKeyReused):
            book(**given | different)
    with nothing_written():
        for same in (iter(addons), addons[::-1], [str(key) for key in addons]):
            assert book(**given | {"addon_ids": same}) == first


def test_how_a_request_is_written_does_not_matter(book: Book) -> None:
    first = book(idempotency_key="order-1", metadata={"a": 1, "b": {"c": 2, "d": 3}})
    there = START.astimezone(ZoneInfo("Australia/Brisbane"))
    with nothing_written():
        again = book(
            idempotency_key="order-1", metadata={"b": {"d": 3, "c": 2}, "a": 1}, start_at=there
        )
    assert again == first


@pytest.mark.parametrize("flag", ["override_policy", "skip_slot_validation", "allow_past"])
def test_what_is_to_be_checked_is_no_part_of_the_request(book: Book, flag: str) -> None:
    first = book(idempotency_key="order-1")
    assert book(idempotency_key="order-1", **{flag: True}) == first


def test_a_booking_that_was_saved_directly_has_no_request(
    booking: Booking, service: Any, provider: Any
) -> None:
    saved = Booking(
        service=service,
        provider=provider,
        client_name="Mary",
        start_at=START + DAY,
        end_at=START + DAY + minutes(60),
        idempotency_key="order-1",
    )
    saved.save()
    with nothing_written(), pytest.raises(IdempotencyKeyReused):
        create_booking(
            service=service,
            provider=provider,
            client_name="Mary",
            start_at=START + DAY,
            idempotency_key="order-1",
            now_dt=NOW,
        )


# Holds


@pytest.fixture
def hold_again(service: Any, provider: Any) -> Book:
    given = {"service": service, "provider": provider, "start_at": START}
    return lambda **values: hold_booking(
        **({**given, "idempotency_key": "order-1", "now_dt": NOW} | values)
    )


@pytest.mark.parametrize("after", [0, 1, 14])
def test_a_hold_is_repeated_within_its_minutes(hold_again: Book, after: int) -> None:
    first = hold_again(hold_minutes=15)
    with nothing_written():
        assert hold_again(hold_minutes=15, now_dt=NOW + minutes(after)) == first


def test_a_hold_that_ends_at_its_start_is_repeated(hold_again: Book) -> None:
    near = START - minutes(20)
    for length in (15, 60):
        key = f"order-{length}"
        first = hold_again(idempotency_key=key, hold_minutes=length, now_dt=near)
        again = hold_again(idempotency_key=key, hold_minutes=length, now_dt=near + minutes(10))
        assert again == first
        cancel_booking(first, now_dt=near)


@pytest.mark.parametrize(
    "values", [{"hold_minutes": 16}, {"hold_minutes": 14}, {"client_name": "Kim"}]
)
def test_another_hold_is_refused(hold_again: Book, values: Any) -> None:
    hold_again(hold_minutes=15)
    with nothing_written(), pytest.raises(IdempotencyKeyReused):
        hold_again(**values)


def test_a_hold_and_a_booking_are_two_requests(
    hold_again: Book, book: Book, service: Any, provider: Any
) -> None:
    hold_again(client_name="Mary")
    with nothing_written(), pytest.raises(IdempotencyKeyReused):
        book(client_name="Mary", idempotency_key="order-1")


@pytest.mark.parametrize("is_swept", [False, True])
def test_an_expired_hold_gives_its_key_to_the_same_request(
    hold_again: Book, is_swept: bool
) -> None:
    first = hold_again()
    later = NOW + minutes(15)
    if is_swept:
        expire_booking(first, now_dt=later)

    second = hold_again(now_dt=later)

    assert (second.pk != first.pk, second.status) == (True, "PENDING")
    assert second.expires_at == later + minutes(15)
    assert (stored(first).status, stored(first).idempotency_key) == ("CANCELLED", None)
    assert hold_again(now_dt=later + minutes(1)) == second
    with nothing_written(), pytest.raises(IdempotencyKeyReused):
        hold_again(now_dt=later, client_name="Kim")


def test_an_expired_hold_keeps_its_key_from_another_request(hold_again: Book) -> None:
    expire_booking(hold_again(), now_dt=NOW + minutes(15))
    with nothing_done(), pytest.raises(IdempotencyKeyReused):
        hold_again(start_at=START + DAY, now_dt=NOW + minutes(15))


def test_an_expired_request_gives_its_key_to_the_same_request(
    book: Book, make_service: Make, settings: Any
) -> None:
    settings.BOOKINGS_APPROVAL_DEADLINE_HOURS = 1
    asking = make_service(name="Surgery", requires_approval=True)
    first = book(service=asking, idempotency_key="order-1")
    assert book(service=asking, idempotency_key="order-1", now_dt=NOW + minutes(59)) == first
    second = book(service=asking, idempotency_key="order-1", now_dt=NOW + minutes(60))
    assert second != first
    assert stored(first).status == "CANCELLED"


def test_a_submitted_hold_keeps_its_key(hold_again: Book) -> None:
    first = hold_again()
    submit_hold(first, client_name="Mary", now_dt=NOW)
    assert hold_again(now_dt=NOW + DAY) == first


# The key


@pytest.mark.parametrize("other", LOOK_ALIKES)
def test_a_key_that_only_looks_alike_is_another(book: Book, group: Any, other: str) -> None:
    first = book(service=group, idempotency_key=LOOK_ALIKE, client_name="Mary")
    second = book(service=group, idempotency_key=other, client_name="Martha")

    assert second != first
    assert book(service=group, idempotency_key=LOOK_ALIKE, client_name="Mary") == first
    assert book(service=group, idempotency_key=other, client_name="Martha") == second


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
    monkeypatch.setattr(
        "bookings.services.booking_creation.find_replay", lambda *args, **kwargs: None
    )

    with nothing_written(), pytest.raises(IdempotencyKeyReused):
        book(idempotency_key="order-1")


@pytest.mark.parametrize(
    ("rows", "expected"), [([(1,)], nullcontext()), ([(1,), (2,)], pytest.raises(RetryTransaction))]
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
        idempotency.check_key_is_unique(Booking(idempotency_key="order-1"), using="default")
    assert manager.using.return_value.filter.call_args.kwargs == {
        "tenant_id__isnull": True,
        "idempotency_key__in": ["order-1"],
    }
