"""A time zone by the name that a person writes."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidBooking


def named_zone(name: str) -> ZoneInfo:
    """The zone of that name in the time-zone database, as Europe/Berlin.

    Raises ``InvalidBooking`` if there is none. https://www.iana.org/time-zones
    """
    try:
        return ZoneInfo(name)
    # A folder of the database is an OSError, a name that leads out of it a ValueError.
    except (LookupError, OSError, ValueError, TypeError):
        raise InvalidBooking(
            _("%(name)s is no time zone. Write one as Europe/Berlin."),
            "unknown_timezone",
            params={"name": f"{name!r:.80}"},
        ) from None
