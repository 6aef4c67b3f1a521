"""A booking by itself: its reference, its window, and what it says of itself to a form."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from bookings.models import Booking
from tests.core.conftest import Book
from tests.core.moments import NOW, at


def test_a_reference_has_the_year_and_eight_characters_that_nobody_misreads() -> None:
    references = {Booking.generate_reference(NOW) for _ in range(500)}
    assert len(references) == 500
    for reference in references:
        assert re.fullmatch(r"BK-2131-[0-9A-HJKMNP-TV-Z]{8}", reference)


def test_all_characters_of_the_alphabet_are_used() -> None:
    used = {letter for _ in range(500) for letter in Booking.generate_reference(NOW)[8:]}
    assert "".join(sorted(used)) == "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_a_reference_is_of_this_year_unless_it_is_told_another() -> None:
    before = datetime.now(UTC).year
    assert int(Booking.generate_reference()[3:7]) in {before, before + 1}


def test_a_booking_is_called_by_its_reference() -> None:
    assert str(Booking(reference="BK-2131-0000TEST")) == "BK-2131-0000TEST"


def test_the_busy_window_includes_the_buffers() -> None:
    booking = Booking(
        start_at=at(10), end_at=at(11), buffer_before_minutes=15, buffer_after_minutes=30
    )
    assert booking.busy_window() == (at(9, 45), at(11, 30))


@pytest.fixture
def draft(service: Any, provider: Any) -> Booking:
    return Booking(
        service=service,
        provider=provider,
        client_name="Joan",
        start_at=at(10),
        end_at=at(11),
        capacity_consumed=1,
    )


def validation_errors(booking: Booking) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        booking.full_clean()
    return caught.value.message_dict


def test_a_sound_booking_has_nothing_to_complain_of(draft: Booking) -> None:
    draft.full_clean()


def test_a_naive_instant_is_refused(draft: Booking) -> None:
    draft.start_at = datetime(2131, 3, 6, 10)  # noqa: DTZ001 - the point of the test
    draft.end_at = datetime(2131, 3, 6, 11)  # noqa: DTZ001
    with pytest.raises(ValidationError) as caught:
        draft.clean()
    assert caught.value.message_dict == {
        "start_at": ["start_at must be timezone-aware."],
        "end_at": ["end_at must be timezone-aware."],
    }


@pytest.mark.parametrize("length", [0, -1])
def test_an_end_comes_after_the_start(draft: Booking, length: int) -> None:
    draft.end_at = draft.start_at + timedelta(minutes=length)
    assert validation_errors(draft) == {"end_at": ["End time must be after start time."]}


def test_a_party_takes_at_least_its_own_capacity(draft: Booking, group_service: Any) -> None:
    draft.service, draft.party_size = group_service, 2
    assert validation_errors(draft) == {
        "capacity_consumed": ["Capacity consumed cannot be below party size."],
    }


def test_a_party_needs_a_service_that_is_shared(draft: Booking) -> None:
    draft.party_size = draft.capacity_consumed = 2
    assert validation_errors(draft) == {
        "party_size": [
            "Party size must be 1 for services that do not allow multiple clients per slot."
        ]
    }


@pytest.mark.parametrize(
    "name", ["start_at", "end_at", "party_size", "capacity_consumed", "service", "provider"]
)
def test_what_is_empty_is_told_by_its_field(draft: Booking, name: str) -> None:
    setattr(draft, name, None)
    assert validation_errors(draft).keys() == {name}


def test_a_service_that_does_not_exist_is_told_by_its_field(draft: Booking) -> None:
    draft.service_id = 10**6
    assert validation_errors(draft).keys() == {"service"}


def test_without_tenancy_a_booking_needs_no_tenant(draft: Booking) -> None:
    assert draft.tenant is None
    draft.clean()


def test_taking_over_makes_equal(book: Book, other_provider: Any) -> None:
    booking = book()
    assert booking.provider.name == "Ada"
    assert list(Booking.objects.prefetch_related("events")) == [booking]
    [stale] = Booking.objects.prefetch_related("events").select_related("provider")
    Booking._base_manager.filter(pk=booking.pk).update(
        provider=other_provider, status="COMPLETED", version=7
    )
    stale.events.model._base_manager.all().delete()
    stale.copy_from(Booking.objects.get(pk=booking.pk))
    assert (stale.provider, stale.status, stale.version) == (other_provider, "COMPLETED", 7)
    assert list(stale.events.all()) == []


def test_taking_over_makes_a_draft_a_saved_booking(book: Book, draft: Booking) -> None:
    booking = book()
    draft.copy_from(booking)
    assert draft == booking
    assert not draft._state.adding
    assert draft._state.db == booking._state.db


def test_references_are_unique(book: Book) -> None:
    booking, other = book(at(10)), book(at(12))
    with pytest.raises(IntegrityError), transaction.atomic():
        Booking.objects.filter(pk=other.pk).update(reference=booking.reference)


def test_idempotency_keys_are_unique_where_they_are_given(book: Book) -> None:
    booking, other = book(at(10)), book(at(12))
    assert booking.idempotency_key is other.idempotency_key is None
    Booking.objects.filter(pk=booking.pk).update(idempotency_key="once")
    assert Booking.objects.get(idempotency_key="once") == booking


def test_bookings_are_listed_by_their_start(book: Book) -> None:
    later, sooner = book(at(12)), book(at(10))
    assert list(Booking.objects.all()) == [sooner, later]


def test_what_is_not_saved_cannot_be_deleted(draft: Booking) -> None:
    with pytest.raises(ValueError, match="can't be deleted"):
        draft.delete()


@pytest.mark.parametrize("name", ["tenant", "service", "provider", "busy_interval", "created_by"])
def test_the_database_refuses_a_reference_to_nothing(book: Book, name: str) -> None:
    """Also of a booking without an idempotency key, which MySQL can be made to overlook."""
    row = Booking._base_manager.filter(pk=book().pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        row.update(**{f"{name}_id": 10**6}) and connection.check_constraints()


@pytest.mark.parametrize("status", ["XX", "", None])
def test_a_status_that_there_is_not_is_said_to_a_form(draft: Booking, status: Any) -> None:
    draft.__dict__["status"] = status
    assert validation_errors(draft) == {"status": [f"Value {status!r} is not a valid choice."]}


@pytest.mark.parametrize("name", ["price_amount", "total_amount"])
@pytest.mark.parametrize(
    ("amount", "currency"),
    [("1.555", "EUR"), ("1.5", "JPY"), (Decimal("0.001"), "eur")],
)
def test_an_amount_that_nobody_can_pay_is_said_to_a_form(
    draft: Booking, name: str, amount: Any, currency: str
) -> None:
    setattr(draft, name, amount)
    draft.currency = currency
    (message,) = validation_errors(draft)[name]
    assert f"amounts in {currency} have at most" in message


@pytest.mark.parametrize(("amount", "currency"), [("1.555", "KWD"), (0, "JPY"), (None, "EUR")])
def test_an_amount_that_can_be_paid_is_not(draft: Booking, amount: Any, currency: str) -> None:
    draft.price_amount, draft.currency = amount, currency
    draft.full_clean()


@pytest.mark.parametrize(
    ("amount", "currency", "field"),
    [("much", "EUR", "price_amount"), ("1.555", "EURO", "currency")],
)
def test_what_is_no_amount_or_no_currency_its_field_says_alone(
    draft: Booking, amount: Any, currency: str, field: str
) -> None:
    draft.price_amount, draft.currency = amount, currency
    assert validation_errors(draft).keys() == {field}
