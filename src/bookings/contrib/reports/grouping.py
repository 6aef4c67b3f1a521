"""How a report is divided: by what a booking refers to, or by local time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db.models import F
from django.utils import formats
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bookings.contrib.reports.exceptions import InvalidReport
from bookings.contrib.reports.expressions import (
    hour_of_week,
    local_day,
    local_month,
    local_week,
)
from bookings.contrib.reports.periods import EPOCH_DAY, ONE_DAY, Period
from bookings.models import Booking

FIRST_MONDAY: Final = EPOCH_DAY - 3 * ONE_DAY


@dataclass(frozen=True, slots=True)
class Grouping:
    """One way to divide a report."""

    name: str
    title: Any
    expression: Callable[[str, str, Period], Any]
    """The group of a row in SQL, by the prefix of the booking's path, a datetime and the period."""
    read: Callable[[Any], Any] = lambda value: value
    """The group's key, of what the database returns."""
    label: Callable[[Any], str] = str
    all_keys: Callable[[Period], Iterable[Any]] = lambda period: ()
    """The keys that are groups even if nothing happened."""

    @property
    def is_model(self) -> bool:
        return self.name in REFERENCES


def _day(value: Any) -> date:
    return FIRST_MONDAY + int(value) * ONE_DAY


def _week(value: Any) -> date:
    return FIRST_MONDAY + 7 * int(value) * ONE_DAY


def _month(value: Any) -> date:
    year, month = divmod(int(value) - 1, 12)
    return date(year, month + 1, 1)


def _days(period: Period) -> Iterable[date]:
    return period.days()


def _weeks(period: Period) -> Iterable[date]:
    return dict.fromkeys(day - day.weekday() * ONE_DAY for day in period.days())


def _months(period: Period) -> Iterable[date]:
    return dict.fromkeys(day.replace(day=1) for day in period.days())


def day_of(name: str, day: date) -> date:
    """Return the key of the group in which a local day is."""
    return {"day": day, "week": day - day.weekday() * ONE_DAY, "month": day.replace(day=1)}[name]


def _reference(name: str) -> Callable[[str, str, Period], Any]:
    return lambda prefix, path, period: F(f"{prefix}{name}_id")


def _time(expression: Callable[[str, Period], Any]) -> Callable[[str, str, Period], Any]:
    return lambda prefix, path, period: expression(f"{prefix}{path}", period)


def _date_label(day: date) -> str:
    return formats.date_format(day, "SHORT_DATE_FORMAT")


def _week_label(day: date) -> str:
    return gettext("week of %(day)s") % {"day": _date_label(day)}


def _month_label(day: date) -> str:
    return formats.date_format(day, "YEAR_MONTH_FORMAT")


def _weekday_hour(value: Any) -> tuple[int, int]:
    return divmod(int(value), 24)


def _hour_label(key: tuple[int, int]) -> str:
    weekday, hour = key
    return f"{WEEKDAYS[weekday]} {hour:02}:00"


def _field(name: str) -> Any:
    return Booking._meta.get_field(name)


REFERENCES: Final = ("service", "provider", "tenant")
DATES: Final = ("day", "week", "month")

GROUPINGS: Final = {
    grouping.name: grouping
    for grouping in (
        *(Grouping(name, _field(name).verbose_name, _reference(name)) for name in REFERENCES),
        Grouping("day", _("day"), _time(local_day), _day, _date_label, _days),
        Grouping("week", _("week"), _time(local_week), _week, _week_label, _weeks),
        Grouping("month", _("month"), _time(local_month), _month, _month_label, _months),
        Grouping(
            "weekday_hour",
            _("weekday and hour"),
            _time(hour_of_week),
            _weekday_hour,
            _hour_label,
        ),
    )
}


def grouping_by_name(name: Any, known: Iterable[str] = tuple(GROUPINGS)) -> Grouping | None:
    """Return the grouping; ``None`` for no division.

    Raises ``InvalidReport`` (``invalid_grouping``) for what is none of the ``known`` names.
    """
    if name is None or name == "":
        return None
    if name not in tuple(known):
        raise InvalidReport(
            _("group_by must be one of %(known)s."),
            "invalid_grouping",
            params={"name": "group_by", "known": ", ".join(known)},
        )
    return GROUPINGS[name]


def labels(grouping: Grouping, keys: Iterable[Any], using: str) -> dict[Any, str]:
    """Return the labels of groups, in the order in which a report has them.

    Objects are sorted by name, in one query; times by themselves.
    """
    keys = list(keys)
    if not grouping.is_model:
        return {key: str(grouping.label(key)) for key in sorted(keys)}
    model = _field(grouping.name).related_model
    found = model._base_manager.using(using).in_bulk([key for key in keys if key is not None])
    named = {key: str(found.get(key, "–")) for key in keys}
    return dict(sorted(named.items(), key=lambda item: (item[1].casefold(), str(item[0]))))
