"""What a person may mistype: the name of a time zone."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule.exceptions import InvalidSchedule


def check_timezone(name: str) -> None:
    """Raise ``InvalidSchedule`` unless it is a zone of the time-zone database, as Europe/Berlin.

    https://www.iana.org/time-zones
    """
    try:
        ZoneInfo(name)
    # A folder of the database is an OSError, a name that leads out of it a ValueError.
    except (LookupError, OSError, ValueError, TypeError):
        raise InvalidSchedule(
            _("%(name)s is no time zone. Write one as Europe/Berlin."),
            "unknown_timezone",
            params={"name": f"{name!r:.80}"},
        ) from None
