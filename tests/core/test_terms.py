"""What an app agrees on for a booking is asked once, and stored with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import extensions, terms
from bookings.exceptions import InvalidBooking, NotAllowed
from bookings.models import Booking
from bookings.services import reschedule_booking, update_booking
from tests.core.conftest import Book
from tests.core.moments import NOW, at
from tests.core.test_query_counts import CREATE, statements
from tests.extensions import extension, unregister_all

pytestmark = pytest.mark.django_db

Register = Callable[[str, Any], None]


@pytest.fixture(autouse=True)
def register(monkeypatch: pytest.MonkeyPatch) -> Register:
    unregister_all(monkeypatch)
    return lambda name, author: extensions.register(extension(name, terms=author))


def test_what_an_author_says_is_stored_under_its_name(book: Book, register: Register) -> None:
    register("deposits", lambda booking, using: {"percent": 20})
    register("pets", lambda booking, using: {"dogs": False})
    stored = Booking.objects.get(pk=book().pk)
    assert stored.terms == {"deposits": {"percent": 20}, "pets": {"dogs": False}}
    assert terms.of(stored, "deposits") == {"percent": 20}
    assert terms.of(stored, "cats") is None


def test_without_an_author_there_are_no_terms(book: Book) -> None:
    booking = book()
    booking.refresh_from_db()
    assert booking.terms is None
    assert terms.of(booking, "deposits") is None


def test_an_author_may_have_nothing_to_say(book: Book, register: Register) -> None:
    register("deposits", lambda booking, using: None)
    assert book().terms is None


def test_an_author_sees_the_booking_and_where_it_goes(book: Book, register: Register) -> None:
    seen: list[Any] = []

    def author(booking: Booking, *, using: str) -> None:
        seen.append((booking.start_at, booking.end_at, booking.pk, using))

    register("deposits", author)
    book(at(10))
    assert seen == [(at(10), at(11), None, "default")]


def test_an_author_may_refuse_the_booking(book: Book, register: Register) -> None:
    def author(booking: Booking, *, using: str) -> None:
        raise NotAllowed("Not without a deposit.")

    register("deposits", author)
    with pytest.raises(NotAllowed, match="Not without a deposit"):
        book()
    assert not Booking.objects.exists()


def test_what_is_no_json_is_refused(book: Book, register: Register) -> None:
    register("deposits", lambda booking, using: {"due": NOW})
    with pytest.raises(InvalidBooking, match="terms cannot be stored as JSON"):
        book()


def test_terms_cost_no_statement(book: Book, register: Register) -> None:
    book(at(9))
    register("deposits", lambda booking, using: {"percent": 20})
    with CaptureQueriesContext(connection) as captured:
        book(at(10))
    assert len(statements(captured)) == CREATE


def test_a_replay_asks_nobody(book: Book, register: Register) -> None:
    asked: list[Any] = []
    register("deposits", lambda booking, using: asked.append(booking))
    first = book(idempotency_key="once")
    assert book(idempotency_key="once") == first
    assert len(asked) == 1


def test_later_changes_keep_the_terms(book: Book, register: Register) -> None:
    percent = [20]
    register("deposits", lambda booking, using: {"percent": percent[0]})
    booking = book()
    percent[0] = 50
    reschedule_booking(booking, new_start_at=at(14), now_dt=NOW)
    update_booking(booking, client_phone="555", now_dt=NOW)
    booking.notes_internal = "Prefers mornings."
    booking.save()
    assert Booking.objects.get().terms == {"deposits": {"percent": 20}}


def test_a_booking_that_is_saved_by_hand_has_terms_too(draft: Booking, register: Register) -> None:
    register("deposits", lambda booking, using: {"percent": 20})
    draft.client_name = "Joan"
    draft.save()
    assert Booking.objects.get().terms == {"deposits": {"percent": 20}}


def test_an_import_may_bring_its_terms(draft: Booking, register: Register) -> None:
    register("deposits", lambda booking, using: {"percent": 20})
    draft.client_name, draft.terms = "Joan", {"deposits": {"percent": 10}}
    draft.save()
    assert Booking.objects.get().terms == {"deposits": {"percent": 10}}


def test_bookings_of_one_call_are_asked_about_once_if_the_author_sees_no_difference(
    draft: Booking,
) -> None:
    asked: list[str] = []

    def deposits(booking: Booking, using: str) -> Any:
        asked.append("deposits")
        return {"percent": 20}

    def pets(booking: Booking, using: str) -> Any:
        asked.append("pets")

    alike = extension("deposits", terms=deposits)
    type(alike).terms_vary_with = ("service_id",)
    extensions.register(alike)
    extensions.register(extension("pets", terms=pets))
    bookings = [draft, Booking(service=draft.service, provider=draft.provider)]

    terms.collect_many(bookings, using="default")

    assert [booking.terms for booking in bookings] == [{"deposits": {"percent": 20}}] * 2
    assert sorted(asked) == ["deposits", "pets", "pets"]


def test_bookings_of_one_call_have_no_terms_if_no_author_has_any(draft: Booking) -> None:
    extensions.register(extension("pets", terms=lambda booking, using: None))
    terms.collect_many([draft], using="default")
    assert draft.terms is None
