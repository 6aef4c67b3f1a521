"""PostgreSQL is stopped in the middle of its work (``-m immediate``), and started again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import databases
from tests.embedded_postgres import Server
from tests.faults import scenarios, tasks, workload
from tests.faults.fork_server import ForkServer
from tests.faults.scenarios import HostRows
from tests.faults.workload import Workload
from tests.races import race_database

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
    fork_server: ForkServer
    settings: dict[str, Any]
    host_rows: HostRows


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    server = Server(CONFIGURATION)
    try:
        with ForkServer() as fork_server:
            settings = databases.server(urlsplit(server.uri))
            fork_server.connect_to(**settings)
            settings |= {
                "NAME": fork_server.run(
                    race_database.make_database, name="restarted", is_copied=False
                )
            }
            fork_server.connect_to(**settings)
            yield Place(server, fork_server, settings, fork_server.run(scenarios.make_host_rows))
    finally:
        server.close()


@pytest.fixture(autouse=True)
def nothing_is_booked(place: Place) -> None:
    place.fork_server.run(tasks.clear, place.host_rows)


def test_what_was_answered_is_there_and_what_was_not_is_done_once(place: Place) -> None:
    with Workload(place.settings, place.host_rows) as workers:
        for _restart in range(2):
            workers.go_on(10)
            place.server.crash()
            place.server.start_again()
        workers.go_on(10)
        workers.stop()

    assert place.fork_server.run(workload.histories) == workers.log.histories
    assert place.fork_server.run(tasks.problems, place.host_rows) == []
    assert min(workers.log.broken_off) >= 2


def test_a_server_that_does_not_wait_for_its_disk_is_found_to_lose_bookings(place: Place) -> None:
    """If it were not, the test above would not say anything."""
    with Workload(place.settings | {"OPTIONS": IN_NO_HURRY}, place.host_rows) as workers:
        workers.go_on(10)
        place.server.crash()
        workers.kill()
        place.server.start_again()

    found = place.fork_server.run(workload.histories)
    assert any(found.get(reference) != said for reference, said in workers.log.histories.items())
    # What is there is whole even then.
    assert place.fork_server.run(tasks.problems, place.host_rows) == []
