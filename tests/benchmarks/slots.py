"""The slot engine against the scan that one would write first, more input, and the peers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import partial
from itertools import islice
from time import process_time
from timeit import Timer
from types import SimpleNamespace
from typing import Final
from zoneinfo import ZoneInfo

from bookings.contrib.schedule.engine import (
    Alignment,
    OpeningHours,
    Shift,
    SlotRules,
    WeeklyShift,
    starts,
)
from bookings.contrib.schedule.slots.resource_time import ResourceSearch, ResourceTime
from bookings.pools import Strategy
from bookings.services.resource_needs import Need
from tests.benchmarks.options import Options
from tests.benchmarks.participants import OURS, our_pool
from tests.benchmarks.timing import Result, Turn, in_milliseconds, take_turns
from tests.benchmarks.workers.environments import PEERS, CannotInstallError, python_of
from tests.benchmarks.workers.month import CLOSES, OPENS, STEP_MINUTES
from tests.benchmarks.workers.pool import WorkerError, WorkerPool, on_new_database
from tests.benchmarks.workers.worker import FIRST_DAY

BERLIN: Final = ZoneInfo("Europe/Berlin")
DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
SECOND: Final = timedelta(seconds=1)
DURATION: Final = HOUR
BUFFER_AFTER: Final = timedelta(minutes=10)
STEP: Final = timedelta(minutes=STEP_MINUTES)

Answer = Callable[[], list[int]]


@dataclass(frozen=True)
class Diary:
    """Some days of a provider who is open from 8 to 20, and claims of half an hour, by lot."""

    days: int
    claims: int
    zone: tzinfo = BERLIN

    @property
    def window(self) -> tuple[int, int]:
        first = int(FIRST_DAY.timestamp())
        return first, first + self.days * DAY // SECOND

    @property
    def openings(self) -> list[tuple[datetime, datetime]]:
        days = [(FIRST_DAY + number * DAY).date() for number in range(self.days)]
        return [
            (
                datetime.combine(day, time(OPENS), self.zone).astimezone(UTC),
                datetime.combine(day, time(CLOSES), self.zone).astimezone(UTC),
            )
            for day in days
        ]

    @property
    def busy(self) -> list[tuple[datetime, datetime]]:
        return self._claims(self.days)

    def claims_of(self, seed: int) -> list[tuple[int, int]]:
        """Return the claims of another calendar, in Unix seconds."""
        return [
            (int(begins.timestamp()), int(ends.timestamp()))
            for begins, ends in self._claims(-1 - seed)
        ]

    def _claims(self, seed: int) -> list[tuple[datetime, datetime]]:
        half_hours = [
            (begins + number * HOUR / 2, begins + (number + 1) * HOUR / 2)
            for begins, ends in self.openings
            for number in range(2 * (ends - begins) // HOUR)
        ]
        return sorted(random.Random(seed).sample(half_hours, self.claims))  # noqa: S311

    @property
    def busy_seconds(self) -> list[tuple[int, int]]:
        return [(int(begins.timestamp()), int(ends.timestamp())) for begins, ends in self.busy]


def run(options: Options) -> Iterator[Result]:
    month = Diary(days=30, claims=200)
    answers = {
        "engine, from the opening": by_engine(month, Alignment.OPENING),
        "engine, from the clock": by_engine(month, Alignment.CLOCK),
        "naive scan": by_scan(month),
    }
    found, *others = (answer() for answer in answers.values())
    assert all(other == found for other in others)
    yield _result(f"The {len(found)} slots of 30 days with 200 claims", answers, options)

    growing = [Diary(days=30 * times, claims=200 * times) for times in (1, 10, 100)]
    yield _result(
        "Slots of more days with more claims",
        {f"{each.days:,} days": by_engine(each, Alignment.OPENING) for each in growing},
        options,
    )
    rooms = {
        "the provider alone": by_engine(month, Alignment.OPENING),
        "and a room": with_rooms(month, pools=[1]),
        "and any of three rooms": with_rooms(month, pools=[3]),
        "and one of each of three pools of three": with_rooms(month, pools=[3, 3, 3]),
    }
    yield _result("Slots of 30 days with 200 claims of each calendar", rooms, options)
    yield from _with_peers(options)


def with_rooms(diary: Diary, *, pools: list[int]) -> Answer:
    """Rooms with claims and hours as the provider has, in pools of these sizes."""
    shift = Shift(OPENS * HOUR // SECOND, CLOSES * HOUR // SECOND)
    hours = OpeningHours(diary.zone, [WeeklyShift(day, shift) for day in range(7)])
    rules = SlotRules(
        duration=DURATION // SECOND, step=STEP // SECOND, after=BUFFER_AFTER // SECOND
    )
    first, last = diary.window
    rooms = [SimpleNamespace(pk=number) for number in range(sum(pools))]
    left = iter(rooms)
    needs = [Need(tuple(islice(left, size)), Strategy.FIRST) for size in pools]
    times = {
        room.pk: ResourceTime(
            room, diary.claims_of(room.pk), hours, rules.duration, rules.before, rules.after
        )
        for room in rooms
    }
    search = ResourceSearch(needs, times)
    busy = diary.busy_seconds

    def find() -> list[int]:
        blocked = search.blocked(first, last, ignore_busy_time=False)
        return list(starts(hours, busy, rules, first=first, last=last, blocked=blocked))

    return find


def by_engine(diary: Diary, alignment: Alignment) -> Answer:
    shift = Shift(OPENS * HOUR // SECOND, CLOSES * HOUR // SECOND)
    hours = OpeningHours(diary.zone, [WeeklyShift(day, shift) for day in range(7)])
    busy = diary.busy_seconds
    rules = SlotRules(
        duration=DURATION // SECOND,
        step=STEP // SECOND,
        after=BUFFER_AFTER // SECOND,
        alignment=alignment,
    )
    first, last = diary.window
    return lambda: list(starts(hours, busy, rules, first=first, last=last))


def by_scan(diary: Diary) -> Answer:
    """Step by step, each held against all that is busy."""
    return partial(_scan, diary.openings, diary.busy)


def _scan(
    openings: list[tuple[datetime, datetime]], busy: list[tuple[datetime, datetime]]
) -> list[int]:
    found = []
    for opens, closes in openings:
        start = opens
        while start + DURATION <= closes:
            end = start + DURATION + BUFFER_AFTER
            if all(end <= begins or start >= ends for begins, ends in busy):
                found.append(int(start.timestamp()))
            start += STEP
    return found


def _result(title: str, answers: dict[str, Answer], options: Options) -> Result:
    turns = {name: _turn(answer) for name, answer in answers.items()}
    taken = take_turns(turns, rounds=options.rounds // 5)
    return Result("slots", title, "ms", in_milliseconds(taken))


def _turn(answer: Answer) -> Turn:
    """Answers for a hundredth of a second, and returns the processor's time for one of them.

    Nothing here waits for anything, so what the machine does meanwhile need not count.
    """
    timer = Timer(answer, timer=process_time)
    number = max(1, round(0.01 / (timer.timeit(10) / 10)))
    return lambda: timer.timeit(number) / number


def _with_peers(options: Options) -> Iterator[Result]:
    """From the question to the list, with all that is asked of the database in between."""
    claims = Diary(days=30, claims=200, zone=UTC).busy_seconds
    notes: list[str] = []
    turns: dict[str, Turn] = {}
    listed: dict[str, list[int]] = {}
    with ExitStack() as stack:
        for pool, ways in _pools(options, notes):
            try:
                stack.enter_context(on_new_database(pool))
                pool.ask("claim", claims=claims)
            except WorkerError as error:
                if pool.name == OURS:
                    raise
                notes.append(f"{pool.name} does not take part: {error}")
                continue
            for way in ways:
                name = way if pool.name == OURS else f"{pool.name}, day by day"
                turns[name] = partial(_listing, pool, way)
                listed[name] = pool.ask("list_month", way=way)["starts"]
        answers = set(map(tuple, listed.values()))
        assert len(answers) == 1, {way: len(starts) for way, starts in listed.items()}
        taken = take_turns(turns, rounds=options.rounds // 5)
    title = f"The {len(answers.pop())} slots of a month, database included"
    yield Result("slots", title, "ms", in_milliseconds(taken), notes)


def _listing(pool: WorkerPool, way: str) -> float:
    return float(pool.ask("list_month", way=way)["seconds"])


def _pools(options: Options, notes: list[str]) -> Iterator[tuple[WorkerPool, list[str]]]:
    ours = replace(our_pool("slots"), module="tests.benchmarks.workers.our_month")
    yield ours, ["list_available_slots", "mroudai-django-slots"]
    for peer in PEERS if options.peers else ():
        if peer.name != "django-appointment":
            continue
        try:
            python = python_of(peer, options.environments)
        except CannotInstallError as error:
            notes.append(f"{peer.requirement} does not take part: {error}")
            continue
        database = f"{ours.database}_peer"
        yield (
            WorkerPool(peer.requirement, python, f"{peer.module}_month", database),
            ["get_available_slots_for_staff"],
        )
