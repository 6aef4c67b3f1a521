"""The engine returns what the reference implementation returns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given, settings

from bookings.contrib.schedule.engine import (
    Alignment,
    OpeningHours,
    Shift,
    SlotRules,
    WeeklyShift,
)
from tests.contrib.schedule.engine import reference_engine, zone_files
from tests.contrib.schedule.engine.reference_engine import EngineCase
from tests.contrib.schedule.engine.strategies import engine_cases, run_engine
from tests.quick_run import examples, one_in

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 24 * HOUR


def case_around_change(name: str, change: int, alignment: Alignment) -> EngineCase:
    """Shifts that open and close within the hour that a change takes or gives."""
    before = datetime.fromtimestamp(change - MINUTE, zone_files.zone(name))
    shown = (before.hour * 60 + before.minute + 1) * MINUTE
    shifts = [
        Shift(opens % DAY, opens % DAY + length * MINUTE)
        for opens, length in (
            (shown - 95 * MINUTE, 80),
            (shown + 20 * MINUTE, 15),
            (shown + 45 * MINUTE, 90),
            (shown - 40 * MINUTE, 25),
        )
    ]
    days = [(before + timedelta(days=days)).weekday() for days in (-1, 0, 1)]
    weekly = [WeeklyShift(day, shift) for day in days for shift in shifts]
    return EngineCase(
        hours=OpeningHours(zone_files.zone(name), weekly),
        busy=[(change + 70 * MINUTE, change + 75 * MINUTE)],
        rules=SlotRules(
            duration=10 * MINUTE, step=7 * MINUTE, before=5 * MINUTE, alignment=alignment
        ),
        first=change - 5 * HOUR,
        last=change + 5 * HOUR,
    )


@pytest.mark.parametrize("name", one_in(4, zone_files.NAMES))
def test_around_every_change_of_every_zone(name: str) -> None:
    for number, change in enumerate(zone_files.changes(name)):
        case = case_around_change(name, change, list(Alignment)[number % 2])
        assert run_engine(case) == reference_engine.starts(case)


@settings(max_examples=examples(100), deadline=None)
@given(case=engine_cases())
def test_whatever_is_asked(case: EngineCase) -> None:
    assert run_engine(case) == reference_engine.starts(case)


UNTIL_SATURDAY_NIGHT: Final = WeeklyShift(
    4, Shift(23 * HOUR + 59 * MINUTE, 47 * HOUR + 59 * MINUTE)
)
FROM_SUNDAY_ON: Final = WeeklyShift(6, Shift(0, 3 * HOUR))


@pytest.mark.parametrize("minute", [-30, -1, 0, 1, 30, 58, 59, 60, 90])
@pytest.mark.parametrize("alignment", Alignment)
@pytest.mark.parametrize("row", [UNTIL_SATURDAY_NIGHT, FROM_SUNDAY_ON], ids=["until", "from"])
def test_where_the_clock_goes_back_across_midnight(
    row: WeeklyShift, alignment: Alignment, minute: int
) -> None:
    """In Newfoundland, until 2010, one minute of Sunday was over when Saturday's last hour began
    anew. A window may begin or end in either of them.
    """
    edge = int(datetime(2010, 11, 7, 2, 31, tzinfo=UTC).timestamp()) + minute * MINUTE
    for first, last in ((edge - 2 * HOUR, edge), (edge, edge + 2 * HOUR)):
        case = EngineCase(
            hours=OpeningHours(zone_files.zone("America/St_Johns"), [row]),
            busy=[],
            rules=SlotRules(duration=MINUTE, step=MINUTE, alignment=alignment),
            first=first,
            last=last,
        )
        assert run_engine(case) == reference_engine.starts(case)
