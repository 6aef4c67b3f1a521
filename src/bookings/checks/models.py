"""Checks of the models that the settings name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, register
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

from bookings.conf import PREFIX, AppSettings, app_settings
from bookings.models.fields import SettingForeignKey, SettingOneToOneField

Configs = Sequence[AppConfig] | None
CATALOG_APP: Final = "bookings.contrib.catalog"
CATALOG: Final = {
    "SERVICE_MODEL": "bookings_catalog.Service",
    "PROVIDER_MODEL": "bookings_catalog.Provider",
    "ADDON_MODEL": "bookings_catalog.ServiceAddon",
}
MODELS: Final = (*CATALOG, "TENANT_MODEL", "USER_MODEL")


@register()
def check_models(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    for name in MODELS:
        label = app_settings.model_label(name)
        if _installed(label) is not None:
            continue
        own = f'{PREFIX}{name} = "your_app.YourModel"'
        is_set = getattr(AppSettings, name).is_set
        app_label = label.partition(".")[0]
        hint = f"Set it to your own model: {own}"
        if is_set and app_label not in apps.app_configs:
            hint = f"Add the app of {label!r} to INSTALLED_APPS; or set it to another model: {own}"
        if name in CATALOG:
            hint += (
                f"; or use the bundled catalogue: add {CATALOG_APP!r} to INSTALLED_APPS and write "
                f'{PREFIX}{name} = "{CATALOG[name]}"'
            )
        said = "" if is_set else " (its default)"
        messages.append(
            Error(
                f"{PREFIX}{name} is {label!r}{said}, which is not an installed model.",
                hint=f"{hint}.",
                id="bookings.E001",
            )
        )
    return messages


def _installed(label: str) -> type[models.Model] | None:
    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        return None


def drop_lazy_references(pending: dict[Any, list[Any]]) -> None:
    """Drop our fields' references to models that are not installed from Django's register of them.

    Django reports each of these fields (``fields.E307``), which says nothing that E001 does not,
    and not what to write.
    """
    for label in list(pending):
        pending[label] = [entry for entry in pending[label] if not _is_of_our_field(entry)]
        if not pending[label]:
            del pending[label]


def _is_of_our_field(entry: Any) -> bool:
    # An entry imitates a functools.partial, of one that resolves the field.
    while (field := getattr(entry, "keywords", {}).get("field")) is None:
        entry = getattr(entry, "func", None)
        if entry is None:
            return False
    return isinstance(field, SettingForeignKey | SettingOneToOneField)


@register()
def check_late_models(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """Our migrations depend on the first migration of an app, unless a setting names another."""
    messages: list[CheckMessage] = []
    loader = None
    for name in MODELS:
        model = _installed(app_settings.model_label(name))
        if model is None or name in app_settings.migration_dependencies:
            continue
        if model._meta.app_label == "bookings":
            continue
        if loader is None:
            loader = MigrationLoader(None, load=False)
            loader.load_disk()
        late = _created_late(model, loader)
        if late is not None:
            messages.append(
                Error(
                    f"{model._meta.label} is created by the migration {late}, which is not the "
                    f"first of its app, so a new database could not be migrated.",
                    hint=f'{PREFIX}MIGRATION_DEPENDENCIES = {{"{name}": "{late}"}}',
                    id="bookings.E004",
                )
            )
    return messages


def _created_late(model: type[models.Model], loader: MigrationLoader) -> str | None:
    app_label, model_name = model._meta.app_label, model._meta.model_name
    found = None
    for (label, name), migration in sorted(loader.disk_migrations.items()):
        creates = label == app_label and any(
            isinstance(operation, migrations.CreateModel) and operation.name_lower == model_name
            for operation in migration.operations
        )
        if creates:
            if all(parent[0] != app_label for parent in migration.dependencies):
                return None
            found = found or name
    return found
