"""A database that is made for one process and dropped when it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection


@contextmanager
def new_database() -> Iterator[None]:
    """The database that the settings name, empty, and gone afterwards."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        Path(name).unlink(missing_ok=True)
        try:
            yield
        finally:
            connection.close()
            Path(name).unlink(missing_ok=True)
        return
    quoted = connection.ops.quote_name(name)
    administer(f"DROP DATABASE IF EXISTS {quoted}", f"CREATE DATABASE {quoted}")
    try:
        yield
    finally:
        connection.close()
        administer(f"DROP DATABASE {quoted}")


def administer(*statements: str) -> None:
    with connection._nodb_cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
