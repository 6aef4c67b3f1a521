"""Rows that are written together are stored as ``bulk_create()`` stores them."""

from __future__ import annotations

from copy import copy
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import DataError, connection, transaction
from django.db.models import QuerySet, Value
from django.test.utils import CaptureQueriesContext

from bookings.models import Booking, bulk_rows, field_validation
from bookings.models.bulk_rows import copy_row, insert_rows
from bookings.rules.value_comparison import are_equal, differs
from tests.core.moments import NOW, at

HOUR = timedelta(hours=1)


class Text(str):
    """Text that is not exactly a ``str``."""


WRITTEN_NOW = {"id", "uuid", "updated_at", "reference"}


def drafts(service: Any, provider: Any, *changes: dict[str, Any]) -> list[Booking]:
    common = {
        "service": service,
        "provider": provider,
        "client_name": 'Zoë "\\" {1,2}',
        "client_email": "zoe@example.com",
        "start_at": at(10),
        "end_at": at(11),
        "created_at": NOW,
        "metadata": {"room": 1, "tags": ['a"b', None]},
        "price_amount": "12.500",
    }
    return [
        Booking(**(common | {"reference": f"R-{uuid4().hex[:8]}"} | change)) for change in changes
    ]


def stored_values(bookings: list[Booking]) -> list[dict[str, Any]]:
    names = [
        field.attname for field in Booking._meta.concrete_fields if field.name not in WRITTEN_NOW
    ]
    return [Booking.objects.values(*names).get(pk=booking.pk) for booking in bookings]


CHANGES: Any = (
    # One row, rows that differ in nothing but their keys, and rows that differ in each kind of
    # value.
    [{}],
    [{}, {}, {}],
    [{"start_at": at(12), "end_at": at(13)}, {}, {"notes_client": 'line\nNULL {"'}],
    [{"metadata": {"n": 1}}, {"metadata": {"n": True}}, {"metadata": {}}],
    [{"terms": None}, {"terms": {"a": [1.5, "ü"]}}],
    [{"price_amount": None}, {"price_amount": "0.125"}, {}],
    [{"idempotency_key": None}, {"idempotency_key": "k"}],
    [{"start_at": "2131-03-06T10:30:00+01:00"}, {}],
    [{"requires_approval": True, "expires_at": at(9)}, {}],
)


@pytest.mark.parametrize("changes", CHANGES)
def test_rows_are_stored_as_django_stores_them(
    service: Any, provider: Any, changes: list[dict[str, Any]]
) -> None:
    rows: QuerySet[Booking] = QuerySet(Booking)
    ours = drafts(service, provider, *changes)
    insert_rows(rows.using("default"), ours)
    if not connection.features.can_return_rows_from_bulk_insert:
        for booking in ours:
            booking.pk = Booking.objects.get(uuid=booking.uuid).pk
    values = stored_values(ours)
    assert [(row._state.adding, row._state.db) for row in ours] == [(False, "default")] * len(ours)
    Booking._base_manager.update(idempotency_key=None)
    theirs = drafts(service, provider, *changes)
    rows.bulk_create(theirs)
    for booking in theirs:
        booking.pk = Booking.objects.get(uuid=booking.uuid).pk
    assert values == stored_values(theirs)


@pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime")
def test_naive_datetimes_are_in_the_zone_of_the_project(
    service: Any, provider: Any, settings: Any
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    naive = at(10).replace(tzinfo=None)
    ours = drafts(service, provider, {"start_at": naive}, {"start_at": naive + HOUR / 2})
    insert_rows(QuerySet(Booking).using("default"), ours)
    stored = Booking.objects.order_by("start_at").values_list("start_at", flat=True)
    assert list(stored) == [at(9), at(9, 30)]


def test_the_keys_are_those_of_the_rows(service: Any, provider: Any) -> None:
    if not connection.features.can_return_rows_from_bulk_insert:
        pytest.skip("The database does not return the keys.")
    ours = drafts(service, provider, *({"start_at": at(9) + n * HOUR} for n in range(8)))
    insert_rows(QuerySet(Booking).using("default"), ours)
    assert [Booking.objects.get(pk=row.pk).uuid for row in ours] == [row.uuid for row in ours]


@pytest.mark.parametrize("name", ["client_phone", "pricing_type"])
def test_a_value_that_is_too_long_is_refused_and_not_cut(
    service: Any, provider: Any, name: str
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite does not limit the length of text.")
    for changes in ([{name: "9" * 65}, {name: "9" * 65}], [{name: "9" * 65}, {}]):
        with pytest.raises(DataError), transaction.atomic():
            insert_rows(QuerySet(Booking).using("default"), drafts(service, provider, *changes))


def test_what_all_rows_share_is_sent_once(service: Any, provider: Any) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("Only PostgreSQL takes the rows as a document.")
    with CaptureQueriesContext(connection) as queries:
        insert_rows(QuerySet(Booking).using("default"), drafts(service, provider, {}, {}, {}))
    assert queries[0]["sql"].count("zoe@example.com") == 1


def test_documents_are_compared_as_json() -> None:
    assert are_equal([{"n": 1}, {"n": 1}])
    assert not are_equal([{"n": 1}, {"n": True}])
    assert not are_equal([None, {}])
    assert are_equal(["a", "a"])
    assert not are_equal(["a", "b"])


def test_documents_do_not_differ_by_the_order_of_their_keys() -> None:
    first, again = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    assert not differs(first, again)
    assert not differs(again, first)


def test_what_is_no_json_differs_and_is_left_to_its_validation() -> None:
    assert differs({}, {"day": {1, 2}})


def test_only_the_very_object_that_was_cleaned_is_not_cleaned_again() -> None:
    known = field_validation.Cleaned()
    first, same, other = Booking(price_amount="5"), Booking(), Booking(price_amount="-1")
    same.price_amount = first.price_amount
    field_validation.clean_fields(first, ["price_amount"], known)
    field_validation.clean_fields(same, ["price_amount"], known)
    assert same.price_amount == first.price_amount != "5"
    with pytest.raises(field_validation.InvalidBooking):
        field_validation.clean_fields(other, ["price_amount"], known)


def test_a_document_that_has_changed_is_cleaned_again() -> None:
    known = field_validation.Cleaned()
    document: dict[Any, Any] = {}
    field_validation.clean_fields(Booking(metadata=document), ["metadata"], known)
    document[1] = 2
    with pytest.raises(field_validation.InvalidBooking):
        field_validation.clean_fields(Booking(metadata=document), ["metadata"], known)


@pytest.mark.parametrize(
    "other", [{"n": Decimal(1)}, {"n": float("nan")}, {"n": {1}}, {Text("n"): {1}}, {"n": "\x00"}]
)
def test_a_document_is_cleaned_unless_a_copy_of_it_was(
    monkeypatch: pytest.MonkeyPatch, other: dict[Any, Any]
) -> None:
    known = field_validation.Cleaned()
    field_validation.clean_fields(Booking(metadata={"n": 1}), ["metadata"], known)
    with pytest.raises(field_validation.InvalidBooking):
        field_validation.clean_fields(Booking(metadata=other), ["metadata"], known)
    monkeypatch.setattr(field_validation.validation, "validate_document", None)
    field_validation.clean_fields(Booking(metadata={"n": 1}), ["metadata"], known)


def test_a_document_with_a_kind_of_text_is_cleaned_each_time() -> None:
    known = field_validation.Cleaned()
    for _time in range(2):
        field_validation.clean_fields(Booking(metadata={"n": Text("t")}), ["metadata"], known)
    assert not known.documents
    assert not are_equal([{"n": Text("t")}, {"n": Text("t")}])


def test_values_that_json_does_not_have_are_stored_as_django_stores_them(
    service: Any, provider: Any
) -> None:
    ours = drafts(service, provider, {"price_amount": Value(5)}, {"price_amount": Value("7.50")})
    insert_rows(QuerySet(Booking).using("default"), ours)
    stored = Booking.objects.order_by("pk").values_list("price_amount", flat=True)
    assert list(stored) == [5, Decimal("7.50")]


def test_a_copy_is_independent_of_the_row(service: Any, provider: Any) -> None:
    [booking] = drafts(service, provider, {})
    copied, theirs = copy_row(booking), copy(booking)
    assert copied.__dict__.keys() == theirs.__dict__.keys() - {"_django_version"}
    assert copied._state.__dict__ == theirs._state.__dict__
    copied.party_size, copied.provider_id, copied._state.adding = 2, None, False
    assert (booking.party_size, booking.provider, booking._state.adding) == (1, provider, True)


@pytest.mark.parametrize(
    "values", [[{"n": 1}, [1]], [[1], {"n": 1}, None], [{"n": Decimal(1)}, {"n": Decimal(1)}]]
)
def test_what_is_no_json_equals_nothing(values: list[Any]) -> None:
    assert not are_equal(values)


def test_a_document_has_every_column_but_the_key() -> None:
    columns = bulk_rows._castable_columns.__wrapped__(Booking, "default")

    names = {field.name for field in Booking._meta.local_concrete_fields} - {"id"}
    assert {column.field.name for column in columns} == names
