"""Time zones by name, and the days in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.timezone import get_default_timezone
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidBooking
from bookings.rules.validation import Readable


def zone_by_name(name: str) -> ZoneInfo:
    """Return the zone of the IANA time-zone database with this name, such as ``Europe/Berlin``.

    Raises ``InvalidBooking`` (``unknown_timezone``) if there is none.
    https://www.iana.org/time-zones
    """
    try:
        return ZoneInfo(name)
    # A folder of the database raises OSError, and a path that leaves it ValueError.
    except (LookupError, OSError, ValueError, TypeError):
        raise InvalidBooking(
            _("%(name)s is no time zone. Write one as Europe/Berlin."),
            "unknown_timezone",
            params={"name": Readable(name)},
        ) from None


def midnight(day: date, zone: tzinfo) -> datetime:
    """Return the instant at which a local day begins, in UTC; it may begin at one o'clock."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def provider_zone(zone: Any) -> tzinfo:
    """Return a provider's ``timezone``, a ``tzinfo`` or an IANA name; Django's default without one.

    Raises ``InvalidBooking`` that names ``provider.timezone``.
    """
    if not zone:
        return get_default_timezone()
    if isinstance(zone, tzinfo):
        return zone
    try:
        return ZoneInfo(zone)
    # ZoneInfo uses any value as a key of its cache and as a path.
    except (TypeError, ValueError, OSError, LookupError):
        raise InvalidBooking(
            _('provider.timezone must be a time zone such as "Europe/Paris", not %(value)r.'),
            params={"name": "provider.timezone", "value": Readable(zone)},
        ) from None
