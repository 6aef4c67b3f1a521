"""Write many rows at once, which sends no ``pre_save`` and ``post_save``."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

from django.db import connections, models
from django.db.models.base import ModelState
from django.db.models.signals import post_save, pre_save

from bookings.rules.value_comparison import are_equal

ROWS_PER_STATEMENT: Final = 200

TEXT_FOR_JSON: Final = (date, Decimal, UUID)
"""The types of values that PostgreSQL casts from text, and that JSON does not have."""

STORED_AS_IT_IS: Final[dict[type[models.Field[Any, Any]], type]] = {
    models.BigAutoField: int,
    models.BigIntegerField: int,
    models.BooleanField: bool,
    models.CharField: str,
    models.DateTimeField: datetime,
    models.TextField: str,
    models.UUIDField: UUID,
}
"""Fields whose values of one type PostgreSQL takes without a conversion; datetimes if aware."""

CONVERSIONS: Final = ("get_prep_value", "get_db_prep_value", "get_db_prep_save")

Row = TypeVar("Row", bound=models.Model)


def has_save_receivers(*senders: type[models.Model]) -> bool:
    """Return whether somebody receives the signals of saving one of these models.

    Rows of that model are then written one by one.
    """
    return any(signal.has_listeners(model) for signal in (pre_save, post_save) for model in senders)


def insert_rows(stored: models.QuerySet[Any], rows: Sequence[Any]) -> None:
    """Insert rows without keys, which differ in some column, as ``bulk_create()`` does.

    On PostgreSQL, the values that all rows share are sent once, and the others as one JSON
    document: to convert each value of each row takes most of the time of ``bulk_create()``.
    """
    if not _insert_from_document(stored, rows):
        stored.bulk_create(rows)
        for row in rows:
            # Django leaves it at that where the database does not return the keys.
            row._state.adding, row._state.db = False, stored.db


class _Column(NamedTuple):
    field: Any
    name: str
    db_type: str
    """Without its length: a value that is too long has to be refused, not cut."""


@lru_cache(maxsize=64)
def _castable_columns(model: Any, using: str) -> Sequence[_Column]:
    """Return the columns but the key's; none if one needs more than a cast to its type."""
    connection = connections[using]
    fields = [field for field in model._meta.local_concrete_fields if not field.primary_key]
    columns = [
        _Column(
            field,
            connection.ops.quote_name(field.column),
            str(field.db_type(connection)).partition("(")[0],
        )
        for field in fields
    ]
    return columns if all(_is_castable(field, connection) for field in fields) else []


def _is_castable(field: Any, connection: Any) -> bool:
    """Return Django's own condition for sending the values of a field as an array."""
    target = field.target_field if field.is_relation else field
    is_standard = target.get_internal_type() in connection.data_types
    return is_standard and not hasattr(field, "get_placeholder")


def _insert_from_document(stored: models.QuerySet[Any], rows: Sequence[Any]) -> bool:
    """Insert rows and set their keys; return ``False`` where only ``bulk_create()`` can."""
    connection = connections[stored.db]
    model: Any = stored.model
    columns = _castable_columns(model, stored.db) if connection.vendor == "postgresql" else ()
    if len(rows) < 2 or not columns:
        return False
    selected: list[str] = []
    params: list[Any] = []
    differing: dict[str, list[Any]] = {}
    types = []
    try:
        for number, column in enumerate(columns):
            values = _values_to_insert(column.field, rows)
            if are_equal(values):
                value = column.field.get_db_prep_save(values[0], connection)
                selected.append("NULL" if value is None else f"CAST(%s AS {column.db_type})")
                params += [] if value is None else [value]
            else:
                name = f"c{number}"
                selected.append(f"each.{name}")
                types.append(f"{name} {column.db_type}")
                differing[name] = _values_for_document(column.field, values, connection)
        each = [
            dict(zip(differing, row_values, strict=True))
            for row_values in zip(*differing.values(), strict=True)
        ]
        params.append(json.dumps(each, allow_nan=False, default=_as_text))
    except (TypeError, ValueError):
        # JSON does not have some value.
        return False
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(model._meta.db_table)} "  # noqa: S608
            f"({', '.join(column.name for column in columns)}) SELECT {', '.join(selected)} "
            f"FROM JSON_TO_RECORDSET(CAST(%s AS json)) AS each ({', '.join(types)}) "
            f"RETURNING {quote(str(model._meta.pk.column))}",
            params,
        )
        keys = cursor.fetchall()
    for row, (key,) in zip(rows, keys, strict=True):
        row.pk, row._state.adding, row._state.db = key, False, stored.db
    return True


def _values_for_document(field: Any, values: list[Any], connection: Any) -> list[Any]:
    """Return values of a field as the database takes them, and documents as they are."""
    if type(field) is models.JSONField and field.encoder is None:
        # What the database takes is text already, and would be encoded twice.
        return values
    stored_as = unconverted_type(field)
    is_text = stored_as in (datetime, UUID)
    return [
        (str(value) if is_text else value)
        if is_unconverted(value, stored_as)
        else field.get_db_prep_save(value, connection)
        for value in values
    ]


@lru_cache(maxsize=1024)
def unconverted_type(field: Any) -> type | None:
    """Return the type of the values that PostgreSQL takes of a field as they are, if any."""
    target = type(field.target_field if field.is_relation else field)
    for base, stored_as in STORED_AS_IT_IS.items():
        if issubclass(target, base) and all(
            getattr(target, name) is getattr(base, name) for name in CONVERSIONS
        ):
            return stored_as
    return None


def is_unconverted(value: Any, stored_as: type | None) -> bool:
    """Return whether a value is of the type that :func:`unconverted_type` returned."""
    return type(value) is stored_as and getattr(value, "tzinfo", UTC) is not None


def _as_text(value: Any) -> str:
    """Return text that PostgreSQL casts to the type of the column, for what JSON does not have."""
    if isinstance(value, TEXT_FOR_JSON):
        return str(value)
    raise TypeError


def _values_to_insert(field: Any, rows: Sequence[Any]) -> list[Any]:
    if has_plain_pre_save(field):
        return list(map(attrgetter(field.attname), rows))
    return [field.pre_save(row, add=True) for row in rows]


def has_plain_pre_save(field: Any) -> bool:
    """Return whether a new row's value of a field is the value of its attribute."""
    pre_save = type(field).pre_save
    is_plain_date = pre_save in {models.DateField.pre_save, models.DateTimeField.pre_save} and not (
        field.auto_now or field.auto_now_add
    )
    return is_plain_date or pre_save is models.Field.pre_save


def copy_row(row: Row, /, **values: Any) -> Row:
    """Return a copy of a model instance with these values.

    ``copy()``, and the model itself, take several times as long.
    """
    copied = type(row).__new__(type(row))
    copied.__dict__.update(row.__dict__)
    state = copied._state = ModelState()
    state.__dict__.update(row._state.__dict__)
    state.fields_cache = row._state.fields_cache.copy()
    for name, value in values.items():
        setattr(copied, name, value)
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
