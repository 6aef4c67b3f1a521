"""A recurrence rule as its text says it, once it is known to be one by RFC 5545, section 3.3.10.

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

LONGEST_RULE: Final = 1_000
MOST_STARTS_A_DAY: Final = 288
"""One every five minutes. More is a slip, and a rule of many such days is slow to follow."""

FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
TOO_FREQUENT: Final = ("HOURLY", "MINUTELY", "SECONDLY")
WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

# The lowest and the highest number of a part; below zero they count from the end.
BOUNDS: Final = {
    "BYSECOND": (0, 59),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYMONTH": (1, 12),
    "BYSETPOS": (-366, 366),
}
FORBIDDEN: Final = {
    "BYWEEKNO": {"DAILY", "WEEKLY", "MONTHLY"},
    "BYYEARDAY": {"DAILY", "WEEKLY", "MONTHLY"},
    "BYMONTHDAY": {"WEEKLY"},
}
PARTS: Final = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *BOUNDS}

NUMBER: Final = re.compile(r"[+-]?[0-9]{1,3}")
POSITIVE: Final = re.compile(r"0*[1-9][0-9]{0,8}")
BY_DAY: Final = re.compile(rf"([+-]?[0-9]{{1,2}})?({'|'.join(WEEKDAYS)})")
UNTIL: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
LOCAL_UNTIL: Final = re.compile(r"[0-9]{8}(T[0-9]{6})?")


@dataclass(frozen=True, slots=True)
class RecurrenceRule:
    """What a rule says, and nothing of what it leaves to the first start."""

    frequency: str
    interval: int
    count: int | None
    until: datetime | None
    """In UTC; a start at that instant is the last."""
    week_start: int
    """0 is Monday."""
    by_day: tuple[tuple[int, int], ...]
    """Ordinals (0 for every such day) and weekdays."""
    by: Mapping[str, tuple[int, ...]]
    """The numbers of the other parts, as ``{"BYMONTH": (1, 7)}``."""

    def __str__(self) -> str:
        """The rule as the value of an ``RRULE`` property, without what is understood anyway."""
        parts = {"FREQ": self.frequency}
        if self.interval != 1:
            parts["INTERVAL"] = str(self.interval)
        if self.count is not None:
            parts["COUNT"] = str(self.count)
        if self.until is not None:
            # Not by strftime(), which on some systems does not fill a year up to four digits.
            parts["UNTIL"] = re.sub("[-:]", "", self.until.replace(tzinfo=None).isoformat()) + "Z"
        if self.week_start:
            parts["WKST"] = WEEKDAYS[self.week_start]
        if self.by_day:
            parts["BYDAY"] = ",".join(
                f"{ordinal or ''}{WEEKDAYS[weekday]}" for ordinal, weekday in self.by_day
            )
        parts |= {name: ",".join(map(str, numbers)) for name, numbers in self.by.items()}
        return ";".join(f"{name}={said}" for name, said in parts.items())


def parse_rule(text: str) -> RecurrenceRule:
    """The rule in the value of an ``RRULE`` property, as ``FREQ=WEEKLY;COUNT=10;BYDAY=TU,TH``.

    Upper or lower case, with or without ``RRULE:`` before it. The first start and the exceptions
    are no part of the rule.

    Raises :class:`~bookings.contrib.series.exceptions.InvalidRecurrence` for what RFC 5545 forbids,
    for starts more often than daily, and for a rule that never ends.
    """
    parts = _parts(text)
    frequency = _frequency(parts)
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
        interval=_positive(parts, "INTERVAL") if "INTERVAL" in parts else 1,
        count=_positive(parts, "COUNT") if "COUNT" in parts else None,
        until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        week_start=_week_start(parts),
        by_day=_by_day(parts["BYDAY"]) if "BYDAY" in parts else (),
        by=MappingProxyType(
            {name: _numbers(name, parts[name]) for name in BOUNDS if name in parts}
        ),
    )
    _check_together(rule)
    return rule


def is_by_month(rule: RecurrenceRule) -> bool:
    """Whether a numbered ``BYDAY`` counts in a month, or else in a year."""
    return rule.frequency == "MONTHLY" or "BYMONTH" in rule.by


def _parts(text: Any) -> dict[str, str]:
    if not isinstance(text, str):
        raise InvalidRecurrence(
            _("The rule must be text, not %(type)s."),
            "rule_syntax",
            params={"type": type(text).__name__},
        )
    if len(text) > LONGEST_RULE:
        raise InvalidRecurrence(
            _("The rule has %(length)d characters; it may have %(most)d."),
            "rule_syntax",
            params={"length": len(text), "most": LONGEST_RULE},
        )
    value = text.strip().upper().removeprefix("RRULE:")
    parts: dict[str, str] = {}
    for part in value.split(";"):
        name, _equals, said = part.partition("=")
        # Some letters beyond ASCII are of ASCII in upper case.
        if name not in PARTS or not said or len(part.split()) > 1 or not text.isascii():
            raise _wrong(
                _(
                    "%(part)s is no part of a rule. Write the rule alone, without its start and "
                    "its exceptions, as FREQ=WEEKLY;COUNT=10."
                ),
                part,
            )
        if name in parts:
            raise _wrong(_("The rule says %(part)s twice. Say it once."), name)
        parts[name] = said
    return parts


def _wrong(message: Any, part: str) -> InvalidRecurrence:
    return InvalidRecurrence(message, "rule_syntax", params={"part": f"{part!r:.80}"})


def _wrong_value(name: str, value: str) -> InvalidRecurrence:
    return _wrong(_("%(part)s says nothing that RFC 5545 knows. Correct it."), f"{name}={value}")


def _frequency(parts: Mapping[str, str]) -> str:
    said = parts.get("FREQ", "")
    if said in FREQUENCIES:
        return said
    if said in TOO_FREQUENT:
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


def _positive(parts: Mapping[str, str], name: str) -> int:
    if not POSITIVE.fullmatch(parts[name]):
        raise _wrong_value(name, parts[name])
    return int(parts[name])


def _week_start(parts: Mapping[str, str]) -> int:
    said = parts.get("WKST", "MO")
    if said not in WEEKDAYS:
        raise _wrong_value("WKST", said)
    return WEEKDAYS.index(said)


def _until(said: str) -> datetime:
    if LOCAL_UNTIL.fullmatch(said):
        raise InvalidRecurrence(
            _(
                "UNTIL must be an instant in UTC, as UNTIL=20261231T225959Z, because the start "
                "has a time zone (RFC 5545, section 3.3.10)."
            ),
            "until_not_utc",
        )
    try:
        if UNTIL.fullmatch(said):
            return datetime.strptime(said, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        pass
    raise _wrong_value("UNTIL", said)


def _by_day(said: str) -> tuple[tuple[int, int], ...]:
    days = []
    for item in said.split(","):
        found = BY_DAY.fullmatch(item)
        ordinal = int(found[1] or 0) if found else 0
        if found is None or (found[1] and not 1 <= abs(ordinal) <= 53):
            raise _wrong_value("BYDAY", item)
        days.append((ordinal, WEEKDAYS.index(found[2])))
    return tuple(days)


def _numbers(name: str, said: str) -> tuple[int, ...]:
    lowest, highest = BOUNDS[name]
    numbers = []
    for item in said.split(","):
        number = int(item) if NUMBER.fullmatch(item) else None
        if number is None or not lowest <= number <= highest or (lowest < 0 and not number):
            raise _wrong_value(name, item)
        numbers.append(number)
    return tuple(sorted(set(numbers)))


def _check_together(rule: RecurrenceRule) -> None:
    for name, frequencies in FORBIDDEN.items():
        if name in rule.by and rule.frequency in frequencies:
            raise _forbidden(name, f"FREQ={rule.frequency}")
    if any(ordinal for ordinal, _weekday in rule.by_day):
        if rule.frequency not in {"MONTHLY", "YEARLY"}:
            raise _forbidden(_("a numbered BYDAY"), f"FREQ={rule.frequency}")
        if "BYWEEKNO" in rule.by:
            raise _forbidden(_("a numbered BYDAY"), "BYWEEKNO")
        if is_by_month(rule) and any(abs(ordinal) > 5 for ordinal, _weekday in rule.by_day):
            raise InvalidRecurrence(
                _("A month has a weekday five times at most. Number BYDAY from -5 to 5."),
                "rule_parts",
            )
    if min(rule.by.get("BYWEEKNO", (1,))) < -51:
        # dateutil would miss the days of such a week that lie in the year before.
        raise InvalidRecurrence(
            _("BYWEEKNO counts back to -51. Count the first weeks of a year from its beginning."),
            "rule_parts",
        )
    if rule.by.keys() == {"BYSETPOS"} and not rule.by_day:
        raise InvalidRecurrence(
            _("BYSETPOS chooses among what another part gives. Add one, as BYDAY."), "rule_parts"
        )
    times = prod(len(rule.by.get(name, "1")) for name in ("BYHOUR", "BYMINUTE", "BYSECOND"))
    if times > MOST_STARTS_A_DAY:
        raise InvalidRecurrence(
            _("The rule has %(times)d starts a day; it may have %(most)d."),
            "rule_parts",
            params={"times": times, "most": MOST_STARTS_A_DAY},
        )


def _forbidden(name: Any, other: str) -> InvalidRecurrence:
    return InvalidRecurrence(
        _("RFC 5545 does not allow %(name)s with %(other)s. Remove one of them."),
        "rule_parts",
        params={"name": name, "other": other},
    )
