"""Checks of the installed distributions and of the databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Any, Final

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import connections, models

from bookings.conf import PREFIX
from bookings.models.fields import SettingForeignKey, SettingOneToOneField

Configs = Sequence[AppConfig] | None
UTC_NAMES: Final = ("UTC", "Etc/UTC")
CONFLICTING_DISTRIBUTIONS: Final = {
    "django-fsm": ("django_fsm", "django-fsm-2", "bookings.E005"),
    "mroudai-django-bookings": ("bookings", "django-bookings", "bookings.E006"),
}


@register()
def check_distributions(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """Of two distributions that write the same folder, the one installed last is imported."""
    messages: list[CheckMessage] = []
    for name, (folder, ours, check_id) in CONFLICTING_DISTRIBUTIONS.items():
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        messages.append(
            Error(
                f"{name} {version} is installed, and writes the folder {folder} as {ours} does.",
                hint=f"pip uninstall -y {name} {ours} && pip install {ours}",
                id=check_id,
            )
        )
    return messages


@register()
def check_database_time_zones(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """A database without time zones stores local times, and one hour a year is stored twice."""
    return [
        Error(
            f'DATABASES["{alias}"]["TIME_ZONE"] is {zone!r}, so the database stores local times: '
            "those of the hour that is repeated when the clocks go back are read as an hour later.",
            hint=f'Remove DATABASES["{alias}"]["TIME_ZONE"], or set it to "UTC".',
            id="bookings.E010",
        )
        for alias in connections
        if (zone := connections[alias].settings_dict["TIME_ZONE"]) not in {None, *UTC_NAMES}
        and not connections[alias].features.supports_timezones
    ]


@register(Tags.database)
def check_sqlite(
    app_configs: Configs, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    return [
        CheckWarning(
            f"The SQLite database {alias!r} does not begin its transactions with a write lock, so "
            "one that reads before it books can fail with BookingBusy while another writes.",
            hint=f'DATABASES["{alias}"]["OPTIONS"] = {{"transaction_mode": "IMMEDIATE"}}',
            id="bookings.W003",
        )
        for alias in databases or ()
        if connections[alias].vendor == "sqlite"
        and connections[alias].settings_dict["OPTIONS"].get("transaction_mode") != "IMMEDIATE"
    ]


@register(Tags.database)
def check_foreign_keys(
    app_configs: Configs, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A warning, because an error would keep ``migrate`` from running the migration that helps."""
    return [
        CheckWarning(
            f"{field.model._meta.label}.{field.name} points at the table {actual!r} in the "
            f"database {alias!r}, but {PREFIX}{field.setting} means {expected!r}.",
            hint=(
                "Once the new table is migrated, add to a migration of your own: "
                "bookings.operations.RetargetForeignKey("
                f'"{_name_for_retargeting(field.model)}", "{field.name}")'
            ),
            id="bookings.W004",
        )
        for alias in databases or ()
        for field, actual, expected in _misdirected(alias)
    ]


def _name_for_retargeting(model: type[models.Model]) -> str | None:
    is_of_the_core = model._meta.app_label == "bookings"
    return model._meta.object_name if is_of_the_core else model._meta.label


def _misdirected(alias: str) -> Iterator[tuple[Any, str, str]]:
    connection = connections[alias]
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        for model in apps.get_models():
            fields = [
                field
                for field in model._meta.local_fields
                if isinstance(field, SettingForeignKey | SettingOneToOneField)
            ]
            if not fields or model._meta.db_table not in tables:
                continue
            relations = connection.introspection.get_relations(cursor, model._meta.db_table)
            for field in fields:
                target: Any = field.remote_field.model
                if isinstance(target, str) or field.column not in relations:
                    continue
                actual = relations[field.column][1]
                if actual != target._meta.db_table:
                    yield field, actual, target._meta.db_table
