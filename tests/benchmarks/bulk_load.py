"""Load many rows into PostgreSQL: without indexes, which are built again afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from django.db import connection

# For this session only, and none of them is left on while anything is measured.
LOADING: Final = {
    "synchronous_commit": "off",
    "maintenance_work_mem": "'1GB'",
    "max_parallel_maintenance_workers": "2",
}
CONSTRAINTS: Final = """
    SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE conrelid::regclass::text = ANY(%s) AND contype IN ('f', 'u', 'c')
    ORDER BY contype DESC
"""
INDEXES: Final = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM pg_index WHERE indrelid::regclass::text = ANY(%s) AND NOT indisprimary
"""


@contextmanager
def without_indexes(tables: Sequence[str]) -> Iterator[None]:
    """Drop the indexes and constraints of the tables, but for primary keys; make them again."""
    with connection.cursor() as cursor:
        for name, value in LOADING.items():
            cursor.execute(f"SET {name} = {value}")
        cursor.execute(CONSTRAINTS, [list(tables)])
        constraints = cursor.fetchall()
        for table, name, _definition in constraints:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        cursor.execute(INDEXES, [list(tables)])
        indexes = cursor.fetchall()
        for index, _definition in indexes:
            cursor.execute(f"DROP INDEX {index}")
        yield
        for _index, definition in indexes:
            cursor.execute(definition)
        for table, name, definition in constraints:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        for name in LOADING:
            cursor.execute(f"RESET {name}")
