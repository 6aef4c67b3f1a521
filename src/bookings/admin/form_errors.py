"""Turn the error of a service into an error of the form whose values it was given."""

from __future__ import annotations

from typing import Final

from django.contrib.admin import AdminSite
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from bookings import extensions
from bookings.admin.question_fields import field_of_error
from bookings.exceptions import (
    BookingError,
    IdempotencyKeyReused,
    StaleBooking,
)
from bookings.models import Booking
from bookings.models.tenant import tenant_name
from bookings.rules.durations import format_minutes

FIELD_OF_CODE: Final = {
    "out_of_range": "start_at",
    "unknown_addon": "addons",
    "repeated_addon": "addons",
    "wrong_addon": "addons",
    "currency_mismatch": "addons",
}

FIELD_OF_ARGUMENT: Final = {
    "new_start_at": "start_at",
    "add-on": "addons",
    "addon": "addons",
    "seats": "party_size",
    "resource": "resources",
    "new_resources": "resources",
    "new_duration_minutes": "duration_minutes",
    "duration_days": "days",
    "new_duration_days": "days",
}
"""Where a service's argument is not called what the form's field is called."""


def as_form_error(error: BookingError, link: SafeString | None = None) -> ValidationError:
    """Return the error by field, as a form's ``add_error(None, …)`` takes it.

    Its message ends with the ``link``, if there is one: see :func:`refusal_link`.
    """
    if hasattr(error, "error_dict"):
        return ValidationError(
            {field_of_error(name): errors for name, errors in error.error_dict.items()}
        )
    message = error_message(error)
    if link:
        message = format_html("{} {}.", message, link)
    return ValidationError({_field_of(error): [message]})


def error_message(error: BookingError) -> str:
    """Return the error's message as staff read it."""
    if isinstance(error, StaleBooking):
        return stale_message()
    if isinstance(error, IdempotencyKeyReused):
        return reused_message()
    errors = ValidationError([error]).error_list
    return " ".join(message for each in errors for message in for_staff(each).messages)


def for_staff(error: ValidationError) -> ValidationError:
    """Return an error about one thing in words that staff know.

    Callers of the services read field names and minutes in some messages, and may depend on them.
    """
    message = _message_for_staff(error)
    return error if message is None else ValidationError(message, error.code)


def _message_for_staff(error: ValidationError) -> str | None:
    """Return the message in other words; ``None`` where its own are good."""
    match error.code:
        case "notice_window" if isinstance(error.params, dict) and "minutes" in error.params:
            return _("It begins in less than %(notice)s, which is the notice that it needs.") % {
                "notice": format_minutes(error.params["minutes"])
            }
        case "no_client":
            return _("Nobody is named whom the booking is for. Enter the client's name first.")
        case "missing_duration":
            return _("This service has no duration. Give it one first, or choose another service.")
        case "tenant_mismatch":
            named = (error.params or {}).get("provider", "")
            text = (
                _("%(provider)s belongs elsewhere (%(tenant)s). Choose one that fits.")
                if named
                else _("That belongs elsewhere (%(tenant)s). Choose one that fits.")
            )
            return text % {"provider": named, "tenant": capfirst(str(tenant_name()))}
    return None


def stale_message() -> str:
    return _(
        "Somebody has changed this booking since you opened it, so your changes were not saved. "
        "Open it again: its history says what has changed."
    )


def reused_message() -> str:
    return _("This form has made a booking before. Open a new form to make another one.")


def refusal_link(
    error: BookingError, booking: Booking, site: AdminSite, request: HttpRequest
) -> SafeString | None:
    """Return a link to where staff do what was refused, as the first extension knows it."""
    for extension in extensions.implementing("refusal_link"):
        if link := extension.refusal_link(error.booking_code, booking, site=site, request=request):
            return link
    return None


def _field_of(error: BookingError) -> str:
    if error.booking_code in FIELD_OF_CODE:
        return FIELD_OF_CODE[error.booking_code]
    # "service.capacity" is an error about the service.
    argument = error.field.partition(".")[0]
    return FIELD_OF_ARGUMENT.get(argument, argument) or NON_FIELD_ERRORS
