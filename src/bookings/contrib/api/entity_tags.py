"""Entity tags and conditional requests (RFC 9110, sections 8.8.3 and 13)."""

from __future__ import annotations

import re
from typing import Final

from django.utils.translation import gettext as _
from rest_framework.request import Request

from bookings.contrib.api.conf import api_settings
from bookings.contrib.api.exceptions import InvalidHeader, PreconditionRequired
from bookings.models import Booking
from bookings.services.booking_change import stale_error

ANY: Final = "*"

_TAG: Final = re.compile(r'\s*((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')


def booking_etag(booking: Booking) -> str:
    """Return the strong entity tag of a booking: its version."""
    return f'"{booking.version}"'


def parse_tags(request: Request, header: str) -> list[str] | None:
    """Return the entity tags of a header, or ``["*"]``; ``None`` without the header.

    Raises ``InvalidHeader`` if it is neither.
    """
    value = request.headers.get(header)
    if value is None:
        return None
    if value.strip() == ANY:
        return [ANY]
    tags, position = [], 0
    while position < len(value):
        match = _TAG.match(value, position)
        if match is None:
            raise InvalidHeader(
                _(
                    "%(header)s must be entity tags in double quotes, separated by commas, or *. "
                    "Send the ETag of a response as it is."
                )
                % {"header": header}
            )
        tags.append(match[1])
        position = match.end()
    return tags


def expected_version(request: Request, booking: Booking) -> int | None:
    """Return the version that the client wants to change, by ``If-Match``; ``None`` for any.

    The services compare it under the lock. Weak tags never match. Raises ``StaleBooking`` if the
    booking, as it was read, has none of the tags, and ``PreconditionRequired`` without the header,
    unless the setting says otherwise.
    """
    tags = parse_tags(request, "If-Match")
    if tags is None and api_settings.API_REQUIRE_IF_MATCH:
        raise PreconditionRequired
    if tags is None or tags == [ANY]:
        return None
    if booking_etag(booking) not in tags:
        raise stale_error()
    return booking.version


def is_not_modified(request: Request, etag: str) -> bool:
    """Return whether the client has the representation already, by ``If-None-Match``.

    Tags are compared weakly, as RFC 9110 says for this header.
    """
    tags = parse_tags(request, "If-None-Match") or []
    return any(tag == ANY or tag.removeprefix("W/") == etag for tag in tags)
