from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.faults import scenarios, tasks
from tests.faults.baseline import Baseline
from tests.faults.fork_server import ForkServer
from tests.faults.scenarios import SCENARIOS, HostRows, Scenario
from tests.races import race_database

ENGINE = settings.DATABASES["default"]["ENGINE"]

collect_ignore = []
if not hasattr(os, "fork"):
    collect_ignore += ["test_killed_workers.py", "test_lost_connections.py"]
if ENGINE.endswith("sqlite3"):
    # There is no connection that could be lost.
    collect_ignore += ["test_lost_connections.py"]
if not ENGINE.endswith("postgresql"):
    # Only PostgreSQL's is a server that the tests bring along.
    collect_ignore += ["test_restarted_server.py"]


@pytest.fixture(scope="session")
def is_in_a_hurry(pytestconfig: pytest.Config) -> bool:
    """Whether calls are interrupted after writes and ``COMMIT`` alone, and not after reads."""
    is_quick: bool = pytestconfig.getoption("rounds") == 1
    return is_quick


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """New processes, and a database that nobody else uses."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if ENGINE.endswith("sqlite3"):
        name = str(tmp_path_factory.mktemp("faults") / "faults.sqlite3")
    else:
        name = f"{settings.DATABASES['default']['NAME']}_faults{worker}"
    with ForkServer() as opened:
        opened.connect_to(NAME=opened.run(race_database.make_database, name=name))
        yield opened
        opened.run(race_database.drop_database)


@pytest.fixture(scope="session")
def host_rows(fork_server: ForkServer) -> HostRows:
    made: HostRows = fork_server.run(scenarios.make_host_rows)
    return warmed_up(fork_server, made, SCENARIOS[0])


def warmed_up(fork_server: ForkServer, host_rows: HostRows, scenario: Scenario) -> HostRows:
    arranged = fork_server.run(tasks.arrange, host_rows, scenario)
    fork_server.warm_up(tasks.read_state_and_call_again, host_rows, scenario, arranged)
    return host_rows


@pytest.fixture(scope="module", params=SCENARIOS, ids=str)
def baseline(
    request: pytest.FixtureRequest, fork_server: ForkServer, host_rows: HostRows
) -> Baseline:
    return Baseline.of(request.param, fork_server, host_rows)
