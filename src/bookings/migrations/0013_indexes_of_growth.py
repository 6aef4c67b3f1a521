"""Indexes for what is asked of a long history on PostgreSQL: what is next, and a day of the past."""

from __future__ import annotations

from typing import Any

from django.db import migrations

# PostgreSQL assumes that a third of the bookings are long, unless it has statistics about that.
CREATE = (
    (
        "CREATE INDEX bookings_provider_active ON {table} (provider_id, end_at) "
        "WHERE status IN ('PENDING', 'CONFIRMED')"
    ),
    (
        "CREATE INDEX bookings_client_active ON {table} (UPPER(client_email), end_at) "
        "WHERE status IN ('PENDING', 'CONFIRMED')"
    ),
    (
        "CREATE INDEX bookings_long ON {table} (start_at) "
        "WHERE end_at - start_at > interval '20 hours'"
    ),
    "CREATE STATISTICS bookings_lengths ON (end_at - start_at) FROM {table}",
)
DROP = (
    "DROP STATISTICS bookings_lengths",
    "DROP INDEX bookings_long",
    "DROP INDEX bookings_client_active",
    "DROP INDEX bookings_provider_active",
)


def _execute(apps: Any, schema_editor: Any, statements: tuple[str, ...]) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    table = apps.get_model("bookings", "Booking")._meta.db_table
    for statement in statements:
        schema_editor.execute(statement.format(table=schema_editor.quote_name(table)))


def create(apps: Any, schema_editor: Any) -> None:
    _execute(apps, schema_editor, CREATE)


def drop(apps: Any, schema_editor: Any) -> None:
    _execute(apps, schema_editor, DROP)


class Migration(migrations.Migration):
    dependencies = [("bookings", "0012_menu_pages")]

    operations = [migrations.RunPython(create, drop)]
