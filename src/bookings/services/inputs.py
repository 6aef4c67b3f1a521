"""Turn what a caller passes into what a booking can be made of, or say what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings import policies
from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.exceptions import InvalidBooking, NotAllowed, TenantMismatch
from bookings.models import Booking
from bookings.protocols import BookingType

# Below what a packet of MySQL's holds, with the old value and the new one in an event.
LONGEST_TEXT: Final = 100_000
LONGEST_DOCUMENT: Final = 1_000_000
# MariaDB takes 32 levels, of which the event that records a document needs one.
DEEPEST_DOCUMENT: Final = 30

# A sentence for each, because an article and an adjective depend on the noun in most languages.
FOREIGN: Final = {
    "service": _("The service belongs to another tenant. Choose one of the booking's tenant."),
    "provider": _("The provider belongs to another tenant. Choose one of the booking's tenant."),
    "add-on": _("The add-on belongs to another tenant. Choose one of the booking's tenant."),
}


NOT_BOOKED: Final = _("This service cannot be booked. Choose another.")
NOT_TAKEN: Final = {
    BookingType.ONE_TO_ONE: _("This service is not booked one to one. Choose one of its sessions."),
    BookingType.GROUP_SESSION: _("This service has no group sessions. Choose another service."),
}


def moment(now_dt: datetime | None) -> datetime:
    return timezone.now() if now_dt is None else policies.instant(now_dt, "now_dt")


def version(value: int | None) -> int | None:
    """An ``expected_version``: ``None`` expects none."""
    if value is None:
        return None
    return policies.whole_number(value, "expected_version", at_least=0)


def function(value: Any, name: str) -> Any:
    """What is to be called; ``None`` for nothing."""
    if value is not None and not callable(value):
        raise InvalidBooking(
            _("%(name)s must be a function, not %(type)s."),
            params={"name": name, "type": type(value).__name__},
        )
    return value


def listed(values: Any, name: str, refusal: type[InvalidBooking] = InvalidBooking) -> list[Any]:
    """A list of what a caller passes as several; text is none, though it has characters."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise refusal(
            _("%(name)s must be a list, not %(type)s."),
            params={"name": name, "type": type(values).__name__},
        )
    return list(values)


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


def check_expiry(expires_at: datetime | None, *, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise InvalidBooking(_("expires_at has passed. Choose a later one."), "expires_in_the_past")


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
            raise TenantMismatch(FOREIGN[name], params={"name": name})


def check_type(service: Any, provider: Any, kind: BookingType) -> None:
    """Whether the service is booked in this way with this provider; the adapter says so."""
    kinds = get_adapter().booking_types(service, provider)
    if kind not in kinds:
        why = NOT_TAKEN[kind] if kinds else NOT_BOOKED
        raise NotAllowed(why, "booking_type", {"type": str(kind)})


def load(booking: Booking, *names: str, using: str) -> None:
    """Read what these foreign keys point at from where the booking is written.

    By itself Django asks the router where to read, and a replica may not have it yet.
    """
    for name in names:
        field: Any = Booking._meta.get_field(name)
        if not field.is_cached(booking):
            rows = field.remote_field.model._base_manager.using(using)
            field.set_cached_value(booking, rows.get(pk=getattr(booking, field.attname)))


def check_fields(instance: models.Model, names: Collection[str]) -> None:
    """Hold these fields to what their columns can store on every database; no query is made.

    ``full_clean()`` would ask the database whether each foreign key exists and each unique value is
    free; the database answers that anyway, when the row is written.
    """
    errors = {}
    for name in names:
        field: Any = instance._meta.get_field(name)
        value = getattr(instance, name)
        if value is None and field.null:
            continue
        if isinstance(field, models.JSONField):
            document(name, value)
        elif isinstance(field, models.CharField | models.TextField):
            text(name, value)
            if field.blank and not value:
                continue
        try:
            if isinstance(value, str) and not value.strip():
                raise ValidationError(field.error_messages["blank"], "blank")
            setattr(instance, name, field.clean(value, instance))
        except ValidationError as error:
            errors[name] = error.error_list
    if errors:
        raise InvalidBooking(errors)


def text(name: str, value: Any) -> str:
    """``value`` if it is text that every database can store."""
    if not isinstance(value, str):
        raise InvalidBooking(
            _("%(name)s must be text, not %(type)s."),
            params={"name": name, "type": type(value).__name__},
        )
    check_text(name, value)
    if len(value) > LONGEST_TEXT:
        raise InvalidBooking(
            _("%(name)s has %(length)d characters; it may have %(most)d."),
            params={"name": name, "length": len(value), "most": LONGEST_TEXT},
        )
    return value


def check_text(name: str, value: str) -> None:
    """Refuse what cannot be stored as UTF-8, and the NUL that PostgreSQL refuses."""
    if "\x00" in value:
        raise InvalidBooking(
            _("%(name)s contains a NUL character. Remove it."), params={"name": name}
        )
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidBooking(
            _("%(name)s contains half of a surrogate pair. Decode it as UTF-8."),
            params={"name": name},
        )


def document(name: str, value: Any) -> dict[str, Any]:
    """``value`` if it is a ``dict`` that every database can store as JSON."""
    if not isinstance(value, dict):
        raise InvalidBooking(
            _("%(name)s must be a dict, not %(type)s."),
            params={"name": name, "type": type(value).__name__},
        )
    _check_document(name, value, 1)
    try:
        length = len(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidBooking(
            _("%(name)s cannot be stored as JSON: %(error)s."),
            params={"name": name, "error": str(error)},
        ) from None
    if length > LONGEST_DOCUMENT:
        raise InvalidBooking(
            _("%(name)s takes %(length)d characters of JSON; it may take %(most)d."),
            params={"name": name, "length": length, "most": LONGEST_DOCUMENT},
        )
    return value


def _check_document(name: str, value: Any, depth: int) -> None:
    if isinstance(value, str):
        check_text(name, value)
    elif isinstance(value, dict | list | tuple):
        if depth > DEEPEST_DOCUMENT:
            raise InvalidBooking(
                _("%(name)s is nested deeper than %(most)d levels."),
                params={"name": name, "most": DEEPEST_DOCUMENT},
            )
        if isinstance(value, dict):
            _check_keys(name, value)
        parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        for part in parts:
            _check_document(name, part, depth + 1)


def _check_keys(name: str, value: dict[Any, Any]) -> None:
    """Refuse keys that JSON knows as text only: what is read later would have others."""
    for key in value:
        if not isinstance(key, str):
            raise InvalidBooking(
                _("%(name)s has the key %(key)s, which is not text. Write it as text."),
                "key_not_text",
                params={"name": name, "key": f"{key!r:.80}"},
            )
