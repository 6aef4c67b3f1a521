"""Validators of model fields."""

from __future__ import annotations

from bookings.contrib.schedule.exceptions import InvalidSchedule
from bookings.exceptions import InvalidBooking
from bookings.rules.zones import zone_by_name


def validate_timezone(name: str) -> None:
    """Raise ``InvalidSchedule`` unless the time-zone database has this zone, as Europe/Berlin."""
    try:
        zone_by_name(name)
    except InvalidBooking as error:
        raise InvalidSchedule(error.message, error.code, error.params) from None
