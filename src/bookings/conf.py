"""Every ``BOOKINGS_*`` setting: typed, with its default, read from Django's settings when used."""

from __future__ import annotations

from typing import Any, ClassVar, Final, Generic, TypeVar, overload

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

PREFIX: Final = "BOOKINGS_"
OWN_TENANT_MODEL: Final = "bookings.Tenant"


class Setting(Generic[T]):
    """One setting. ``types`` are what a host may assign; the system checks hold it to them."""

    name: str

    def __init__(self, default: T, *types: type, choices: tuple[T, ...] = ()) -> None:
        self.default = default
        self.types = types
        self.choices = choices

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @property
    def full_name(self) -> str:
        return PREFIX + self.name

    @property
    def is_set(self) -> bool:
        """Whether the host has written the setting down, whatever its value."""
        return hasattr(settings, self.full_name)

    @overload
    def __get__(self, instance: None, owner: type) -> Setting[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Setting[T] | T:
        if instance is None:
            return self
        value: T = getattr(settings, self.full_name, self.default)
        return value


class SettingsGroup:
    """The settings of one app. The system checks know those of every subclass there is."""

    groups: ClassVar[list[type[SettingsGroup]]] = []

    def __init_subclass__(cls) -> None:
        SettingsGroup.groups.append(cls)

    @classmethod
    def all(cls) -> dict[str, Setting[Any]]:
        return {name: value for name, value in vars(cls).items() if isinstance(value, Setting)}


class AppSettings(SettingsGroup):
    """The settings of the core. ``app_settings.X`` is ``settings.BOOKINGS_X`` or its default.

    The ``*_MODEL`` settings are read once by Django, when the models are built, so changing one is
    a change of schema (see :class:`bookings.operations.RetargetForeignKey`). All others may change
    at any time, also through ``override_settings``.
    """

    TENANT_MODEL = Setting[str | None](None, str, type(None))
    SERVICE_MODEL = Setting("services.Service", str)
    PROVIDER_MODEL = Setting("providers.Provider", str)
    ADDON_MODEL = Setting("services.ServiceAddon", str)
    USER_MODEL = Setting[str | None](None, str, type(None))
    SLOT_VALIDATION_MODE = Setting("ENGINE", str)
    SLOTS_AVAILABLE_FUNC = Setting("slots.selectors.list_available_slots", str)
    DUPLICATE_GUARD_MINUTES = Setting(0, int)
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
    PREVENT_CLIENT_OVERLAP = Setting(False, bool)
    APPROVAL_DEADLINE_HOURS = Setting[int | None](None, int, type(None))
    HOLD_MINUTES = Setting(15, int)
    MIGRATION_DEPENDENCIES = Setting[dict[str, str]]({}, dict)

    @property
    def tenancy_enabled(self) -> bool:
        return bool(self.TENANT_MODEL)

    def model_label(self, name: str) -> str:
        """The model a ``*_MODEL`` setting stands for, as ``"app_label.Model"``.

        Without tenancy the tenant is our own, always empty table; without a user model of its own
        a booking's user is ``AUTH_USER_MODEL``.
        """
        label = getattr(self, name)
        if label is None and name == "TENANT_MODEL":
            return OWN_TENANT_MODEL
        if label is None and name == "USER_MODEL":
            return settings.AUTH_USER_MODEL
        if not isinstance(label, str) or label.count(".") != 1:
            # Not a system check: without the label there is no model that could be checked.
            raise ImproperlyConfigured(
                f'{PREFIX}{name} is {label!r}. Write a model as "app_label.Model".'
            )
        return label

    def dependency(self, name: str) -> tuple[str, str]:
        """What a migration that points at this setting's model depends on."""
        app_label = self.model_label(name).split(".")[0]
        return app_label, self.MIGRATION_DEPENDENCIES.get(name, "__first__")


app_settings = AppSettings()
