"""By what one client is known where there can be only one."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Concat

from bookings import extensions
from bookings.models import Booking, client_identity
from bookings.rules import clients
from bookings.services import cancel_booking, update_booking
from tests.core.conftest import Book
from tests.core.moments import NOW, at

SUPPORTS_TARGET = connection.features.supports_update_conflicts_with_target
KIM = {"client_name": "Kim Lee", "client_email": "", "client_phone": "", "client_user_id": None}


def known_by(**values: Any) -> list[tuple[str, str]]:
    return clients.identifiers(Booking(**(KIM | values)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"client_user_id": 1}, {"client_user_id": 1, "client_name": "Bo"}),
        (
            {"client_user_id": 1, "client_email": "kim@example.com"},
            {"client_email": "Kim@Example.COM"},
        ),
        (
            {"client_user_id": 1, "client_email": "kim@example.com"},
            {"client_user_id": 2, "client_email": "kim@example.com"},
        ),
        ({"client_email": "a@example.com", "client_phone": "12"}, {"client_phone": "1 2"}),
        (
            {"client_email": "a@example.com", "client_phone": "12"},
            {"client_email": "b@example.com", "client_phone": "12"},
        ),
        ({"client_phone": "12"}, {"client_phone": "12", "client_name": "Bo"}),
        ({}, {"client_name": "KIM LEE"}),
        ({}, {"client_name": " kim   lee\t"}),
        ({"client_phone": "n/a"}, {"client_phone": "-"}),
        ({"client_name": "ÉMILE Ångström"}, {"client_name": "émile ÅNGSTRÖM"}),
        ({"client_name": "Straße"}, {"client_name": "STRASSE"}),
    ],
    ids=str,
)
def test_the_same_client_has_an_identifier_in_common(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert set(known_by(**one)) & set(known_by(**other))
    locks = [set(client_identity.lock_keys(Booking(**(KIM | who)))) for who in (one, other)]
    assert locks[0] & locks[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"client_user_id": 1}, {"client_user_id": 2}),
        ({"client_user_id": 1}, {"client_phone": "1"}),
        ({"client_user_id": 1}, {}),
        ({"client_email": "kim@example.com"}, {}),
        ({"client_email": "kim@example.com"}, {"client_email": "kim@example.org"}),
        ({"client_email": "kim@example.com"}, {"client_phone": "12"}),
        ({"client_phone": "12"}, {}),
        ({"client_phone": "12"}, {"client_phone": "1-3"}),
        ({"client_name": "12"}, {"client_phone": "12"}),
        ({}, {"client_name": "Kim Leé"}),
        ({}, {"client_name": "KimLee"}),
        ({}, {"client_name": "Kim"}),
    ],
    ids=str,
)
def test_different_clients_have_none(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not set(known_by(**one)) & set(known_by(**other))
    digests = [client_identity.digest(Booking(**(KIM | who))) for who in (one, other)]
    assert digests[0] != digests[1]


def test_the_strongest_identifier_is_the_key() -> None:
    guest = Booking(client_email="KIM@example.com", client_name="Kim")
    assert client_identity.digest(guest) == client_identity.digest(
        Booking(client_email="kim@example.com", client_phone="12")
    )


def test_nobody_has_no_key() -> None:
    assert client_identity.digest(Booking()) is None
    assert client_identity.lock_keys(Booking()) == []
    assert Booking().client_lookup == ""
    assert Booking.client_lookup.field is Booking._meta.get_field("client_lookup")


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("030 1234567", "0301234567"),
        ("030/123-45.67", "0301234567"),
        ("(030) 123 45 67", "0301234567"),
        ("030\u00a0123\u20114567", "0301234567"),
        (" +49 30 1234567 ", "49301234567"),
        ("0049 30 1234567", "49301234567"),
        ("+49 (0)30 1234567", "49301234567"),
        ("0049 ( 0 ) 30 1234567", "49301234567"),
        ("(0) 30 1234567", "0301234567"),
        ("+1-800-FLOWERS", "1800flowers"),
        ("5551234 ext. 7", "5551234ext7"),
        ("\uff0b\uff14\uff19 30", "4930"),
        ("1 (555) 010-9999", "15550109999"),
        ("+1 555 010 9999", "15550109999"),
        ("\u0660\u0661\u0662", "012"),
        ("", ""),
        ("n/a", ""),
        ("+", ""),
        ("00", ""),
        ("unknown", ""),
        (None, ""),
        (5, ""),
    ],
)
def test_a_phone_number_has_one_spelling(written: Any, number: str) -> None:
    assert clients.normalize_phone(written) == number


def test_a_value_of_a_wrong_type_is_left_to_the_validation() -> None:
    wrong = Booking(client_name=["Kim"], client_email=5, client_phone=5)
    assert clients.identifiers(wrong) == []
    with pytest.raises(ValidationError):
        wrong.clean_fields()


# In the database


def others_of(who: Booking) -> list[str]:
    found = Booking.objects.filter(client_identity.same_client(who)).exclude(pk=who.pk)
    return [booking.client_name for booking in found.order_by("pk")]


@pytest.mark.django_db
def test_whatever_is_in_common_finds_the_same_client(book: Book, user: Any) -> None:
    book(at(8), client_name="Guest", client_email="Kim@Example.com")
    book(at(9), client_name="Caller", client_phone="0123 456")
    book(at(10), client_name="Member", client_user=user)
    book(at(11), client_name="Kim")
    book(at(12), client_name="Ann", client_email="ann@example.com", client_phone="999")
    everything = {"client_email": "kim@example.com", "client_phone": "(0123) 456"}

    member = book(at(13), client_name="Kim", client_user=user, **everything)
    assert others_of(member) == ["Guest", "Caller", "Member"]
    assert others_of(Booking(client_name="KIM")) == ["Kim"]
    assert others_of(Booking(client_name="Ann")) == []
    assert others_of(Booking()) == []
    assert list(Booking.objects.for_client(phone="0123-456").order_by("pk")) == [
        Booking.objects.get(client_name="Caller"),
        member,
    ]
    assert not Booking.objects.for_client(phone="n/a").exists()


@pytest.mark.django_db
def test_names_are_compared_in_every_alphabet(book: Book) -> None:
    book(at(8), client_name="Zoë Ångström")
    assert others_of(Booking(client_name="ZOË ÅNGSTRÖM")) == ["Zoë Ångström"]
    assert others_of(Booking(client_name="Zoe Angstrom")) == []


@pytest.mark.django_db
@pytest.mark.parametrize("written", ["kim@BÜCHER.example", "Kim@bücher.example"])
def test_an_address_is_compared_without_case_in_every_alphabet(book: Book, written: str) -> None:
    book(at(8), client_name="Kim", client_email=written)
    for other in ("kim@bücher.example", "KIM@BÜCHER.EXAMPLE"):
        assert others_of(Booking(client_name="Kim", client_email=other)) == ["Kim"]
    assert others_of(Booking(client_name="Kim", client_email="kim@buecher.example")) == []


def assert_lookup(booking: Booking, **values: Any) -> None:
    """Assert that the stored lookup is that of a client with these values."""
    stored = Booking.objects.filter(pk=booking.pk).values_list("client_lookup", flat=True).get()
    assert stored == client_identity.lookup_digest(Booking(**(KIM | values)))


@pytest.mark.django_db
def test_the_lookup_follows_every_way_of_writing(book: Book) -> None:
    booking = book(at(8), client_name="Kim Lee")
    assert_lookup(booking)
    update_booking(booking, client_phone="0123", now_dt=NOW)
    assert_lookup(booking, client_phone="01 23")
    booking.client_phone = "0456"
    booking.save()
    assert_lookup(booking, client_phone="0456")
    booking.client_phone = "0789"
    booking.save(update_fields=["client_phone"])
    assert_lookup(booking, client_phone="0789")
    booking.notes_internal = "Called."
    booking.save(update_fields=["notes_internal"])
    update_booking(booking, client_phone="", client_email="kim@example.com", now_dt=NOW)
    assert_lookup(booking, client_email="kim@example.com")
    update_booking(booking, client_email="", now_dt=NOW)
    assert_lookup(booking)


@pytest.fixture
def may_update_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a project without an app that refuses it."""
    for extension in extensions.registered():
        monkeypatch.setattr(type(extension), "guarded_fields", frozenset())


@pytest.mark.django_db
@pytest.mark.usefixtures("may_update_clients")
def test_a_bulk_update_of_clients_renews_the_lookups(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bookings.models.querysets.UPDATED_AT_ONCE", 2)
    rows = [book(at(8 + number), client_name=f"Kim {number}") for number in range(3)]
    for row in rows:
        row.client_phone = f"012 {row.pk}"
    assert Booking.objects.bulk_update(rows, ["client_phone"]) == 3
    for row in rows:
        assert_lookup(row, client_phone=f"012{row.pk}")
    assert Booking.objects.filter(client_phone="nobody's").update(client_phone="1") == 0
    assert Booking.objects.exclude(client_phone="").update(client_phone="") == 3
    Booking.objects.update(client_name=Concat(F("client_name"), Value(" Lee")))
    for number, row in enumerate(rows):
        assert_lookup(row, client_name=f"Kim {number} lee")


@pytest.mark.django_db
@pytest.mark.usefixtures("may_update_clients")
def test_an_upsert_of_clients_renews_the_lookups(book: Book) -> None:
    booking = cancel_booking(book(at(8), client_phone="0123"), now_dt=NOW)
    booking.client_phone = "0456"
    target = {"unique_fields": ["id"]} if SUPPORTS_TARGET else {}
    Booking.objects.bulk_create(
        [booking], update_conflicts=True, update_fields=["client_phone"], **target
    )
    assert_lookup(booking, client_phone="04 56")


@pytest.mark.django_db
def test_a_booking_that_is_loaded_from_a_file_has_its_lookup(book: Book) -> None:
    booking = book(at(8), client_phone="0123")
    written = serializers.serialize("python", [booking])
    written[0]["fields"]["client_lookup"] = ""
    for loaded in serializers.deserialize("python", written):
        loaded.save()
    assert_lookup(booking, client_phone="0123")


@pytest.mark.django_db
def test_a_deferred_lookup_is_computed(book: Book) -> None:
    booking = book(at(8), client_phone="0123")
    found = Booking.objects.only("reference").get(pk=booking.pk)
    assert found.client_lookup == booking.client_lookup != ""
    found.refresh_from_db(fields=["client_lookup"])
