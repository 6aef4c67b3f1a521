"""The stretch of time that a question about slots is asked of."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from django.utils.translation import gettext_lazy as _

from bookings import policies
from bookings.constraints import MAX_SECOND
from bookings.contrib.schedule import dates
from bookings.exceptions import InvalidBooking

LONGEST_DAYS: Final = 400
ONE_DAY: Final = timedelta(days=1)


def of_instants(start_dt: datetime, end_dt: datetime) -> tuple[int, int]:
    """The whole seconds in ``[start_dt, end_dt)``, as ``[first, last)``.

    Raises ``InvalidBooking`` for naive datetimes, and for a range that ends before it starts or is
    longer than 400 days.
    """
    return _checked(
        policies.ceil_second(policies.instant(start_dt, "start_dt")),
        policies.ceil_second(policies.instant(end_dt, "end_dt")),
    )


def of_dates(start_date: date, end_date: date, tz: tzinfo) -> tuple[int, int]:
    """The same of the days from ``start_date`` to ``end_date``, both included, in the zone."""
    dates.in_order(start_date, end_date, ("start_date", "end_date"))
    try:
        midnights = (
            datetime.combine(day, time.min, tz) for day in (start_date, end_date + ONE_DAY)
        )
        return of_instants(*midnights)
    except OverflowError:
        raise policies.out_of_range() from None


def _checked(first: int, last: int) -> tuple[int, int]:
    if last < first:
        raise InvalidBooking(
            _("The range ends before it starts. Exchange its ends."), "range_reversed"
        )
    if first < 0 or last > MAX_SECOND:
        raise policies.out_of_range()
    # A day of grace, because days may be longer than 24 hours.
    if last - first > 86400 * (LONGEST_DAYS + 1):
        raise InvalidBooking(
            _("Slots are listed for %(most)d days at most. Ask for a shorter range."),
            "range_too_long",
            params={"most": LONGEST_DAYS},
        )
    return first, last
