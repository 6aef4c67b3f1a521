"""Processes want one session's seats, give them back, and queue for them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import cycle, islice
from typing import Any, Final

import pytest

from tests.contrib.group_sessions import entrants
from tests.races import entrants as verbs
from tests.races import referee, scenes
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.scenes import NOW, START
from tests.races.track import Track

THOUSAND: Final = 1000
SELLERS: Final = 8
OFFER_ENDS: Final = NOW + timedelta(minutes=10)


def names(seller: int, number: int) -> list[str]:
    return [f"Client {seller}.{n}" for n in range(number)]


@pytest.fixture
def hosted(way: Way) -> Way:
    """Each way; told that the database is busy, the host runs its transaction again."""
    return replace(way, patient=True)


def test_a_thousand_seats_are_sold_a_thousand_times(track: Track, rounds: int) -> None:
    """8 sellers, 1,200 attempts each, where there is time; else the last 60 seats."""
    # In laps, because a racer is taken for dead after a minute without a word.
    laps, left = (48, THOUSAND) if rounds > 2 else (1, 60)
    parties = [THOUSAND - left] if left < THOUSAND else []
    scene = track.ask(entrants.one_session, capacity=THOUSAND, parties=parties)
    session = {"session": scene["session"]}

    sold = 0
    for lap in range(laps):
        sellers = [SELLERS * lap + number for number in range(SELLERS)]
        result = track.race(
            entrants.sit, [session | {"names": names(seller, 25)} for seller in sellers]
        )
        assert set(result.errors) == set()
        sold += sum(len(names_sold) for names_sold in result.winners)

    assert track.ask(referee.problems) == []
    assert sold == left
    told = track.ask(entrants.situation, **session)
    assert (told["seated"], told["remaining"]) == (THOUSAND, 0)
    assert told["status"] == "BOOKING_CLOSED"


def test_as_many_seats_are_sold_as_there_are(
    track: Track, hosted: Way, rounds_each_way: int
) -> None:
    for capacity in islice(cycle([7, 1]), rounds_each_way):
        session = {"session": track.ask(entrants.one_session, capacity=capacity)["session"]}

        result = track.race(
            entrants.sit, [session | {"names": names(n, 1)} for n in range(RACERS)], way=hosted
        )

        assert_sound(track, result, hosted)
        assert sum(len(sold) for sold in result.winners) == capacity
        assert track.ask(entrants.situation, **session)["seated"] == capacity


def test_a_client_who_clicks_sixteen_times_has_one_booking(
    track: Track, hosted: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        session = {"session": track.ask(entrants.one_session, capacity=20)["session"]}

        result = track.race(entrants.sit, [session | {"names": ["Ann"]}] * RACERS, way=hosted)

        assert_sound(track, result, hosted, "AlreadyBooked")
        assert result.winners == [["Ann"]]
        assert track.ask(entrants.situation, **session)["clients"] == ["Ann"]


def test_who_counts_before_the_lock_sells_seats_twice(track: Track, rounds: int) -> None:
    """The control: that the races above are some."""
    for _ in range(rounds):
        session = {"session": track.ask(entrants.one_session, capacity=3)["session"]}
        result = track.race(
            entrants.sit_by_what_was_read,
            [session | {"names": names(n, 1)} for n in range(RACERS)],
        )
        assert sum(len(sold) for sold in result.winners) > 3
        assert track.ask(entrants.situation, **session)["seated"] > 3
        assert track.ask(referee.problems)


def test_every_seat_that_is_given_back_goes_to_who_waits(
    track: Track, hosted: Way, rounds_each_way: int
) -> None:
    """Half cancel and half queue: no seat is lost, none is sold twice, and nobody is skipped."""
    for given_back in islice(cycle([8, 4, 12]), rounds_each_way):
        scene = track.ask(
            entrants.one_session,
            capacity=given_back,
            parties=[1] * given_back,
            enable_waitlist=True,
        )
        session = {"session": scene["session"]}
        sides: list[Any] = [
            (verbs.change, {"verb": "cancel_booking", "booking": key, "now_dt": NOW})
            for key in scene["bookings"]
        ]
        joining = RACERS - given_back
        sides += [(entrants.get_in, session | {"name": f"New {n}"}) for n in range(joining)]

        result = track.race_between(sides, way=hosted)

        assert_sound(track, result, hosted)
        assert Counter(result.winners)["CANCELLED"] == given_back
        told = track.ask(entrants.situation, **session)
        seated = min(given_back, joining)
        assert told["seated"] == given_back - told["remaining"] == seated
        assert len(told["waiting"]) == joining - seated
        if told["waiting"] and told["promoted"]:
            assert max(told["promoted"]) < min(told["waiting"])


def test_as_many_are_promoted_by_staff_as_there_are_seats(
    track: Track, hosted: Way, rounds_each_way: int
) -> None:
    """Two of them click for each of eight clients."""
    for seats in islice(cycle([3, 1]), rounds_each_way):
        scene = track.ask(entrants.seats_for_some_who_wait, seats=seats, waiting=RACERS // 2)
        clicks = [{"entry": entry} for entry in scene["entries"] * 2]

        result = track.race(entrants.promote, clicks, way=hosted)

        assert_sound(track, result, hosted)
        assert sum(result.winners) == 2 * seats
        told = track.ask(entrants.situation, session=scene["session"])
        assert (told["seated"], len(told["promoted"])) == (seats, seats)


def test_an_offer_passes_on_or_is_kept(track: Track, hosted: Way, rounds_each_way: int) -> None:
    """At the moment at which offers end, some confirm, and the others sweep."""
    for _ in range(rounds_each_way):
        scene = track.ask(
            entrants.one_session,
            capacity=4,
            parties=[4],
            enable_waitlist=True,
            waitlist_offer_minutes=10,
        )
        session = {"session": scene["session"]}
        track.ask(entrants.waiting, **session, names=[f"Waits {n}" for n in range(8)])
        track.race(
            verbs.change,
            [{"verb": "cancel_booking", "booking": scene["bookings"][0], "now_dt": NOW}],
        )
        offered = track.ask(entrants.offers, **session)
        assert len(offered) == 4
        just_before = OFFER_ENDS - timedelta(seconds=1)
        sides: list[Any] = [
            (verbs.change, {"verb": "confirm_booking", "booking": key, "now_dt": just_before})
            for key in offered
        ]
        sides += [(verbs.sweep, {"now_dt": OFFER_ENDS})] * (RACERS - len(sides))

        result = track.race_between(sides, way=hosted)

        assert_sound(track, result, hosted, "InvalidTransition")
        told = track.ask(entrants.situation, **session)
        assert (told["seated"], told["remaining"]) == (4, 0)
        confirmed = Counter(result.winners)["CONFIRMED"]
        assert len(told["waiting"]) == 8 - 4 - (4 - confirmed)


def test_everybody_comes_once_whoever_says_so(
    track: Track, hosted: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        scene = track.ask(entrants.one_session, capacity=20, parties=[1, 2] * 4)
        bookings = scene["bookings"]
        attendance = {"session": scene["session"], "bookings": bookings}
        done = {"verb": "complete_booking", "now_dt": START}

        result = track.race_between(
            [(entrants.mark, attendance)] * (RACERS - len(bookings))
            + [(verbs.change, done | {"booking": booking}) for booking in bookings],
            way=hosted,
        )

        assert_sound(track, result, hosted)
        assert len(result.winners) == RACERS, result
        assert track.ask(scenes.stories) == {
            booking: ["CREATED", "COMPLETED"] for booking in bookings
        }


def test_a_session_moves_and_ends_among_those_who_book_it(
    track: Track, hosted: Way, rounds_each_way: int
) -> None:
    for ends in islice(cycle([True, False]), rounds_each_way):
        scene = track.ask(entrants.one_session, capacity=20, parties=[2, 3])
        session = {"session": scene["session"]}
        later = {"start_at": START + timedelta(hours=3), "end_at": START + timedelta(hours=5)}
        sides: list[Any] = [
            (entrants.cancel, session) if ends else (entrants.update, session | later),
            (verbs.change, {"verb": "cancel_booking", "booking": scene["bookings"][0]}),
            (entrants.update, session | {"capacity": 9}),
        ]
        sides += [(entrants.sit, session | {"names": names(n, 1)}) for n in range(13)]

        result = track.race_between(sides, way=hosted)

        assert_sound(track, result, hosted, "StaleSession", "SessionNotOpen", "CapacityExceeded")
        told = track.ask(entrants.situation, **session)
        assert told["status"] == "CANCELLED" if ends else told["seated"] >= 3
        if ends:
            assert told["seated"] == 0
