"""The errors of the API itself: of a request that no service has seen.

A service's error is a :class:`~bookings.exceptions.BookingError`; :mod:`.problems` answers both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException


class InvalidParameters(APIException):
    """Query parameters are unknown or invalid. ``errors`` has each with its code and message."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "invalid_parameter"
    default_detail = _("Query parameters are not valid. Correct those that are named in errors.")

    def __init__(self, errors: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        super().__init__()
        self.errors = errors


class InvalidHeader(APIException):
    """A header of the request cannot be read."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "invalid_header"

    def __init__(self, message: Any) -> None:
        super().__init__(message)


class IdempotencyKeyRequired(APIException):
    """The request creates something, and has no ``Idempotency-Key``."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "idempotency_key_required"
    default_detail = _(
        "Send a header Idempotency-Key with a value of your own, such as a UUID, and the same one "
        "if you send the request again."
    )


class PreconditionRequired(APIException):
    """The request changes something, and does not say which version of it."""

    status_code = status.HTTP_428_PRECONDITION_REQUIRED
    default_code = "precondition_required"
    default_detail = _("Send a header If-Match with the ETag of what you have read.")
