"""Dates as a caller gives them, or what is wrong with them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule.exceptions import InvalidSchedule


def day(value: Any, name: str) -> date:
    """A date, and no datetime: on which day that is depends on the zone."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise InvalidSchedule(
            _("%(name)s must be a date, not %(type)s."),
            "invalid_date",
            params={"name": name, "type": type(value).__name__},
        )
    return value


def in_order(first: Any, last: Any, names: tuple[str, str]) -> tuple[date | None, date | None]:
    """Two dates, either of which may be ``None``, in order."""
    bounds = [
        None if value is None else day(value, name)
        for value, name in zip((first, last), names, strict=True)
    ]
    if bounds[0] and bounds[1] and bounds[1] < bounds[0]:
        raise InvalidSchedule(
            _("%(last)s lies before %(first)s. Swap them."),
            "range_reversed",
            params={"first": names[0], "last": names[1]},
        )
    return bounds[0], bounds[1]
