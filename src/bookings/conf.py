"""The ``BOOKINGS_*`` settings: typed, with defaults, read from Django's settings when used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, Generic, TypeVar, overload

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

PREFIX: Final = "BOOKINGS_"
OWN_TENANT_MODEL: Final = "bookings.Tenant"


class Setting(Generic[T]):
    """One setting. The system checks report a value that is not of its ``types``."""

    name: str
    full_name: str

    def __init__(
        self,
        default: T,
        *types: type,
        choices: tuple[T, ...] = (),
        parse: Callable[[Any], Any] | None = None,
    ) -> None:
        self.default = default
        self.types = types
        self.choices = choices
        self.parse = parse

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.full_name = PREFIX + name

    @property
    def is_set(self) -> bool:
        """Whether the host's settings name it, whatever its value."""
        return hasattr(settings, self.full_name)

    @overload
    def __get__(self, instance: None, owner: type) -> Setting[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Setting[T] | T:
        if instance is None:
            return self
        value: T = getattr(settings, self.full_name, self.default)
        return value if self.parse is None else self.parse(value)


class SettingsGroup:
    """The settings of one app. The system checks know every subclass."""

    groups: ClassVar[list[type[SettingsGroup]]] = []

    def __init_subclass__(cls) -> None:
        SettingsGroup.groups.append(cls)

    @classmethod
    def all(cls) -> dict[str, Setting[Any]]:
        return {name: value for name, value in vars(cls).items() if isinstance(value, Setting)}


def _parse_minutes(value: Any) -> Any:
    """Read a number from an environment variable; nothing is 0."""
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return 0 if value is None or value == "" else value


def _parse_mode(value: Any) -> Any:
    """Read nothing, ``False`` and "off" as "NONE"; anything else may be a typing error."""
    is_off = not value or (isinstance(value, str) and value.upper() in {"OFF", "NONE"})
    return "NONE" if is_off else value


def _parse_label(value: Any) -> Any:
    return value or None


class AppSettings(SettingsGroup):
    """The settings of the core. ``app_settings.X`` is ``settings.BOOKINGS_X`` or its default.

    The ``*_MODEL`` settings are read once by Django, when the models are built, so changing one is
    a change of schema (see :class:`bookings.operations.RetargetForeignKey`). All others may change
    at any time, also through ``override_settings``.
    """

    TENANT_MODEL = Setting[str | None](None, str, type(None), parse=_parse_label)
    SERVICE_MODEL = Setting("services.Service", str)
    PROVIDER_MODEL = Setting("providers.Provider", str)
    ADDON_MODEL = Setting("services.ServiceAddon", str)
    USER_MODEL = Setting[str | None](None, str, type(None), parse=_parse_label)
    SLOT_VALIDATION_MODE = Setting("ENGINE", str, parse=_parse_mode)
    SLOTS_AVAILABLE_FUNC = Setting("slots.selectors.list_available_slots", str)
    DUPLICATE_GUARD_MINUTES = Setting(0, int, parse=_parse_minutes)
    DEFAULT_CURRENCY = Setting("USD", str)
    ADAPTER = Setting("bookings.adapters.DefaultBookingAdapter", str)
    ALLOW_PAST_START = Setting(False, bool)
    AUTO_CANCEL_ENABLED = Setting(True, bool)
    AUTO_CANCEL_GRACE_HOURS = Setting(24, int)
    AUTO_CANCEL_BUSINESS_DAYS = Setting(False, bool)
    AUTO_CANCEL_NOTIFY = Setting(True, bool)
    AUTO_COMPLETE_HOURS = Setting[int | None](72, int, type(None))
    MAX_ACTIVE_BOOKINGS_PER_CLIENT = Setting[int | None](None, int, type(None))
    MAX_BOOKINGS_PER_CLIENT_PER_DAY = Setting[int | None](None, int, type(None))
    MAX_BOOKINGS_PER_CLIENT_PER_WEEK = Setting[int | None](None, int, type(None))
    FIRST_DAY_OF_WEEK = Setting("MONDAY", str, choices=("MONDAY", "SATURDAY", "SUNDAY"))
    PREVENT_CLIENT_OVERLAP = Setting(False, bool)
    APPROVAL_DEADLINE_HOURS = Setting[int | None](None, int, type(None))
    HOLD_MINUTES = Setting(15, int)
    MIGRATION_DEPENDENCIES = Setting[dict[str, str]]({}, dict)

    @property
    def migration_dependencies(self) -> dict[str, str]:
        """The setting, or none where its value is wrong, which a system check reports."""
        value: Any = self.MIGRATION_DEPENDENCIES
        return value if isinstance(value, dict) else {}

    @property
    def tenancy_enabled(self) -> bool:
        return bool(self.TENANT_MODEL)

    def model_label(self, name: str) -> str:
        """Return the model that a ``*_MODEL`` setting names, as ``"app_label.Model"``.

        Without tenancy it is our own empty tenant table; without a user model it is
        ``AUTH_USER_MODEL``.
        """
        label = getattr(self, name)
        if label is None and name == "TENANT_MODEL":
            return OWN_TENANT_MODEL
        if label is None and name == "USER_MODEL":
            return settings.AUTH_USER_MODEL
        if not isinstance(label, str) or label.count(".") != 1:
            # Not a system check, because Django cannot load the models without the label.
            raise ImproperlyConfigured(
                f'{PREFIX}{name} is {label!r}. Write a model as "app_label.Model".'
            )
        return label

    def dependency(self, name: str) -> tuple[str, str]:
        """Return the dependency of a migration that refers to this setting's model."""
        app_label = self.model_label(name).split(".")[0]
        return app_label, self.migration_dependencies.get(name, "__first__")


app_settings = AppSettings()
