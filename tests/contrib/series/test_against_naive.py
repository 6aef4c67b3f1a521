"""Compare the starts of generated rules with those of the naive implementation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from bookings.contrib.series.exceptions import InvalidRecurrence
from bookings.contrib.series.recurrences import list_starts
from tests.contrib.series import reference_recurrences
from tests.contrib.series.reference_recurrences import Rule
from tests.quick_run import examples

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


@settings(max_examples=examples(80), deadline=None)
@given(rules(), st.datetimes(datetime(1996, 1, 1), datetime(2105, 1, 1)))
@example(
    Rule("WEEKLY", days=((0, 0), (0, 2), (0, 4)), numbers={"BYSETPOS": (2,)}), datetime(2026, 1, 7)
)
@example(Rule("MONTHLY", days=((0, 0), (1, 1))), datetime(2026, 12, 1))
@example(Rule("YEARLY", numbers={"BYWEEKNO": (20,)}), datetime(1997, 5, 12))
def test_a_rule_gives_the_same_starts_as_the_naive_expansion(rule: Rule, day: datetime) -> None:
    """At nine in the morning, a local time that New York's clocks never skip."""
    zone = ZoneInfo("America/New_York")
    start = day.replace(hour=9, minute=0, second=0, microsecond=0)
    last = start + timedelta(days=DAYS[rule.frequency])

    found = expanded(rule, start, last, zone)

    assert all(at.tzinfo is UTC for at in found)
    local = [at.astimezone(zone).replace(tzinfo=None) for at in found]
    assert local == [at for at in reference_recurrences.starts(rule, start, last) if at != start]


@settings(deadline=None)
@given(
    st.sampled_from(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"]),
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)),
    st.lists(st.integers(0, 23), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(0, 59), min_size=1, max_size=3, unique=True),
)
def test_starts_differ_from_the_rule_only_where_the_clocks_skip_time(
    timezone: str, day: datetime, hours: list[int], minutes: list[int]
) -> None:
    zone = ZoneInfo(timezone)
    rule = Rule("DAILY", numbers={"BYHOUR": tuple(hours), "BYMINUTE": tuple(minutes)})
    start = day.replace(hour=min(hours), minute=min(minutes), second=0, microsecond=0)
    last = start + timedelta(days=370)

    found = expanded(rule, start, last, zone)

    assert found == sorted(set(found))
    local = [at.astimezone(zone) for at in found]
    assert not [at for at in local if at.fold]
    expected = set(reference_recurrences.starts(rule, start, last)) - {start}
    moved = [at for at in local if at.replace(tzinfo=None) not in expected]
    missing = expected - {at.replace(tzinfo=None) for at in local}
    # Starts are missing or moved only in the hours, or on the day, that the clocks skip.
    assert all(_is_skipped(at, zone) for at in missing)
    assert all(_is_skipped(at.replace(tzinfo=None) - _clock_change(at), zone) for at in moved)


def _is_skipped(local: datetime, zone: ZoneInfo) -> bool:
    return local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local


def _clock_change(at: datetime) -> timedelta:
    """Return by how much the clocks went forward in the day before."""
    before = (at.astimezone(UTC) - timedelta(days=1)).astimezone(at.tzinfo)
    return (at.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
