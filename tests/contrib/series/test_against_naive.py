"""The starts of rules that hypothesis draws, against the same rules followed day by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from bookings.contrib.series.exceptions import InvalidRecurrence
from bookings.contrib.series.recurrences import list_starts
from tests.contrib.series import naive
from tests.contrib.series.naive import Rule

DAYS: Final = {"DAILY": 100, "WEEKLY": 300, "MONTHLY": 800, "YEARLY": 1600}


def some(lowest: int, highest: int, most: int = 4) -> st.SearchStrategy[tuple[int, ...]]:
    numbers = st.integers(lowest, highest).filter(lambda number: number or lowest == 0)
    return st.lists(numbers, min_size=1, max_size=most, unique=True).map(tuple)


@st.composite
def rules(draw: DrawFn) -> Rule:
    frequency = draw(st.sampled_from(sorted(DAYS)))
    parts = {"BYMONTH": some(1, 12), "BYMONTHDAY": some(-31, 31, 10), "BYMINUTE": some(0, 59, 2)}
    if frequency == "WEEKLY":
        del parts["BYMONTHDAY"]
    if frequency == "YEARLY":
        parts |= {"BYYEARDAY": some(-366, 366, 30), "BYWEEKNO": some(-51, 53, 8)}
    numbers: dict[str, tuple[int, ...]] = {
        name: draw(parts[name])
        for name in draw(st.lists(st.sampled_from(sorted(parts)), max_size=2, unique=True))
    }
    most = 0
    if frequency in {"MONTHLY", "YEARLY"} and "BYWEEKNO" not in numbers:
        most = 5 if frequency == "MONTHLY" or "BYMONTH" in numbers else 53
    ordinals = st.one_of(st.just(0), st.integers(-most, most))
    weekdays = st.tuples(ordinals, st.integers(0, 6))
    days = tuple(draw(st.lists(weekdays, max_size=4, unique=True)))
    if (numbers or days) and draw(st.booleans()):
        numbers["BYSETPOS"] = draw(some(-6, 6))
    return Rule(frequency, draw(st.integers(1, 3)), draw(st.integers(0, 6)), days, numbers)


def expanded(rule: Rule, start: datetime, last: datetime, zone: ZoneInfo) -> list[datetime]:
    until = last.replace(tzinfo=zone).astimezone(UTC)
    try:
        return list_starts(
            rrule=f"{rule};UNTIL={until:%Y%m%dT%H%M%SZ}",
            start=start,
            timezone=zone.key,
            exdates=[start],
            limit=10_000,
        )
    except InvalidRecurrence as refused:
        if refused.code == "no_starts":
            return []
        raise


@settings(max_examples=200, deadline=None)
@given(rules(), st.datetimes(datetime(1996, 1, 1), datetime(2105, 1, 1)))
@example(
    Rule("WEEKLY", days=((0, 0), (0, 2), (0, 4)), numbers={"BYSETPOS": (2,)}), datetime(2026, 1, 7)
)
@example(Rule("MONTHLY", days=((0, 0), (1, 1))), datetime(2026, 12, 1))
@example(Rule("YEARLY", numbers={"BYWEEKNO": (20,)}), datetime(1997, 5, 12))
def test_a_rule_gives_what_it_gives_day_by_day(rule: Rule, day: datetime) -> None:
    """At nine in the morning, which no change of New York's clocks leaves out."""
    zone = ZoneInfo("America/New_York")
    start = day.replace(hour=9, minute=0, second=0, microsecond=0)
    last = start + timedelta(days=DAYS[rule.frequency])

    found = expanded(rule, start, last, zone)

    assert all(at.tzinfo is UTC for at in found)
    shown = [at.astimezone(zone).replace(tzinfo=None) for at in found]
    assert shown == [at for at in naive.starts(rule, start, last) if at != start]


@settings(deadline=None)
@given(
    st.sampled_from(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"]),
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)),
    st.lists(st.integers(0, 23), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(0, 59), min_size=1, max_size=3, unique=True),
)
def test_the_clocks_show_what_the_rule_says_unless_they_leave_it_out(
    timezone: str, day: datetime, hours: list[int], minutes: list[int]
) -> None:
    zone = ZoneInfo(timezone)
    rule = Rule("DAILY", numbers={"BYHOUR": tuple(hours), "BYMINUTE": tuple(minutes)})
    start = day.replace(hour=min(hours), minute=min(minutes), second=0, microsecond=0)
    last = start + timedelta(days=370)

    found = expanded(rule, start, last, zone)

    assert found == sorted(set(found))
    shown = [at.astimezone(zone) for at in found]
    assert not [at for at in shown if at.fold]
    said = set(naive.starts(rule, start, last)) - {start}
    moved = [at for at in shown if at.replace(tzinfo=None) not in said]
    missing = said - {at.replace(tzinfo=None) for at in shown}
    # What is missing or moved lies in the hours, or the day, in which the clocks went forward.
    assert all(_is_left_out(at, zone) for at in missing)
    assert all(_is_left_out(at.replace(tzinfo=None) - _step(at), zone) for at in moved)


def _is_left_out(shown: datetime, zone: ZoneInfo) -> bool:
    return shown.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != shown


def _step(at: datetime) -> timedelta:
    """By how much the clocks went forward in the day before."""
    before = (at.astimezone(UTC) - timedelta(days=1)).astimezone(at.tzinfo)
    return (at.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
