"""The add-ons of a booking: which ones are meant, and what it keeps of them."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Number
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from bookings import policies, prices
from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.exceptions import InvalidBooking, MissingReference
from bookings.models import Booking, BookingAddon
from bookings.services import inputs


def chosen_addons(
    addon_ids: Iterable[Any] | None, *, service: Any, tenant_key: Any, using: str
) -> list[Any]:
    """The add-ons with these keys, in this order; unknown, repeated or foreign ones are errors."""
    keys = addon_keys(addon_ids)
    if not keys:
        return []
    model = apps.get_model(app_settings.ADDON_MODEL)
    try:
        keys = [_key(model, key) for key in keys]
        found = model._base_manager.using(using).in_bulk(keys)
    except (TypeError, ValueError, OverflowError, ValidationError):
        raise _unknown(keys) from None
    if unknown := [key for key in keys if key not in found]:
        raise _unknown(unknown)
    if len(found) != len(keys):
        raise InvalidBooking(_("An add-on can be booked once per booking."), "repeated_addon")
    addons = [found[key] for key in keys]
    adapter = get_adapter()
    for addon in addons:
        inputs.same_tenant(tenant_key, **{"add-on": addon})
        adapter.check_addon(service, addon)
    return addons


def addon_keys(addon_ids: Any) -> list[Any]:
    """What a caller passes as ``addon_ids``, as a list."""
    if addon_ids is None:
        return []
    # Text is iterable too, and "12" would be the add-ons 1 and 2.
    if isinstance(addon_ids, str | bytes) or not isinstance(addon_ids, Iterable):
        raise InvalidBooking(
            _("addon_ids must be a list of keys, not %(type)s."),
            "addon_ids",
            {"type": type(addon_ids).__name__},
        )
    return list(addon_ids)


def _key(model: type[models.Model], key: Any) -> Any:
    # A key column would turn True and 1.9 into 1.
    if isinstance(key, bool) or (isinstance(key, Number) and not isinstance(key, int)):
        raise TypeError(key)
    if isinstance(key, str):
        inputs.check_text("addon_ids", key)
    return model._meta.pk.clean(key, None)


def _unknown(keys: list[Any]) -> MissingReference:
    return MissingReference(
        _("Unknown add-ons: %(keys)s."),
        "unknown_addon",
        params={"keys": ", ".join(str(key)[:64] for key in keys[:10])},
    )


def snapshot_of(addon: Any, booking: Booking) -> BookingAddon:
    """The add-on as it is now, for a booking that keeps it so."""
    minutes = getattr(addon, "extra_duration_minutes", 0) or 0
    made = BookingAddon(
        booking=booking,
        addon=addon,
        name_snapshot=str(getattr(addon, "name", addon))[:255],
        extra_duration_minutes_snapshot=policies.whole_number(
            minutes,
            "addon.extra_duration_minutes",
            at_least=0,
            at_most=policies.MAX_MINUTES,
        ),
        price_amount_snapshot=prices.price(
            getattr(addon, "price_amount", None), "addon.price_amount"
        ),
        currency_snapshot=prices.currency(
            addon, "addon.currency", default=booking.currency, of_default="booking.currency"
        ),
    )
    inputs.check_fields(made, ("name_snapshot", "price_amount_snapshot", "currency_snapshot"))
    prices.check_payable(made.price_amount_snapshot, made.currency_snapshot, "addon.price_amount")
    return made
