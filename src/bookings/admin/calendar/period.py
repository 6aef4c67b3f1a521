"""The days that a page of the calendar shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from django.utils import timezone
from django.utils.dateparse import parse_date

from bookings.admin.filters import first_day_of_week, midnight

ONE_DAY: Final = timedelta(days=1)

YEARS: Final = range(1971, 4147)
"""The years of which the ledger can store every instant."""


class View(StrEnum):
    DAY = "day"
    WEEK = "week"


@dataclass(frozen=True, slots=True)
class Period:
    """A day or a week of the current time zone."""

    view: View
    day: date
    """The day that was asked for, which a week contains."""

    @classmethod
    def from_text(cls, view: str, day: str) -> Period:
        """Return the period that an address names; today where it names none."""
        return cls(View.WEEK if view == View.WEEK else View.DAY, _parse_day(day))

    @property
    def dates(self) -> list[date]:
        if self.view == View.DAY:
            return [self.day]
        first = first_day_of_week(self.day)
        return [first + number * ONE_DAY for number in range(7)]

    @property
    def start(self) -> datetime:
        return midnight(self.dates[0])

    @property
    def end(self) -> datetime:
        return midnight(self.dates[-1] + ONE_DAY)

    @property
    def previous(self) -> date:
        return self.day - ONE_DAY * len(self.dates)

    @property
    def next(self) -> date:
        return self.day + ONE_DAY * len(self.dates)


def _parse_day(text: str) -> date:
    """Return the day of the address; today if it is none."""
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    return day if day is not None and day.year in YEARS else timezone.localdate()
