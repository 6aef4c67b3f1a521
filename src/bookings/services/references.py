"""Check the objects that callers pass: services, providers, users, tenants."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.exceptions import NotAllowed, TenantMismatch
from bookings.models import Booking
from bookings.models.arguments import resolve_now, saved_instance, saved_tenant, saved_user
from bookings.pools import AnyOf
from bookings.protocols import BookingType

__all__ = [
    "check_booking_type",
    "check_same_tenant",
    "load_related",
    "load_related_of_all",
    "resolve_now",
    "resolve_tenant_id",
    "resolve_tenant_id_of_pool",
    "saved_instance",
    "saved_providers",
    "saved_user",
]

# A sentence for each, because an article and an adjective depend on the noun in most languages.
OTHER_TENANT: Final = {
    "service": _("The service belongs to another tenant. Choose one of the booking's tenant."),
    "provider": _("The provider belongs to another tenant. Choose one of the booking's tenant."),
    "resource": _("The resource belongs to another tenant. Choose one of the booking's tenant."),
    "add-on": _("The add-on belongs to another tenant. Choose one of the booking's tenant."),
}

NOT_BOOKABLE: Final = _("This service cannot be booked. Choose another.")
WRONG_BOOKING_TYPE: Final = {
    BookingType.ONE_TO_ONE: _("This service is not booked one to one. Choose one of its sessions."),
    BookingType.GROUP_SESSION: _("This service has no group sessions. Choose another service."),
}


def saved_providers(provider: Any) -> Sequence[Any]:
    """Return the providers of a pool, or the one that is no pool.

    Raises ``InvalidBooking`` if one is no provider or not saved.
    """
    providers: Sequence[Any] = provider.providers if isinstance(provider, AnyOf) else (provider,)
    for one in providers:
        saved_instance(one, "PROVIDER_MODEL", "provider")
    return providers


def resolve_tenant_id(tenant: Any, **related: Any) -> Any:
    """Return the tenant's key; ``None`` without tenancy.

    Raises ``TenantMismatch`` if the tenant is missing, or one of the ``related`` objects, by name,
    belongs to another tenant.
    """
    saved = saved_tenant(tenant)
    if not app_settings.tenancy_enabled:
        return None
    if saved is None:
        raise TenantMismatch(_("Tenant is required when tenancy is enabled."))
    check_same_tenant(saved.pk, **related)
    return saved.pk


def resolve_tenant_id_of_pool(tenant: Any, *, service: Any, providers: Iterable[Any]) -> Any:
    """Return what :func:`resolve_tenant_id` returns for a service with any of the providers."""
    key = resolve_tenant_id(tenant, service=service)
    for provider in providers:
        check_same_tenant(key, provider=provider)
    return key


def check_same_tenant(key: Any, **related: Any) -> None:
    """Raise ``TenantMismatch`` if one of the objects, by name, belongs to another tenant."""
    if not app_settings.tenancy_enabled:
        return
    for name, instance in related.items():
        if getattr(instance, "tenant_id", key) != key:
            raise TenantMismatch(OTHER_TENANT[name], params={"name": name})


def check_booking_type(service: Any, provider: Any, kind: BookingType) -> None:
    """Raise ``NotAllowed`` unless the adapter allows bookings of this kind."""
    kinds = get_adapter().booking_types(service, provider)
    if kind not in kinds:
        message = WRONG_BOOKING_TYPE[kind] if kinds else NOT_BOOKABLE
        raise NotAllowed(message, "booking_type", {"type": str(kind)})


def load_related(booking: Booking, *names: str, using: str) -> None:
    """Load these related objects from the database to which the booking is written.

    Django would ask the router where to read, and a replica may not have them yet.
    """
    for name in names:
        field: Any = Booking._meta.get_field(name)
        if not field.is_cached(booking):
            rows = field.remote_field.model._base_manager.using(using)
            field.set_cached_value(booking, rows.get(pk=getattr(booking, field.attname)))


def load_related_of_all(bookings: Collection[Booking], *names: str, using: str) -> None:
    """Load these related objects of several bookings, with one query for each name."""
    for name in names:
        field: Any = Booking._meta.get_field(name)
        keys = {getattr(booking, field.attname) for booking in bookings}
        related = field.remote_field.model._base_manager.using(using).in_bulk(keys)
        for booking in bookings:
            field.set_cached_value(booking, related[getattr(booking, field.attname)])
