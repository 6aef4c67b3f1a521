"""Model fields whose migrations read the same in every host."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from django.core import checks
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator, URLValidator
from django.db import models
from django.db.models import lookups
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMFieldDescriptor

from bookings.conf import app_settings
from bookings.rules import money
from bookings.rules.questions import parse_questions
from bookings.rules.zones import zone_by_name

Deconstructed = tuple[str, str, list[Any], dict[str, Any]]

HUNDREDTH: Final = Decimal("0.01")


class _FromSetting(models.ForeignKey[Any, Any]):
    """Takes its target from a setting, and deconstructs to the setting's name.

    So a migration that was written once is right in every host, whatever its models are called and
    whatever their primary keys are.
    """

    def __init__(self, setting: str, on_delete: Callable[..., Any], **kwargs: Any) -> None:
        kwargs.pop("to", None)
        self.setting = setting
        super().__init__(app_settings.model_label(setting), on_delete, **kwargs)

    def deconstruct(self) -> Deconstructed:
        name, _path, args, kwargs = super().deconstruct()
        del kwargs["to"]
        kwargs["setting"] = self.setting
        if self.setting == "TENANT_MODEL":
            # In the admin it is called what the host calls its model.
            kwargs["verbose_name"] = "tenant"
        return name, f"bookings.models.fields.{type(self).__name__}", list(args), kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        # Django reports that the field's model is not installed. The host has to change the
        # setting, and bookings.checks reports that with the line to write.
        target: Any = self.remote_field.model
        if isinstance(target, str):
            return []
        return super().check(**kwargs)


class SettingForeignKey(_FromSetting):
    """``SettingForeignKey("SERVICE_MODEL", models.PROTECT)``: a foreign key to a host's model."""


class SettingOneToOneField(models.OneToOneField[Any, Any], _FromSetting):
    """The one-to-one sibling of :class:`SettingForeignKey`."""

    def __init__(self, setting: str, on_delete: Callable[..., Any], **kwargs: Any) -> None:
        kwargs.pop("unique", None)
        _FromSetting.__init__(self, setting, on_delete, unique=True, **kwargs)

    def deconstruct(self) -> Deconstructed:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("unique", None)
        return name, path, list(args), kwargs


class _StatusDescriptor(FSMFieldDescriptor):
    """Protect the status from assignment, but let ``refresh_from_db()`` set it.

    ``FSMModelMixin`` of ``django_fsm`` is not used, because it removes the protection for the whole
    process while it refreshes one object.
    """

    def __set__(self, instance: Any, value: Any) -> None:
        name, values = self.field.name, instance.__dict__
        # full_clean() assigns what a field has already.
        if getattr(instance._state, "is_being_read", False) or values.get(name) == value:
            values[name] = value
        else:
            super().__set__(instance, value)


class StatusField(FSMField):
    """A protected FSM field that is a plain ``CharField`` in migrations.

    A host's migration history then needs neither ``django_fsm`` nor a new migration when a status'
    label changes.
    """

    descriptor_class = _StatusDescriptor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("protected", True)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Deconstructed:
        name, _path, args, kwargs = super().deconstruct()
        kwargs.pop("choices", None)
        kwargs.pop("protected", None)
        return name, "django.db.models.CharField", list(args), kwargs


def check_currency(value: str) -> None:
    if not money.is_currency_code(value):
        raise ValidationError(
            _("Write the three letters of ISO 4217, such as EUR."), "invalid_currency"
        )


class CurrencyField(models.CharField):  # type: ignore[type-arg]
    """The three letters of a currency, validated; a plain ``CharField`` in migrations."""

    default_validators = [check_currency]  # noqa: RUF012 - as Django's fields have theirs

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 3)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Deconstructed:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", list(args), kwargs


class AmountField(models.DecimalField):  # type: ignore[type-arg]
    """An amount of money; a plain ``DecimalField`` with three decimals in migrations.

    Three, because some currencies have them (KWD). An amount whose third decimal is 0 is read with
    two, as most currencies write it. Amounts below zero do not validate.
    """

    default_validators = [MinValueValidator(0)]  # noqa: RUF012 - as Django's fields have theirs

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("decimal_places", 3)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Deconstructed:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.DecimalField", list(args), kwargs

    def from_db_value(self, value: Decimal | None, *args: Any) -> Decimal | None:
        if value is None:
            return None
        hundredths = value.quantize(HUNDREDTH)
        return hundredths if hundredths == value else value


def check_questions(value: Any) -> None:
    parse_questions(value, "questions")


class QuestionsField(models.JSONField):
    """The questions of a service, validated; a plain ``JSONField`` in migrations."""

    default_validators = [check_questions]  # noqa: RUF012 - as Django's fields have theirs

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        options: dict[str, Any] = {"default": list, "blank": True}
        super().__init__(*args, **(options | kwargs))

    def save_form_data(self, instance: models.Model, data: Any) -> None:
        """Store no questions where the text of a form is empty."""
        super().save_form_data(instance, [] if data is None else data)

    def deconstruct(self) -> Deconstructed:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", list(args), kwargs


class _OptionalText(models.CharField):  # type: ignore[type-arg]
    """Text that may be empty and is validated otherwise; a plain ``CharField`` in migrations."""

    max_characters: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        options: dict[str, Any] = {
            "max_length": self.max_characters,
            "blank": True,
            "default": "",
        }
        super().__init__(*args, **(options | kwargs))

    def deconstruct(self) -> Deconstructed:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", list(args), kwargs


class MeetingLinkField(_OptionalText):
    """The address of an online meeting: ``http`` or ``https``."""

    max_characters = 500
    default_validators = [URLValidator(["http", "https"])]  # noqa: RUF012 - as Django's have theirs


def check_time_zone(value: str) -> None:
    zone_by_name(value)


class TimeZoneField(_OptionalText):
    """The IANA name of a time zone."""

    max_characters = 64
    default_validators = [check_time_zone]  # noqa: RUF012 - as Django's fields have theirs


class LanguageField(_OptionalText):
    """The code of a language, such as ``pt-br``."""

    max_characters = 35
    default_validators = [  # noqa: RUF012 - as Django's fields have theirs
        RegexValidator(
            r"\A[A-Za-z]{2,8}(?:[-_@][A-Za-z0-9]{1,8})*\Z",
            _("Write the code of a language, such as en or pt-br."),
            "invalid_language",
        )
    ]


class ExactCharField(models.CharField):  # type: ignore[type-arg]
    """Text that is equal only to the same characters, on every database: an identifier.

    The default collations of MySQL and MariaDB take "a", "A" and "á" for equal, and "a" and "a ".
    Lookups that ignore the case, such as ``icontains``, ignore it here too.
    """

    def db_parameters(self, connection: Any) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            # The collations of this kind that do not ignore spaces at the end.
            collation = "utf8mb4_nopad_bin" if connection.mysql_is_mariadb else "utf8mb4_0900_bin"
            return parameters | {"collation": collation}
        return parameters


class _IgnoreCase(models.Lookup):
    """The lookup of Django's on MySQL, which leaves it to the column's collation."""

    def process_lhs(self, compiler: Any, connection: Any, lhs: Any = None) -> Any:
        sql, params = super().process_lhs(compiler, connection, lhs)
        if connection.vendor == "mysql":
            sql = f"{sql} COLLATE utf8mb4_unicode_ci"
        return sql, params


class _IgnoreCaseAlone(lookups.IExact):
    """``iexact`` without the accents that MySQL's and MariaDB's collations ignore as well."""

    def as_mysql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        # The index is on the first comparison; the second one is of few rows.
        sql, params = self.as_sql(compiler, connection)
        lhs, lhs_params = self.process_lhs(compiler, connection)
        # Without the escapes of a pattern, which LIKE needs.
        rhs, rhs_params = super(lookups.IExact, self).process_rhs(compiler, connection)
        same = f"LOWER({lhs}) COLLATE utf8mb4_bin = LOWER({rhs})"
        return f"({sql} AND {same})", [*params, *lhs_params, *rhs_params]


class ClientTextField(models.CharField):  # type: ignore[type-arg]
    """A client's name: its ``iexact`` ignores the case of letters, and nothing else."""

    def deconstruct(self) -> Deconstructed:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", list(args), kwargs


class ClientEmailField(models.EmailField):  # type: ignore[type-arg]
    """A client's e-mail address: its ``iexact`` ignores the case of letters, and nothing else."""

    def deconstruct(self) -> Deconstructed:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.EmailField", list(args), kwargs


for _field in (ClientTextField, ClientEmailField):
    _field.register_lookup(_IgnoreCaseAlone)


for _lookup in (
    lookups.IExact,
    lookups.IContains,
    lookups.IStartsWith,
    lookups.IEndsWith,
    lookups.IRegex,
):
    ExactCharField.register_lookup(type(_lookup.__name__, (_IgnoreCase, _lookup), {}))


__all__ = [
    "AmountField",
    "ClientEmailField",
    "ClientTextField",
    "CurrencyField",
    "ExactCharField",
    "LanguageField",
    "MeetingLinkField",
    "QuestionsField",
    "SettingForeignKey",
    "SettingOneToOneField",
    "StatusField",
    "TimeZoneField",
]


def default_currency() -> str:
    return app_settings.DEFAULT_CURRENCY
