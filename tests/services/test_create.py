from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import transaction

from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import (
    BookingConflict,
    InvalidBooking,
)
from bookings.models import Booking, BookingEvent
from tests.services.clock import DAY, HOUR, MICROSECOND, NOW, SECOND, START, minutes
from tests.services.conftest import Book, Make, SentSignals
from tests.services.storage import (
    intervals,
    nothing_written,
    only_interval,
    rolled_back,
    stored,
)


def test_a_booking_lasts_as_long_as_its_service(booking: Booking, provider: Any) -> None:
    assert (booking.start_at, booking.end_at) == (START, START + HOUR)
    assert only_interval() == {
        "provider": provider.pk,
        "start_at": START,
        "end_at": START + HOUR,
        "seats": (1, 1),
    }


def test_it_is_confirmed_at_once(booking: Booking) -> None:
    assert (booking.status, booking.confirmed_at) == ("CONFIRMED", NOW)


def test_a_service_may_ask_for_approval(pending: Booking) -> None:
    assert (pending.status, pending.confirmed_at) == ("PENDING", None)
    assert pending.requires_approval
    assert len(intervals()) == 1


def test_a_hold_is_pending_until_it_expires(hold: Booking) -> None:
    assert (hold.status, hold.expires_at) == ("PENDING", NOW + minutes(15))
    assert not hold.requires_approval


def test_what_is_returned_is_what_is_stored(book: Book, user: Any, staff: Any) -> None:
    made = book(
        client_name="Mary",
        client_email="mary@example.com",
        client_phone="+43 1 234",
        client_user=user,
        created_by=staff,
        notes_client="Window seat, please.",
        notes_internal="VIP",
        metadata={"source": "web", "tags": [1, None]},
        idempotency_key="order-1",
    )

    read = stored(made)
    for field in Booking._meta.concrete_fields:
        if field.name != "updated_at":
            assert getattr(read, field.attname) == getattr(made, field.attname), field.name
    assert read.client_user == user
    assert read.created_by == staff
    assert read.metadata == {"source": "web", "tags": [1, None]}
    assert (read.created_at, read.version) == (NOW, 1)


def test_what_is_not_given_is_empty(booking: Booking) -> None:
    read = stored(booking)

    assert (read.client_email, read.client_phone, read.notes_client, read.notes_internal) == (
        "",
        "",
        "",
        "",
    )
    assert (read.client_user, read.created_by, read.idempotency_key) == (None, None, None)
    assert (read.metadata, read.tenant_id) == ({}, None)


def test_it_leaves_one_event(booking: Booking, service: Any, provider: Any) -> None:
    (event,) = BookingEvent.objects.all()

    assert event.event_type == "CREATED"
    assert event.created_at == NOW
    assert event.data == {
        "status": "CONFIRMED",
        "created_at": NOW.isoformat(),
        "start_at": START.isoformat(),
        "end_at": (START + HOUR).isoformat(),
        "service": service.pk,
        "provider": provider.pk,
    }


def test_the_event_names_who_made_it(book: Book, staff: Any) -> None:
    assert book(created_by=staff).events.get().actor_user == staff


def test_it_tells_of_it_once_it_is_committed(
    book: Book, sent_signals: SentSignals, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        made = book()
        assert sent_signals == []

    assert sent_signals == [("CREATED", made, made.events.get(), "default")]


def test_it_tells_of_nothing_that_was_rolled_back(
    book: Book, sent_signals: SentSignals, django_capture_on_commit_callbacks: Any
) -> None:
    with (
        nothing_written(),
        django_capture_on_commit_callbacks(execute=True),
        rolled_back(),
    ):
        book()

    assert sent_signals == []


def test_it_tells_of_nothing_that_was_refused(
    book: Book, booking: Booking, sent_signals: SentSignals, django_capture_on_commit_callbacks: Any
) -> None:
    with (
        django_capture_on_commit_callbacks(execute=True) as callbacks,
        pytest.raises(BookingConflict),
    ):
        book()

    assert (callbacks, sent_signals) == ([], [])


def test_a_reference_is_readable_and_of_its_year(booking: Booking) -> None:
    assert re.fullmatch(r"BK-2030-[0-9A-HJKMNP-TV-Z]{8}", booking.reference)


def test_a_reference_that_is_taken_is_made_anew(
    book: Book, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    references = iter([booking.reference, booking.reference, "SECOND"])
    monkeypatch.setattr(DefaultBookingAdapter, "generate_reference", lambda *args: next(references))

    assert book(start_at=START + DAY).reference == "SECOND"


@pytest.mark.parametrize("reference", ["", "x" * 33])
def test_a_reference_that_does_not_fit_is_refused(
    book: Book, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    monkeypatch.setattr(DefaultBookingAdapter, "generate_reference", lambda *args: reference)

    with nothing_written(), pytest.raises(InvalidBooking, match="reference of"):
        book()


def test_an_adapter_that_never_makes_a_new_reference_ends_in_an_error(
    book: Book, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DefaultBookingAdapter, "generate_reference", lambda *args: "SAME")
    book(start_at=START + DAY)

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(start_at=START + 2 * DAY)

    assert refused.value.code == "not_unique"


@pytest.mark.parametrize("offset", [-59, -30, 0, 30, 59])
def test_time_that_is_taken_is_refused(book: Book, booking: Booking, offset: int) -> None:
    with nothing_written(), pytest.raises(BookingConflict) as refused:
        book(start_at=START + minutes(offset), client_name="Martha")

    assert refused.value.messages == ["Booking conflicts with an existing booking."]
    assert refused.value.code == "conflict"


@pytest.mark.parametrize("offset", [-60, 60])
def test_bookings_may_touch(book: Book, booking: Booking, offset: int) -> None:
    assert book(start_at=START + minutes(offset)).pk


def test_another_providers_time_is_another_matter(
    book: Book, booking: Booking, other_provider: Any
) -> None:
    assert book(provider=other_provider).pk


def test_another_service_of_the_same_provider_is_in_the_way(
    book: Book, booking: Booking, make_service: Make
) -> None:
    with nothing_written(), pytest.raises(BookingConflict):
        book(service=make_service(duration_minutes=5), start_at=START + minutes(20))


@pytest.mark.parametrize(("offset", "free"), [(60, False), (74, False), (75, True)])
def test_buffers_of_both_sides_are_kept_free(
    book: Book, make_service: Make, offset: int, free: bool
) -> None:
    book(service=make_service(buffer_after_minutes=10))
    second = make_service(buffer_before_minutes=5)

    if free:
        assert book(service=second, start_at=START + minutes(offset)).pk
    else:
        with nothing_written(), pytest.raises(BookingConflict):
            book(service=second, start_at=START + minutes(offset))


def test_a_start_within_a_second_takes_that_second(book: Book) -> None:
    book(start_at=START + MICROSECOND)

    interval = only_interval()
    assert (interval["start_at"], interval["end_at"]) == (START, START + HOUR + SECOND)


def test_a_refusal_leaves_the_callers_transaction_usable(book: Book, booking: Booking) -> None:
    with transaction.atomic():
        with pytest.raises(BookingConflict):
            book()
        made = book(start_at=START + DAY)

    assert stored(made).pk


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"party_size": 2}, "party_size"),
        ({"party_size": 0}, "party_size"),
        ({"client_name": ""}, "client_name"),
        ({"client_name": None}, "client_name"),
        ({"client_email": "nobody"}, "client_email"),
        ({"start_at": START.replace(tzinfo=None)}, "start_at"),
    ],
)
def test_a_refusal_has_its_message_by_the_argument(
    book: Book, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidBooking) as refused:
        book(**values)
    assert list(refused.value.message_dict) == [field]
    assert refused.value.message_dict[field] == refused.value.messages
