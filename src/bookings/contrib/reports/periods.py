"""The period of a report: a half-open window of a named time zone. Pure: no ORM, no clock."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from bookings.contrib.reports.exceptions import InvalidReport
from bookings.rules import instants, validation
from bookings.rules.zones import midnight, zone_by_name

ONE_DAY: Final = timedelta(days=1)
DAY_SECONDS: Final = 86400
MAX_DAYS: Final = 3_660
"""Ten years and some days: longer periods are typing errors."""

EPOCH_DAY: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open window ``[start_at, end_at)``, and the zone in which its days begin.

    :param start_at: the first instant, an aware datetime. It is kept in UTC.
    :param end_at: the instant at which the period is over, an aware datetime.
    :param zone: the name of an IANA time zone such as ``"Europe/Berlin"``, or its ``ZoneInfo``.
    :raises InvalidReport: the period does not end after it begins (``invalid_period``), or it is
        longer than ten years (``period_too_long``).
    :raises InvalidBooking: a datetime is naive (``naive_datetime``) or before 1970
        (``out_of_range``), or there is no such zone (``unknown_timezone``).
    """

    start_at: datetime
    end_at: datetime
    zone: ZoneInfo

    def __post_init__(self) -> None:
        set_value = object.__setattr__
        set_value(self, "zone", named_zone(self.zone))
        set_value(self, "start_at", instants.aware_utc(self.start_at, "start_at"))
        set_value(self, "end_at", instants.aware_utc(self.end_at, "end_at"))
        if self.end_at <= self.start_at:
            raise InvalidReport(
                _("The period has to end after it begins."),
                "invalid_period",
                field="end_at",
            )
        if self.end_at - self.start_at > MAX_DAYS * ONE_DAY:
            raise InvalidReport(
                _("The period is longer than ten years. Choose a shorter one."),
                "period_too_long",
                field="end_at",
            )
        # A day more at both ends, so that every local time has a date.
        instants.check_range(
            instants.floor_second(self.start_at), instants.ceil_second(self.end_at) + DAY_SECONDS
        )

    @classmethod
    def of_days(cls, first: date, last: date, zone: ZoneInfo | str) -> Period:
        """Return the period from the beginning of one local day to the end of another.

        :param first: the first day.
        :param last: the last day, included.
        :param zone: as for the class.
        :raises InvalidReport: as for the class, also if the last day is before the first.
        :raises InvalidBooking: as for the class; or a value is no date (``invalid_date``).
        """
        known = named_zone(zone)
        validation.calendar_date(first, "first")
        validation.calendar_date(last, "last")
        try:
            bounds = midnight(first, known), midnight(last + ONE_DAY, known)
        except OverflowError:
            raise instants.out_of_range_error() from None
        return cls(*bounds, known)

    def previous(self) -> Period:
        """Return the period before this one, of the same length on the clocks of its zone.

        Before the 31 days of July are the 31 days that end with June, whether or not the clocks
        are changed in either.

        :raises InvalidBooking: it would begin before 1970 (``out_of_range``).
        """
        begins, ends = self._local(self.start_at), self._local(self.end_at)
        before = (begins - (ends - begins)).replace(tzinfo=self.zone)
        return Period(before, self.start_at, self.zone)

    @property
    def first_day(self) -> date:
        """The local day on which it begins."""
        return self._local(self.start_at).date()

    @property
    def last_day(self) -> date:
        """The local day of its last instant."""
        return self._local(self.end_at - timedelta(microseconds=1)).date()

    def days(self) -> Iterator[date]:
        """Yield the local days that it touches."""
        first = self.first_day
        for number in range((self.last_day - first).days + 1):
            yield first + number * ONE_DAY

    def seconds(self) -> tuple[int, int]:
        """Return its bounds in Unix seconds."""
        return instants.floor_second(self.start_at), instants.ceil_second(self.end_at)

    def _local(self, instant: datetime) -> datetime:
        return instant.astimezone(self.zone).replace(tzinfo=None)


def named_zone(value: Any) -> ZoneInfo:
    """Return a zone by its name, or as it is if it has one.

    Raises ``InvalidBooking`` (``unknown_timezone``) for anything else.
    """
    if isinstance(value, ZoneInfo) and value.key:
        return value
    return zone_by_name(value)


@lru_cache(maxsize=64)
def offset_spans(
    start_at: datetime, end_at: datetime, zone: ZoneInfo
) -> list[tuple[datetime, int]]:
    """Return the UTC offsets of a zone between two instants in UTC, in seconds, in order.

    Each comes with the instant at which it ends; the last one ends with ``end_at``.
    """
    spans: list[tuple[datetime, int]] = []
    at, offset = start_at, _offset(start_at, zone)
    while at < end_at:
        following = min(at + ONE_DAY, end_at)
        if (new_offset := _offset(following, zone)) != offset:
            spans.append((_change(at, following, zone), offset))
            offset = new_offset
        at = following
    return [*(span for span in spans if span[0] < end_at), (end_at, offset)]


def _change(at: datetime, until: datetime, zone: ZoneInfo) -> datetime:
    """Return the first whole second after ``at`` with another offset; there is one until then."""
    offset, base = _offset(at, zone), at.replace(microsecond=0)
    seconds = range(1, int((until - base).total_seconds()) + 1)
    index = bisect_left(
        seconds,
        True,
        key=lambda second: _offset(base + timedelta(seconds=second), zone) != offset,
    )
    return base + timedelta(seconds=seconds[index])


def _offset(instant: datetime, zone: ZoneInfo) -> int:
    offset = instant.astimezone(zone).utcoffset() or timedelta()
    return round(offset.total_seconds())
