"""How long a booking may last. Pure functions: no ORM, no clock, no settings.

A length is a number of minutes of elapsed time, or one by the wall clock: see :class:`WallLength`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta, tzinfo
from typing import Any, Final, TypeAlias

from django.utils.dateparse import parse_time
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidBooking, SlotUnavailable
from bookings.rules import instants
from bookings.rules.durations import MINUTES_PER_DAY, format_minutes
from bookings.rules.validation import MAX_MINUTES, Readable, whole_number
from bookings.rules.wall_clock import DAY, EPOCH, SECOND, WallClock, wall_clock_for

INVALID_DURATION: Final = "invalid_duration"

ONE_MINUTE: Final = timedelta(minutes=1)
ONE_DAY: Final = timedelta(days=1)
MAX_DAYS: Final = MAX_MINUTES // MINUTES_PER_DAY


@dataclass(frozen=True, slots=True)
class WallLength:
    """So many days by the wall clock: until the same time of day, or until another one.

    If the end exists twice, because the clocks are put back, it is the second of the two; if it
    does not exist, it is the instant at which the clocks are put forward. So does a schedule close.
    """

    days: int
    ends_at: time | None = None
    """The time of day at which it ends; ``None`` for that of the start."""

    def end_at(self, start_at: datetime, zone: tzinfo) -> datetime:
        """Return the end in UTC; ``start_at`` is in UTC, and the days are those of the zone.

        Raises ``SlotUnavailable`` (``ends_before_start``) if it does not end after the start.
        """
        start = instants.floor_second(start_at)
        end_at = EPOCH + self.end_second(start, self.clock(zone, start, start)) * SECOND
        if self.ends_at is None:
            end_at += timedelta(microseconds=start_at.microsecond)
        if end_at <= start_at:
            # Another start of a series may do, and another provider of a pool, in another zone.
            raise SlotUnavailable(
                _(
                    "The service ends at %(end)s, which is not after the start. "
                    "Choose an earlier start."
                ),
                "ends_before_start",
                params={"end": (self.ends_at or time()).isoformat("minutes")},
                start_at=start_at,
            )
        return end_at

    def end_second(self, start: int, clock: WallClock) -> int:
        """Return the end of what starts at a Unix second; it may lie before the start."""
        wall = clock.wall_time(start) + self.days * DAY
        if self.ends_at is not None:
            wall += self._seconds - wall % DAY
        return clock.closing_instant(wall)

    def clock(self, zone: tzinfo, first: int, last: int) -> WallClock:
        """Return the clock for starts from ``first`` to ``last``, in Unix seconds."""
        instants.check_range(first, last + self.longest)
        return wall_clock_for(zone, first, last + self.longest)

    @property
    def longest(self) -> int:
        """More seconds than it ever takes: the last day, and what the clocks are put back."""
        return (self.days + 2) * DAY

    @property
    def _seconds(self) -> int:
        at = self.ends_at or time()
        return at.hour * 3600 + at.minute * 60


Length: TypeAlias = timedelta | WallLength
"""A length without add-ons: of elapsed time, or by the wall clock."""


@dataclass(frozen=True, slots=True)
class DayLengths:
    """The lengths of a service that is booked by the day."""

    own: WallLength
    """The one without a choice."""
    least: int | None = None
    most: int | None = None
    step: int | None = None

    @classmethod
    def of(cls, service: Any) -> DayLengths:
        """Read and validate the attributes of a service.

        Raises ``InvalidBooking`` with the name of the wrong attribute.
        """
        days, ends_at = _days(service, "duration_days"), getattr(service, "ends_at_time", None)
        return cls(
            WallLength(0 if days is None else days, None if ends_at is None else _time(ends_at)),
            _days(service, "minimum_duration_days"),
            _days(service, "maximum_duration_days"),
            _days(service, "duration_step_days"),
        )

    def choose(self, value: Any, name: str, *, override: bool = False) -> DayLengths:
        """Return those with another length of its own, or raise ``InvalidBooking``."""
        days = _chosen(
            value,
            name,
            own=self.own.days,
            bounds=(self.least, self.most, self.step),
            unit=MINUTES_PER_DAY,
            attribute="service.minimum_duration_days",
            override=override,
        )
        return self if days == self.own.days else replace(self, own=replace(self.own, days=days))


def started_days(start_at: datetime, end_at: datetime, zone: tzinfo) -> int:
    """Return how many days of a zone have begun between two instants in UTC, and at least 1.

    Each begins at the time of day of the start, so that a booking of so many days by the wall clock
    has so many, whether or not the clocks are changed meanwhile.
    """
    days = max(1, (end_at - start_at) // ONE_DAY - 1)
    while WallLength(days).end_at(start_at, zone) < end_at:
        days += 1
    return days


def chosen_minutes(
    value: Any,
    name: str,
    *,
    own: int,
    least: int | None,
    most: int | None,
    step: int | None,
    override: bool = False,
) -> int:
    """Return a length in minutes that the client may choose, or raise ``InvalidBooking``.

    ``own`` is the length without a choice, which can always be chosen. ``least`` and ``most`` are
    the shortest and the longest, by default ``own``; the steps count from the shortest.
    ``override`` lifts all of them.
    """
    return _chosen(
        value,
        name,
        own=own,
        bounds=(least, most, step),
        unit=1,
        attribute="service.minimum_duration_minutes",
        override=override,
    )


def _chosen(
    value: Any,
    name: str,
    *,
    own: int,
    bounds: tuple[int | None, int | None, int | None],
    unit: int,
    attribute: str,
    override: bool,
) -> int:
    """Return a length in units of so many minutes; the bounds are in the same unit."""
    if override:
        at_most = MAX_MINUTES // unit
        return whole_number(value, name, at_least=1, at_most=at_most, code=INVALID_DURATION)
    least, most = (own if bound is None else bound for bound in bounds[:2])
    step = bounds[2]
    if least > most:
        raise InvalidBooking(
            _(
                "The shortest length of the service, %(least)s, is above the longest, %(most)s. "
                "Correct the service."
            ),
            INVALID_DURATION,
            params={"least": format_minutes(least * unit), "most": format_minutes(most * unit)},
            field=attribute,
        )
    if value == own and type(value) is int:
        return own
    if least == most:
        if own == 0:
            raise InvalidBooking(
                _("This service ends on the day on which it starts. Its length cannot be chosen."),
                INVALID_DURATION,
                field=name,
            )
        raise InvalidBooking(
            _("This service lasts %(length)s. Its length cannot be chosen."),
            INVALID_DURATION,
            params={"length": format_minutes(own * unit)},
            field=name,
        )
    number = whole_number(value, name, at_least=least, at_most=most, code=INVALID_DURATION)
    if step is not None and (number - least) % step:
        raise InvalidBooking(
            _(
                "Lengths of this service begin at %(least)s and are %(step)s apart. "
                "%(value)s is none of them."
            ),
            INVALID_DURATION,
            params={
                "least": format_minutes(least * unit),
                "step": format_minutes(step * unit),
                "value": format_minutes(number * unit),
            },
            field=name,
        )
    return number


def both_units_error(name: str) -> InvalidBooking:
    return InvalidBooking(
        _("Choose a number of days or of minutes, not both."), INVALID_DURATION, field=name
    )


def wrong_unit_error(name: str, *, is_by_days: bool) -> InvalidBooking:
    """Return the error for minutes of a service that is booked by the day, or the reverse."""
    return InvalidBooking(
        _("This service is booked by the day. Choose a number of days, not of minutes.")
        if is_by_days
        else _("This service is not booked by the day. Choose a number of minutes, not of days."),
        INVALID_DURATION,
        field=name,
    )


def _days(service: Any, name: str) -> int | None:
    value = getattr(service, name, None)
    if value is None:
        return None
    return whole_number(value, f"service.{name}", at_least=1, at_most=MAX_DAYS)


def _time(value: Any) -> time:
    """Return a time of day; a model's instance that has just been made may have it as text."""
    found = value
    if isinstance(value, str):
        try:
            # Python 3.14 reads 24:00 as 00:00, which is the other end of the day.
            found = None if value.startswith("24") else parse_time(value)
        except ValueError:
            found = None
    if not isinstance(found, time) or found.tzinfo is not None or found.second or found.microsecond:
        raise InvalidBooking(
            _(
                "service.ends_at_time must be a time of day in whole minutes, such as 11:00, "
                "not %(value)r."
            ),
            params={"name": "service.ends_at_time", "value": Readable(value)},
        )
    return found
