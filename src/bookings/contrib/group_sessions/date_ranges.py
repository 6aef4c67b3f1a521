"""Ranges of dates that a caller passes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.contrib.group_sessions.exceptions import InvalidSession
from bookings.rules import instants, validation

MAX_DAYS: Final = 400


def check_date_range(first: Any, last: Any, names: tuple[str, str]) -> None:
    """Raise ``InvalidSession`` unless both are dates and ``first`` is not after ``last``."""
    for name, value in zip(names, (first, last), strict=True):
        validation.calendar_date(value, name, InvalidSession)
    if last < first:
        raise InvalidSession(
            _("%(last)s lies before %(first)s. Swap them."),
            "range_reversed",
            params={"first": names[0], "last": names[1]},
        )


def dates_in_range(first: Any, last: Any, names: tuple[str, str]) -> list[date]:
    """Return the dates from ``first`` to ``last``, both included.

    Raises ``InvalidSession`` for an invalid range or one of more than ``MAX_DAYS``.
    """
    check_date_range(first, last, names)
    number = (last - first).days + 1
    if number > MAX_DAYS:
        raise InvalidSession(
            _("Sessions are listed for %(most)d days at most. Ask for a shorter range."),
            "range_too_long",
            params={"most": MAX_DAYS},
        )
    return [first + timedelta(days=ahead) for ahead in range(number)]


def range_bounds(first: date, last: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the midnights in ``zone``, as UTC, at which ``first`` begins and ``last`` ends."""
    try:
        after_last = last + timedelta(days=1)
        begins, ends = (
            datetime.combine(day, time.min, zone).astimezone(UTC) for day in (first, after_last)
        )
    except OverflowError:
        raise instants.out_of_range_error() from None
    return begins, ends
