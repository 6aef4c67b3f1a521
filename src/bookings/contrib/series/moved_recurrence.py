"""A recurrence whose later starts move by an amount of local time. Pure functions: no ORM, no
clock.

The parts of the rule are moved one by one, and the new rule is expanded. If it does not give
exactly the moved starts, no rule can express them, and the move is refused. For example, the second
Tuesday of each month cannot move by a day: the day after it is not always the second Wednesday.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext_lazy as _

from bookings.contrib.series.exceptions import InvalidRecurrence
from bookings.contrib.series.recurrences import (
    MAX_LIMIT,
    Recurrence,
    expand_rule,
    local_to_utc,
)
from bookings.contrib.series.rrule import RecurrenceRule, parse_rrule

TIME_PARTS: Final = {"BYHOUR": "hour", "BYMINUTE": "minute", "BYSECOND": "second"}
DATE_PARTS: Final = ("BYMONTHDAY", "BYYEARDAY")


@dataclass(frozen=True, slots=True)
class MovedRecurrence:
    """A recurrence that is split in two, of which the second part has moved."""

    before: Recurrence | None
    """The part that stays; ``None`` if all starts move."""
    after: Recurrence
    """The part that has moved."""
    new_starts: dict[datetime, datetime]
    """From the old to the new instant of each start that moves, in UTC."""


def move_recurrence(
    recurrence: Recurrence,
    *,
    since: datetime,
    by: timedelta,
    rdates: frozenset[datetime] = frozenset(),
) -> MovedRecurrence:
    """Move the starts from the start ``since`` on (in UTC) ``by`` an amount of local time.

    ``rdates`` are those of the added starts that move along. Raise ``InvalidRecurrence``
    (``rule_cannot_move``) if no rule gives the new starts.
    """
    starts = list(recurrence.rule_starts.items())
    split = bisect_left(starts, since, key=lambda start: start[0])
    new_locals = {start: local + by for start, local in starts[split:]}
    new_starts = {
        start: local_to_utc(local, recurrence.zone) for start, local in new_locals.items()
    }
    first_local = starts[split][1]
    new_rdates = {
        rdate: local_to_utc(
            rdate.astimezone(recurrence.zone).replace(tzinfo=None) + by, recurrence.zone
        )
        for rdate in rdates
    }
    staying = recurrence.rdates - rdates
    after = _expand(
        recurrence,
        _move_rule(
            replace(recurrence.rule, count=len(new_locals), until=None),
            first_local,
            first_local + by,
        ),
        first_local + by,
        frozenset(new_starts[exdate] for exdate in recurrence.exdates & new_starts.keys()),
        frozenset(new_rdates.values()) | (frozenset() if split else staying),
    )
    if sorted(after.rule_starts.values()) != sorted(new_locals.values()):
        raise _cannot_move_error()
    new_starts |= new_rdates
    taken = [*new_starts.values(), *(() if split else staying)]
    if len(set(taken)) < len(taken):
        # Two local times became one, as where the clocks skip an hour.
        raise _cannot_move_error()
    if not split:
        return MovedRecurrence(None, after, new_starts)
    before = _expand(
        recurrence,
        replace(recurrence.rule, count=split, until=None),
        recurrence.dtstart,
        recurrence.exdates - new_starts.keys(),
        staying,
    )
    if list(before.rule_starts.items()) != starts[:split]:
        raise _cannot_move_error()
    return MovedRecurrence(before, after, new_starts)


def _expand(
    recurrence: Recurrence,
    rule: RecurrenceRule,
    dtstart: datetime,
    exdates: frozenset[datetime],
    rdates: frozenset[datetime],
) -> Recurrence:
    rule_starts = expand_rule(rule, dtstart, recurrence.zone, limit=MAX_LIMIT)
    return Recurrence(rule, dtstart, recurrence.zone, exdates, rule_starts, rdates)


def _move_rule(rule: RecurrenceRule, old: datetime, new: datetime) -> RecurrenceRule:
    """Move the parts of a rule as far as its first start goes, from ``old`` to ``new``."""
    days = (new.date() - old.date()).days
    offsets = dict.fromkeys(DATE_PARTS, days) | {
        name: getattr(new, unit) - getattr(old, unit) for name, unit in TIME_PARTS.items()
    }
    moved = replace(
        rule,
        # If the week began on the same day as before, some days would come to lie in another week.
        week_start=(rule.week_start + days) % 7 if rule.frequency == "WEEKLY" else rule.week_start,
        by_day=tuple((ordinal, (weekday + days) % 7) for ordinal, weekday in rule.by_day),
        by_parts={
            name: tuple(number + offsets.get(name, 0) for number in numbers)
            for name, numbers in rule.by_parts.items()
        },
    )
    try:
        return parse_rrule(str(moved))
    except InvalidRecurrence:
        raise _cannot_move_error() from None


def _cannot_move_error() -> InvalidRecurrence:
    return InvalidRecurrence(
        _(
            "No rule gives all the new starts. Move the series within the day, or cancel the rest "
            "of it and make a new one."
        ),
        "rule_cannot_move",
    )
