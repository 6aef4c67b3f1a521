"""Many rows like one that is there, written by the database itself."""

from __future__ import annotations

from typing import Final

from django.db import connection, models

PAST: Final = "2000-01-01"
AHEAD: Final = "2099-01-01"
"""The days on which the bookings of a fill begin."""

# As random to an index as a random one, and never the same twice.
SCATTERED: Final = "upper(reverse(lpad(to_hex({number}), 8, '0')))"


def copy(template: models.Model, source: str, **different: str) -> None:
    """Insert a copy of the row for every row of ``source``; SQL for what is not as in the row."""
    table = template._meta.db_table
    columns = [
        field.column for field in template._meta.local_concrete_fields if not field.primary_key
    ]
    values = [different.get(column, f"template.{column}") for column in columns]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} "
            f"FROM {table} AS template, {source} WHERE template.id = {template.pk}"
        )


def numbers(wanted: range) -> str:
    return f"generate_series({wanted.start}, {wanted.stop - 1}) AS number"


def taking_turns(keys: list[int]) -> str:
    """SQL for one of the keys after the other."""
    return f"(ARRAY[{', '.join(map(str, keys))}])[1 + number % {len(keys)}]"


def newest(model: type[models.Model]) -> int:
    return model._base_manager.aggregate(pk=models.Max("pk"))["pk"] or 0
