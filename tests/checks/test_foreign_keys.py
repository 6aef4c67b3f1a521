"""Where the database's foreign keys point, and the operation that turns them."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.core.checks import CheckMessage
from django.db import connection, models
from django.db.migrations.state import ProjectState

from bookings.checks.environment import check_foreign_keys
from bookings.models import Booking, Calendar
from bookings.operations import RetargetForeignKey

pytestmark = pytest.mark.django_db


def found(monkeypatch: pytest.MonkeyPatch, model: type[models.Model], table: str) -> list[str]:
    """The check's messages if every foreign key of the model pointed at this table."""

    def relations(cursor: Any, name: str) -> dict[str, tuple[str, str]]:
        if name != model._meta.db_table:
            return {}
        return {field.column: ("id", table) for field in model._meta.fields if field.is_relation}

    monkeypatch.setattr(connection.introspection, "get_relations", relations)
    messages: list[CheckMessage] = check_foreign_keys(None, databases=["default"])
    return [message.msg for message in messages]


def test_another_table_than_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    [message] = found(monkeypatch, Calendar, "old_provider")
    assert "Calendar.provider points at the table 'old_provider'" in message
    assert "BOOKINGS_PROVIDER_MODEL means 'providers_provider'" in message


def test_only_what_a_setting_names_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    said = found(monkeypatch, Booking, "elsewhere")
    assert len(said) == 6
    assert not any("busy_interval" in message for message in said)


def test_a_model_that_is_not_installed_is_another_checks_business(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    field: Any = Calendar._meta.get_field("provider")
    monkeypatch.setattr(field.remote_field, "model", "gone.Provider")
    assert check_foreign_keys(None, databases=["default"]) == []


def test_without_databases_none_is_asked() -> None:
    assert check_foreign_keys(None) == []


def test_the_operation_keeps_off_a_database_that_bookings_are_not_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    operation = RetargetForeignKey("Booking", "tenant")
    monkeypatch.setattr(operation, "allow_migrate_model", lambda alias, model: False, raising=False)
    state = ProjectState.from_apps(apps)
    # As it is before the "with" that begins a migration: that alone would reach for the database.
    editor = connection.schema_editor(collect_sql=True)
    editor.collected_sql = []
    operation.database_forwards("orgs", editor, state, state)
    assert editor.collected_sql == []


def test_the_operation_names_its_migration() -> None:
    assert RetargetForeignKey("bookings_schedule.Schedule", "tenant").migration_name_fragment == (
        "retarget_schedule_tenant"
    )
    assert RetargetForeignKey("Booking", "tenant").migration_name_fragment == (
        "retarget_booking_tenant"
    )
