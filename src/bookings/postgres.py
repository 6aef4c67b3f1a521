"""A new booking as one SQL statement: lock, claim, booking and event in a single round trip.

Besides :mod:`bookings.ledger` the only module that writes time, and by the same rules. PostgreSQL
runs the parts of a ``WITH`` that change data as one statement, each exactly once, and a part that
reads what another returns runs after it: so the calendar is locked first, here too, and the
exclusion constraint judges the claim. Outside of a transaction the statement is one by itself, with
no BEGIN and COMMIT to wait for.

https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from django.db import connections, models
from django.db.models.signals import post_save, pre_save

from bookings.claims import Claim
from bookings.models import Booking, BookingEvent, BusyInterval, Calendar

# Each with the column that the statement itself fills, from what the part before it returns.
INSERTED: Final[tuple[tuple[type[models.Model], str], ...]] = (
    (BusyInterval, "calendar"),
    (Booking, "busy_interval"),
    (BookingEvent, "booking"),
)

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


def can_book(claim: Claim, *, using: str) -> bool:
    """Whether one statement says it all.

    Not for a slot that is shared, for that may exist. Nor where somebody listens to the signals of
    the rows' being saved, which only ``save()`` sends.
    """
    return (
        connections[using].vendor == "postgresql"
        and not claim.shared
        and not any(
            signal.has_listeners(model)
            for signal in (pre_save, post_save)
            for model, _filled in INSERTED
        )
    )


def book(booking: Booking, event: BookingEvent, claim: Claim, *, using: str) -> bool:
    """Store a booking with its claim and its event; ``False`` if its provider has no calendar yet.

    Raises the database's errors, for :func:`bookings.transactions.atomically` to judge.
    """
    connection = connections[using]
    provider: Any = Calendar._meta.get_field("provider")
    rows = (claim.interval(), booking, event)
    params = [provider.get_db_prep_value(booking.provider_id, connection)]
    given = []
    for row, fields in zip(rows, _fields(), strict=True):
        values = [
            field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields
        ]
        params += [value for value in values if value is not None]
        given.append(tuple([value is not None for value in values]))
    sql = _statement(using, tuple(given))
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


@lru_cache(maxsize=1)
def _fields() -> tuple[tuple[Any, ...], ...]:
    """The fields whose values the statement takes, row by row."""
    return tuple(
        tuple(
            field
            for field in model._meta.local_concrete_fields
            if not field.primary_key and field.name != filled
        )
        for model, filled in INSERTED
    )


@lru_cache(maxsize=64)
def _statement(using: str, given: tuple[tuple[bool, ...], ...]) -> str:
    """The statement's text, with a parameter for each value that is given and NULL for the others.

    With more than 50 parameters psycopg would take the text to pieces anew each time.
    """
    quote = connections[using].ops.quote_name
    parts: dict[str, Any] = {"calendar": quote(Calendar._meta.db_table)}
    for (model, _filled), fields, is_given in zip(INSERTED, _fields(), given, strict=True):
        name = model.__name__.lower()
        parts[name] = quote(model._meta.db_table)
        parts[f"{name}_columns"] = ", ".join(quote(str(field.column)) for field in fields)
        parts[f"{name}_values"] = ", ".join("%s" if value else "NULL" for value in is_given)
    return _STATEMENT.format(**parts)
