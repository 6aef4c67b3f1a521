"""Dates as a caller gives them, or what is wrong with them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings import policies
from bookings.contrib.group_sessions.exceptions import InvalidSession

LONGEST_DAYS: Final = 400


def check_in_order(first: Any, last: Any, names: tuple[str, str]) -> None:
    """Refuse what are not two dates, the first of them not after the last."""
    for name, value in zip(names, (first, last), strict=True):
        # On which day a datetime is depends on the zone.
        if not isinstance(value, date) or isinstance(value, datetime):
            raise InvalidSession(
                _("%(name)s must be a date, not %(type)s."),
                "invalid_date",
                params={"name": name, "type": type(value).__name__},
            )
    if last < first:
        raise InvalidSession(
            _("%(last)s lies before %(first)s. Swap them."),
            "range_reversed",
            params={"first": names[0], "last": names[1]},
        )


def days_between(first: Any, last: Any, names: tuple[str, str]) -> list[date]:
    """The days from the first to the last, both included."""
    check_in_order(first, last, names)
    number = (last - first).days + 1
    if number > LONGEST_DAYS:
        raise InvalidSession(
            _("Sessions are listed for %(most)d days at most. Ask for a shorter range."),
            "range_too_long",
            params={"most": LONGEST_DAYS},
        )
    return [first + timedelta(days=ahead) for ahead in range(number)]


def bounds(first: date, last: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """The midnights, in UTC, at which the first day begins and the last one ends."""
    try:
        after_last = last + timedelta(days=1)
        begins, ends = (
            datetime.combine(day, time.min, zone).astimezone(UTC) for day in (first, after_last)
        )
    except OverflowError:
        raise policies.out_of_range() from None
    return begins, ends
