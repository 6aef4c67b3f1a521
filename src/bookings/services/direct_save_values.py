"""Convert and check the values of a booking that host code saves, before they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidBooking, TenantMismatch
from bookings.models import Booking
from bookings.rules import instants, prices

AMOUNTS: Final = ("price_amount", "total_amount")
PRICES: Final = (*AMOUNTS, "unit_price")


@contextmanager
def times_in_utc(booking: Booking) -> Iterator[None]:
    """Convert the booking's times to UTC, and back to the caller's zones in the end."""
    given = {name: getattr(booking, name) for name in ("start_at", "end_at", "expires_at")}
    try:
        for name, value in given.items():
            if value is not None:
                setattr(booking, name, instants.aware_utc(value, name))
        yield
    finally:
        for name, value in given.items():
            zone, saved = getattr(value, "tzinfo", None), getattr(booking, name)
            if zone is not None and saved is not None:
                setattr(booking, name, saved.astimezone(zone))


def convert_keys(booking: Booking) -> None:
    """Convert foreign keys that are text, as from a form, to the type of the field.

    Raises ``InvalidBooking`` for a key that no column holds.
    """
    field: Any
    for field in booking._meta.concrete_fields:
        key = booking.__dict__.get(field.attname)
        if field.is_relation and key is not None:
            try:
                key = field.to_python(key)
                field.target_field.run_validators(key)
                setattr(booking, field.attname, key)
            except ValidationError as error:
                raise InvalidBooking({field.name: error.error_list}) from None


def validate(booking: Booking) -> None:
    """Raise an error with a message for what the database would refuse."""
    for name in ("service", "provider", "start_at", "end_at"):
        field: Any = Booking._meta.get_field(name)
        if getattr(booking, field.attname) is None:
            raise InvalidBooking({name: field.error_messages["null"]})
    if booking.status not in Booking.Status.values:
        error = ValidationError(
            Booking._meta.get_field("status").error_messages["invalid_choice"],
            params={"value": booking.status},
        )
        raise InvalidBooking({"status": error})
    if booking.end_at <= booking.start_at:
        raise InvalidBooking({"end_at": _("End time must be after start time.")})
    if errors := booking._tenant_errors():
        raise TenantMismatch(errors)


def check_prices(booking: Booking, names: Iterable[str]) -> None:
    for name in names:
        prices.parse_price(getattr(booking, name), name)


def check_payable(booking: Booking) -> None:
    for name in AMOUNTS:
        prices.check_payable(getattr(booking, name), booking.currency, name)
