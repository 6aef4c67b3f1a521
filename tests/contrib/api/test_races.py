"""Sixteen processes send the same request, or change what all of them have read."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import uuid4

from tests.contrib.api import race_actions
from tests.races import race_database
from tests.races.conftest import RACERS
from tests.races.runner import RaceRunner


def test_a_request_that_many_send_at_once_is_carried_out_once(
    runner: RaceRunner, rounds: int
) -> None:
    for _ in range(rounds):
        scene = runner.ask(race_actions.one_client)
        body = {
            "service": scene["service"],
            "provider": scene["provider"],
            "start_at": race_actions.another_hour(14),
            "client_name": "Racer",
        }
        request: dict[str, Any] = scene | {
            "address": "bookings/",
            "body": body,
            "headers": {"Idempotency-Key": str(uuid4())},
        }

        result = runner.race(race_actions.send, [request] * RACERS)

        assert not result.errors, result
        [(status, _body, etag)] = set(result.winners)
        assert (status, etag) == (201, '"1"')
        assert runner.ask(race_database.count)["Booking"] == 2
        assert runner.ask(race_database.problems) == []


def test_of_those_who_change_one_version_one_succeeds(runner: RaceRunner, rounds: int) -> None:
    for _ in range(rounds):
        scene = runner.ask(race_actions.one_client)
        requests = [
            scene
            | {
                "address": f"{scene['address']}reschedule/",
                "body": {"start_at": race_actions.another_hour(10 + number % 10)},
                "headers": {"If-Match": '"1"'},
            }
            for number in range(RACERS)
        ]

        result = runner.race(race_actions.send, requests)

        assert not result.errors, result
        statuses = Counter(status for status, _body, _etag in result.winners)
        assert statuses == {200: 1, 412: RACERS - 1}
        assert {etag for _status, _body, etag in result.winners} == {'"2"'}
        assert runner.ask(race_database.problems) == []
