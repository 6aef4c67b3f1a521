"""Bookings that nobody has closed: several processes sweep them, and somebody closes some."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.races import entrants, forgetful, scenes
from tests.races.conftest import ENGINE, assert_sound
from tests.races.duel import heard
from tests.races.racer import Way
from tests.races.scenes import START
from tests.races.track import Prepare, Result, Track

PROVIDERS: Final = 6
BOOKINGS: Final = 24
EACH: Final = 4
OVERDUE: Final = START + timedelta(hours=BOOKINGS) + timedelta(days=1)


def quiet(track: Track) -> list[Any]:
    """Their keys, provider by provider in turn."""
    rows = track.ask(scenes.many_holds, number=BOOKINGS, providers=PROVIDERS, expires_at=None)
    return [row["booking"] for row in rows]


def test_several_sweeps_beside_other_verbs_end_every_booking_once(
    track: Track, way: Way, rounds_each_way: int
) -> None:
    """Some are completed, some cancelled, some expired one by one, while four sweep."""
    verbs = ("complete_booking", "cancel_booking", "expire_booking")
    for _ in range(rounds_each_way):
        keys = quiet(track)
        closing = [
            {"entrant": entrants.change, "verb": verb, "now_dt": OVERDUE, "booking": keys[number]}
            for number, verb in enumerate(verb for verb in verbs for _ in range(EACH))
        ]
        sweep = {"entrant": entrants.sweep, "now_dt": OVERDUE, "chunk_size": 5}

        result = track.race(entrants.hear, [*closing, *[sweep] * EACH], way=way)

        assert_sound(track, result, way, "InvalidTransition")
        stories = track.ask(scenes.stories)
        for number, key in enumerate(keys):
            created, *end = stories[key]
            assert created == "CREATED"
            may_end = {"EXPIRED"}
            if number < EACH:
                # Whoever completed it was told whether that came in time.
                may_end = {"EXPIRED"} if result.outcomes[number].error else {"COMPLETED"}
            elif number < 2 * EACH:
                may_end = {"EXPIRED", "CANCELLED"}
            assert (len(end) == 1 and set(end) <= may_end) or (way.inside and not end), stories
        new = Counter((key, event) for key, story in stories.items() for event in story[1:])
        assert heard(result) == new, result


def shares(track: Track, sweep: Prepare) -> Result:
    """Two sweeps, of which each chunk of a provider's takes a tenth of a second."""
    keys = quiet(track)
    result = track.race(sweep, [{"now_dt": OVERDUE, "chunk_size": BOOKINGS // PROVIDERS}] * 2)
    assert not result.errors, result
    assert sum(result.winners) == len(keys)
    assert set(map(tuple, track.ask(scenes.stories).values())) == {("CREATED", "EXPIRED")}
    return result


@pytest.mark.skipif(
    ENGINE.endswith("sqlite3"), reason="SQLite locks the database, and has nothing to skip."
)
def test_two_sweeps_share_the_work(track: Track, rounds: int) -> None:
    for _ in range(rounds):
        result = shares(track, forgetful.sweep_slowly)
        assert min(result.winners) >= BOOKINGS // PROVIDERS * 2, result


def test_who_waits_for_what_is_locked_leaves_the_work_to_the_other(
    track: Track, rounds: int
) -> None:
    """The control."""
    for _ in range(rounds):
        result = shares(track, forgetful.sweep_in_line)
        assert result.slowest >= (PROVIDERS - 1) * entrants.LATE, result
