"""A shift by the wall clock, as a caller writes it and as the engine computes with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import time
from itertools import pairwise
from typing import Any, Final, TypeAlias

from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule.exceptions import InvalidSchedule

DAY: Final = 86400
MIDNIGHT: Final = time(0)
END_OF_DAY: Final = "24:00"


@dataclass(frozen=True, slots=True, init=False, order=True)
class Hours:
    """From ``opens`` to ``closes`` on one day, or to ``closes`` on the next.

    Times are :class:`datetime.time` or text, ``"09:00"``, in whole minutes. ``"24:00"`` is the end
    of the day, so it is stored as midnight of the next (ISO 8601 knows both). A shift lasts 24
    hours at most.

    Raises ``InvalidSchedule``, with the code ``invalid_time``, ``close_before_open`` or
    ``too_long``.
    """

    opens: time
    closes: time
    closes_next_day: bool = False

    def __init__(
        self, opens: time | str, closes: time | str, closes_next_day: bool = False
    ) -> None:
        at_end_of_day = closes == END_OF_DAY
        set_value = object.__setattr__
        set_value(self, "opens", wall_clock(opens))
        set_value(self, "closes", MIDNIGHT if at_end_of_day else wall_clock(closes))
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
        return {"opens": shown(self.opens), "closes": shown(self.closes)}

    def __str__(self) -> str:
        return f"{shown(self.opens)}–{self.shown_close}"

    @property
    def shown_close(self) -> str:
        """The close for people to read: midnight at the end of the day is ``"24:00"``."""
        if not self.closes_next_day:
            return shown(self.closes)
        return END_OF_DAY if self.closes == MIDNIGHT else f"{shown(self.closes)} (+1)"

    @property
    def seconds(self) -> tuple[int, int]:
        """Opening and closing in seconds of the wall clock after the day's midnight."""
        return since_midnight(self.opens), since_midnight(self.closes) + DAY * self.closes_next_day

    def overlaps(self, other: Hours) -> bool:
        """Whether two shifts that begin on the same day share an instant; to touch is not to."""
        (opens, closes), (other_opens, other_closes) = self.seconds, other.seconds
        return opens < other_closes and other_opens < closes

    @classmethod
    def of(cls, value: HoursLike) -> Hours:
        """``value`` as ``Hours``: itself, or a tuple of its arguments."""
        if isinstance(value, cls):
            return value
        if isinstance(value, tuple | list) and len(value) in {2, 3}:
            return cls(*value)
        raise InvalidSchedule(
            _('Write hours as ("09:00", "17:00") or as Hours, not %(value)s.'),
            "invalid_time",
            params={"value": f"{value!r:.100}"},
        )


HoursLike: TypeAlias = Hours | tuple[time | str, time | str] | tuple[time | str, time | str, bool]


def wall_clock(value: Any) -> time:
    """A time of day without a zone, to the minute."""
    if isinstance(value, str):
        try:
            value = time.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, time) or value.tzinfo is not None or value.second or value.microsecond:
        raise InvalidSchedule(
            _('Write a time of day as "09:00", in whole minutes and without a zone.'),
            "invalid_time",
        )
    return value


def since_midnight(value: time) -> int:
    return value.hour * 3600 + value.minute * 60


def shown(value: time) -> str:
    return value.isoformat("minutes")


def shifts_of_a_day(values: Iterable[HoursLike]) -> list[Hours]:
    """The shifts that begin on one day, sorted; ``InvalidSchedule`` names two that overlap."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InvalidSchedule(
            _("Give a day's hours as a list of shifts; an empty list closes it."), "invalid_time"
        )
    shifts = sorted(Hours.of(value) for value in values)
    refuse_overlaps(shifts)
    return shifts


def refuse_overlaps(shifts: Sequence[Hours]) -> None:
    """Raise ``InvalidSchedule`` if two of these sorted shifts overlap; they may touch."""
    for earlier, later in pairwise(shifts):
        if earlier.overlaps(later):
            raise overlapping_hours(earlier, later)


def overlapping_hours(one: Hours, other: Hours) -> InvalidSchedule:
    return InvalidSchedule(
        _("The shifts %(one)s and %(other)s overlap. Join them, or move one."),
        "overlapping_hours",
        params={"one": str(one), "other": str(other)},
    )
