"""Checks of the settings and of what they name."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from bookings import extensions, slots
from bookings.adapters import DefaultBookingAdapter
from bookings.checks.models import MODELS
from bookings.conf import PREFIX, AppSettings, SettingsGroup, app_settings
from bookings.rules import money
from bookings.rules.validation import MAX_HOURS, MAX_MINUTES, Readable

SCHEDULE_APP: Final = "bookings.contrib.schedule"
Configs = Sequence[AppConfig] | None

MODES: Final = ("ENGINE", "NONE")

MAX_BOOKINGS: Final = 1_000_000
"""A larger limit is a typing error."""


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
            f"{PREFIX}{name} is {Readable(value)}; it must be {expected}.",
            hint=f"{PREFIX}{name} = {example!r}",
            id="bookings.E002",
        )
        for name, value, expected, example in _wrong_values()
    ]


def _wrong_values() -> Iterator[tuple[str, Any, str, Any]]:
    settings_of_all = [pair for group in SettingsGroup.groups for pair in group.all().items()]
    for name, setting in settings_of_all:
        value: Any = setting.__get__(app_settings, AppSettings)
        # True is an int in Python, but not a number of minutes.
        is_bool = isinstance(value, bool)
        if not _is_of(value, setting.types) or (is_bool and bool not in setting.types):
            expected = " or ".join(kind.__name__ for kind in setting.types)
            yield name, value, f"of type {expected}", _intended_value(value, setting)
        elif name == "SLOT_VALIDATION_MODE" and value not in MODES:
            yield name, value, '"ENGINE" or "NONE"', "NONE"
        elif setting.choices and value not in setting.choices:
            choices = " or ".join(f'"{choice}"' for choice in setting.choices)
            yield name, value, choices, setting.default
        elif name == "DUPLICATE_GUARD_MINUTES" and not 0 <= value <= MAX_MINUTES:
            yield name, value, f"from 0 (off) to {MAX_MINUTES}", 0
        elif name == "AUTO_CANCEL_GRACE_HOURS" and not 0 <= value <= MAX_HOURS:
            yield name, value, f"from 0 (at once) to {MAX_HOURS}", setting.default
        elif name == "AUTO_COMPLETE_HOURS" and not 0 <= (value or 0) <= MAX_HOURS:
            yield name, value, f"from 0 (at once) to {MAX_HOURS}, or None (never)", setting.default
        elif name.startswith("MAX_") and not _is_within(value, 1, MAX_BOOKINGS):
            yield name, value, f"from 1 to {MAX_BOOKINGS}, or None for any number", None
        elif name == "APPROVAL_DEADLINE_HOURS" and not _is_within(value, 1, MAX_HOURS):
            yield name, value, f"from 1 to {MAX_HOURS}, or None (no deadline)", 48
        elif name == "HOLD_MINUTES" and not _is_within(value, 1, MAX_MINUTES):
            yield name, value, f"from 1 to {MAX_MINUTES}", setting.default
        elif name == "DEFAULT_CURRENCY" and not money.is_currency_code(value):
            yield name, value, "an ISO 4217 code of three letters", setting.default
        elif name == "MIGRATION_DEPENDENCIES" and not _names_migrations(value):
            expected = f"a dict of names of migrations, keyed by {', '.join(MODELS)}"
            yield name, value, expected, {"SERVICE_MODEL": "0002_service"}


def _intended_value(value: Any, setting: Any) -> Any:
    """Return the value that the host meant, if that is clear; else the default.

    So a host that follows the hint does not turn off what it has turned on.
    """
    if setting.types == (bool,) and isinstance(value, int) and value in (0, 1):
        return bool(value)
    if int in setting.types and isinstance(value, str) and value.isdecimal():
        return int(value)
    return setting.default


def _names_migrations(value: dict[Any, Any]) -> bool:
    return value.keys() <= set(MODELS) and all(_is_of(each, (str,)) for each in value.values())


def _is_within(value: int | None, least: int, most: int) -> bool:
    return value is None or least <= value <= most


def _is_of(value: Any, types: tuple[type, ...]) -> bool:
    """Call ``isinstance()`` without mypy narrowing the value to ``object``."""
    return isinstance(value, types)


@register()
def check_business_days(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    if not app_settings.AUTO_CANCEL_BUSINESS_DAYS or extensions.implementing("working_days"):
        return []
    return [
        CheckWarning(
            f"{PREFIX}AUTO_CANCEL_BUSINESS_DAYS is on, and nothing knows on which days a provider "
            "works, so every day counts.",
            hint=(
                f"Add {SCHEDULE_APP!r} to INSTALLED_APPS, or register a bookings.extensions."
                "Extension that overrides working_days()."
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
    elif problem := _problem(app_settings.SLOTS_AVAILABLE_FUNC, slots.adapt):
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
