"""Validate the range of time that a caller asks for: two instants, or two dates."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule.exceptions import InvalidSchedule
from bookings.exceptions import InvalidBooking
from bookings.rules import instants, validation

MAX_DAYS: Final = 400
"""The longest range of which slots are listed."""

ONE_DAY: Final = timedelta(days=1)


def seconds_between(start_dt: datetime, end_dt: datetime) -> tuple[int, int]:
    """Return the whole seconds in ``[start_dt, end_dt)`` as ``[first, last)``, in Unix seconds.

    :raises InvalidBooking: a datetime is naive, the range ends before it starts, or it is longer
        than 400 days.
    """
    first = instants.ceil_second(instants.aware_utc(start_dt, "start_dt"))
    last = instants.ceil_second(instants.aware_utc(end_dt, "end_dt"))
    if last < first:
        raise InvalidBooking(
            _("The range ends before it starts. Exchange its ends."), "range_reversed"
        )
    instants.check_range(first, last)
    # One day more, because a day may be longer than 24 hours.
    if last - first > 86400 * (MAX_DAYS + 1):
        raise InvalidBooking(
            _("Slots are listed for %(most)d days at most. Ask for a shorter range."),
            "range_too_long",
            params={"most": MAX_DAYS},
        )
    return first, last


def seconds_of_dates(start_date: date, end_date: date, tz: tzinfo) -> tuple[int, int]:
    """Return the seconds of the days from ``start_date`` to ``end_date``, both included.

    The days are those of the zone ``tz``. Errors are those of :func:`seconds_between`.
    """
    validate_dates(start_date, end_date, ("start_date", "end_date"))
    try:
        midnights = (
            datetime.combine(day, time.min, tz) for day in (start_date, end_date + ONE_DAY)
        )
        return seconds_between(*midnights)
    except OverflowError:
        raise instants.out_of_range_error() from None


def dates_between(first: date, last: date) -> list[date]:
    """Return the dates from ``first`` to ``last``, both included."""
    return [first + number * ONE_DAY for number in range((last - first).days + 1)]


def validate_dates(
    first: Any, last: Any, names: tuple[str, str]
) -> tuple[date | None, date | None]:
    """Return two dates, either of which may be ``None``.

    :raises InvalidSchedule: a value is not a date, or the last date lies before the first.
    """
    bounds = [
        None if value is None else validate_date(value, name)
        for value, name in zip((first, last), names, strict=True)
    ]
    if bounds[0] and bounds[1] and bounds[1] < bounds[0]:
        raise InvalidSchedule(
            _("The last day lies before the first day. Swap them."),
            "range_reversed",
        )
    return bounds[0], bounds[1]


def validate_date(value: Any, name: str) -> date:
    return validation.calendar_date(value, name, InvalidSchedule)
