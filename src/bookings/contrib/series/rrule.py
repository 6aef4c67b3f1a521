"""The text of a recurrence rule, the ``RRULE`` of RFC 5545: parse it, validate it, write it.

https://www.rfc-editor.org/rfc/rfc5545#section-3.3.10
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import prod
from types import MappingProxyType
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.contrib.series.exceptions import InvalidRecurrence
from bookings.rules.validation import Readable

MAX_LENGTH: Final = 1_000
MAX_STARTS_PER_DAY: Final = 288
"""One every five minutes. More is a mistake, and slow to expand."""

FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
UNSUPPORTED_FREQUENCIES: Final = ("HOURLY", "MINUTELY", "SECONDLY")
WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

# The lowest and the highest number of each part; negative numbers count from the end.
NUMBER_BOUNDS: Final = {
    "BYSECOND": (0, 59),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYMONTH": (1, 12),
    "BYSETPOS": (-366, 366),
}
FORBIDDEN_FREQUENCIES: Final = {
    "BYWEEKNO": {"DAILY", "WEEKLY", "MONTHLY"},
    "BYYEARDAY": {"DAILY", "WEEKLY", "MONTHLY"},
    "BYMONTHDAY": {"WEEKLY"},
}
PART_NAMES: Final = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *NUMBER_BOUNDS}

NUMBER: Final = re.compile(r"[+-]?[0-9]{1,3}")
POSITIVE_NUMBER: Final = re.compile(r"0*[1-9][0-9]{0,8}")
ORDINAL_WEEKDAY: Final = re.compile(rf"([+-]?[0-9]{{1,2}})?({'|'.join(WEEKDAYS)})")
UTC_UNTIL: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
LOCAL_UNTIL: Final = re.compile(r"[0-9]{8}(T[0-9]{6})?")


@dataclass(frozen=True, slots=True)
class RecurrenceRule:
    """A parsed rule. What the text leaves open comes from the first start, which is not here."""

    frequency: str
    """``DAILY``, ``WEEKLY``, ``MONTHLY`` or ``YEARLY``."""
    interval: int
    """Every how many days, weeks, months or years."""
    count: int | None
    """How many starts the rule gives; ``None`` if ``until`` ends it."""
    until: datetime | None
    """The last possible start, in UTC, included; ``None`` if ``count`` ends the rule."""
    week_start: int
    """0 is Monday."""
    by_day: tuple[tuple[int, int], ...]
    """Pairs of an ordinal (0 for every such day) and a weekday (0 is Monday)."""
    by_parts: Mapping[str, tuple[int, ...]]
    """The numbers of the other ``BY…`` parts, as ``{"BYMONTH": (1, 7)}``."""

    def __str__(self) -> str:
        """Return the value of an ``RRULE`` property, without parts that have their default."""
        parts = {"FREQ": self.frequency}
        if self.interval != 1:
            parts["INTERVAL"] = str(self.interval)
        if self.count is not None:
            parts["COUNT"] = str(self.count)
        if self.until is not None:
            # Not strftime(), which on some systems does not pad a year to four digits.
            parts["UNTIL"] = re.sub("[-:]", "", self.until.replace(tzinfo=None).isoformat()) + "Z"
        if self.week_start:
            parts["WKST"] = WEEKDAYS[self.week_start]
        if self.by_day:
            parts["BYDAY"] = ",".join(
                f"{ordinal or ''}{WEEKDAYS[weekday]}" for ordinal, weekday in self.by_day
            )
        parts |= {name: ",".join(map(str, numbers)) for name, numbers in self.by_parts.items()}
        return ";".join(f"{name}={value}" for name, value in parts.items())


def parse_rrule(text: str) -> RecurrenceRule:
    """Parse the value of an ``RRULE`` property, as ``FREQ=WEEKLY;COUNT=10;BYDAY=TU,TH``.

    :param text: the rule in upper or lower case, with or without ``RRULE:`` before it. The first
        start and the excluded starts are not part of it.
    :returns: the parsed rule.
    :raises InvalidRecurrence: RFC 5545 forbids the rule, it starts more often than daily, or it
        never ends.
    """
    parts = _split_parts(text)
    frequency = _parse_frequency(parts)
    if "COUNT" in parts and "UNTIL" in parts:
        raise InvalidRecurrence(
            _("A rule has COUNT or UNTIL, not both. Remove one of them."), "count_and_until"
        )
    if "COUNT" not in parts and "UNTIL" not in parts:
        raise InvalidRecurrence(
            _("The rule never ends. Add how many starts it has, as COUNT=10, or UNTIL."),
            "never_ends",
        )
    rule = RecurrenceRule(
        frequency=frequency,
        interval=_parse_positive(parts, "INTERVAL") if "INTERVAL" in parts else 1,
        count=_parse_positive(parts, "COUNT") if "COUNT" in parts else None,
        until=_parse_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        week_start=_parse_week_start(parts),
        by_day=_parse_by_day(parts["BYDAY"]) if "BYDAY" in parts else (),
        by_parts=MappingProxyType(
            {name: _parse_numbers(name, parts[name]) for name in NUMBER_BOUNDS if name in parts}
        ),
    )
    _check_combination(rule)
    return rule


def counts_weekdays_by_month(rule: RecurrenceRule) -> bool:
    """Return whether a numbered ``BYDAY`` counts within the month; otherwise it does in the year.

    ``2TU`` is the second Tuesday of the month or of the year.
    """
    return rule.frequency == "MONTHLY" or "BYMONTH" in rule.by_parts


def _split_parts(text: Any) -> dict[str, str]:
    if not isinstance(text, str):
        raise InvalidRecurrence(
            _("The rule must be text, not %(type)s."),
            "rule_syntax",
            params={"type": type(text).__name__},
        )
    if len(text) > MAX_LENGTH:
        raise InvalidRecurrence(
            _("The rule has %(length)d characters; it may have %(most)d."),
            "rule_syntax",
            params={"length": len(text), "most": MAX_LENGTH},
        )
    parts: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").split(";"):
        name, _equals, value = part.partition("=")
        # upper() turns some letters beyond ASCII into ASCII, so the text itself is tested.
        if name not in PART_NAMES or not value or len(part.split()) > 1 or not text.isascii():
            raise _syntax_error(
                _(
                    "%(part)s is not a part of a rule. Write the rule alone, without its start "
                    "and its exceptions, as FREQ=WEEKLY;COUNT=10."
                ),
                part,
            )
        if name in parts:
            raise _syntax_error(_("The rule has %(part)s twice. Write it once."), name)
        parts[name] = value
    return parts


def _syntax_error(message: Any, part: str) -> InvalidRecurrence:
    return InvalidRecurrence(message, "rule_syntax", params={"part": Readable(part)})


def _value_error(name: str, value: str) -> InvalidRecurrence:
    return _syntax_error(_("%(part)s is not valid by RFC 5545. Correct it."), f"{name}={value}")


def _parse_frequency(parts: Mapping[str, str]) -> str:
    value = parts.get("FREQ", "")
    if value in FREQUENCIES:
        return value
    if value in UNSUPPORTED_FREQUENCIES:
        raise InvalidRecurrence(
            _(
                "A series starts at most daily. For several starts a day add their hours, as in "
                "FREQ=DAILY;BYHOUR=9,13."
            ),
            "rule_frequency",
        )
    raise InvalidRecurrence(
        _("FREQ must be one of %(known)s."),
        "rule_frequency",
        params={"known": ", ".join(FREQUENCIES)},
    )


def _parse_positive(parts: Mapping[str, str], name: str) -> int:
    if not POSITIVE_NUMBER.fullmatch(parts[name]):
        raise _value_error(name, parts[name])
    return int(parts[name])


def _parse_week_start(parts: Mapping[str, str]) -> int:
    value = parts.get("WKST", "MO")
    if value not in WEEKDAYS:
        raise _value_error("WKST", value)
    return WEEKDAYS.index(value)


def _parse_until(value: str) -> datetime:
    if LOCAL_UNTIL.fullmatch(value):
        raise InvalidRecurrence(
            _(
                "UNTIL must be an instant in UTC, as UNTIL=20261231T225959Z, because the start "
                "has a time zone (RFC 5545, section 3.3.10)."
            ),
            "until_not_utc",
        )
    try:
        if UTC_UNTIL.fullmatch(value):
            return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        pass
    raise _value_error("UNTIL", value)


def _parse_by_day(value: str) -> tuple[tuple[int, int], ...]:
    days = []
    for item in value.split(","):
        match = ORDINAL_WEEKDAY.fullmatch(item)
        ordinal = int(match[1] or 0) if match else 0
        if match is None or (match[1] and not 1 <= abs(ordinal) <= 53):
            raise _value_error("BYDAY", item)
        days.append((ordinal, WEEKDAYS.index(match[2])))
    return tuple(days)


def _parse_numbers(name: str, value: str) -> tuple[int, ...]:
    lowest, highest = NUMBER_BOUNDS[name]
    numbers = []
    for item in value.split(","):
        number = int(item) if NUMBER.fullmatch(item) else None
        if number is None or not lowest <= number <= highest or (lowest < 0 and not number):
            raise _value_error(name, item)
        numbers.append(number)
    return tuple(sorted(set(numbers)))


def _check_combination(rule: RecurrenceRule) -> None:
    """Raise ``InvalidRecurrence`` (``rule_parts``) if the parts may not stand together."""
    for name, frequencies in FORBIDDEN_FREQUENCIES.items():
        if name in rule.by_parts and rule.frequency in frequencies:
            raise _combination_error(name, f"FREQ={rule.frequency}")
    if any(ordinal for ordinal, _weekday in rule.by_day):
        if rule.frequency not in {"MONTHLY", "YEARLY"}:
            raise _combination_error(_("a numbered BYDAY"), f"FREQ={rule.frequency}")
        if "BYWEEKNO" in rule.by_parts:
            raise _combination_error(_("a numbered BYDAY"), "BYWEEKNO")
        is_by_month = counts_weekdays_by_month(rule)
        if is_by_month and any(abs(ordinal) > 5 for ordinal, _weekday in rule.by_day):
            raise InvalidRecurrence(
                _("A month has a weekday five times at most. Number BYDAY from -5 to 5."),
                "rule_parts",
            )
    if min(rule.by_parts.get("BYWEEKNO", (1,))) < -51:
        # dateutil misses the days of such a week that lie in the year before.
        raise InvalidRecurrence(
            _("BYWEEKNO counts back to -51. Count the first weeks of a year from its beginning."),
            "rule_parts",
        )
    if rule.by_parts.keys() == {"BYSETPOS"} and not rule.by_day:
        raise InvalidRecurrence(
            _("BYSETPOS chooses among what another part gives. Add one, as BYDAY."), "rule_parts"
        )
    times = prod(len(rule.by_parts.get(name, "1")) for name in ("BYHOUR", "BYMINUTE", "BYSECOND"))
    if times > MAX_STARTS_PER_DAY:
        raise InvalidRecurrence(
            _("The rule has %(times)d starts a day; it may have %(most)d."),
            "rule_parts",
            params={"times": times, "most": MAX_STARTS_PER_DAY},
        )


def _combination_error(name: Any, other: str) -> InvalidRecurrence:
    return InvalidRecurrence(
        _("RFC 5545 does not allow %(name)s with %(other)s. Remove one of them."),
        "rule_parts",
        params={"name": name, "other": other},
    )
