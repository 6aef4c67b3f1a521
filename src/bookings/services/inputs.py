"""Turn what a caller passes into what a booking can be made of, or say what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings import policies
from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.exceptions import InvalidBooking, MissingReference, TenantMismatch
from bookings.models import Booking, BookingAddon


def moment(now_dt: datetime | None) -> datetime:
    return timezone.now() if now_dt is None else policies.instant(now_dt, "now_dt")


def stored(value: Any, setting: str, name: str) -> Any:
    """``value`` if it is a saved instance of the model that the setting names."""
    model = apps.get_model(app_settings.model_label(setting))
    if not isinstance(value, model):
        raise InvalidBooking(
            _("%(name)s must be a %(model)s, not %(type)s."),
            params={"name": name, "model": model._meta.label, "type": type(value).__name__},
        )
    if value.pk is None or value._state.adding:
        raise InvalidBooking(
            _("The %(name)s is not saved, or has been deleted. Save it first."),
            "unsaved",
            params={"name": name},
        )
    return value


def user(value: Any, name: str) -> Any:
    """A saved user; ``None`` for nobody and for an anonymous visitor."""
    if value is None or getattr(value, "is_anonymous", False):
        return None
    return stored(value, "USER_MODEL", name)


def tenant_id(tenant: Any, **belongings: Any) -> Any:
    """The tenant's key, once everything that belongs to a tenant is known to belong to this one."""
    if not app_settings.tenancy_enabled:
        if tenant is not None:
            raise TenantMismatch(
                _("A tenant was given, but BOOKINGS_TENANT_MODEL is not set. Set it, or pass none.")
            )
        return None
    if tenant is None:
        raise TenantMismatch(_("Tenant is required when tenancy is enabled."))
    key = stored(tenant, "TENANT_MODEL", "tenant").pk
    same_tenant(key, **belongings)
    return key


def same_tenant(key: Any, **belongings: Any) -> None:
    if not app_settings.tenancy_enabled:
        return
    for name, belonging in belongings.items():
        if getattr(belonging, "tenant_id", key) != key:
            raise TenantMismatch(
                _("The %(name)s belongs to another tenant. Choose one of the booking's tenant."),
                params={"name": name},
            )


def addons(addon_ids: Iterable[Any] | None, *, service: Any, tenant_key: Any) -> list[Any]:
    """The add-ons with these keys, in this order; unknown, repeated or foreign ones are errors."""
    keys = [] if addon_ids is None else list(addon_ids)
    if not keys:
        return []
    model = apps.get_model(app_settings.ADDON_MODEL)
    try:
        keys = [model._meta.pk.to_python(key) for key in keys]
        found = model._base_manager.in_bulk(keys)
    except (TypeError, ValueError, OverflowError, ValidationError):
        raise _unknown_addons(keys) from None
    if unknown := [key for key in keys if key not in found]:
        raise _unknown_addons(unknown)
    if len(found) != len(keys):
        raise InvalidBooking(_("An add-on can be booked once per booking."), "repeated_addon")
    chosen = [found[key] for key in keys]
    adapter = get_adapter()
    for addon in chosen:
        same_tenant(tenant_key, **{"add-on": addon})
        adapter.check_addon(service, addon)
    return chosen


def _unknown_addons(keys: list[Any]) -> MissingReference:
    return MissingReference(
        _("Unknown add-ons: %(keys)s."),
        "unknown_addon",
        params={"keys": ", ".join(str(key)[:64] for key in keys[:10])},
    )


def snapshot(addon: Any, booking: Booking) -> BookingAddon:
    """The add-on as it is now, for a booking that keeps it so."""
    minutes = getattr(addon, "extra_duration_minutes", 0) or 0
    return BookingAddon(
        booking=booking,
        addon=addon,
        name_snapshot=str(getattr(addon, "name", addon))[:255],
        extra_duration_minutes_snapshot=policies.whole_number(
            minutes,
            "addon.extra_duration_minutes",
            at_least=0,
            at_most=policies.MAX_MINUTES,
        ),
        price_amount_snapshot=getattr(addon, "price_amount", None),
        currency_snapshot=getattr(addon, "currency", "") or booking.currency,
    )


def check_fields(instance: models.Model, names: Collection[str]) -> None:
    """Hold these fields to what their columns can store; no query is made.

    ``full_clean()`` would ask the database whether each foreign key exists and each unique value is
    free; the database answers that anyway, when the row is written.
    """
    for name in names:
        check_text(name, getattr(instance, name))
    others = {field.name for field in instance._meta.concrete_fields} - set(names)
    try:
        instance.clean_fields(exclude=others)
    except ValidationError as error:
        raise InvalidBooking(error.update_error_dict({})) from None


def text(name: str, value: Any) -> str:
    """``value`` if it is text that every database can store."""
    if not isinstance(value, str):
        raise InvalidBooking(
            _("%(name)s must be text, not %(type)s."),
            params={"name": name, "type": type(value).__name__},
        )
    check_text(name, value)
    return value


def check_text(name: str, value: Any) -> None:
    """Refuse what cannot be stored as UTF-8, and the NUL that PostgreSQL refuses, also in JSON."""
    if isinstance(value, str):
        if "\x00" in value:
            raise InvalidBooking(
                _("%(name)s contains a NUL character. Remove it."), params={"name": name}
            )
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise InvalidBooking(
                _("%(name)s contains half of a surrogate pair. Decode it as UTF-8."),
                params={"name": name},
            )
    elif isinstance(value, Mapping):
        for key, item in value.items():
            check_text(name, key)
            check_text(name, item)
    elif isinstance(value, list | tuple):
        for item in value:
            check_text(name, item)
