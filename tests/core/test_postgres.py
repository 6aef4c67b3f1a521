"""On PostgreSQL a plain booking is one statement, and the same booking as in single steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from django.db.models.signals import post_save, pre_save
from django.test.utils import CaptureQueriesContext

from bookings import signals
from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import BookingConflict, MissingReference, NotAllowed
from bookings.ledger import postgres
from bookings.models import Booking, BookingEvent, BusyInterval, Calendar
from tests.core.conftest import Book
from tests.core.moments import at

pytestmark = pytest.mark.django_db(transaction=True)
IS_POSTGRES = connection.vendor == "postgresql"
only_postgres = pytest.mark.skipif(
    not IS_POSTGRES,
    reason="Only PostgreSQL runs INSERTs inside a WITH, so only there is a booking one statement.",
)

# What is new with each booking, or counts them.
OWN = {"id", "uuid", "reference", "busy_interval", "calendar", "created_at", "updated_at"}


def statements(action: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        action()
    return [query["sql"].split()[0] for query in captured]


@contextmanager
def in_steps() -> Iterator[None]:
    with patch.object(postgres, "can_insert", return_value=False):
        yield


def stored(booking: Booking) -> list[dict[str, Any]]:
    """Every column of a booking, its claim and its event that is not its own."""
    rows: list[Any] = [booking, booking.busy_interval, booking.events.get()]
    return [
        {
            field.name: field.value_from_object(row)
            for field in row._meta.concrete_fields
            if field.name not in OWN | {"booking"}
        }
        for row in rows
    ]


@only_postgres
def test_a_booking_is_one_statement_without_a_transaction_around_it(book: Book) -> None:
    book(at(9))
    assert statements(lambda: book(at(10))) == ["WITH"]


def test_both_ways_store_the_same(book: Book, calendar: Calendar, user: Any) -> None:
    details = {
        "client_user": user,
        "created_by": user,
        "client_email": "mary@example.com",
        "notes_client": "50 % more, 'quoted'; {braces}",
        "metadata": {"room": [1, None, "ä"]},
        "now_dt": at(1),
    }
    with in_steps():
        one = book(at(10), **details)
    one.refresh_from_db()
    first = stored(one)
    one.delete()

    other = book(at(10), **details)
    as_returned = stored(other)
    other.refresh_from_db()

    assert stored(other) == as_returned
    assert stored(other) == first
    assert Calendar.objects.get(pk=calendar.pk).revision == 3


def test_a_hold_is_a_booking_too(book: Book, calendar: Calendar) -> None:
    hold = book(at(10), expires_at=at(9))
    hold.refresh_from_db()
    assert hold.status == Booking.Status.PENDING
    assert hold.busy_interval.lapses == at(9).timestamp()


def test_what_is_returned_is_as_stored(book: Book, calendar: Calendar) -> None:
    booking = book(at(10))
    assert not booking._state.adding
    assert booking._state.db == "default"
    assert booking.busy_interval.bookings.get() == booking
    assert booking.version == booking.events.count() == 1


def test_a_conflict_leaves_nothing_behind(book: Book) -> None:
    book(at(10))
    before = Calendar.objects.get().revision
    with pytest.raises(BookingConflict):
        book(at(10))
    assert [model.objects.count() for model in (Booking, BookingEvent, BusyInterval)] == [1, 1, 1]
    assert Calendar.objects.get().revision == before


def test_a_conflict_leaves_the_callers_transaction_usable(book: Book) -> None:
    with transaction.atomic():
        book(at(10))
        with pytest.raises(BookingConflict):
            book(at(10))
        book(at(12))
    assert Booking.objects.count() == 2


def test_a_callers_rollback_takes_the_booking_along(book: Book, calendar: Calendar) -> None:
    told: list[Booking] = []

    def hear(booking: Booking, **kwargs: Any) -> None:
        told.append(booking)

    signals.booking_created.connect(hear)
    try:
        with transaction.atomic():
            book(at(10))
            transaction.set_rollback(True)
        assert not told
        assert not Booking.objects.exists()
        booking = book(at(10))
        assert told == [booking]
    finally:
        signals.booking_created.disconnect(hear)


@only_postgres
def test_without_autocommit_it_waits_for_the_callers_commit(book: Book, calendar: Calendar) -> None:
    transaction.set_autocommit(False)
    try:
        book(at(10))
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)
    assert not Booking.objects.exists()


def test_a_service_that_was_deleted_meanwhile(book: Book, service: Any, calendar: Calendar) -> None:
    type(service).objects.filter(pk=service.pk).delete()
    with pytest.raises(MissingReference):
        book(at(10))
    assert not Booking.objects.exists()
    assert not BusyInterval.objects.exists()


@only_postgres
@pytest.mark.parametrize("signal", [pre_save, post_save])
@pytest.mark.parametrize("model", [Booking, BookingEvent, BusyInterval])
def test_who_listens_to_rows_being_saved_hears_of_them(
    book: Book, calendar: Calendar, signal: Any, model: type[Any]
) -> None:
    heard: list[Any] = []

    def listen(instance: Any, **kwargs: Any) -> None:
        heard.append(instance)

    signal.connect(listen, sender=model)
    try:
        book(at(10))
    finally:
        signal.disconnect(listen, sender=model)
    assert [type(instance) for instance in heard] == [model]
    assert statements(lambda: book(at(12))) == ["WITH"]


@only_postgres
def test_what_has_to_be_looked_up_under_the_lock_takes_steps(
    book: Book, calendar: Calendar, service: Any, addon: Any, settings: Any
) -> None:
    assert "WITH" not in statements(lambda: book(at(0), idempotency_key="a"))
    assert "WITH" not in statements(lambda: book(at(4), addon_ids=[addon.pk]))
    settings.BOOKINGS_DUPLICATE_GUARD_MINUTES = 5
    assert "WITH" not in statements(lambda: book(at(8)))
    settings.BOOKINGS_DUPLICATE_GUARD_MINUTES = 0
    service.allow_multiple_clients_per_slot, service.capacity = True, 3
    assert "WITH" not in statements(lambda: book(at(12)))


class Forbidding(DefaultBookingAdapter):
    def check_permission(self, actor: Any, verb: str, booking: Booking) -> None:
        raise NotAllowed("Ask somebody else.")


def test_a_permission_is_asked_for_first(book: Book, calendar: Calendar, settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.Forbidding"
    with pytest.raises(NotAllowed):
        book(at(10))
    assert not Booking.objects.exists()


@only_postgres
def test_the_statement_has_few_enough_parameters_for_psycopg_to_keep_it(book: Book) -> None:
    """It parses a statement of more than 50 anew each time, which takes a tenth of a booking."""
    book()
    counts: list[int] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        counts.append(len(params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        book(
            start_at=at(15),
            client_name="Mary",
            client_email="mary@example.com",
            client_phone="123",
            notes_client="Late",
            notes_internal="VIP",
            metadata={"a": 1},
            location="Room 3",
            meeting_link="https://example.com",
            client_timezone="UTC",
        )

    (number,) = counts
    assert number <= 50
