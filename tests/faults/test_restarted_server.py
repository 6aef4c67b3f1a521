"""PostgreSQL is stopped in the middle of its work (``-m immediate``), and started again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import databases
from tests.embedded_postgres import Server
from tests.faults import acts, load, scenes
from tests.faults.cradle import Cradle
from tests.faults.load import Load
from tests.faults.scenes import Stage
from tests.races import referee

# Durable, as PostgreSQL is by itself. What a transaction does not wait for, the server keeps in
# memory for this long, so that a crash can be seen to lose it.
CONFIGURATION = """
wal_writer_delay = 10s
"""
IN_NO_HURRY = {"options": "-c synchronous_commit=off"}


@dataclass(frozen=True)
class Place:
    """A server of the test's own, a database there, and processes that ask it."""

    server: Server
    cradle: Cradle
    settings: dict[str, Any]
    stage: Stage


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    server = Server(CONFIGURATION)
    try:
        with Cradle() as cradle:
            settings = databases.server(urlsplit(server.uri))
            cradle.use(**settings)
            settings |= {"NAME": cradle.run(referee.make_database, name="restarted")}
            cradle.use(**settings)
            yield Place(server, cradle, settings, cradle.run(scenes.make_stage))
    finally:
        server.close()


@pytest.fixture(autouse=True)
def nothing_is_booked(place: Place) -> None:
    place.cradle.run(acts.clear, place.stage)


def test_what_was_answered_is_there_and_what_was_not_is_done_once(place: Place) -> None:
    with Load(place.settings, place.stage) as workers:
        for _restart in range(2):
            workers.go_on(10)
            place.server.crash()
            place.server.start_again()
        workers.go_on(10)
        workers.stop()

    assert place.cradle.run(load.histories) == workers.log.histories
    assert place.cradle.run(acts.problems, place.stage) == []
    assert min(workers.log.broken_off) >= 2


def test_a_server_that_does_not_wait_for_its_disk_is_found_to_lose_bookings(place: Place) -> None:
    """If it were not, the test above would not say anything."""
    with Load(place.settings | {"OPTIONS": IN_NO_HURRY}, place.stage) as workers:
        workers.go_on(10)
        place.server.crash()
        workers.kill()
        place.server.start_again()

    found = place.cradle.run(load.histories)
    assert any(found.get(reference) != said for reference, said in workers.log.histories.items())
    # What is there is whole even then.
    assert place.cradle.run(acts.problems, place.stage) == []
