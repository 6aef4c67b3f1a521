"""What a person may mistype: the name of a time zone."""

from __future__ import annotations

from bookings.contrib.schedule.exceptions import InvalidSchedule
from bookings.exceptions import InvalidBooking
from bookings.zones import named_zone


def check_timezone(name: str) -> None:
    """Raise ``InvalidSchedule`` unless it is a zone of the time-zone database, as Europe/Berlin."""
    try:
        named_zone(name)
    except InvalidBooking as error:
        raise InvalidSchedule(error.message, error.code, error.params) from None
