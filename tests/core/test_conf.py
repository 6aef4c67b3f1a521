from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from bookings.checks.settings import check_names, check_values
from bookings.conf import AppSettings, Setting, SettingsGroup, app_settings

DEFAULTS = {
    "TENANT_MODEL": None,
    "SERVICE_MODEL": "services.Service",
    "PROVIDER_MODEL": "providers.Provider",
    "ADDON_MODEL": "services.ServiceAddon",
    "USER_MODEL": None,
    "SLOT_VALIDATION_MODE": "ENGINE",
    "SLOTS_AVAILABLE_FUNC": "slots.selectors.list_available_slots",
    "DUPLICATE_GUARD_MINUTES": 0,
    "DEFAULT_CURRENCY": "USD",
    "ADAPTER": "bookings.adapters.DefaultBookingAdapter",
    "ALLOW_PAST_START": False,
    "AUTO_CANCEL_ENABLED": True,
    "AUTO_CANCEL_GRACE_HOURS": 24,
    "AUTO_CANCEL_BUSINESS_DAYS": False,
    "AUTO_CANCEL_NOTIFY": True,
    "AUTO_COMPLETE_HOURS": 72,
    "MIGRATION_DEPENDENCIES": {},
}


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_a_setting_has_its_documented_default(settings: Any, name: str, default: Any) -> None:
    if hasattr(settings, f"BOOKINGS_{name}"):
        delattr(settings, f"BOOKINGS_{name}")
    assert getattr(app_settings, name) == default
    assert not getattr(AppSettings, name).is_set


def test_all_settings_are_known_by_their_names() -> None:
    assert AppSettings.all().keys() >= DEFAULTS.keys()
    assert {setting.full_name for setting in AppSettings.all().values()} >= {
        f"BOOKINGS_{name}" for name in DEFAULTS
    }


@pytest.mark.parametrize("setting", AppSettings.all().values(), ids=lambda item: item.name)
def test_a_default_is_of_its_own_type(setting: Setting[Any]) -> None:
    assert isinstance(setting.default, setting.types)


def test_a_setting_is_read_whenever_it_is_used(settings: Any) -> None:
    settings.BOOKINGS_DEFAULT_CURRENCY = "EUR"
    assert app_settings.DEFAULT_CURRENCY == "EUR"
    settings.BOOKINGS_DEFAULT_CURRENCY = "CHF"
    assert app_settings.DEFAULT_CURRENCY == "CHF"


def test_a_setting_written_down_with_its_default_counts_as_set(settings: Any) -> None:
    settings.BOOKINGS_TENANT_MODEL = None
    assert AppSettings.TENANT_MODEL.is_set
    del settings.BOOKINGS_TENANT_MODEL
    assert not AppSettings.TENANT_MODEL.is_set


def test_tenancy_is_enabled_by_naming_a_model(settings: Any) -> None:
    assert not app_settings.tenancy_enabled
    settings.BOOKINGS_TENANT_MODEL = "clinics.Clinic"
    assert app_settings.tenancy_enabled


def test_without_tenancy_the_tenant_is_our_own_empty_table(settings: Any) -> None:
    settings.BOOKINGS_TENANT_MODEL = None
    assert app_settings.model_label("TENANT_MODEL") == "bookings.Tenant"
    settings.BOOKINGS_TENANT_MODEL = "clinics.Clinic"
    assert app_settings.model_label("TENANT_MODEL") == "clinics.Clinic"


def test_the_user_is_djangos_unless_the_host_names_another(settings: Any) -> None:
    settings.BOOKINGS_USER_MODEL = None
    assert app_settings.model_label("USER_MODEL") == settings.AUTH_USER_MODEL
    settings.BOOKINGS_USER_MODEL = "people.Person"
    assert app_settings.model_label("USER_MODEL") == "people.Person"


@pytest.mark.parametrize("label", ["", "Service", "my.app.Service", None, 7])
def test_a_model_is_named_by_app_and_model(settings: Any, label: Any) -> None:
    settings.BOOKINGS_SERVICE_MODEL = label
    with pytest.raises(ImproperlyConfigured, match="BOOKINGS_SERVICE_MODEL"):
        app_settings.model_label("SERVICE_MODEL")


def test_a_migration_depends_on_the_first_of_the_models_app(settings: Any) -> None:
    settings.BOOKINGS_SERVICE_MODEL = "salon.Treatment"
    assert app_settings.dependency("SERVICE_MODEL") == ("salon", "__first__")


def test_a_migration_depends_on_the_one_that_the_host_declares(settings: Any) -> None:
    settings.BOOKINGS_SERVICE_MODEL = "salon.Treatment"
    settings.BOOKINGS_MIGRATION_DEPENDENCIES = {"SERVICE_MODEL": "0004_treatment"}
    assert app_settings.dependency("SERVICE_MODEL") == ("salon", "0004_treatment")


def test_the_settings_of_another_app_are_known_and_checked(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SettingsGroup, "groups", list(SettingsGroup.groups))

    class OwnSettings(SettingsGroup):
        OWN_MODE = Setting("quick", str, choices=("quick", "slow"))

    own = OwnSettings()
    assert own.OWN_MODE == "quick"
    assert OwnSettings.all().keys() == {"OWN_MODE"}
    settings.BOOKINGS_OWN_MODE = "slow"
    assert own.OWN_MODE == "slow"
    assert check_names(None) == check_values(None) == []
    for wrong in ("lazy", 1):
        settings.BOOKINGS_OWN_MODE = wrong
        [message] = check_values(None)
        assert (message.id, message.hint) == ("bookings.E002", "BOOKINGS_OWN_MODE = 'quick'")
