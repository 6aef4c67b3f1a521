"""A shift in wall time, as callers write it: ``("09:00", "17:00")`` or :class:`Hours`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time
from itertools import pairwise
from typing import Any, Final, TypeAlias

from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule.exceptions import InvalidSchedule
from bookings.rules.validation import Readable

DAY: Final = 86400
MIDNIGHT: Final = time(0)
END_OF_DAY: Final = "24:00"


@dataclass(frozen=True, slots=True, init=False, order=True)
class Hours:
    """A shift from one time of day to another, on the same day or the next.

    Times are :class:`datetime.time`, or text such as ``"09:00"``, in whole minutes and without a
    zone. A shift lasts 24 hours at most.

    :param opens: when the shift begins.
    :param closes: when it ends. ``"24:00"`` is the end of the day, which is stored as midnight of
        the next day.
    :param closes_next_day: whether ``closes`` is a time of the next day.
    :raises InvalidSchedule: a time is not valid (``invalid_time``), the shift does not end after it
        begins (``close_before_open``), or it is longer than 24 hours (``too_long``).
    """

    opens: time
    closes: time
    closes_next_day: bool = False

    def __init__(
        self, opens: time | str, closes: time | str, closes_next_day: bool = False
    ) -> None:
        at_end_of_day = closes == END_OF_DAY
        set_value = object.__setattr__
        set_value(self, "opens", parse_time(opens))
        set_value(self, "closes", MIDNIGHT if at_end_of_day else parse_time(closes))
        set_value(self, "closes_next_day", bool(closes_next_day) or at_end_of_day)
        self._check()

    def _check(self) -> None:
        starts, ends = self.seconds
        if ends <= starts:
            raise InvalidSchedule(
                _(
                    "%(closes)s is not after %(opens)s. If the shift ends on the next day, "
                    "say closes_next_day."
                ),
                "close_before_open",
                params=self._params(),
            )
        if ends - starts > DAY:
            raise InvalidSchedule(
                _(
                    "From %(opens)s to %(closes)s on the next day are more than 24 hours. "
                    "Divide the shift."
                ),
                "too_long",
                params=self._params(),
            )

    def _params(self) -> dict[str, str]:
        return {"opens": format_time(self.opens), "closes": format_time(self.closes)}

    def __str__(self) -> str:
        closes = format_time(self.closes)
        if self.closes_next_day:
            closes = END_OF_DAY if self.closes == MIDNIGHT else f"{closes} (+1)"
        return f"{format_time(self.opens)}–{closes}"

    @property
    def seconds(self) -> tuple[int, int]:
        """When it opens and closes, in seconds of wall time after midnight of its day."""
        closes = seconds_after_midnight(self.closes) + DAY * self.closes_next_day
        return seconds_after_midnight(self.opens), closes

    def overlaps(self, other: Hours) -> bool:
        """Return whether two shifts of the same day share time. Shifts that touch do not."""
        (opens, closes), (other_opens, other_closes) = self.seconds, other.seconds
        return opens < other_closes and other_opens < closes

    @classmethod
    def from_value(cls, value: HoursLike) -> Hours:
        """Return ``value`` as ``Hours``; it may be a tuple of the arguments."""
        if isinstance(value, cls):
            return value
        if isinstance(value, tuple | list) and len(value) in {2, 3}:
            return cls(*value)
        raise InvalidSchedule(
            _('Write hours as ("09:00", "17:00") or as Hours, not %(value)s.'),
            "invalid_time",
            params={"value": Readable(value, 100)},
        )


HoursLike: TypeAlias = Hours | tuple[time | str, time | str] | tuple[time | str, time | str, bool]


def parse_time(value: Any) -> time:
    """Return a time of day in whole minutes, from a :class:`datetime.time` or text."""
    if isinstance(value, str):
        # Python 3.14 reads 24:00 as 00:00, which is the other end of the day.
        is_hour_24 = value.removeprefix("T").startswith("24")
        try:
            value = None if is_hour_24 else time.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, time) or value.tzinfo is not None or value.second or value.microsecond:
        raise InvalidSchedule(
            _('Write a time of day as "09:00", in whole minutes and without a zone.'),
            "invalid_time",
        )
    return value


def seconds_after_midnight(value: time) -> int:
    return value.hour * 3600 + value.minute * 60


def format_time(value: time) -> str:
    return value.isoformat("minutes")


def parse_shifts(values: Iterable[HoursLike]) -> list[Hours]:
    """Return the shifts of one day, sorted.

    :raises InvalidSchedule: a value is not a shift, or two shifts overlap.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InvalidSchedule(
            _("Give a day's hours as a list of shifts; an empty list closes it."), "invalid_time"
        )
    shifts = sorted(Hours.from_value(value) for value in values)
    for earlier, later in pairwise(shifts):
        if earlier.overlaps(later):
            raise overlap_error(earlier, later)
    return shifts


def overlap_error(one: Hours, other: Hours) -> InvalidSchedule:
    return InvalidSchedule(
        _("The shifts %(one)s and %(other)s overlap. Join them, or move one."),
        "overlapping_hours",
        params={"one": str(one), "other": str(other)},
    )
