"""Each setting that can be wrong is a numbered message whose hint is the line to write."""

from __future__ import annotations

import functools
import subprocess
import sys
from importlib import metadata
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import checks as django_checks
from django.core.checks import CheckMessage, Error, run_checks
from django.db import connection, models
from django.test import override_settings

from bookings.checks.models import CATALOG, drop_lazy_references
from bookings.conf import app_settings
from bookings.models.fields import SettingForeignKey
from tests import databases
from tests.extensions import unregister_all

# Newer versions of Django ask the database about a model's constraints.
pytestmark = pytest.mark.django_db


def ours(**kwargs: Any) -> list[CheckMessage]:
    return [message for message in run_checks(**kwargs) if str(message.id).startswith("bookings.")]


def ids(**kwargs: Any) -> list[str | None]:
    return [message.id for message in ours(**kwargs)]


def the_only(**kwargs: Any) -> CheckMessage:
    [message] = ours(**kwargs)
    return message


class NoAdapter:
    """Lacks everything that an adapter has."""


def offers_by_datetimes(service: Any, provider: Any, start_dt: Any, end_dt: Any) -> list[Any]:
    return []


def offers_by_nothing(service: Any, provider: Any) -> list[Any]:
    return []


def test_a_host_that_is_wired_well_hears_nothing() -> None:
    assert ours() == []


@override_settings(BOOKINGS_DUPLICATE_GUARD_MINUTE=5)
def test_a_misspelt_setting_is_told_what_it_may_have_meant() -> None:
    message = the_only()
    assert isinstance(message, django_checks.Warning)
    assert message.id == "bookings.W001"
    assert message.hint == "Did you mean BOOKINGS_DUPLICATE_GUARD_MINUTES?"


@override_settings(BOOKINGS_ZZZ=5)
def test_an_unknown_setting_without_a_likeness() -> None:
    assert the_only().hint == "Remove it, or correct its name."


@pytest.mark.parametrize(
    ("name", "value", "said", "hint"),
    [
        ("DUPLICATE_GUARD_MINUTES", "a", "of type int", "BOOKINGS_DUPLICATE_GUARD_MINUTES = 0"),
        ("DUPLICATE_GUARD_MINUTES", "-5", "of type int", "BOOKINGS_DUPLICATE_GUARD_MINUTES = 0"),
        ("DUPLICATE_GUARD_MINUTES", 5.0, "of type int", "BOOKINGS_DUPLICATE_GUARD_MINUTES = 0"),
        ("AUTO_CANCEL_GRACE_HOURS", "48", "of type int", "BOOKINGS_AUTO_CANCEL_GRACE_HOURS = 48"),
        ("DUPLICATE_GUARD_MINUTES", True, "of type int", "BOOKINGS_DUPLICATE_GUARD_MINUTES = 0"),
        (
            "DUPLICATE_GUARD_MINUTES",
            -1,
            "from 0 (off) to 5270400",
            "BOOKINGS_DUPLICATE_GUARD_MINUTES = 0",
        ),
        *(
            (name, value, said, f"BOOKINGS_{name} = None")
            for name in (
                "MAX_ACTIVE_BOOKINGS_PER_CLIENT",
                "MAX_BOOKINGS_PER_CLIENT_PER_DAY",
                "MAX_BOOKINGS_PER_CLIENT_PER_WEEK",
            )
            for value, said in (
                (0, "from 1 to 1000000, or None for any number"),
                (-1, "from 1 to 1000000"),
                (True, "of type int or NoneType"),
                ("three", "of type int or NoneType"),
            )
        ),
        (
            "MAX_BOOKINGS_PER_CLIENT_PER_DAY",
            "3",
            "of type int or NoneType",
            "BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY = 3",
        ),
        ("PREVENT_CLIENT_OVERLAP", 1, "of type bool", "BOOKINGS_PREVENT_CLIENT_OVERLAP = True"),
        ("PREVENT_CLIENT_OVERLAP", 2, "of type bool", "BOOKINGS_PREVENT_CLIENT_OVERLAP = False"),
        ("AUTO_CANCEL_ENABLED", 0, "of type bool", "BOOKINGS_AUTO_CANCEL_ENABLED = False"),
        ("ALLOW_PAST_START", "yes", "of type bool", "BOOKINGS_ALLOW_PAST_START = False"),
        ("DEFAULT_CURRENCY", "EURO", "ISO 4217", "BOOKINGS_DEFAULT_CURRENCY = 'USD'"),
        ("DEFAULT_CURRENCY", "€12", "ISO 4217", "BOOKINGS_DEFAULT_CURRENCY = 'USD'"),
        ("DEFAULT_CURRENCY", "", "ISO 4217", "BOOKINGS_DEFAULT_CURRENCY = 'USD'"),
        ("DEFAULT_CURRENCY", None, "of type str", "BOOKINGS_DEFAULT_CURRENCY = 'USD'"),
        (
            "AUTO_CANCEL_GRACE_HOURS",
            -1,
            "from 0 (at once) to 87840",
            "BOOKINGS_AUTO_CANCEL_GRACE_HOURS = 24",
        ),
        (
            "AUTO_CANCEL_GRACE_HOURS",
            87841,
            "from 0 (at once) to 87840",
            "BOOKINGS_AUTO_CANCEL_GRACE_HOURS = 24",
        ),
        (
            "AUTO_CANCEL_GRACE_HOURS",
            None,
            "of type int",
            "BOOKINGS_AUTO_CANCEL_GRACE_HOURS = 24",
        ),
        (
            "AUTO_COMPLETE_HOURS",
            -1,
            "from 0 (at once) to 87840, or None (never)",
            "BOOKINGS_AUTO_COMPLETE_HOURS = 72",
        ),
        (
            "AUTO_COMPLETE_HOURS",
            "never",
            "of type int or NoneType",
            "BOOKINGS_AUTO_COMPLETE_HOURS = 72",
        ),
        *(
            ("APPROVAL_DEADLINE_HOURS", value, said, "BOOKINGS_APPROVAL_DEADLINE_HOURS = 48")
            for value, said in (
                (0, "from 1 to 87840, or None (no deadline)"),
                (-1, "from 1 to 87840"),
                (87841, "from 1 to 87840"),
            )
        ),
        (
            "APPROVAL_DEADLINE_HOURS",
            2.5,
            "of type int or NoneType",
            "BOOKINGS_APPROVAL_DEADLINE_HOURS = None",
        ),
        *(
            ("HOLD_MINUTES", value, said, "BOOKINGS_HOLD_MINUTES = 15")
            for value, said in (
                (0, "from 1 to 5270400"),
                (-15, "from 1 to 5270400"),
                (2**31, "from 1 to 5270400"),
                (True, "of type int"),
                (None, "of type int"),
            )
        ),
        ("AUTO_CANCEL_ENABLED", 1, "of type bool", "BOOKINGS_AUTO_CANCEL_ENABLED = True"),
        (
            "SLOT_VALIDATION_MODE",
            "engine",
            '"ENGINE" or "NONE"',
            "BOOKINGS_SLOT_VALIDATION_MODE = 'NONE'",
        ),
        *(
            (
                "MIGRATION_DEPENDENCIES",
                value,
                "a dict of names of migrations, keyed by SERVICE_MODEL",
                "BOOKINGS_MIGRATION_DEPENDENCIES = {'SERVICE_MODEL': '0002_service'}",
            )
            for value in (
                {"BOOKINGS_SERVICE_MODEL": "0002"},
                {"SERVICE_MODEL": 2},
                {"SERVICE_MODEL": None},
                {7: "0002"},
            )
        ),
        *(
            (
                "MIGRATION_DEPENDENCIES",
                value,
                "of type dict",
                "BOOKINGS_MIGRATION_DEPENDENCIES = {}",
            )
            for value in (None, "0002_service", ["SERVICE_MODEL"], 5)
        ),
        *(
            (name, value, "from ", f"BOOKINGS_{name} = {hint}")
            for name, hint in (
                ("DUPLICATE_GUARD_MINUTES", 0),
                ("AUTO_CANCEL_GRACE_HOURS", 24),
                ("AUTO_COMPLETE_HOURS", 72),
                ("APPROVAL_DEADLINE_HOURS", 48),
                ("HOLD_MINUTES", 15),
                ("MAX_ACTIVE_BOOKINGS_PER_CLIENT", None),
                ("MAX_BOOKINGS_PER_CLIENT_PER_DAY", None),
                ("MAX_BOOKINGS_PER_CLIENT_PER_WEEK", None),
            )
            for value in (10**12,)
        ),
    ],
)
def test_a_wrong_value(name: str, value: Any, said: str, hint: str) -> None:
    with override_settings(**{f"BOOKINGS_{name}": value}):
        message = the_only()
    assert isinstance(message, Error)
    assert message.id == "bookings.E002"
    assert said in message.msg
    assert message.hint == hint


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("DUPLICATE_GUARD_MINUTES", None, 0),
        ("DUPLICATE_GUARD_MINUTES", "", 0),
        ("DUPLICATE_GUARD_MINUTES", "0", 0),
        ("DUPLICATE_GUARD_MINUTES", "30", 30),
        ("DUPLICATE_GUARD_MINUTES", " 30 ", 30),
        *(
            ("SLOT_VALIDATION_MODE", value, "NONE")
            for value in (None, "", False, "off", "OFF", "none", "None")
        ),
        ("TENANT_MODEL", "", None),
        ("USER_MODEL", "", None),
    ],
)
def test_what_the_predecessor_accepted(name: str, value: Any, read: Any) -> None:
    with override_settings(**{f"BOOKINGS_{name}": value}):
        assert ours() == []
        assert getattr(app_settings, name) == read


@override_settings(BOOKINGS_HOLD_MINUTES=10**5000)
def test_a_number_that_python_does_not_write_is_reported() -> None:
    assert "BOOKINGS_HOLD_MINUTES is <int>" in the_only().msg


@pytest.mark.parametrize("value", [None, "0002_service", {"SERVICE_MODEL": None}])
def test_migrations_are_loaded_whatever_the_dependencies_are(value: Any) -> None:
    with override_settings(BOOKINGS_MIGRATION_DEPENDENCIES=value):
        assert app_settings.dependency("PROVIDER_MODEL") == ("providers", "__first__")


@pytest.mark.parametrize(
    ("zone", "stores_zones", "is_wrong"),
    [
        (None, False, False),
        ("UTC", False, False),
        ("Etc/UTC", False, False),
        ("Europe/Berlin", False, True),
        ("America/New_York", False, True),
        ("Asia/Tokyo", False, True),
        ("", False, True),
        ("Europe/Berlin", True, False),
    ],
)
def test_a_database_that_stores_local_times_is_an_error(
    monkeypatch: pytest.MonkeyPatch, zone: str | None, stores_zones: bool, is_wrong: bool
) -> None:
    monkeypatch.setitem(connection.settings_dict, "TIME_ZONE", zone)
    monkeypatch.setattr(connection.features, "supports_timezones", stores_zones)
    messages = [message for message in ours() if message.id == "bookings.E010"]
    assert len(messages) == is_wrong
    for message in messages:
        assert isinstance(message, Error)
        assert f'DATABASES["default"]["TIME_ZONE"] is {zone!r}' in message.msg
        assert message.hint == 'Remove DATABASES["default"]["TIME_ZONE"], or set it to "UTC".'


@override_settings(BOOKINGS_APPROVAL_DEADLINE_HOURS=1, BOOKINGS_HOLD_MINUTES=1)
def test_a_deadline_and_a_hold_may_be_short() -> None:
    assert ours() == []


@override_settings(BOOKINGS_AUTO_CANCEL_GRACE_HOURS=0, BOOKINGS_AUTO_COMPLETE_HOURS=None)
def test_hours_may_be_none_at_all() -> None:
    assert ours() == []


@pytest.mark.parametrize("path", ["nowhere.Adapter", "bookings.adapters.Nothing", "nodots"])
def test_an_adapter_that_cannot_be_imported(path: str) -> None:
    with override_settings(BOOKINGS_ADAPTER=path):
        message = the_only()
    assert message.id == "bookings.E003"
    assert path in message.msg
    assert message.hint == "BOOKINGS_ADAPTER = 'bookings.adapters.DefaultBookingAdapter'"


@pytest.mark.parametrize("name", ["NoAdapter", "the_only"])
def test_an_adapter_that_is_none(name: str) -> None:
    with override_settings(BOOKINGS_ADAPTER=f"{__name__}.{name}"):
        assert "is not a subclass of" in the_only().msg


@override_settings(
    BOOKINGS_SLOT_VALIDATION_MODE="ENGINE",
    BOOKINGS_SLOTS_AVAILABLE_FUNC=f"{__name__}.offers_by_datetimes",
)
def test_a_slot_engine_that_can_be_called() -> None:
    assert ours() == []


@pytest.mark.parametrize("path", ["nowhere.slots", f"{__name__}.offers_by_nothing"])
def test_a_slot_engine_that_cannot_be_called(path: str) -> None:
    with override_settings(
        BOOKINGS_SLOT_VALIDATION_MODE="ENGINE", BOOKINGS_SLOTS_AVAILABLE_FUNC=path
    ):
        message = the_only()
    assert message.id == "bookings.E003"
    assert "(service, provider, start_dt, end_dt, tenant=None)" in str(message.hint)


@override_settings(BOOKINGS_SLOT_VALIDATION_MODE="ENGINE")
def test_no_slot_engine_at_all_is_a_warning() -> None:
    message = the_only()
    assert isinstance(message, django_checks.Warning)
    assert message.id == "bookings.W002"
    assert 'BOOKINGS_SLOT_VALIDATION_MODE = "NONE"' in str(message.hint)


@override_settings(BOOKINGS_AUTO_CANCEL_BUSINESS_DAYS=True)
def test_business_days_that_nobody_knows_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ours() == []
    unregister_all(monkeypatch)
    message = the_only()
    assert isinstance(message, django_checks.Warning)
    assert message.id == "bookings.W005"
    assert "'bookings.contrib.schedule'" in str(message.hint)


@pytest.mark.parametrize(
    "name", ["SERVICE_MODEL", "PROVIDER_MODEL", "ADDON_MODEL", "TENANT_MODEL", "USER_MODEL"]
)
def test_a_model_that_is_not_installed(name: str) -> None:
    with override_settings(**{f"BOOKINGS_{name}": "shop.Thing"}):
        message = the_only()
    assert message.id == "bookings.E001"
    assert f"BOOKINGS_{name} is 'shop.Thing', which is not" in message.msg
    assert f'BOOKINGS_{name} = "your_app.YourModel"' in str(message.hint)
    assert "Add the app of 'shop.Thing' to INSTALLED_APPS" in str(message.hint)
    assert ("bookings.contrib.catalog" in str(message.hint)) == (name in CATALOG)


def test_the_app_of_a_model_that_is_not_installed_may_be() -> None:
    with override_settings(BOOKINGS_SERVICE_MODEL="auth.Thing"):
        assert str(the_only().hint).startswith("Set it to your own model: ")


@override_settings(USE_TZ=False)
def test_naive_datetimes_everywhere() -> None:
    message = the_only()
    assert message.id == "bookings.E007"
    assert message.hint == "USE_TZ = True"


@pytest.mark.parametrize(
    ("rival", "number", "hint"),
    [
        ("django-fsm", "E005", "django-fsm django-fsm-2 && pip install django-fsm-2"),
        (
            "mroudai-django-bookings",
            "E006",
            "mroudai-django-bookings django-bookings && pip install django-bookings",
        ),
    ],
)
def test_a_package_that_writes_the_same_folder(
    monkeypatch: pytest.MonkeyPatch, rival: str, number: str, hint: str
) -> None:
    def version(name: str) -> str:
        if name != rival:
            raise metadata.PackageNotFoundError
        return "0.1.0"

    monkeypatch.setattr(metadata, "version", version)
    message = the_only()
    assert message.id == f"bookings.{number}"
    assert message.hint == f"pip uninstall -y {hint}"


def test_sqlite_that_does_not_begin_with_a_write_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = ["bookings.W003"] if connection.vendor == "sqlite" else []
    assert ids(databases=["default"], include_deployment_checks=False) == []
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {})
    assert ids(databases=["default"]) == expected


ADMIN = ("django.contrib.admin", "django.contrib.messages", "django.contrib.sessions")


def bare(*apps: str, **settings: Any) -> str:
    """What ``check`` says to a host with these apps and settings beside ``bookings`` alone."""
    installed = ["django.contrib.auth", "django.contrib.contenttypes", *apps, "bookings"]
    code = (
        "import django\n"
        "from django.conf import settings\n"
        "from django.core.management import call_command\n"
        f"settings.configure(INSTALLED_APPS={installed!r}, SECRET_KEY='x', **{settings!r})\n"
        "django.setup()\n"
        "call_command('check')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        cwd=databases.ROOT,
        env={"PYTHONPATH": ":".join(sys.path)},
        timeout=60,
    )
    assert done.returncode != 0
    return done.stderr


@pytest.mark.parametrize("apps", [(), ADMIN], ids=["alone", "with the admin"])
def test_the_defaults_without_a_services_app_say_what_to_set(apps: tuple[str, ...]) -> None:
    said = bare(*apps)
    assert "BOOKINGS_SERVICE_MODEL is 'services.Service' (its default)" in said
    assert "add 'bookings.contrib.catalog' to INSTALLED_APPS" in said
    assert 'BOOKINGS_SERVICE_MODEL = "bookings_catalog.Service"' in said
    assert "cannot be resolved" not in said
    assert "fields.E300" not in said
    # Each setting once, and no field of ours after it.
    assert said.count("bookings.E001") == 3
    assert "fields.E307" not in said


def test_every_setting_that_is_wrong_is_reported_once_whatever_bundled_app_uses_it() -> None:
    bundled = [f"bookings.contrib.{name}" for name in ("schedule", "group_sessions", "payments")]
    said = bare(*bundled, BOOKINGS_TENANT_MODEL="shop.Tenant", BOOKINGS_USER_MODEL="shop.User")
    assert said.count("bookings.E001") == 5
    assert "fields.E307" not in said


def test_django_still_reports_a_field_of_the_host() -> None:
    ours_alone: Any = SettingForeignKey("SERVICE_MODEL", models.PROTECT)
    the_hosts: Any = models.ForeignKey("shop.Thing", models.PROTECT)

    def entry(field: Any) -> Any:
        resolve = functools.partial(functools.partial(print, field=field))
        return SimpleNamespace(func=resolve)  # as Django's own, which imitate a partial

    signal = SimpleNamespace(func=print)
    pending: dict[Any, list[Any]] = {
        ("services", "service"): [entry(ours_alone)],
        ("shop", "thing"): [entry(ours_alone), entry(the_hosts), signal],
    }
    drop_lazy_references(pending)
    (fields,) = pending.values()
    assert [getattr(each.func, "keywords", None) for each in fields] == [{"field": the_hosts}, None]


@pytest.mark.parametrize("value", [None, 5, "Service", "a.b.C"])
def test_a_label_that_is_none_stops_at_once(value: Any) -> None:
    said = bare(BOOKINGS_SERVICE_MODEL=value)
    assert f"ImproperlyConfigured: BOOKINGS_SERVICE_MODEL is {value!r}." in said
    assert 'Write a model as "app_label.Model".' in said
