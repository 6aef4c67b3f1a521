"""What becomes of a recurrence whose later starts move by the clock. Nothing here is stored.

A rule is changed part by part, and then followed: if it does not give the very starts that were
meant, it cannot say them, and the move is refused. So it is with "the second Tuesday" and a day
later, which is not always the second Wednesday.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext_lazy as _

from bookings.contrib.series.exceptions import InvalidRecurrence
from bookings.contrib.series.recurrences import MOST_LIMIT, Recurrence, follow, instant_of
from bookings.contrib.series.rules import RecurrenceRule, parse_rule

BY_THE_CLOCK: Final = {"BYHOUR": "hour", "BYMINUTE": "minute", "BYSECOND": "second"}
BY_THE_DAY: Final = ("BYMONTHDAY", "BYYEARDAY")


@dataclass(frozen=True, slots=True)
class Move:
    """A recurrence, before and after a part of it has moved."""

    before: Recurrence | None
    """What stays as it was; ``None`` if all of it moves."""
    after: Recurrence
    places: dict[datetime, datetime]
    """Where each of the moved starts goes; instants in UTC."""


def move(recurrence: Recurrence, *, cut: datetime, by: timedelta) -> Move:
    """Move the starts from the instant ``cut`` on ``by`` as much as the clocks show.

    Raises ``InvalidRecurrence`` (``rule_cannot_move``) if no rule says what comes out.
    """
    starts = list(recurrence.starts.items())
    kept = bisect_left(starts, cut, key=lambda start: start[0])
    moved = {at: shown + by for at, shown in starts[kept:]}
    places = {at: instant_of(shown, recurrence.zone) for at, shown in moved.items()}
    first = starts[kept][1]
    after = _followed(
        recurrence,
        _moved_rule(replace(recurrence.rule, count=len(moved), until=None), first, first + by),
        first + by,
        frozenset(places[at] for at in recurrence.exdates & places.keys()),
    )
    if sorted(after.starts.values()) != sorted(moved.values()):
        raise _cannot()
    if not kept:
        return Move(None, after, places)
    before = _followed(
        recurrence,
        replace(recurrence.rule, count=kept, until=None),
        recurrence.first,
        recurrence.exdates - places.keys(),
    )
    if list(before.starts.items()) != starts[:kept]:
        raise _cannot()
    return Move(before, after, places)


def _followed(
    recurrence: Recurrence, rule: RecurrenceRule, first: datetime, exdates: frozenset[datetime]
) -> Recurrence:
    starts = follow(rule, first, recurrence.zone, limit=MOST_LIMIT)
    return Recurrence(rule, first, recurrence.zone, exdates, starts)


def _moved_rule(rule: RecurrenceRule, first: datetime, new: datetime) -> RecurrenceRule:
    days = (new.date() - first.date()).days
    shifts = dict.fromkeys(BY_THE_DAY, days) | {
        name: getattr(new, unit) - getattr(first, unit) for name, unit in BY_THE_CLOCK.items()
    }
    moved = replace(
        rule,
        # A week that begins on the same day as before would be another one for some of its days.
        week_start=(rule.week_start + days) % 7 if rule.frequency == "WEEKLY" else rule.week_start,
        by_day=tuple((ordinal, (weekday + days) % 7) for ordinal, weekday in rule.by_day),
        by={
            name: tuple(number + shifts.get(name, 0) for number in numbers)
            for name, numbers in rule.by.items()
        },
    )
    try:
        return parse_rule(str(moved))
    except InvalidRecurrence:
        raise _cannot() from None


def _cannot() -> InvalidRecurrence:
    return InvalidRecurrence(
        _(
            "No rule says where all these starts would go. Move the series within the day, or "
            "cancel what is left of it and make a new one."
        ),
        "rule_cannot_move",
    )
