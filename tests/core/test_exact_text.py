"""Identifiers are equal only to the same characters, on every database."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations.writer import MigrationWriter

from bookings.adapters import DefaultBookingAdapter
from bookings.models import Booking
from bookings.models.fields import ExactCharField
from tests.core.conftest import Book
from tests.core.moments import at
from tests.look_alikes import LOOK_ALIKE, LOOK_ALIKES

REFERENCE = Booking._meta.get_field("reference")

EXACT = {
    ("Booking", "reference"),
    ("Booking", "idempotency_key"),
    ("Payment", "external_id"),
    ("Refund", "external_id"),
    ("Schedule", "default_of"),
    ("StoredResponse", "principal"),
    ("StoredResponse", "key"),
}
DIGESTS = {
    ("ClientLock", "client"),
    ("Seat", "client_key"),
    ("WaitlistEntry", "client_key"),
    ("Series", "idempotency_key"),
}
"""Hexadecimal digits in lower case, which every collation tells apart."""


def bundled_fields() -> Iterator[tuple[str, models.Field[Any, Any]]]:
    for model in apps.get_models():
        if model.__module__.startswith("bookings."):
            yield from ((model.__name__, field) for field in model._meta.local_concrete_fields)


def of_text(field: Any) -> Any:
    """The field of the column's text; ``None`` of another column."""
    output = getattr(field, "output_field", field)
    return output if isinstance(output, models.CharField | models.TextField) else None


def test_every_unique_text_is_exact_or_a_digest() -> None:
    unique = {
        (model, field.name)
        for model, field in bundled_fields()
        if of_text(field) is not None
        and (
            field.unique
            or any(
                field.name in constraint.fields
                for constraint in field.model._meta.constraints
                if isinstance(constraint, models.UniqueConstraint)
            )
        )
    }
    exact = {
        (model, field.name)
        for model, field in bundled_fields()
        if isinstance(of_text(field), ExactCharField)
    }
    assert exact == EXACT
    assert unique == EXACT | DIGESTS


class ChosenReference(DefaultBookingAdapter):
    def generate_reference(self, booking: Booking, now_dt: Any) -> str:
        return booking.client_name


@pytest.mark.parametrize("other", LOOK_ALIKES)
def test_a_reference_that_only_looks_alike_is_another(
    book: Book, settings: Any, other: str
) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.ChosenReference"
    rows = [book(at(10), client_name=LOOK_ALIKE), book(at(12), client_name=other)]
    for booking in rows:
        assert booking.reference == booking.client_name
        assert list(Booking.objects.filter(reference=booking.reference)) == [booking]


@pytest.mark.parametrize("lookup", ["iexact", "icontains", "istartswith", "iendswith", "iregex"])
def test_a_search_that_ignores_the_case_still_does(book: Book, lookup: str) -> None:
    booking = book()
    assert booking.reference.startswith("BK-")
    found = Booking.objects.filter(**{f"reference__{lookup}": booking.reference.lower()})
    assert list(found) == [booking]
    assert not Booking.objects.filter(reference=booking.reference.lower()).exists()


@pytest.mark.skipif(connection.vendor != "mysql", reason="Others have no need of a collation.")
@pytest.mark.parametrize(("model", "name"), sorted(EXACT))
def test_the_columns_have_the_collation(db: None, model: str, name: str) -> None:
    (field,) = (field for owner, field in bundled_fields() if (owner, field.name) == (model, name))
    table = field.model._meta.db_table
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, table)
    collations = {column.name: column.collation for column in columns}
    assert collations[name] == field.db_parameters(connection)["collation"]


@pytest.mark.parametrize(
    ("vendor", "is_mariadb", "collation"),
    [
        ("mysql", True, "utf8mb4_nopad_bin"),
        ("mysql", False, "utf8mb4_0900_bin"),
        ("sqlite", None, None),
        ("postgresql", None, None),
    ],
)
def test_only_mysql_and_mariadb_need_a_collation(
    vendor: str, is_mariadb: bool | None, collation: str | None
) -> None:
    server: Any = SimpleNamespace(
        vendor=vendor,
        mysql_is_mariadb=is_mariadb,
        data_types={"CharField": "varchar(%(max_length)s)"},
        data_type_check_constraints={},
        ops=connection.ops,
    )
    assert REFERENCE.db_parameters(server)["collation"] == collation


def test_on_mysql_a_search_has_a_collation_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "mysql")
    query = str(Booking.objects.filter(reference__icontains="bk", client_name__icontains="x").query)
    assert query.count("COLLATE utf8mb4_unicode_ci") == 1


def test_it_is_written_into_migrations_as_itself() -> None:
    written, imports = MigrationWriter.serialize(REFERENCE)
    assert written.startswith("bookings.models.fields.ExactCharField(")
    assert imports >= {"import bookings.models.fields"}
