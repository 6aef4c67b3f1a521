"""Check the objects, keys and instants that callers pass to services and to selectors."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings.conf import app_settings
from bookings.exceptions import InvalidBooking, MissingReference, TenantMismatch
from bookings.models import Booking, Calendar
from bookings.models.keys import LARGEST_KEY, related_key
from bookings.rules import instants, validation


def resolve_now(now_dt: datetime | None) -> datetime:
    """Return the argument ``now_dt`` in UTC; the clock's time for ``None``."""
    return timezone.now() if now_dt is None else instants.aware_utc(now_dt, "now_dt")


def is_saved(value: Any, model: type[Model]) -> bool:
    """Return whether ``value`` is an instance of the model, and is saved."""
    return isinstance(value, model) and not value._state.adding and value.pk is not None


def saved_instance(value: Any, setting: str, name: str) -> Any:
    """Return ``value`` if it is a saved instance of the model that the setting names.

    Raises ``InvalidBooking`` with the ``name`` of the argument otherwise.
    """
    model = apps.get_model(app_settings.model_label(setting))
    if not isinstance(value, model):
        raise _wrong_type_error(value, name, model._meta.label)
    if not is_saved(value, model):
        raise InvalidBooking(
            _("The %(name)s is not saved, or has been deleted. Save it first."),
            "unsaved",
            params={"name": name},
        )
    return value


def saved_service(value: Any) -> Any:
    return saved_instance(value, "SERVICE_MODEL", "service")


def saved_provider(value: Any) -> Any:
    return saved_instance(value, "PROVIDER_MODEL", "provider")


def saved_user(value: Any, name: str) -> Any:
    """Return a saved user; ``None`` for ``None`` and for an anonymous user."""
    if value is None or getattr(value, "is_anonymous", False):
        return None
    return saved_instance(value, "USER_MODEL", name)


def saved_tenant(value: Any) -> Any:
    """Return a saved tenant; ``None`` for ``None``.

    Raises ``TenantMismatch`` for a tenant without tenancy.
    """
    if value is None:
        return None
    if not app_settings.tenancy_enabled:
        raise TenantMismatch(
            _("A tenant was given, but BOOKINGS_TENANT_MODEL is not set. Set it, or pass none.")
        )
    return saved_instance(value, "TENANT_MODEL", "tenant")


def saved_booking(value: Any) -> Booking:
    """Return ``value`` if it is a saved booking; raise ``MissingReference`` otherwise."""
    if not is_saved(value, Booking):
        raise missing_booking_error()
    booking: Booking = value
    return booking


def missing_booking_error() -> MissingReference:
    return MissingReference(_("The booking is not saved, or has been deleted."))


def provider_key(value: Any) -> Any:
    """Return the key of a saved provider, or ``value`` if it can be such a key.

    The key is of the type of the provider's primary key: 7 for ``"7"``. No query is made, so there
    may be no such provider. Raises ``InvalidBooking`` for anything else.
    """
    field: Any = Calendar._meta.get_field("provider")
    if isinstance(value, field.related_model):
        return saved_provider(value).pk
    return related_key(field, value, "provider")


def interval_key(value: Any) -> int | None:
    """Return the argument ``ignored_interval_id``, the key of a busy interval or ``None``."""
    if value is None:
        return None
    return validation.whole_number(value, "ignored_interval_id", at_least=0, at_most=LARGEST_KEY)


def time_zone(value: Any) -> tzinfo:
    """Return the argument ``tz``; the current time zone for ``None``."""
    if value is None:
        return timezone.get_current_timezone()
    if not isinstance(value, tzinfo):
        raise _wrong_type_error(value, "tz", "tzinfo")
    return value


def _wrong_type_error(value: Any, name: str, expected: str) -> InvalidBooking:
    return InvalidBooking(
        _("%(name)s must be a %(model)s, not %(type)s."),
        params={"name": name, "model": expected, "type": type(value).__name__},
    )
