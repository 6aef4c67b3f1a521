from __future__ import annotations

import pytest

from tests.faults.baseline import Baseline
from tests.faults.conftest import warmed_up
from tests.faults.contrib import group_sessions, payments, schedule, series
from tests.faults.contrib.host_rows import make_host_rows
from tests.faults.fork_server import ForkServer
from tests.faults.scenarios import HostRows

SCENARIOS = [*payments.ALL, *group_sessions.ALL, *series.ALL, *schedule.ALL]


@pytest.fixture(scope="session")
def host_rows(fork_server: ForkServer) -> HostRows:
    made: HostRows = fork_server.run(make_host_rows)
    return warmed_up(fork_server, made, SCENARIOS[0])


@pytest.fixture(scope="module", params=SCENARIOS, ids=str)
def baseline(
    request: pytest.FixtureRequest, fork_server: ForkServer, host_rows: HostRows
) -> Baseline:
    return Baseline.of(request.param, fork_server, host_rows)
