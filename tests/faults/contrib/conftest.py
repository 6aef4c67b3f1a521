from __future__ import annotations

import pytest

from tests.faults.conftest import warmed_up
from tests.faults.contrib import group_sessions, payments, schedule, series
from tests.faults.contrib.stage import make_stage
from tests.faults.cradle import Cradle
from tests.faults.rehearsal import Rehearsal
from tests.faults.scenes import Stage

SCENES = [*payments.ALL, *group_sessions.ALL, *series.ALL, *schedule.ALL]


@pytest.fixture(scope="session")
def stage(cradle: Cradle) -> Stage:
    made: Stage = cradle.run(make_stage)
    return warmed_up(cradle, made, SCENES[0])


@pytest.fixture(scope="module", params=SCENES, ids=str)
def rehearsal(request: pytest.FixtureRequest, cradle: Cradle, stage: Stage) -> Rehearsal:
    return Rehearsal.of(request.param, cradle, stage)
