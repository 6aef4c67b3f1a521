"""Hypothesis strategies for calls of the engine, most of them around a change of the clock."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from bookings.contrib.schedule import engine
from bookings.contrib.schedule.engine import (
    Alignment,
    OpeningHours,
    Shift,
    SlotRules,
    WeeklyShift,
)
from tests.contrib.schedule.engine import zone_files
from tests.contrib.schedule.engine.reference_engine import EngineCase

MINUTE: Final = 60
ALWAYS: Final = [WeeklyShift(day, Shift(0, 24 * 60 * MINUTE)) for day in range(7)]


def run_engine(case: EngineCase) -> list[int]:
    return list(
        engine.starts(
            case.hours,
            case.busy,
            case.rules,
            first=case.first,
            last=case.last,
            joinable=case.joinable,
        )
    )


def local_date(instant: int, name: str) -> date:
    return datetime.fromtimestamp(instant, zone_files.zone(name)).date()


minutes = st.integers(0, 24 * 60 - 1).map(MINUTE.__mul__)


@st.composite
def shifts(draw: DrawFn) -> Shift:
    opens = draw(minutes)
    length = draw(st.one_of(st.integers(1, 24 * 60), st.sampled_from([60, 24 * 60])))
    return Shift(opens, opens + length * MINUTE)


@st.composite
def engine_cases(draw: DrawFn) -> EngineCase:
    name = draw(st.sampled_from(zone_files.NAMES))
    anywhere = st.integers(zone_files.SINCE // MINUTE, zone_files.UNTIL // MINUTE)
    changes = zone_files.changes(name)
    around = draw(st.sampled_from(changes)) if changes else draw(anywhere) * MINUTE
    first = around + MINUTE * draw(st.integers(-3 * 24 * 60, 24 * 60))
    last = first + MINUTE * draw(st.integers(0, 3 * 24 * 60))
    dates = st.integers(-12, 5).map(lambda days: local_date(around, name) + timedelta(days=days))
    rows = st.builds(
        WeeklyShift,
        st.integers(0, 6),
        st.one_of(shifts(), shifts(), shifts(), st.none()),
        st.one_of(st.none(), dates),
        st.one_of(st.none(), dates),
    )
    weekly = draw(
        st.one_of(
            st.just(ALWAYS),
            shifts().map(lambda shift: [WeeklyShift(day, shift) for day in range(7)]),
            st.lists(rows, max_size=20),
        )
    )
    rules = SlotRules(
        duration=MINUTE * draw(st.one_of(st.integers(1, 240), st.integers(1, 3 * 24 * 60))),
        step=MINUTE * draw(st.one_of(st.integers(1, 90), st.integers(1, 24 * 60))),
        before=MINUTE * draw(st.integers(0, 90)),
        after=MINUTE * draw(st.integers(0, 90)),
        alignment=draw(st.sampled_from(Alignment)),
    )
    instants = st.integers(first // MINUTE - 24 * 60, last // MINUTE + 24 * 60).map(MINUTE.__mul__)
    busy = st.tuples(instants, st.integers(1, 300)).map(lambda to: (to[0], to[0] + MINUTE * to[1]))
    return EngineCase(
        hours=OpeningHours(
            zone_files.zone(name),
            weekly,
            draw(st.dictionaries(dates, st.lists(shifts(), max_size=3), max_size=4)),
        ),
        busy=sorted(draw(st.lists(busy, max_size=8))),
        rules=rules,
        first=first,
        last=last,
        joinable=sorted(draw(st.lists(instants, max_size=2))),
    )
