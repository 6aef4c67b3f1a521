"""System checks: every setting that can be wrong, each with the line to write as its hint.

========== =============================================================================
``E001``   a ``*_MODEL`` setting names a model that is not installed
``E002``   a setting has the wrong type or an unknown value
``E003``   a dotted path cannot be imported, or what it names cannot be used
``E004``   a model was created after its app's first migration
``E005``   the unmaintained ``django-fsm`` is installed beside ``django-fsm-2``
``E006``   this app's predecessor ``mroudai-django-bookings`` is still installed
``E007``   ``USE_TZ`` is off
``W001``   an unknown ``BOOKINGS_*`` setting
``W002``   starts are not validated, because the default slot engine is not installed
``W003``   SQLite without ``transaction_mode: IMMEDIATE``
``W004``   a foreign key in the database points at another table than its setting
``W005``   a grace is to be counted in business days, and nothing knows of any
========== =============================================================================
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Any, Final

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.utils.module_loading import import_string

from bookings import money, slots, working_days
from bookings.adapters import DefaultBookingAdapter
from bookings.conf import PREFIX, AppSettings, SettingsGroup, app_settings
from bookings.fields import SettingForeignKey, SettingOneToOneField
from bookings.policies import MAX_HOURS, MAX_MINUTES

SCHEDULE_APP: Final = "bookings.contrib.schedule"
CATALOG_APP: Final = "bookings.contrib.catalog"
CATALOG: Final = {
    "SERVICE_MODEL": "bookings_catalog.Service",
    "PROVIDER_MODEL": "bookings_catalog.Provider",
    "ADDON_MODEL": "bookings_catalog.ServiceAddon",
}
RIVALS: Final = {
    "django-fsm": ("django_fsm", "django-fsm-2", "bookings.E005"),
    "mroudai-django-bookings": ("bookings", "django-bookings", "bookings.E006"),
}
MODELS: Final = (*CATALOG, "TENANT_MODEL", "USER_MODEL")
MODES: Final = ("ENGINE", "NONE")

Configs = Sequence[AppConfig] | None


@register()
def check_names(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    known = {PREFIX + name for group in SettingsGroup.groups for name in group.all()}
    messages: list[CheckMessage] = []
    for name in sorted(dir(settings)):
        if name.startswith(PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
            hint = f"Did you mean {close[0]}?" if close else "Remove it, or correct its name."
            messages.append(
                CheckWarning(f"{name} is not a setting of bookings.", hint=hint, id="bookings.W001")
            )
    return messages


@register()
def check_values(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{PREFIX}{name} is {value!r}; it must be {expected}.",
            hint=f"{PREFIX}{name} = {example!r}",
            id="bookings.E002",
        )
        for name, value, expected, example in _wrong_values()
    ]


def _wrong_values() -> Iterator[tuple[str, Any, str, Any]]:
    settings_of_all = [pair for group in SettingsGroup.groups for pair in group.all().items()]
    for name, setting in settings_of_all:
        value: Any = setting.__get__(app_settings, AppSettings)
        # True is an int to Python, and never what a number of minutes was meant to be.
        is_bool = isinstance(value, bool)
        if not _is_of(value, setting.types) or (is_bool and bool not in setting.types):
            expected = " or ".join(kind.__name__ for kind in setting.types)
            yield name, value, f"of type {expected}", _meant(value, setting)
        elif name == "SLOT_VALIDATION_MODE" and value not in MODES:
            yield name, value, '"ENGINE" or "NONE"', "NONE"
        elif setting.choices and value not in setting.choices:
            choices = " or ".join(f'"{choice}"' for choice in setting.choices)
            yield name, value, choices, setting.default
        elif name == "DUPLICATE_GUARD_MINUTES" and value < 0:
            yield name, value, "0 (off) or more", 0
        elif name == "AUTO_CANCEL_GRACE_HOURS" and not 0 <= value <= MAX_HOURS:
            yield name, value, f"from 0 (at once) to {MAX_HOURS}", setting.default
        elif name == "AUTO_COMPLETE_HOURS" and not 0 <= (value or 0) <= MAX_HOURS:
            yield name, value, f"from 0 (at once) to {MAX_HOURS}, or None (never)", setting.default
        elif name.startswith("MAX_") and value is not None and value < 1:
            yield name, value, "1 or more, or None for any number", None
        elif name == "APPROVAL_DEADLINE_HOURS" and not _is_within(value, 1, MAX_HOURS):
            yield name, value, f"from 1 to {MAX_HOURS}, or None (no deadline)", 48
        elif name == "HOLD_MINUTES" and not _is_within(value, 1, MAX_MINUTES):
            yield name, value, f"from 1 to {MAX_MINUTES}", setting.default
        elif name == "DEFAULT_CURRENCY" and not money.is_code(value):
            yield name, value, "an ISO 4217 code of three letters", setting.default
        elif name == "MIGRATION_DEPENDENCIES" and not value.keys() <= set(MODELS):
            yield name, value, f"keyed by {', '.join(MODELS)}", {"SERVICE_MODEL": "0002_service"}


def _meant(value: Any, setting: Any) -> Any:
    """What a value of the wrong type says, where that is plain; else the default.

    A hint that is followed should not switch off what its author has switched on.
    """
    if setting.types == (bool,) and isinstance(value, int) and value in (0, 1):
        return bool(value)
    if int in setting.types and isinstance(value, str) and value.isdecimal():
        return int(value)
    return setting.default


def _is_within(value: int | None, least: int, most: int) -> bool:
    return value is None or least <= value <= most


def _is_of(value: Any, types: tuple[type, ...]) -> bool:
    """``isinstance()``, without mypy narrowing the value to ``object`` by types it cannot see."""
    return isinstance(value, types)


@register()
def check_business_days(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    if not app_settings.AUTO_CANCEL_BUSINESS_DAYS or working_days.is_known():
        return []
    return [
        CheckWarning(
            f"{PREFIX}AUTO_CANCEL_BUSINESS_DAYS is on, and nothing knows on which days a provider "
            "works, so every day counts.",
            hint=(
                f"Add {SCHEDULE_APP!r} to INSTALLED_APPS, or call bookings.working_days.register()."
            ),
            id="bookings.W005",
        )
    ]


@register()
def check_time_zones(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    if settings.USE_TZ:
        return []
    return [
        Error(
            "Without USE_TZ every datetime that Django reads is naive, and nobody can know when "
            "such a booking takes place.",
            hint="USE_TZ = True",
            id="bookings.E007",
        )
    ]


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


@register()
def check_functions(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    if problem := _problem(app_settings.ADAPTER, _check_adapter):
        messages.append(
            Error(
                f"{PREFIX}ADAPTER: {problem}",
                hint=f"{PREFIX}ADAPTER = {AppSettings.ADAPTER.default!r}",
                id="bookings.E003",
            )
        )
    if app_settings.SLOT_VALIDATION_MODE != "ENGINE":
        return messages
    if slots.is_default_missing():
        messages.append(
            CheckWarning(
                "No slot engine is installed, so any start is accepted as long as it is free.",
                hint=(
                    f'{PREFIX}SLOTS_AVAILABLE_FUNC = "your_app.slots.list_available_slots"; '
                    f"or the bundled schedule: add {SCHEDULE_APP!r} to INSTALLED_APPS and write "
                    f'{PREFIX}SLOTS_AVAILABLE_FUNC = "{SCHEDULE_APP}.selectors.'
                    f'list_available_slots"; or {PREFIX}SLOT_VALIDATION_MODE = "NONE" if that is '
                    "what you want."
                ),
                id="bookings.W002",
            )
        )
    elif problem := _problem(app_settings.SLOTS_AVAILABLE_FUNC, slots.adapted):
        messages.append(
            Error(
                f"{PREFIX}SLOTS_AVAILABLE_FUNC: {problem}",
                hint=(
                    f"Name a function {' or '.join(slots.SIGNATURES)}, "
                    f'or write {PREFIX}SLOT_VALIDATION_MODE = "NONE".'
                ),
                id="bookings.E003",
            )
        )
    return messages


def _problem(path: Any, use: Any) -> str:
    try:
        use(import_string(path))
    except (ImportError, AttributeError, TypeError, ValueError, ImproperlyConfigured) as error:
        return f"{path!r} cannot be used: {error}"
    return ""


def _check_adapter(adapter: Any) -> None:
    if not inspect.isclass(adapter) or not issubclass(adapter, DefaultBookingAdapter):
        raise TypeError("it is not a subclass of bookings.adapters.DefaultBookingAdapter")


@register()
def check_late_models(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """A migration can only depend on an app's first one unless told otherwise."""
    messages: list[CheckMessage] = []
    loader = None
    for name in MODELS:
        model = _installed(app_settings.model_label(name))
        if model is None or name in app_settings.MIGRATION_DEPENDENCIES:
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


@register()
def check_distributions(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """Two distributions that write the same folder: whichever came last is what runs."""
    messages: list[CheckMessage] = []
    for name, (folder, ours, check_id) in RIVALS.items():
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
    """A warning, for an error would keep ``migrate`` from running the migration that mends it."""
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
