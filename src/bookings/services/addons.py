"""Load the add-ons of a booking, and copy them onto it."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Number
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.exceptions import InvalidBooking, MissingReference
from bookings.models import Booking, BookingAddon, field_validation
from bookings.rules import prices, validation
from bookings.services import references


def load_addons(
    addon_ids: Iterable[Any] | None, *, service: Any, tenant_key: Any, using: str
) -> list[Any]:
    """Return the add-ons with these keys, in this order.

    Raises ``MissingReference`` for an unknown key, ``TenantMismatch`` for an add-on of another
    tenant, and ``InvalidBooking`` for a repeated one or one of another service.
    """
    keys = parse_addon_ids(addon_ids)
    if not keys:
        return []
    model = apps.get_model(app_settings.ADDON_MODEL)
    try:
        keys = [_clean_key(model, key) for key in keys]
        found = model._base_manager.using(using).in_bulk(keys)
    except (TypeError, ValueError, OverflowError, ValidationError):
        raise _unknown_addons_error(keys) from None
    if unknown := [key for key in keys if key not in found]:
        raise _unknown_addons_error(unknown)
    if len(found) != len(keys):
        raise InvalidBooking(
            _("An add-on can be booked once per booking."), "repeated_addon", field="addon_ids"
        )
    addons = [found[key] for key in keys]
    adapter = get_adapter()
    for addon in addons:
        references.check_same_tenant(tenant_key, **{"add-on": addon})
        adapter.check_addon(service, addon)
    return addons


def parse_addon_ids(addon_ids: Any) -> list[Any]:
    """Return the argument ``addon_ids`` as a list, or raise ``InvalidBooking``."""
    if addon_ids is None:
        return []
    # Text is iterable, and "12" would mean the add-ons 1 and 2.
    if isinstance(addon_ids, str | bytes) or not isinstance(addon_ids, Iterable):
        raise InvalidBooking(
            _("addon_ids must be a list of keys, not %(type)s."),
            "addon_ids",
            {"type": type(addon_ids).__name__},
            field="addon_ids",
        )
    return list(addon_ids)


def _clean_key(model: type[models.Model], key: Any) -> Any:
    # The field would convert True and 1.9 to 1.
    if isinstance(key, bool) or (isinstance(key, Number) and not isinstance(key, int)):
        raise TypeError(key)
    if isinstance(key, str):
        validation.check_characters("addon_ids", key)
    return model._meta.pk.clean(key, None)


def key_text(key: Any) -> str:
    """Return a key as text: the same for ``7`` and ``"7"``."""
    try:
        return str(key)
    except ValueError:
        # An integer of thousands of digits.
        return validation.Readable(key)


def _unknown_addons_error(keys: list[Any]) -> MissingReference:
    return MissingReference(
        _("Unknown add-ons: %(keys)s."),
        "unknown_addon",
        params={"keys": ", ".join(key_text(key)[:64] for key in keys[:10])},
        field="addon_ids",
    )


def snapshot_addon(addon: Any, booking: Booking) -> BookingAddon:
    """Return an unsaved copy of the add-on, with its name, duration and price of now."""
    minutes = getattr(addon, "extra_duration_minutes", 0) or 0
    snapshot = BookingAddon(
        booking=booking,
        addon=addon,
        name_snapshot=str(getattr(addon, "name", addon))[:255],
        extra_duration_minutes_snapshot=validation.whole_number(
            minutes,
            "addon.extra_duration_minutes",
            at_least=0,
            at_most=validation.MAX_MINUTES,
        ),
        price_amount_snapshot=prices.parse_price(
            getattr(addon, "price_amount", None), "addon.price_amount"
        ),
        currency_snapshot=prices.currency_of(
            addon, "addon.currency", default=booking.currency, of_default="booking.currency"
        ),
    )
    field_validation.clean_fields(
        snapshot, ("name_snapshot", "price_amount_snapshot", "currency_snapshot")
    )
    prices.check_payable(
        snapshot.price_amount_snapshot, snapshot.currency_snapshot, "addon.price_amount"
    )
    return snapshot
