"""Write many rows at once, which sends no ``pre_save`` and ``post_save``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final, TypeVar

from django.db import connections, models
from django.db.models.base import ModelState
from django.db.models.signals import post_save, pre_save

from bookings.rules.value_comparison import are_equal

ROWS_PER_STATEMENT: Final = 200

Row = TypeVar("Row", bound=models.Model)


def has_save_receivers(*senders: type[models.Model]) -> bool:
    """Return whether somebody receives the signals of saving one of these models.

    Rows of that model are then written one by one.
    """
    return any(signal.has_listeners(model) for signal in (pre_save, post_save) for model in senders)


def insert_rows(stored: models.QuerySet[Any], rows: Sequence[Any]) -> None:
    """Insert rows without keys, which differ in some column, as ``bulk_create()`` does.

    On PostgreSQL, the values that all rows share are sent once: to convert each value of each row
    takes most of the time of ``bulk_create()``.
    """
    fields = [field for field in stored.model._meta.local_concrete_fields if not field.primary_key]
    if (
        len(rows) < 2
        or connections[stored.db].vendor != "postgresql"
        or not all(_can_be_in_array(field, stored.db) for field in fields)
    ):
        stored.bulk_create(rows)
        for row in rows:
            # Django leaves it at that where the database does not return the keys.
            row._state.adding, row._state.db = False, stored.db
    else:
        _insert_from_arrays(stored, rows, fields)


def _can_be_in_array(field: Any, using: str) -> bool:
    """Return whether PostgreSQL takes values of the field as an array: Django's own condition."""
    target = field.target_field if field.is_relation else field
    is_standard = target.get_internal_type() in connections[using].data_types
    return is_standard and not hasattr(field, "get_placeholder")


def _insert_from_arrays(
    stored: models.QuerySet[Any], rows: Sequence[Any], fields: Sequence[models.Field[Any, Any]]
) -> None:
    connection = connections[stored.db]
    quote = connection.ops.quote_name
    shared, arrays, columns = [], [], []
    shared_params: list[Any] = []
    array_params: list[Any] = []
    for number, field in enumerate(fields):
        columns.append(quote(str(field.column)))
        # Without its length: a value that is too long has to be refused, not cut.
        db_type = str(field.db_type(connection)).partition("(")[0]
        values = _values_to_insert(field, rows)
        if are_equal(values):
            value = field.get_db_prep_save(values[0], connection)
            shared.append("NULL" if value is None else f"CAST(%s AS {db_type})")
            shared_params += [] if value is None else [value]
        else:
            shared.append(f"each.c{number}")
            arrays.append((f"c{number}", f"CAST(%s AS {db_type}[])"))
            array_params.append([field.get_db_prep_save(value, connection) for value in values])
    names, unnested = (", ".join(parts) for parts in zip(*arrays, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(stored.model._meta.db_table)} ({', '.join(columns)}) "  # noqa: S608
            f"SELECT {', '.join(shared)} FROM UNNEST({unnested}) AS each ({names}) "
            f"RETURNING {quote(str(stored.model._meta.pk.column))}",
            [*shared_params, *array_params],
        )
        keys = cursor.fetchall()
    for row, (key,) in zip(rows, keys, strict=True):
        row.pk, row._state.adding, row._state.db = key, False, stored.db


def _values_to_insert(field: models.Field[Any, Any], rows: Sequence[Any]) -> list[Any]:
    if type(field).pre_save is models.Field.pre_save:
        name = field.attname
        return [getattr(row, name) for row in rows]
    return [field.pre_save(row, add=True) for row in rows]


def copy_row(row: Row) -> Row:
    """Return a copy of a model instance, as ``copy()`` does, which takes several times as long."""
    copied = type(row).__new__(type(row))
    copied.__dict__.update(row.__dict__)
    state = copied._state = ModelState()
    state.__dict__.update(row._state.__dict__)
    state.fields_cache = row._state.fields_cache.copy()
    return copied


def update_rows(
    stored: models.QuerySet[Any], rows: Sequence[Any], names: Collection[str], **common: Any
) -> None:
    """Write these fields of the rows, in two statements for each ``ROWS_PER_STATEMENT``.

    The values that all rows share are written by the first, together with ``common``, values or
    expressions that the rows have already; those in which they differ by the second. There are
    rows, and they share some value.
    """
    fields: list[Any] = [stored.model._meta.get_field(name) for name in names]
    differing = []
    for field in fields:
        values = [getattr(row, field.attname) for row in rows]
        if are_equal(values):
            common[field.attname] = values[0]
        else:
            differing.append(field)
    for first in range(0, len(rows), ROWS_PER_STATEMENT):
        chunk = rows[first : first + ROWS_PER_STATEMENT]
        stored.filter(pk__in=[row.pk for row in chunk]).update(**common)
        if differing:
            _update_each(stored, chunk, differing)


def _update_each(
    stored: models.QuerySet[Any], rows: Sequence[Any], fields: Sequence[models.Field[Any, Any]]
) -> None:
    """Write each row its own values, as ``bulk_update()`` does, which takes ten times as long."""
    connection = connections[stored.db]
    quote, model = connection.ops.quote_name, stored.model
    key = quote(str(model._meta.pk.column))
    branches = " ".join(["WHEN %s THEN %s"] * len(rows))
    assignments, params = [], []
    for field in fields:
        case = f"CASE {key} {branches} END"
        if connection.vendor == "postgresql":
            # It takes the type of a CASE from its values, which may all be text or NULL.
            case = f"CAST({case} AS {field.db_type(connection)})"
        assignments.append(f"{quote(str(field.column))} = {case}")
        for row in rows:
            params += [row.pk, field.get_db_prep_save(getattr(row, field.attname), connection)]
    keys = ", ".join(["%s"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quote(model._meta.db_table)} SET {', '.join(assignments)} "  # noqa: S608
            f"WHERE {key} IN ({keys})",
            [*params, *(row.pk for row in rows)],
        )
