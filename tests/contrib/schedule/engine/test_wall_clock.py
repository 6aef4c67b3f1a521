"""The wall clock of a zone, compared with the zone files and with ``zoneinfo``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.rules.wall_clock import PROBE_STEP, WallClock, wall_clock_for
from tests.contrib.schedule.engine import zone_files
from tests.quick_run import one_in

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 24 * HOUR
EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - what a clock shows has no zone

each_zone = pytest.mark.parametrize("name", one_in(4, zone_files.NAMES))


def utc(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())


def wall(*moment: int) -> int:
    return int((datetime(*moment) - EPOCH).total_seconds())  # noqa: DTZ001


def clock(name: str, year: int) -> WallClock:
    return wall_clock_for(ZoneInfo(name), utc(year, 1, 1), utc(year, 12, 31))


@each_zone
def test_a_zone_changes_when_it_does_day_by_day(name: str) -> None:
    zone_clock = wall_clock_for(zone_files.zone(name), zone_files.SINCE, zone_files.UNTIL - 1)
    found = [at for at in zone_clock.begins if zone_files.SINCE <= at < zone_files.UNTIL]
    assert found == zone_files.changes(name)


@each_zone
def test_every_change_that_its_file_lists_is_found(name: str) -> None:
    since_1970 = [change for change in zone_files.written_changes(name) if change[0] >= 0]
    if since_1970:
        zone_clock = wall_clock_for(zone_files.zone(name), 0, since_1970[-1][0])
        assert set(since_1970) <= set(zip(zone_clock.begins, zone_clock.offsets, strict=True))


@each_zone
def test_no_change_is_undone_between_two_probes(name: str) -> None:
    since_1970 = [at for at, _ in zone_files.written_changes(name) if at >= 0]
    assert all(later - at > PROBE_STEP for at, later in pairwise(since_1970))


def resolved(shown: int, zone: tzinfo, *, fold: int) -> int:
    """As PEP 495 has it, except that a wall time in a gap is the end of the gap."""
    there = (EPOCH + timedelta(seconds=shown)).replace(tzinfo=zone, fold=fold)
    instant = int(there.timestamp())
    other = int(there.replace(fold=1 - fold).timestamp())
    if shown_by(zone, instant) == shown:
        return instant
    early, late = sorted((instant, other))
    while shown_by(zone, early) < shown:
        early += MINUTE
    assert early <= late
    return early


def shown_by(zone: tzinfo, instant: int) -> int:
    there = datetime.fromtimestamp(instant, zone).replace(tzinfo=None)
    return int((there - EPOCH).total_seconds())


@each_zone
def test_around_every_change_a_wall_time_is_what_it_should_be(name: str) -> None:
    zone = zone_files.zone(name)
    for change in zone_files.changes(name):
        zone_clock = wall_clock_for(zone, change, change)
        middle = shown_by(zone, change)
        for shown in range(middle - 3 * HOUR, middle + 3 * HOUR + 1, 30 * MINUTE):
            assert zone_clock.opening_instant(shown) == resolved(shown, zone, fold=0)
            assert zone_clock.closing_instant(shown) == resolved(shown, zone, fold=1)
        for instant in (change - 1, change, change + 1):
            assert zone_clock.wall_time(instant) == shown_by(zone, instant)


def test_a_wall_time_that_does_not_exist_is_the_end_of_the_gap() -> None:
    paris = clock("Europe/Paris", 2027)
    change = utc(2027, 3, 28, 1)
    for shown in (wall(2027, 3, 28, 2), wall(2027, 3, 28, 2, 59, 59), wall(2027, 3, 28, 3)):
        assert paris.opening_instant(shown) == paris.closing_instant(shown) == change


def test_a_wall_time_that_exists_twice_has_a_first_and_a_last_instant() -> None:
    paris = clock("Europe/Paris", 2027)
    change = utc(2027, 10, 31, 1)
    for shown, first in (
        (wall(2027, 10, 31, 2), change - HOUR),
        (wall(2027, 10, 31, 2, 30), change - HOUR // 2),
    ):
        assert paris.opening_instant(shown) == first
        assert paris.closing_instant(shown) == first + HOUR
    # The hour's end is there once: the clock goes back before it shows it.
    end = wall(2027, 10, 31, 3)
    assert paris.opening_instant(end) == paris.closing_instant(end) == change + HOUR


def test_a_day_that_a_zone_has_left_out_is_one_instant() -> None:
    apia = clock("Pacific/Apia", 2011)
    change = utc(2011, 12, 30, 10)
    assert apia.opening_instant(wall(2011, 12, 30)) == change
    assert apia.closing_instant(wall(2011, 12, 31)) == change


def test_a_change_that_is_undone_within_a_week_is_found() -> None:
    gaza = wall_clock_for(zone_files.zone("Asia/Gaza"), utc(2040, 10, 1), utc(2040, 11, 1))
    autumn = [at for at in gaza.begins if utc(2040, 10, 1) <= at < utc(2040, 11, 1)]
    assert autumn == [utc(2040, 10, 20), utc(2040, 10, 26, 23)]


def test_an_offset_comes_with_the_instant_of_its_change() -> None:
    paris = clock("Europe/Paris", 2027)
    assert paris.offset_at(utc(2027, 3, 28, 1) - 1) == (HOUR, utc(2027, 3, 28, 1))
    assert paris.offset_at(utc(2027, 3, 28, 1)) == (2 * HOUR, utc(2027, 10, 31, 1))


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=45))], ids=str)
@given(instant=st.integers(0, 2**36 - 1))
def test_a_zone_that_never_changes_is_a_difference(zone: timezone, instant: int) -> None:
    difference = zone.utcoffset(None) // timedelta(seconds=1)
    zone_clock = wall_clock_for(zone, instant, instant)
    assert zone_clock.wall_time(instant) == instant + difference
    assert zone_clock.opening_instant(instant + difference) == instant
    assert zone_clock.closing_instant(instant + difference) == instant


@given(
    name=st.sampled_from(zone_files.NAMES),
    first=st.integers(0, 2**36 - 1),
    days=st.integers(0, 800),
    within=st.floats(0, 1),
)
def test_a_clock_is_right_for_a_month_around_what_was_asked(
    name: str, first: int, days: int, within: float
) -> None:
    zone = zone_files.zone(name)
    last = first + days * DAY
    zone_clock = wall_clock_for(zone, first, last)
    since, until = max(0, first - 31 * DAY), last + 31 * DAY
    instant = since + int(within * (until - since))
    assert zone_clock.wall_time(instant) == shown_by(zone, instant)


def test_a_clock_is_read_from_the_zone_once() -> None:
    assert clock("Europe/Paris", 2027) is clock("Europe/Paris", 2027)
