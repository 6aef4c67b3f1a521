"""What each database's errors mean.

Made by hand as the drivers make them, so that each is judged wherever the tests run; the ones that
can be provoked are provoked elsewhere, on the database itself.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, InternalError, OperationalError
from django.db.models import ProtectedError, RestrictedError

from bookings.exceptions import (
    BookingBusy,
    BookingConflict,
    BookingError,
    CapacityExceeded,
    MissingReference,
)
from bookings.ledger.transactions import RetryTransaction, UnnamedReference, translate_error


class DriverError(Exception):
    """A driver's own exception, which Django gives as the cause of its own."""

    def __init__(self, message: str = "", **attributes: Any) -> None:
        super().__init__(message)
        vars(self).update(attributes)


def postgresql(
    sqlstate: str, constraint: str | None = None, table: str | None = None
) -> DriverError:
    return DriverError(
        "something happened",
        sqlstate=sqlstate,
        diag=SimpleNamespace(constraint_name=constraint, table_name=table),
    )


def raised(kind: type[DatabaseError], *args: Any, cause: Exception | None = None) -> DatabaseError:
    """An error as ``connection.wrap_database_errors`` raises it."""
    error = kind(*(args or (str(cause),)))
    error.__cause__ = cause
    return error


def sqlite(message: str, code: int = 19) -> DatabaseError:
    cause = DriverError(message, sqlite_errorcode=code)
    return raised(IntegrityError if code & 0xFF == 19 else OperationalError, cause=cause)


TABLE = "`test`.`bookings_booking`"

BUSY = {
    "postgresql: serialization failure": raised(OperationalError, cause=postgresql("40001")),
    "postgresql: deadlock": raised(OperationalError, cause=postgresql("40P01")),
    "postgresql: lock not available": raised(OperationalError, cause=postgresql("55P03")),
    "psycopg 2: deadlock": raised(OperationalError, cause=DriverError(pgcode="40P01")),
    "mysql: deadlock": raised(OperationalError, 1213, "Deadlock found"),
    "mysql: lock wait time-out": raised(OperationalError, 1205, "Lock wait timeout exceeded"),
    "mariadb: record changed": raised(OperationalError, 1020, "Record has changed since last read"),
    "sqlite: busy": sqlite("database is locked", 5),
    "sqlite: busy snapshot": sqlite("database is locked", 5 | 2 << 8),
    "sqlite: table locked": sqlite("database table is locked", 6),
}

CONFLICT = {
    "postgresql": raised(
        IntegrityError, cause=postgresql("23P01", constraint="bookings_busy_no_overlap")
    ),
    "sqlite": sqlite("bookings_busy_no_overlap", 19 | 7 << 8),
}

SEATS = {
    "postgresql": raised(
        IntegrityError, cause=postgresql("23514", "bookings_busy_seats_within_capacity")
    ),
    "sqlite": sqlite("CHECK constraint failed: bookings_busy_seats_within_capacity"),
    "mariadb": raised(
        IntegrityError, 4025, "CONSTRAINT `bookings_busy_seats_within_capacity` failed for `a`.`b`"
    ),
    "mysql": raised(
        IntegrityError,
        3819,
        "Check constraint 'bookings_busy_seats_within_capacity' is violated.",
    ),
}

TAKEN = {
    "postgresql: reference": raised(
        IntegrityError, cause=postgresql("23505", "bookings_reference")
    ),
    "postgresql: key": raised(
        IntegrityError, cause=postgresql("23505", "bookings_idempotency_key")
    ),
    "sqlite: reference": sqlite("UNIQUE constraint failed: bookings_booking.reference"),
    "sqlite: key": sqlite("UNIQUE constraint failed: bookings_booking.idempotency_key"),
    "mariadb: reference": raised(
        IntegrityError, 1062, "Duplicate entry 'BK-2031-0' for key 'bookings_reference'"
    ),
    "mysql: reference": raised(
        IntegrityError,
        1062,
        "Duplicate entry 'BK-2031-0' for key 'bookings_booking.bookings_reference'",
    ),
    "mariadb, in German: reference": raised(
        IntegrityError, 1062, "Doppelter Eintrag 'BK-1' für Schlüssel 'bookings_reference'"
    ),
    "mariadb: no value": raised(
        IntegrityError, 1062, "Duplicate entry '' for key 'bookings_reference'"
    ),
    "mysql: a value with a quote": raised(
        IntegrityError,
        1062,
        "Duplicate entry 'O'Brien' for key 'bookings_booking.bookings_reference'",
    ),
    "mariadb: key": raised(
        IntegrityError, 1062, "Duplicate entry '1-a' for key 'bookings_idempotency_key_tenant'"
    ),
}

# A host's tables may be called anything, so the names in these are meant to lead astray.
MISSING = {
    "postgresql": raised(
        IntegrityError,
        cause=postgresql(
            "23503",
            "bookings_booking_provider_id_9a1b_fk_preferences_provider_id",
            "bookings_booking",
        ),
    ),
    "mysql: no parent": raised(
        IntegrityError,
        1452,
        f"Cannot add or update a child row: a foreign key constraint fails ({TABLE}, CONSTRAINT "
        "`a_fk` FOREIGN KEY (`provider_id`) REFERENCES `preferences_provider` (`id`))",
    ),
    "mysql: referred to": raised(
        IntegrityError,
        1451,
        f"Cannot delete or update a parent row: a foreign key fails ({TABLE}, CONSTRAINT "
        "`a_fk` FOREIGN KEY (`booking_id`) REFERENCES `bookings_booking` (`id`))",
    ),
    "mysql, in German: no parent": raised(
        IntegrityError,
        1452,
        f"Kann Kind-Zeile nicht hinzufügen: eine Fremdschlüssel-Beschränkung schlägt fehl ({TABLE},"
        " CONSTRAINT `a_fk` FOREIGN KEY (`provider_id`) REFERENCES `preferences_provider` (`id`))",
    ),
}

NOT_OURS = {
    "postgresql: a host's foreign key to a booking": raised(
        IntegrityError,
        cause=postgresql(
            "23503", "shop_order_booking_id_9a1b_fk_bookings_booking_id", "shop_order"
        ),
    ),
    "postgresql: a foreign key of a table with our table's name in its own": raised(
        IntegrityError, cause=postgresql("23503", "a_fk", "shop_bookings_booking")
    ),
    "mysql: a host's foreign key to a booking": raised(
        IntegrityError,
        1452,
        "Cannot add or update a child row: a foreign key constraint fails (`test`.`shop_order`, "
        "CONSTRAINT `a_fk` FOREIGN KEY (`booking_id`) REFERENCES `bookings_booking` (`id`))",
    ),
    "mysql: a host's row that refers to a booking": raised(
        IntegrityError,
        1451,
        "Cannot delete or update a parent row: a foreign key fails (`bookings_booking`.`shop_order`"
        ", CONSTRAINT `a_fk` FOREIGN KEY (`booking_id`) REFERENCES `bookings_booking` (`id`))",
    ),
    "mysql: no parent, without the privilege to know": raised(
        IntegrityError, 1216, "Cannot add or update a child row: a foreign key constraint fails"
    ),
    "mysql: a foreign key that is not named": raised(IntegrityError, 1452, "It fails"),
    "mariadb: a host's unique field that is called as one of ours": raised(
        IntegrityError, 1062, "Duplicate entry '1' for key 'busy_interval_id'"
    ),
    "postgresql: another constraint": raised(
        IntegrityError, cause=postgresql("23505", "auth_user_username_key")
    ),
    "postgresql: no constraint": raised(IntegrityError, cause=postgresql("23502")),
    "sqlite: another constraint": sqlite("UNIQUE constraint failed: auth_user.username"),
    "postgresql: a name with ours in it": raised(
        IntegrityError, cause=postgresql("23505", "shop_bookings_reference")
    ),
    "mariadb: a host's own reference": raised(
        IntegrityError, 1062, "Duplicate entry 'BK-2031-0' for key 'reference'"
    ),
    "sqlite: a host's own reference": sqlite("UNIQUE constraint failed: shop_order.reference"),
    "mysql: another constraint": raised(
        IntegrityError, 1062, "Duplicate entry 'joan' for key 'username'"
    ),
    "mysql: a value that looks like a name": raised(
        IntegrityError,
        1062,
        "Duplicate entry 'bookings_busy_no_overlap for key reference' for key 'username'",
    ),
    "a broken transaction": raised(InternalError, cause=postgresql("25P02")),
    "a missing table": raised(OperationalError, 1146, "Table 'reference' doesn't exist"),
    "no cause and no words": IntegrityError(),
    "an error that is no integrity error": OperationalError("bookings_busy_no_overlap"),
}


def bundled_models() -> list[Any]:
    labels = ("bookings", "bookings_payments", "bookings_schedule", "bookings_series")
    return [model for label in labels for model in apps.get_app_config(label).get_models()]


def each(errors: dict[str, DatabaseError]) -> Any:
    return pytest.mark.parametrize("error", errors.values(), ids=errors)


@each(BUSY)
def test_the_database_is_busy(error: DatabaseError) -> None:
    assert isinstance(translate_error(error), BookingBusy)


@each(CONFLICT)
def test_the_time_is_taken(error: DatabaseError) -> None:
    assert isinstance(translate_error(error), BookingConflict)


@each(SEATS)
def test_the_seats_are_taken(error: DatabaseError) -> None:
    assert isinstance(translate_error(error), CapacityExceeded)


@each(TAKEN)
def test_a_name_is_taken_so_another_is_tried(error: DatabaseError) -> None:
    assert isinstance(translate_error(error), RetryTransaction)


@each(MISSING)
def test_something_is_missing(error: DatabaseError) -> None:
    assert isinstance(translate_error(error), MissingReference)


def test_sqlite_does_not_say_of_which_table_a_foreign_key_is() -> None:
    error = sqlite("FOREIGN KEY constraint failed", 19 | 3 << 8)
    assert isinstance(translate_error(error), UnnamedReference)


@pytest.mark.parametrize("model", bundled_models(), ids=lambda model: model.__name__)
def test_a_foreign_key_of_each_bundled_table_is_ours(model: Any) -> None:
    table = model._meta.db_table
    assert isinstance(
        translate_error(raised(IntegrityError, cause=postgresql("23503", "a_fk", table))),
        MissingReference,
    )


@each(NOT_OURS)
def test_an_error_that_is_not_ours_is_left_alone(error: DatabaseError) -> None:
    assert translate_error(error) is None


def test_every_verdict_says_what_to_do() -> None:
    for error in (*BUSY.values(), *CONFLICT.values(), *SEATS.values(), *MISSING.values()):
        verdict = translate_error(error)
        assert isinstance(verdict, BookingError)
        assert str(verdict).endswith(".")


def test_sqlite_itself_says_that_it_is_busy(tmp_path: Path) -> None:
    path = tmp_path / "busy.sqlite3"
    first, second = (sqlite3.connect(path, timeout=0, isolation_level=None) for _ in range(2))
    try:
        first.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError) as caught:
            second.execute("BEGIN IMMEDIATE")
    finally:
        first.close()
        second.close()
    assert isinstance(translate_error(raised(OperationalError, cause=caught.value)), BookingBusy)


@pytest.mark.parametrize("kind", [ProtectedError, RestrictedError])
def test_what_a_host_protects_from_deletion_is_no_value_that_is_taken(kind: Any) -> None:
    """Django's own errors, which say "referenced" without a database's having said anything."""
    said = "Cannot delete because they are referenced through protected foreign keys: 'x.booking'."
    assert translate_error(kind(said, set())) is None
