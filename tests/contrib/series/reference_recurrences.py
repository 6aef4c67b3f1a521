"""A naive implementation of recurrence rules, to compare the real one with.

It shares no code with the app and uses no library: it matches every day against every part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import groupby, product
from typing import Final

DAY: Final = timedelta(days=1)
WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True)
class Rule:
    frequency: str
    interval: int = 1
    week_start: int = 0
    days: tuple[tuple[int, int], ...] = ()
    numbers: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = {"FREQ": self.frequency, "INTERVAL": str(self.interval)}
        parts["WKST"] = WEEKDAYS[self.week_start]
        if self.days:
            parts["BYDAY"] = ",".join(f"{n or ''}{WEEKDAYS[weekday]}" for n, weekday in self.days)
        for name, numbers in self.numbers.items():
            parts[name] = ",".join(map(str, numbers))
        return ";".join("=".join(part) for part in parts.items())


def starts(rule: Rule, first: datetime, last: datetime) -> list[datetime]:
    """Return the local time of each start from ``first`` to ``last``."""
    return [at for at in _starts_without_bounds(rule, first, last) if first <= at <= last]


def _starts_without_bounds(rule: Rule, first: datetime, last: datetime) -> Iterator[datetime]:
    monday = first.date() - DAY * first.weekday()
    begins = min(date(first.year, 1, 1), monday - 7 * DAY)
    span = range((last.date() - begins).days + 400)
    times = [
        time(*shown)
        for shown in product(
            rule.numbers.get("BYHOUR", (first.hour,)),
            rule.numbers.get("BYMINUTE", (first.minute,)),
            rule.numbers.get("BYSECOND", (first.second,)),
        )
    ]
    for period, days in groupby((begins + n * DAY for n in span), lambda day: _period(rule, day)):
        if (period - _period(rule, first.date())) % rule.interval:
            continue
        of_period = [
            datetime.combine(day, shown)
            for day in days
            if _matches(rule, day, first.date())
            for shown in sorted(times)
        ]
        positions = rule.numbers.get("BYSETPOS")
        if positions is None:
            yield from of_period
        else:
            wanted = {n - 1 if n > 0 else len(of_period) + n for n in positions}
            yield from (at for n, at in enumerate(of_period) if n in wanted)


def _period(rule: Rule, day: date) -> int:
    return {
        "DAILY": day.toordinal(),
        # The first of January of the year 1 is a Monday.
        "WEEKLY": (day.toordinal() - 1 - rule.week_start) // 7,
        "MONTHLY": 12 * day.year + day.month,
        "YEARLY": day.year,
    }[rule.frequency]


def _matches(rule: Rule, day: date, first: date) -> bool:
    by = rule.numbers
    given = {"BYDAY"} if rule.days else set()
    given |= by.keys()
    own_day = not given & {"BYMONTHDAY", "BYYEARDAY", "BYDAY"}
    return (
        _is_in(by.get("BYMONTH"), day.month, 12)
        and _is_in(by.get("BYMONTHDAY"), day.day, _length_of_month(day))
        and _is_in(by.get("BYYEARDAY"), _day_of_year(day), _length_of_year(day.year))
        and ("BYWEEKNO" not in by or _is_in(by["BYWEEKNO"], *_week(day, rule.week_start)))
        and (not rule.days or any(_is_numbered_weekday(rule, day, *each) for each in rule.days))
        and not (own_day and _differs(rule, day, first))
    )


def _differs(rule: Rule, day: date, first: date) -> bool:
    """Return whether the day differs from the first start in what the rule leaves open."""
    if rule.frequency == "DAILY":
        return False
    if rule.frequency == "WEEKLY" or "BYWEEKNO" in rule.numbers:
        return day.weekday() != first.weekday()
    if rule.frequency == "YEARLY" and "BYMONTH" not in rule.numbers and day.month != first.month:
        return True
    return day.day != first.day


def _is_in(wanted: tuple[int, ...] | None, number: int, most: int) -> bool:
    return wanted is None or number in wanted or number - most - 1 in wanted


def _is_numbered_weekday(rule: Rule, day: date, n: int, weekday: int) -> bool:
    if day.weekday() != weekday:
        return False
    if rule.frequency == "MONTHLY" or "BYMONTH" in rule.numbers:
        place, length = day.day, _length_of_month(day)
    else:
        place, length = _day_of_year(day), _length_of_year(day.year)
    return n in {0, (place + 6) // 7, -((length - place) // 7 + 1)}


def _length_of_month(day: date) -> int:
    return ((day.replace(day=28) + 4 * DAY).replace(day=1) - DAY).day


def _day_of_year(day: date) -> int:
    return (day - date(day.year, 1, 1)).days + 1


def _length_of_year(year: int) -> int:
    return _day_of_year(date(year, 12, 31))


def _week(day: date, week_start: int) -> tuple[int, int]:
    """Return the number of a day's week, and the number of weeks in the year of that week."""
    middle = day - (day.weekday() - week_start) % 7 * DAY + 3 * DAY
    last = date(middle.year, 12, 31)
    middle_of_last = last - (last.weekday() - week_start) % 7 * DAY + 3 * DAY
    if middle_of_last.year != middle.year:
        middle_of_last -= 7 * DAY
    return (_day_of_year(middle) + 6) // 7, (_day_of_year(middle_of_last) + 6) // 7
