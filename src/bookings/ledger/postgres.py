"""A new booking as one SQL statement: lock, claim, booking and event in a single round trip.

It follows the same rules as :mod:`bookings.ledger.entries`. PostgreSQL runs the data-modifying
parts of a ``WITH`` as one statement, each exactly once, and a part that reads what another part
returns runs after that part. So the calendar is locked first, and the exclusion constraint checks
the claim.
Outside a transaction the statement is a transaction of its own, which saves BEGIN and COMMIT.

https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

from django.db import connections, models

from bookings.ledger.claims import Claim
from bookings.models import Booking, BookingEvent, BusyInterval, Calendar
from bookings.models.bulk_rows import (
    has_plain_pre_save,
    has_save_receivers,
    is_unconverted,
    unconverted_type,
)

# Each with the column that the statement itself fills, from what the part before it returns.
INSERTED_MODELS: Final[tuple[tuple[type[models.Model], str], ...]] = (
    (BusyInterval, "calendar"),
    (Booking, "busy_interval"),
    (BookingEvent, "booking"),
)

PARAMETER: Final = "%s"

_STATEMENT: Final = """
WITH calendar AS (
    UPDATE {calendar} SET revision = revision + 1 WHERE provider_id = %s RETURNING id
), busy_interval AS (
    INSERT INTO {busyinterval} (calendar_id, {busyinterval_columns})
    SELECT id, {busyinterval_values} FROM calendar RETURNING id
), booking AS (
    INSERT INTO {booking} (busy_interval_id, {booking_columns})
    SELECT id, {booking_values} FROM busy_interval RETURNING id, busy_interval_id
), event AS (
    INSERT INTO {bookingevent} (booking_id, {bookingevent_columns})
    SELECT id, {bookingevent_values} FROM booking RETURNING id
)
SELECT booking.busy_interval_id, booking.id, event.id FROM booking, event
"""


def can_insert(claim: Claim, *, using: str) -> bool:
    """Return whether one statement can insert a booking with this claim.

    It cannot join a shared slot that exists already, it cannot count concurrent bookings, and it
    does not send ``pre_save`` and ``post_save``. So it is not used for shared and concurrent
    claims, nor if these signals have receivers.
    """
    return (
        connections[using].vendor == "postgresql"
        and not claim.shared
        and not claim.is_concurrent
        and not has_save_receivers(*(model for model, _filled in INSERTED_MODELS))
    )


def insert_booking(booking: Booking, event: BookingEvent, claim: Claim, *, using: str) -> bool:
    """Insert a booking with its claim and its event; return ``False`` if there is no calendar yet.

    Raises the database's errors; :func:`bookings.ledger.transactions.atomic_with_retry` translates
    them.
    """
    connection = connections[using]
    provider: Any = Calendar._meta.get_field("provider")
    rows = (claim.interval(), booking, event)
    params = [provider.get_db_prep_value(booking.provider_id, connection)]
    written = []
    for row, columns in zip(rows, _columns(), strict=True):
        values = _converted_values(row, columns, connection)
        row_written = tuple([_literal(value) for value in values])
        params += [
            value for value, text in zip(values, row_written, strict=True) if text == PARAMETER
        ]
        written.append(row_written)
    sql = _statement(using, tuple(written))
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        keys = cursor.fetchone()
    if keys is None:
        return False
    booking.busy_interval_id = keys[0]
    for row, key in zip(rows, keys, strict=True):
        row.pk, row._state.adding, row._state.db = key, False, using
    event.booking = booking
    return True


class _Column(NamedTuple):
    field: Any
    attribute: str | None
    """The attribute of the row that has the value; ``None`` if the field makes the value."""
    unconverted: type | None


@lru_cache(maxsize=1)
def _columns() -> tuple[tuple[_Column, ...], ...]:
    """The columns whose values the statement takes, row by row."""
    return tuple(
        tuple(
            _Column(
                field,
                field.attname if has_plain_pre_save(field) else None,
                unconverted_type(field),
            )
            for field in model._meta.local_concrete_fields
            if not field.primary_key and field.name != filled
        )
        for model, filled in INSERTED_MODELS
    )


def _converted_values(
    row: models.Model, columns: tuple[_Column, ...], connection: Any
) -> list[Any]:
    """Return a row's values as the database takes them.

    Most need no conversion, and Django's takes a fifth of the time of a booking.
    """
    values = []
    for field, attribute, unconverted in columns:
        value = field.pre_save(row, add=True) if attribute is None else getattr(row, attribute)
        if value is not None and not is_unconverted(value, unconverted):
            value = field.get_db_prep_save(value, connection)
        values.append(value)
    return values


def _literal(value: Any) -> str:
    """Return how a value is written: NULL, a truth value, 0, 1 or empty text, else as a parameter.

    Few values of most bookings are others, and each parameter takes time to send.
    """
    if value is None:
        return "NULL"
    if value is True or value is False:
        return "TRUE" if value else "FALSE"
    if isinstance(value, int) and 0 <= value <= 1:
        return "1" if value else "0"
    return "''" if isinstance(value, str) and not value else PARAMETER


@lru_cache(maxsize=256)
def _statement(using: str, written: tuple[tuple[str, ...], ...]) -> str:
    """The statement's text, with a parameter for each value that is no literal.

    With more than 50 parameters psycopg would take the text to pieces anew each time.
    """
    quote = connections[using].ops.quote_name
    parts: dict[str, Any] = {"calendar": quote(Calendar._meta.db_table)}
    for (model, _filled), columns, values in zip(INSERTED_MODELS, _columns(), written, strict=True):
        name = model.__name__.lower()
        parts[name] = quote(model._meta.db_table)
        parts[f"{name}_columns"] = ", ".join(quote(str(column.field.column)) for column in columns)
        parts[f"{name}_values"] = ", ".join(values)
    return _STATEMENT.format(**parts)
