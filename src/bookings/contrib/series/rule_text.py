"""A recurrence rule in words, as "every 2 weeks on Mon and Wed until 3 March 2027".

Pure functions: no ORM, no clock. What no words are known for is left as RFC 5545 writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import time, tzinfo
from itertools import product
from typing import Any, Final

from django.utils.dates import MONTHS, WEEKDAYS_ABBR
from django.utils.formats import date_format, time_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy, pgettext_lazy

from bookings.contrib.series.rrule import RecurrenceRule, counts_weekdays_by_month

EVERY: Final[dict[str, Any]] = {
    "DAILY": gettext_lazy("every day"),
    "WEEKLY": gettext_lazy("every week"),
    "MONTHLY": gettext_lazy("every month"),
    "YEARLY": gettext_lazy("every year"),
}
EVERY_SO_MANY: Final[dict[str, Any]] = {
    "DAILY": ngettext_lazy("every %(number)d day", "every %(number)d days", "number"),
    "WEEKLY": ngettext_lazy("every %(number)d week", "every %(number)d weeks", "number"),
    "MONTHLY": ngettext_lazy("every %(number)d month", "every %(number)d months", "number"),
    "YEARLY": ngettext_lazy("every %(number)d year", "every %(number)d years", "number"),
}
ORDINALS: Final[dict[int, Any]] = {
    1: pgettext_lazy("which weekday of a month", "1st %(weekday)s"),
    2: pgettext_lazy("which weekday of a month", "2nd %(weekday)s"),
    3: pgettext_lazy("which weekday of a month", "3rd %(weekday)s"),
    4: pgettext_lazy("which weekday of a month", "4th %(weekday)s"),
    5: pgettext_lazy("which weekday of a month", "5th %(weekday)s"),
    -1: pgettext_lazy("which weekday of a month", "last %(weekday)s"),
    -2: pgettext_lazy("which weekday of a month", "last but one %(weekday)s"),
}
MAX_TIMES: Final = 6
"""How many times of a day are named; more are left as they are."""


def rule_text(rule: RecurrenceRule, zone: tzinfo) -> str:
    """Return the rule in words, in the active language.

    ``zone`` is that of the series: the last day of a rule that ends on one is a day there. The
    day and the time of the first start, which a rule may leave open, are not in the text.
    """
    said: set[str] = set()
    words = [_every(rule), *_conditions(rule, said)]
    parts = str(rule).split(";")
    names = {*rule.by_parts, *(["BYDAY"] if rule.by_day else [])} - said
    if left := [part for part in parts if part.partition("=")[0] in names]:
        words.append(f"({';'.join(left)})")
    text = " ".join(words)
    if rule.until is not None:
        until = _("until %(date)s") % {"date": date_format(rule.until.astimezone(zone))}
        return f"{text} {until}"
    count = rule.count or 0
    times = ngettext("%(number)d time", "%(number)d times", count) % {"number": count}
    return f"{text}, {times}"


def _every(rule: RecurrenceRule) -> str:
    if rule.interval == 1:
        return str(EVERY[rule.frequency])
    return str(EVERY_SO_MANY[rule.frequency] % {"number": rule.interval})


def _conditions(rule: RecurrenceRule, said: set[str]) -> Iterator[str]:
    """Yield the words for the parts that can be said, and note their names."""
    if weekdays := _weekdays(rule):
        said.add("BYDAY")
        yield weekdays
    if month_days := _month_days(rule.by_parts.get("BYMONTHDAY", ())):
        said.add("BYMONTHDAY")
        yield month_days
    if months := rule.by_parts.get("BYMONTH"):
        said.add("BYMONTH")
        yield _("in %(months)s") % {"months": _list(MONTHS[month] for month in months)}
    if times := _times(rule):
        said |= {"BYHOUR", "BYMINUTE"}
        yield times


def _weekdays(rule: RecurrenceRule) -> str:
    ordinals = {ordinal for ordinal, _weekday in rule.by_day}
    if ordinals == {0}:
        names = [WEEKDAYS_ABBR[weekday] for weekday in sorted({day for _, day in rule.by_day})]
        return _("on %(weekdays)s") % {"weekdays": _list(names)}
    if not ordinals or not ordinals <= ORDINALS.keys() or not counts_weekdays_by_month(rule):
        return ""
    days = (ORDINALS[ordinal] % {"weekday": WEEKDAYS_ABBR[day]} for ordinal, day in rule.by_day)
    return _("on the %(weekdays)s of the month") % {"weekdays": _list(days)}


def _month_days(numbers: tuple[int, ...]) -> str:
    if not numbers or min(numbers) < -1:
        return ""
    last = [_("the last day")] if -1 in numbers else []
    named = [number for number in numbers if number > 0]
    if not named:
        return _("on the last day of the month")
    return ngettext(
        "on day %(days)s of the month", "on days %(days)s of the month", len(named) + len(last)
    ) % {"days": _list([*map(str, named), *last])}


def _times(rule: RecurrenceRule) -> str:
    hours = rule.by_parts.get("BYHOUR", ())
    minutes = rule.by_parts.get("BYMINUTE", (0,))
    # Without minutes, they are those of the first start, which is not known here.
    is_known = "BYMINUTE" in rule.by_parts and "BYSECOND" not in rule.by_parts
    if not hours or not is_known or len(hours) * len(minutes) > MAX_TIMES:
        return ""
    times = (time_format(time(hour, minute)) for hour, minute in product(hours, minutes))
    return _("at %(times)s") % {"times": _list(times)}


def _list(items: Iterable[Any]) -> str:
    return get_text_list([str(item) for item in items], _("and"))
