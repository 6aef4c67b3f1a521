"""A booking keeps the names that its service and its provider had."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.exceptions import InvalidBooking, MissingReference
from bookings.integrity import find_problems, repair
from bookings.models import Booking, BookingEvent
from bookings.services import (
    confirm_booking,
    hold_booking,
    integrity_repairs,
    reschedule_booking,
    submit_hold,
    update_booking,
)
from tests.services.clock import DAY, NOW, START, minutes
from tests.services.conftest import Book, Make

LONG = "x" * 300


def names(booking: Booking) -> tuple[str, str]:
    """The stored names, which those of the object equal."""
    stored = Booking.objects.values_list("service_name", "provider_name").get(pk=booking.pk)
    assert stored == (booking.service_name, booking.provider_name)
    return stored


def rename(*rows: Any) -> None:
    for row in rows:
        row.name = f"Another {row.name}"
        row.save()


def past_booking(service: Any, provider: Any, **values: Any) -> Booking:
    given = {"start_at": START, "end_at": START + minutes(60), "status": "COMPLETED"}
    return Booking(service=service, provider=provider, client_name="Mary", **(given | values))


@pytest.mark.parametrize("values", [{}, {"idempotency_key": "order-1"}], ids=["one", "several"])
def test_a_booking_keeps_the_names_whatever_becomes_of_them(
    book: Book, service: Any, provider: Any, values: dict[str, Any]
) -> None:
    """With one statement and with several."""
    before = (service.name, provider.name)
    booking = book(**values)
    rename(service, provider)
    booking.refresh_from_db()
    confirm_booking(booking, now_dt=NOW)
    update_booking(booking, notes_client="!", now_dt=NOW)
    booking.notes_internal = "?"
    booking.save()
    reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)
    reschedule_booking(booking, new_start_at=START, new_provider=provider, now_dt=NOW)
    assert names(booking) == before


def test_a_hold_keeps_the_names_that_it_was_made_with(service: Any, provider: Any) -> None:
    before = (service.name, provider.name)
    hold = hold_booking(service=service, provider=provider, start_at=START, now_dt=NOW)
    rename(service, provider)
    submit_hold(hold, client_name="Mary", now_dt=NOW)
    assert names(hold) == before


def test_a_moved_booking_has_the_name_of_its_new_provider(
    book: Book, service: Any, other_provider: Any
) -> None:
    booking, before = book(), service.name
    rename(service)
    booking.refresh_from_db()
    reschedule_booking(booking, new_start_at=START, new_provider=other_provider, now_dt=NOW)
    assert names(booking) == (before, other_provider.name)


@pytest.mark.parametrize("update_fields", [None, ["provider"], ["provider_id"]])
def test_a_save_with_another_provider_has_its_name(
    book: Book, service: Any, other_provider: Any, update_fields: Any
) -> None:
    booking, before = book(), service.name
    rename(service)
    booking.provider = other_provider
    booking.save(update_fields=update_fields)
    assert names(booking) == (before, other_provider.name)
    data = booking.events.get(event_type=BookingEvent.EventType.RESCHEDULED).data
    assert not any("name" in key for key in data)


def test_a_save_with_another_service_has_its_name(book: Book, make_service: Make) -> None:
    booking = book()
    before = booking.provider_name
    booking.service = make_service(name="Sauna")
    booking.save()
    assert names(booking) == ("Sauna", before)


@pytest.mark.django_db(transaction=True)
def test_a_save_with_a_service_that_does_not_exist_is_refused(book: Book) -> None:
    booking = book()
    before = booking.service_name
    booking.service_id = 999_999
    with pytest.raises(MissingReference):
        booking.save()
    assert Booking.objects.get().service_name == before


@pytest.mark.django_db(transaction=True)
def test_a_new_booking_of_a_service_that_does_not_exist_is_refused(
    service: Any, provider: Any
) -> None:
    booking = past_booking(service, provider)
    booking.service_id = 999_999
    with pytest.raises((InvalidBooking, MissingReference)):
        booking.save()
    assert not Booking.objects.exists()


def test_a_name_can_be_corrected(book: Book) -> None:
    booking = book()
    before = booking.provider_name
    booking.service_name = LONG
    booking.save()
    assert names(booking) == (LONG[:255], before)


def test_a_name_that_is_removed_is_set_again(book: Book, service: Any) -> None:
    booking = book()
    rename(service)
    booking.service_name = ""
    booking.save()
    assert names(booking) == (service.name, booking.provider_name)


def test_a_name_that_no_database_can_store_is_refused(book: Book) -> None:
    booking = book()
    booking.service_name = "a\x00b"
    with pytest.raises(InvalidBooking):
        booking.save()


@pytest.mark.parametrize("is_bulk", [False, True], ids=["save", "bulk_create"])
@pytest.mark.parametrize("given", ["", "As it was", LONG], ids=["none", "one", "long"])
def test_an_import_keeps_the_names_that_it_gives(
    service: Any, provider: Any, is_bulk: bool, given: str
) -> None:
    booking = past_booking(service, provider, service_name=given)
    if is_bulk:
        Booking.objects.bulk_create([booking])
    else:
        booking.save()
    stored = Booking.objects.get()
    assert names(stored) == (given[:255] or service.name, provider.name)


def test_an_import_of_many_reads_their_names_at_once(
    service: Any, provider: Any, make_service: Make
) -> None:
    other = make_service(name="Sauna")
    rows = [
        Booking(
            service_id=key,
            provider_id=provider.pk,
            client_name="Mary",
            start_at=START,
            end_at=START + minutes(60),
            status="COMPLETED",
        )
        for key in (service.pk, other.pk, str(other.pk))
    ]
    with CaptureQueriesContext(connection) as captured:
        Booking.objects.bulk_create(rows)
    assert len([q for q in captured if q["sql"].startswith("SELECT")]) == 2
    assert list(Booking.objects.order_by("pk").values_list("service_name", flat=True)) == [
        service.name,
        "Sauna",
        "Sauna",
    ]


@pytest.mark.parametrize("is_saved", [False, True], ids=["create", "save"])
def test_a_name_that_is_too_long_is_cut(
    book: Book, service: Any, provider: Any, is_saved: bool
) -> None:
    with patch.object(type(service), "__str__", lambda _self: LONG):
        if is_saved:
            booking = past_booking(service, provider)
            booking.save()
        else:
            booking = book()
    assert names(booking) == (LONG[:255], provider.name)


def test_check_bookings_fills_the_names_that_loaddata_has_not(
    book: Book, provider: Any, other_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity_repairs, "NAMES_PER_STATEMENT", 2)
    for day in range(3):
        book(start_at=START + day * DAY)
    kept = book(provider=other_provider)
    Booking.objects.exclude(pk=kept.pk).update(service_name="", provider_name="")
    Booking.objects.filter(pk=kept.pk).update(provider_name="")
    rename(provider)

    problems = list(find_problems())
    assert [(problem.invariant, problem.message) for problem in problems] == [
        (6, "Bookings without the name of their service: 3."),
        (6, "Bookings without the name of their provider: 4."),
    ]
    assert [repair(problem) for problem in problems] == ["repaired", "repaired"]
    assert list(find_problems()) == []
    for booking in Booking.objects.all():
        assert names(booking) == (booking.service.name, booking.provider.name)


def test_an_object_without_a_name_is_no_problem(book: Book, service: Any) -> None:
    service.name = ""
    service.save()
    assert names(book()) == ("", "Ada")
    assert list(find_problems()) == []
