"""Instants: aware datetimes in UTC, and whole Unix seconds. Pure functions: no ORM, no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils.timezone import is_naive
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidBooking

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def aware_utc(value: Any, name: str) -> datetime:
    """Return an aware datetime in UTC.

    In UTC, because Python compares and subtracts two datetimes of one other zone by the wall clock,
    which is wrong by an hour on the night of a DST change. Raises ``InvalidBooking`` with ``name``
    for a value that is not a datetime, is naive, or is out of range.
    """
    if not isinstance(value, datetime):
        raise InvalidBooking(
            _("%(name)s must be a timezone-aware datetime, not %(type)s."),
            params={"name": name, "type": type(value).__name__},
        )
    if is_naive(value):
        raise InvalidBooking(
            _("%(name)s must be timezone-aware."), "naive_datetime", params={"name": name}
        )
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise out_of_range_error() from None


def floor_second(value: datetime) -> int:
    """Return the Unix second that contains an instant, computed in integers to be exact."""
    since = value - EPOCH
    return since.days * 86400 + since.seconds


def ceil_second(value: datetime) -> int:
    """Return the first Unix second that is not before an instant."""
    return floor_second(value) + (1 if value.microsecond else 0)


def add_elapsed(start_at: datetime, length: timedelta) -> datetime:
    """Return the instant ``length`` of elapsed time after ``start_at``, which is in UTC."""
    try:
        return start_at + length
    except OverflowError:
        raise out_of_range_error() from None


def out_of_range_error() -> InvalidBooking:
    return InvalidBooking(
        _("The time must lie between the years 1970 and 4147, buffers included."), "out_of_range"
    )


def busy_bounds(
    start_at: datetime, end_at: datetime, buffer_before_minutes: int, buffer_after_minutes: int
) -> tuple[int, int]:
    """Return the half-open stretch ``[starts, ends)`` that a booking takes, in Unix seconds.

    The buffers are included and the bounds are rounded outward. Raises ``InvalidBooking`` for an
    end that is not after the start, and for bounds that the ledger cannot store.
    """
    if end_at <= start_at:
        raise InvalidBooking({"end_at": _("End time must be after start time.")})
    starts = floor_second(start_at) - 60 * buffer_before_minutes
    ends = ceil_second(end_at) + 60 * buffer_after_minutes
    check_range(starts, ends)
    return starts, ends


def busy_bounds_of(booking: Any) -> tuple[int, int]:
    """Return the bounds of a booking's or a session's time in Unix seconds, buffers included."""
    return busy_bounds(
        booking.start_at,
        booking.end_at,
        booking.buffer_before_minutes,
        booking.buffer_after_minutes,
    )


def check_range(first: int, last: int) -> None:
    """Raise ``InvalidBooking`` for Unix seconds that the ledger cannot store."""
    if first < 0 or last > MAX_SECOND:
        raise out_of_range_error()


SECOND_BITS: Final = 36
"""A second fits in 36 bits until the year 4147; 27 bits remain for the owner's key."""


MAX_SECOND: Final = 2**SECOND_BITS - 1
