from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.faults import acts, scenes
from tests.faults.cradle import Cradle
from tests.faults.rehearsal import Rehearsal
from tests.faults.scenes import SCENES, Scene, Stage
from tests.races import referee

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
def cradle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cradle]:
    """New processes, and a database that nobody else uses."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if ENGINE.endswith("sqlite3"):
        name = str(tmp_path_factory.mktemp("faults") / "faults.sqlite3")
    else:
        name = f"{settings.DATABASES['default']['NAME']}_faults{worker}"
    with Cradle() as opened:
        opened.use(NAME=opened.run(referee.make_database, name=name))
        yield opened
        opened.run(referee.drop_database)


@pytest.fixture(scope="session")
def stage(cradle: Cradle) -> Stage:
    made: Stage = cradle.run(scenes.make_stage)
    return warmed_up(cradle, made, SCENES[0])


def warmed_up(cradle: Cradle, stage: Stage, scene: Scene) -> Stage:
    arranged = cradle.run(acts.set_scene, stage, scene)
    cradle.warm_up(acts.look_and_make_the_call_again, stage, scene, arranged)
    return stage


@pytest.fixture(scope="module", params=SCENES, ids=str)
def rehearsal(request: pytest.FixtureRequest, cradle: Cradle, stage: Stage) -> Rehearsal:
    return Rehearsal.of(request.param, cradle, stage)
