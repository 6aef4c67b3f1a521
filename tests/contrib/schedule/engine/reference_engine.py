"""A second implementation of the engine's rules, as simple as possible.

It works with whole minutes since 1970 instead of seconds, sets of minutes instead of intervals, and
``datetime`` instead of arithmetic. It shares no code with the engine but the types of its input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from bookings.contrib.schedule.engine import OpeningHours, Shift, SlotRules

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class EngineCase:
    """The arguments of one call of the engine; every second in it is a multiple of 60."""

    hours: OpeningHours
    busy: Sequence[tuple[int, int]]
    rules: SlotRules
    first: int
    last: int
    joinable: Sequence[int] = ()


def starts(case: EngineCase) -> list[int]:
    asked = range(case.first // 60, case.last // 60)
    length = case.rules.duration // 60
    opened = open_since(case.hours, asked.start, asked.stop + length)
    taken = {minute for pair in case.busy for minute in range(pair[0] // 60, pair[1] // 60)}
    return [
        60 * minute
        for minute in asked
        if is_on_the_grid(minute, case, opened)
        and all(later in opened for later in range(minute, minute + length))
        and taken.isdisjoint(claim(minute, case.rules))
        and all(
            60 * minute == other
            or set(claim(other // 60, case.rules)).isdisjoint(claim(minute, case.rules))
            for other in case.joinable
        )
    ]


def claim(minute: int, rules: SlotRules) -> range:
    """The minutes that a booking takes, with its buffers."""
    return range(minute - rules.before // 60, minute + (rules.duration + rules.after) // 60)


def is_on_the_grid(minute: int, case: EngineCase, opened: dict[int, int]) -> bool:
    if minute not in opened:
        return False
    shown = clock(minute, case.hours.zone)
    if case.rules.alignment == "CLOCK":
        counted = shown.hour * 60 + shown.minute
    else:
        counted = minute - origin(minute, case.hours.zone, opened)
    return counted % (case.rules.step // 60) == 0


def origin(minute: int, zone: tzinfo, opened: dict[int, int]) -> int:
    """The opening; or this week's Monday, if it has been open all through the week before."""
    began = opened[minute]
    if minute - began < 6 * 24 * 60:
        return began
    tomorrow = clock(minute, zone).date() + DAY
    mondays = [
        instant(datetime.combine(day, time.min), zone, min)
        for day in (tomorrow - days * DAY for days in range(24))
        if day.weekday() == 0
    ]
    this, before, *_ = [monday for monday in mondays if monday <= minute]
    return this if began <= before else began


def open_since(hours: OpeningHours, first: int, last: int) -> dict[int, int]:
    """Every open minute, from three weeks before, and the minute since when it has been open."""
    day = clock(first, hours.zone).date() - 24 * DAY
    minutes: set[int] = set()
    while day <= clock(last, hours.zone).date() + DAY:
        midnight = datetime.combine(day, time.min)
        for shift in shifts(hours, day):
            opens = instant(midnight + timedelta(seconds=shift.opens), hours.zone, min)
            closes = instant(midnight + timedelta(seconds=shift.closes), hours.zone, max)
            minutes.update(range(opens, closes))
        day += DAY
    since: dict[int, int] = {}
    for minute in sorted(minutes):
        since[minute] = since.get(minute - 1, minute)
    return since


def shifts(hours: OpeningHours, day: date) -> list[Shift]:
    if day in hours.overrides:
        return list(hours.overrides[day])
    found = []
    for row in hours.weekly:
        if row.day_of_week != day.weekday():
            continue
        if row.valid_from is not None and day < row.valid_from:
            continue
        if row.valid_until is not None and day > row.valid_until:
            continue
        if row.shift is None:
            return []
        found.append(row.shift)
    return found


def instant(wall: datetime, zone: tzinfo, pick: Callable[[Iterable[int]], int]) -> int:
    """The minute at which the clock shows ``wall``; the end of the gap, if it never does."""
    guesses = {
        (wall.replace(tzinfo=zone, fold=fold) - EPOCH) // MINUTE  # each with its own offset
        for fold in (0, 1)
    }
    shown = [minute for minute in guesses if clock(minute, zone) == wall]
    if shown:
        return pick(shown)
    minute = min(guesses)
    while clock(minute, zone) < wall:
        minute += 1
    return minute


def clock(minute: int, zone: tzinfo) -> datetime:
    """What the clock on the wall shows."""
    return (EPOCH + minute * MINUTE).astimezone(zone).replace(tzinfo=None, fold=0)
