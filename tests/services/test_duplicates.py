"""The duplicate guard: one client, nearly the same start, the same provider and service."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from bookings.exceptions import DuplicateBooking
from bookings.services import cancel_booking, reschedule_booking
from tests.services.clock import DAY, HOUR, NOW, SECOND, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import nothing_written, raw_rows

MARY = {
    "client_name": "Mary",
    "client_email": "mary@example.com",
    "client_phone": "0123",
}


@pytest.fixture(autouse=True)
def guard(settings: Any) -> None:
    settings.BOOKINGS_DUPLICATE_GUARD_MINUTES = 120


def is_refused(book: Book, **values: Any) -> bool:
    before = raw_rows()
    try:
        book(**values)
    except DuplicateBooking:
        assert raw_rows() == before
        return True
    return False


def test_a_duplicate_is_refused(book: Book) -> None:
    book(**MARY)

    with nothing_written(), pytest.raises(DuplicateBooking) as refused:
        book(**MARY, start_at=START + HOUR)

    assert refused.value.code == "duplicate"
    assert refused.value.messages == [
        "A similar booking already exists within the duplicate guard window."
    ]


@pytest.mark.parametrize(
    ("offset", "refused"),
    [
        (minutes(-120) - SECOND, False),
        (minutes(-120), True),
        (minutes(60), True),
        (minutes(120), True),
        (minutes(120) + SECOND, False),
    ],
)
def test_the_window_has_two_sides_and_includes_its_bounds(
    book: Book, offset: Any, refused: bool
) -> None:
    book(**MARY)

    assert is_refused(book, **MARY, start_at=START + offset) == refused


def test_the_guard_is_off_unless_it_is_set(book: Book, settings: Any) -> None:
    settings.BOOKINGS_DUPLICATE_GUARD_MINUTES = 0
    book(**MARY)

    assert book(**MARY, start_at=START + HOUR).pk


def test_the_same_account_is_the_same_client(book: Book, user: Any) -> None:
    book(client_name="Mary", client_email="mary@example.com", client_user=user)

    assert is_refused(
        book,
        client_name="M.",
        client_email="m@example.com",
        client_user=user,
        start_at=START + HOUR,
    )


def test_another_account_with_nothing_in_common_is_another_client(book: Book, user: Any) -> None:
    book(**MARY, client_user=user)
    other = get_user_model().objects.create_user("another")

    assert not is_refused(book, client_name="Mary", client_user=other, start_at=START + HOUR)
    assert is_refused(book, **MARY, client_user=other, start_at=START + 2 * HOUR)


def test_a_guest_who_has_an_account_now_is_the_same_client(book: Book, user: Any) -> None:
    book(client_name="Mary", client_email="mary@example.com")

    assert is_refused(
        book,
        client_name="Mary Major",
        client_email="MARY@example.com",
        client_user=user,
        start_at=START + HOUR,
    )


@pytest.mark.parametrize(("name", "refused"), [("KIM LEE", True), ("Kim L.", False)])
def test_a_name_counts_where_there_is_nothing_else(book: Book, name: str, refused: bool) -> None:
    book(client_name="Kim Lee")

    assert not is_refused(book, client_name="Kim Lee", client_phone="0123", start_at=START - HOUR)
    assert is_refused(book, client_name=name, start_at=START + HOUR) == refused


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({"client_email": "mary@example.com"}, True),
        ({"client_email": "MARY@EXAMPLE.COM", "client_phone": "9"}, True),
        ({"client_email": "other@example.com", "client_phone": "0123"}, True),
        ({"client_email": "other@example.com", "client_phone": "9"}, False),
        ({"client_phone": "01 23"}, True),
        ({"client_phone": "9"}, False),
        ({"client_name": "Mary"}, False),
    ],
)
def test_a_client_is_known_by_e_mail_or_phone(
    book: Book, values: dict[str, Any], refused: bool
) -> None:
    book(**MARY)

    values = {"client_name": "Somebody"} | values
    assert is_refused(book, **values, start_at=START + HOUR) == refused


def test_an_e_mail_address_is_no_pattern(book: Book) -> None:
    book(client_name="Mary", client_email="mary_1@example.com")

    assert not is_refused(
        book, client_name="Mary", client_email="maryx1@example.com", start_at=START + HOUR
    )
    assert is_refused(
        book, client_name="Mary", client_email="Mary_1@example.com", start_at=START + 2 * HOUR
    )


def test_another_service_is_no_duplicate(book: Book, make_service: Make) -> None:
    book(**MARY)

    assert book(**MARY, service=make_service(), start_at=START + HOUR).pk


def test_another_provider_is_no_duplicate(book: Book, other_provider: Any) -> None:
    book(**MARY)

    assert book(**MARY, provider=other_provider).pk


def test_a_cancelled_booking_is_no_duplicate(book: Book) -> None:
    cancel_booking(book(**MARY), now_dt=NOW)

    assert book(**MARY).pk


def test_a_hold_that_has_run_out_is_no_duplicate(book: Book) -> None:
    """The client who comes back to an abandoned checkout is not turned away."""
    book(**MARY, expires_at=NOW + minutes(15))

    assert is_refused(book, **MARY, start_at=START + HOUR)
    assert book(**MARY, start_at=START + HOUR, now_dt=NOW + minutes(15)).pk


def test_a_booking_that_is_moved_is_not_its_own_duplicate(book: Book) -> None:
    booking = book(**MARY)

    reschedule_booking(booking, new_start_at=START + HOUR, now_dt=NOW)

    assert booking.start_at == START + HOUR


def test_a_booking_cannot_be_moved_next_to_a_duplicate(book: Book) -> None:
    book(**MARY)
    other = book(**MARY, start_at=START + DAY)

    with nothing_written(), pytest.raises(DuplicateBooking):
        reschedule_booking(other, new_start_at=START + HOUR, now_dt=NOW)


def test_a_booking_can_be_moved_next_to_a_hold_that_has_run_out(book: Book) -> None:
    book(**MARY, expires_at=NOW + minutes(15))
    other = book(**MARY, start_at=START + DAY)

    reschedule_booking(other, new_start_at=START + HOUR, now_dt=NOW + minutes(15))

    assert other.start_at == START + HOUR
