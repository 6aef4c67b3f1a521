"""Test databases whose tables are copied from one that the migrations have made.

A run needs a database for each of its workers, one for the races and one for the faults. The
migrations take more time than a copy, so the process that starts the workers migrates once, into
the template, and each database becomes a copy of it. Without workers there is no template, and each
database is migrated.

The template is a file on SQLite, and a database on a server. On PostgreSQL a copy is ``CREATE
DATABASE … TEMPLATE``; MariaDB and MySQL have no such statement, so each table is made as ``SHOW
CREATE TABLE`` describes it. The rows that the migrations leave (content types, permissions, the
record of the migrations) are copied too.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path
from typing import Any, Final

import django
from django.conf import settings
from django.db import connection

TEMPLATE = "BOOKINGS_TEST_DATABASE_TEMPLATE"
"""The environment variable by which the workers and their processes know the template."""

WITHOUT_CONTENTS: Final[dict[str, Any]] = {"serialize": False} if django.VERSION < (6, 1) else {}
"""Django before 6.1 reads all rows of a new test database, unless it is told not to."""


def create() -> None:
    """Migrate a new template. Until ``drop()``, the processes that this one starts copy it."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        handle, template = tempfile.mkstemp(prefix="bookings-template-", suffix=".sqlite3")
        os.close(handle)
    else:
        template = f"test_{name}_template"
    expected = connection.settings_dict["TEST"]["NAME"]
    connection.settings_dict["TEST"]["NAME"] = template
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, **WITHOUT_CONTENTS)
    finally:
        connection.close()
        connection.settings_dict["TEST"]["NAME"] = expected
        settings.DATABASES[connection.alias]["NAME"] = connection.settings_dict["NAME"] = name
    os.environ[TEMPLATE] = template


def exists() -> bool:
    return TEMPLATE in os.environ


def drop() -> None:
    template = os.environ.pop(TEMPLATE)
    if connection.vendor == "sqlite":
        Path(template).unlink(missing_ok=True)
        return
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {connection.ops.quote_name(template)}")


def use() -> None:
    """Make ``create_test_db`` copy the template, where there is one."""
    if exists():
        connection.creation.create_test_db = _create_copy  # type: ignore[method-assign]


def _create_copy(
    verbosity: int = 1, autoclobber: bool = False, serialize: bool = True, keepdb: bool = False
) -> str:
    """Do what ``BaseDatabaseCreation.create_test_db`` does, with a copy for its migrations."""
    template = os.environ[TEMPLATE]
    creation: Any = connection.creation
    name: str = creation._get_test_db_name()
    if connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["TEMPLATE"] = template
    creation._create_test_db(verbosity, autoclobber, keepdb)
    connection.close()
    settings.DATABASES[connection.alias]["NAME"] = connection.settings_dict["NAME"] = name
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        source = sqlite3.connect(template)
        source.backup(connection.connection)
        source.close()
    elif connection.vendor == "mysql":
        _copy_tables(template)
    return name


def _copy_tables(template: str) -> None:
    source = connection.ops.quote_name(template)
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION foreign_key_checks = 0")
        cursor.execute(f"SHOW TABLES FROM {source}")
        tables = [connection.ops.quote_name(table) for (table,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(f"SHOW CREATE TABLE {source}.{table}")
            (_table, statement) = cursor.fetchone()
            cursor.execute(statement)
            cursor.execute(f"SELECT 1 FROM {source}.{table} LIMIT 1")
            # Not where there is no row, for a table may have columns that cannot be written.
            if cursor.fetchone():
                cursor.execute(f"INSERT INTO {table} SELECT * FROM {source}.{table}")
        cursor.execute("SET SESSION foreign_key_checks = 1")
