"""Processes want one session's seats, give them back, and queue for them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import cycle, islice
from typing import Any, Final

import pytest

from tests.contrib.group_sessions import race_actions
from tests.races import actions as verbs
from tests.races import race_database, scenarios
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.runner import RaceRunner
from tests.races.scenarios import NOW, START

THOUSAND: Final = 1000
SELLERS: Final = 8
OFFER_ENDS: Final = NOW + timedelta(minutes=10)


def names(seller: int, number: int) -> list[str]:
    return [f"Client {seller}.{n}" for n in range(number)]


@pytest.fixture
def hosted(way: Way) -> Way:
    """Each way; told that the database is busy, the host runs its transaction again."""
    return replace(way, patient=True)


def test_a_thousand_seats_are_sold_a_thousand_times(runner: RaceRunner, rounds: int) -> None:
    """8 sellers, 1,200 attempts each, where there is time; else the last 60 seats."""
    # In laps, because a racer is taken for dead after a minute without a word.
    laps, left = (48, THOUSAND) if rounds > 2 else (1, 60)
    parties = [THOUSAND - left] if left < THOUSAND else []
    scene = runner.ask(race_actions.one_session, capacity=THOUSAND, parties=parties)
    session = {"session": scene["session"]}

    sold = 0
    for lap in range(laps):
        sellers = [SELLERS * lap + number for number in range(SELLERS)]
        result = runner.race(
            race_actions.book_seats, [session | {"names": names(seller, 25)} for seller in sellers]
        )
        assert set(result.errors) == set()
        sold += sum(len(names_sold) for names_sold in result.winners)

    assert runner.ask(race_database.problems) == []
    assert sold == left
    told = runner.ask(race_actions.situation, **session)
    assert (told["seated"], told["remaining"]) == (THOUSAND, 0)
    assert told["status"] == "BOOKING_CLOSED"


def test_as_many_seats_are_sold_as_there_are(
    runner: RaceRunner, hosted: Way, rounds_each_way: int
) -> None:
    for capacity in islice(cycle([7, 1]), rounds_each_way):
        session = {"session": runner.ask(race_actions.one_session, capacity=capacity)["session"]}

        result = runner.race(
            race_actions.book_seats,
            [session | {"names": names(n, 1)} for n in range(RACERS)],
            way=hosted,
        )

        assert_sound(runner, result, hosted)
        assert sum(len(sold) for sold in result.winners) == capacity
        assert runner.ask(race_actions.situation, **session)["seated"] == capacity


def test_a_client_who_clicks_sixteen_times_has_one_booking(
    runner: RaceRunner, hosted: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        session = {"session": runner.ask(race_actions.one_session, capacity=20)["session"]}

        result = runner.race(
            race_actions.book_seats, [session | {"names": ["Ann"]}] * RACERS, way=hosted
        )

        assert_sound(runner, result, hosted, "AlreadyBooked")
        assert result.winners == [["Ann"]]
        assert runner.ask(race_actions.situation, **session)["clients"] == ["Ann"]


def test_who_counts_before_the_lock_sells_seats_twice(runner: RaceRunner, rounds: int) -> None:
    """The control: that the races above are some."""
    for _ in range(rounds):
        session = {"session": runner.ask(race_actions.one_session, capacity=3)["session"]}
        result = runner.race(
            race_actions.book_seats_naively,
            [session | {"names": names(n, 1)} for n in range(RACERS)],
        )
        assert sum(len(sold) for sold in result.winners) > 3
        assert runner.ask(race_actions.situation, **session)["seated"] > 3
        assert runner.ask(race_database.problems)


def test_every_seat_that_is_given_back_goes_to_who_waits(
    runner: RaceRunner, hosted: Way, rounds_each_way: int
) -> None:
    """Half cancel and half queue: no seat is lost, none is sold twice, and nobody is skipped."""
    for given_back in islice(cycle([8, 4, 12]), rounds_each_way):
        scene = runner.ask(
            race_actions.one_session,
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
        sides += [
            (race_actions.book_or_wait, session | {"name": f"New {n}"}) for n in range(joining)
        ]

        result = runner.race_between(sides, way=hosted)

        assert_sound(runner, result, hosted)
        assert Counter(result.winners)["CANCELLED"] == given_back
        told = runner.ask(race_actions.situation, **session)
        seated = min(given_back, joining)
        assert told["seated"] == given_back - told["remaining"] == seated
        assert len(told["waiting"]) == joining - seated
        if told["waiting"] and told["promoted"]:
            assert max(told["promoted"]) < min(told["waiting"])


def test_as_many_are_promoted_by_staff_as_there_are_seats(
    runner: RaceRunner, hosted: Way, rounds_each_way: int
) -> None:
    """Two of them click for each of eight clients."""
    for seats in islice(cycle([3, 1]), rounds_each_way):
        scene = runner.ask(race_actions.seats_for_some_who_wait, seats=seats, waiting=RACERS // 2)
        clicks = [{"entry": entry} for entry in scene["entries"] * 2]

        result = runner.race(race_actions.promote, clicks, way=hosted)

        assert_sound(runner, result, hosted)
        assert sum(result.winners) == 2 * seats
        told = runner.ask(race_actions.situation, session=scene["session"])
        assert (told["seated"], len(told["promoted"])) == (seats, seats)


def test_an_offer_passes_on_or_is_kept(
    runner: RaceRunner, hosted: Way, rounds_each_way: int
) -> None:
    """At the moment at which offers end, some confirm, and the others sweep."""
    for _ in range(rounds_each_way):
        scene = runner.ask(
            race_actions.one_session,
            capacity=4,
            parties=[4],
            enable_waitlist=True,
            waitlist_offer_minutes=10,
        )
        session = {"session": scene["session"]}
        runner.ask(race_actions.waiting, **session, names=[f"Waits {n}" for n in range(8)])
        runner.race(
            verbs.change,
            [{"verb": "cancel_booking", "booking": scene["bookings"][0], "now_dt": NOW}],
        )
        offered = runner.ask(race_actions.offers, **session)
        assert len(offered) == 4
        just_before = OFFER_ENDS - timedelta(seconds=1)
        sides: list[Any] = [
            (verbs.change, {"verb": "confirm_booking", "booking": key, "now_dt": just_before})
            for key in offered
        ]
        sides += [(verbs.sweep, {"now_dt": OFFER_ENDS})] * (RACERS - len(sides))

        result = runner.race_between(sides, way=hosted)

        assert_sound(runner, result, hosted, "InvalidTransition")
        told = runner.ask(race_actions.situation, **session)
        assert (told["seated"], told["remaining"]) == (4, 0)
        confirmed = Counter(result.winners)["CONFIRMED"]
        assert len(told["waiting"]) == 8 - 4 - (4 - confirmed)


def test_everybody_comes_once_whoever_says_so(
    runner: RaceRunner, hosted: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        scene = runner.ask(race_actions.one_session, capacity=20, parties=[1, 2] * 4)
        bookings = scene["bookings"]
        attendance = {"session": scene["session"], "bookings": bookings}
        done = {"verb": "complete_booking", "now_dt": START}

        result = runner.race_between(
            [(race_actions.mark, attendance)] * (RACERS - len(bookings))
            + [(verbs.change, done | {"booking": booking}) for booking in bookings],
            way=hosted,
        )

        assert_sound(runner, result, hosted)
        assert len(result.winners) == RACERS, result
        assert runner.ask(scenarios.stories) == {
            booking: ["CREATED", "COMPLETED"] for booking in bookings
        }


def test_a_session_moves_and_ends_among_those_who_book_it(
    runner: RaceRunner, hosted: Way, rounds_each_way: int
) -> None:
    for ends in islice(cycle([True, False]), rounds_each_way):
        scene = runner.ask(race_actions.one_session, capacity=20, parties=[2, 3])
        session = {"session": scene["session"]}
        later = {"start_at": START + timedelta(hours=3), "end_at": START + timedelta(hours=5)}
        sides: list[Any] = [
            (race_actions.cancel, session) if ends else (race_actions.update, session | later),
            (verbs.change, {"verb": "cancel_booking", "booking": scene["bookings"][0]}),
            (race_actions.update, session | {"capacity": 9}),
        ]
        sides += [(race_actions.book_seats, session | {"names": names(n, 1)}) for n in range(13)]

        result = runner.race_between(sides, way=hosted)

        assert_sound(runner, result, hosted, "StaleSession", "SessionNotOpen", "CapacityExceeded")
        told = runner.ask(race_actions.situation, **session)
        assert told["status"] == "CANCELLED" if ends else told["seated"] >= 3
        if ends:
            assert told["seated"] == 0


def test_parties_grow_by_as_many_seats_as_there_are(
    runner: RaceRunner, hosted: Way, rounds_each_way: int
) -> None:
    for free in islice(cycle([5, 1]), rounds_each_way):
        parties = [1] * RACERS
        scene = runner.ask(race_actions.one_session, capacity=RACERS + free, parties=parties)

        result = runner.race(
            race_actions.take_one_more_seat,
            [{"booking": booking} for booking in scene["bookings"]],
            way=hosted,
        )

        assert_sound(runner, result, hosted)
        assert sum(result.winners) == free
        told = runner.ask(race_actions.situation, session=scene["session"])
        assert (told["seated"], told["remaining"]) == (RACERS + free, 0)


def test_a_session_moves_and_ends_among_those_who_dispute(
    runner: RaceRunner, hosted: Way, rounds_each_way: int
) -> None:
    for ends in islice(cycle([True, False]), rounds_each_way):
        scene = runner.ask(race_actions.delivered_session, parties=[1] * (RACERS - 1))
        session = {"session": scene["session"]}
        later = {"start_at": START + timedelta(hours=3)}
        sides: list[Any] = [
            (race_actions.cancel, session) if ends else (race_actions.update, session | later)
        ]
        sides += [(race_actions.dispute, {"booking": booking}) for booking in scene["bookings"]]

        result = runner.race_between(sides, way=hosted)

        assert_sound(runner, result, hosted)
        told = runner.ask(race_actions.situation, **session)
        assert told["seated"] == (0 if ends else RACERS - 1)


def test_the_last_rooms_go_to_as_many_sessions(
    runner: RaceRunner, hosted: Way, rounds_each_way: int
) -> None:
    for rooms in islice(cycle([1, 2]), rounds_each_way):
        scene = runner.ask(race_actions.teachers_and_rooms, rooms=rooms)
        providers = scene.pop("providers")

        result = runner.race(
            race_actions.publish_in_a_room,
            [scene | {"provider": provider} for provider in providers],
            way=hosted,
        )

        assert_sound(runner, result, hosted)
        assert sorted(filter(None, result.winners)) == sorted(scene["rooms"])


def test_without_locks_and_constraint_a_room_goes_to_several_sessions(
    unguarded: RaceRunner,
) -> None:
    """The control of the race above."""
    scene = unguarded.ask(race_actions.teachers_and_rooms, rooms=1)
    providers = scene.pop("providers")

    result = unguarded.race(
        race_actions.publish_in_a_room_naively,
        [scene | {"provider": provider} for provider in providers],
    )

    assert len(result.winners) > 1, result
    assert set(result.winners) == set(scene["rooms"])
    assert unguarded.ask(race_database.problems)
