"""Calls of the engine with known results, stored as data."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from bookings.contrib.schedule.engine import (
    Alignment,
    OpeningHours,
    Shift,
    SlotRules,
    WeeklyShift,
    booking_window,
    starts,
)
from tests.contrib.schedule.engine import reference_engine

CASES: Final[list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("vectors.json").read_text(encoding="utf-8")
)


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def shift(told: dict[str, str]) -> Shift:
    opens, closes = (
        3600 * int(hour) + 60 * int(minute)
        for hour, minute in (told[name].split(":") for name in ("open", "close"))
    )
    return Shift(opens, closes)


def engine_case(case: dict[str, Any]) -> reference_engine.EngineCase:
    first, last = booking_window(
        seconds(case["from"]),
        seconds(case["to"]),
        now=datetime.fromisoformat(case["now"]),
        notice=60 * case.get("minimum_notice_minutes", 0),
    )
    return reference_engine.EngineCase(
        hours=OpeningHours(
            ZoneInfo(case["timezone"]),
            [WeeklyShift(day, shift(row)) for row in case["hours"] for day in row["days"]],
            {
                date.fromisoformat(day): [shift(row) for row in rows]
                for day, rows in case.get("overrides", {}).items()
            },
        ),
        busy=[(seconds(begins), seconds(ends)) for begins, ends in case.get("busy", [])],
        rules=SlotRules(
            duration=60 * case["duration_minutes"],
            step=60 * case["step_minutes"],
            before=60 * case.get("buffer_before_minutes", 0),
            after=60 * case.get("buffer_after_minutes", 0),
            alignment=Alignment[case["alignment"].upper()],
        ),
        first=first,
        last=last,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_engine_answers_as_is_known(case: dict[str, Any]) -> None:
    asked = engine_case(case)
    answer = list(starts(asked.hours, asked.busy, asked.rules, first=asked.first, last=asked.last))
    told = {
        "starts": answer,
        "count": len(answer),
        "first": answer[0] if answer else None,
        "last": answer[-1] if answer else None,
    }
    expect = {
        name: [seconds(start) for start in value]
        if name == "starts"
        else value
        if name == "count"
        else seconds(value)
        for name, value in case["expect"].items()
    }
    assert expect
    assert {name: told[name] for name in expect} == expect
