"""What a service refused, as an error of the form that asked for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from bookings.exceptions import (
    BookingConflict,
    BookingError,
    CapacityExceeded,
    DuplicateBooking,
    IdempotencyKeyReused,
    NoticeWindow,
    PastStart,
    SlotUnavailable,
    StaleBooking,
    TenantMismatch,
    TooFarAhead,
)
from bookings.models import Booking

FIELD_OF_ERROR: Final[tuple[tuple[type[BookingError], str], ...]] = (
    (BookingConflict, "start_at"),
    (DuplicateBooking, "start_at"),
    (NoticeWindow, "start_at"),
    (PastStart, "start_at"),
    (SlotUnavailable, "start_at"),
    (TooFarAhead, "start_at"),
    (CapacityExceeded, "party_size"),
    (TenantMismatch, "tenant"),
)

FIELD_OF_CODE: Final = {
    "out_of_range": "start_at",
    "unknown_addon": "extras",
    "repeated_addon": "extras",
    "wrong_addon": "extras",
    "currency_mismatch": "extras",
}

FIELD_OF_NAME: Final = {"new_start_at": "start_at", "add-on": "extras", "addon": "extras"}


Pointer: TypeAlias = Callable[[Booking, str], SafeString | None]

_pointers: Final[dict[str, Pointer]] = {}


def point(code: str, pointer: Pointer) -> None:
    """Say with what is refused by this code where staff do it instead: by a link, which the pointer
    makes of the booking and the name of the admin site; ``None`` where that has no such page.
    """
    _pointers[code] = pointer


def as_form_error(
    error: BookingError, booking: Booking | None = None, site: str = "admin"
) -> ValidationError:
    """The refusal as a form's ``add_error(None, …)`` takes it: by field."""
    if hasattr(error, "error_dict"):
        return ValidationError(error.error_dict)
    message = _message(error)
    pointer = _pointers.get(error.booking_code)
    if pointer is not None and booking is not None and (link := pointer(booking, site)):
        message = format_html("{} {}.", message, link)
    return ValidationError({_field_of(error): [message]})


def _field_of(error: BookingError) -> str:
    if error.booking_code in FIELD_OF_CODE:
        return FIELD_OF_CODE[error.booking_code]
    params: dict[str, Any] = getattr(error, "params", None) or {}
    # "service.capacity" is an error about the service.
    name = str(params.get("name") or params.get("what") or "").partition(".")[0]
    if name:
        return FIELD_OF_NAME.get(name, name)
    fields = (field for kind, field in FIELD_OF_ERROR if isinstance(error, kind))
    return next(fields, NON_FIELD_ERRORS)


def _message(error: BookingError) -> str:
    if isinstance(error, StaleBooking):
        return stale_message()
    if isinstance(error, IdempotencyKeyReused):
        return reused_message()
    return " ".join(error.messages)


def stale_message() -> str:
    return _(
        "Somebody has changed this booking since you opened it, so your changes were not saved. "
        "Open it again: its history says what has changed."
    )


def reused_message() -> str:
    return _("This form has made a booking before. Open a new form to make another one.")
