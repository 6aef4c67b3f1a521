"""Fields that read the same in every host's migrations."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import models
from django.db.migrations.writer import MigrationWriter
from django.test.utils import isolate_apps

from bookings.models import Booking, BusyInterval, Calendar
from bookings.models.fields import AmountField, SettingForeignKey, SettingOneToOneField, StatusField

SERVICE = Booking._meta.get_field("service")
PROVIDER = Calendar._meta.get_field("provider")
PRICE = Booking._meta.get_field("price_amount")
STATUS = Booking._meta.get_field("status")


class Base(models.Model):
    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)


def test_a_foreign_key_deconstructs_to_the_settings_name() -> None:
    name, path, args, kwargs = SERVICE.deconstruct()
    assert (name, path, args) == ("service", "bookings.models.fields.SettingForeignKey", [])
    assert kwargs == {
        "setting": "SERVICE_MODEL",
        "on_delete": models.PROTECT,
        "related_name": "bookings",
        "verbose_name": SERVICE.verbose_name,
    }


def test_a_one_to_one_field_deconstructs_to_the_settings_name() -> None:
    name, path, args, kwargs = PROVIDER.deconstruct()
    assert (name, path, args) == ("provider", "bookings.models.fields.SettingOneToOneField", [])
    assert kwargs == {
        "setting": "PROVIDER_MODEL",
        "on_delete": models.CASCADE,
        "related_name": "booking_calendar",
        "verbose_name": PROVIDER.verbose_name,
    }


def test_a_foreign_key_without_an_index_says_so_in_migrations() -> None:
    assert BusyInterval._meta.get_field("service").deconstruct()[3]["db_index"] is False


@pytest.mark.parametrize("field", [SERVICE, PROVIDER, STATUS], ids=lambda field: field.name)
def test_a_clone_is_an_equal_field(field: models.Field[Any, Any]) -> None:
    clone = field.clone()
    assert type(clone) is type(field)
    assert clone.deconstruct()[1:] == field.deconstruct()[1:]


@pytest.mark.parametrize("field", [SERVICE, PROVIDER], ids=lambda field: field.name)
def test_a_clone_points_at_the_same_model(field: Any) -> None:
    assert field.clone().remote_field.model == field.related_model._meta.label
    assert field.clone().unique == field.unique


@pytest.mark.parametrize("field", [SERVICE, PROVIDER], ids=lambda field: field.name)
def test_a_migration_names_the_setting_and_no_model(field: models.Field[Any, Any]) -> None:
    written, imports = MigrationWriter.serialize(field)
    assert f"setting='{field.setting}'" in written
    assert field.related_model._meta.label_lower not in written.lower()
    assert imports >= {"import bookings.models.fields"}


@isolate_apps("bookings")
def test_a_field_takes_its_target_from_the_setting(settings: Any) -> None:
    settings.BOOKINGS_ADDON_MODEL = "bookings.Extra"

    class Extra(Base):
        class Meta:
            app_label = "bookings"

    class Choice(Base):
        extra = SettingForeignKey("ADDON_MODEL", models.CASCADE, related_name="choices")

        class Meta:
            app_label = "bookings"

    assert Choice._meta.get_field("extra").related_model is Extra
    assert Choice._meta.get_field("extra").check() == []


@isolate_apps("bookings")
def test_a_missing_target_is_left_to_the_check_of_the_setting(settings: Any) -> None:
    """Django's own message names the field, which a host cannot mend; the control shows it."""
    settings.BOOKINGS_SERVICE_MODEL = "nowhere.Service"
    settings.BOOKINGS_PROVIDER_MODEL = "nowhere.Provider"

    class Unresolved(Base):
        service = SettingForeignKey("SERVICE_MODEL", models.CASCADE, related_name="+")
        provider = SettingOneToOneField("PROVIDER_MODEL", models.CASCADE, related_name="+")
        control = models.ForeignKey("nowhere.Service", models.CASCADE, related_name="+")

        class Meta:
            app_label = "bookings"

    def found(name: str) -> list[str | None]:
        return [message.id for message in Unresolved._meta.get_field(name).check()]

    assert found("service") == []
    assert found("provider") == []
    assert found("control") == ["fields.E300"]


def test_a_status_is_a_plain_text_column_in_migrations() -> None:
    name, path, args, kwargs = STATUS.deconstruct()
    assert (name, path, args) == ("status", "django.db.models.CharField", [])
    assert kwargs.keys() == {"verbose_name", "default", "editable", "max_length"}


def test_a_status_is_protected_unless_it_is_said_not_to_be() -> None:
    assert StatusField(max_length=10).protected
    assert not StatusField(max_length=10, protected=False).protected


def test_an_amount_is_a_plain_decimal_with_three_places_in_migrations() -> None:
    name, path, args, kwargs = PRICE.deconstruct()
    assert (name, path, args) == ("price_amount", "django.db.models.DecimalField", [])
    assert (kwargs["max_digits"], kwargs["decimal_places"]) == (11, 3)
    assert AmountField(max_digits=9, decimal_places=4).deconstruct()[3]["decimal_places"] == 4


@pytest.mark.parametrize(
    ("column", "read"),
    [
        ("60.000", "60.00"),
        ("0.000", "0.00"),
        ("-7.500", "-7.50"),
        ("1.005", "1.005"),
        ("99999999.999", "99999999.999"),
    ],
)
def test_an_amount_is_read_with_two_decimals_unless_it_has_three(column: str, read: str) -> None:
    assert str(AmountField(max_digits=11).from_db_value(Decimal(column))) == read


def test_no_amount_is_read_as_none() -> None:
    assert AmountField(max_digits=11).from_db_value(None) is None
