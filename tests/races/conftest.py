from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.races import referee
from tests.races.track import Track

RACERS = 16


@pytest.fixture(scope="session")
def rounds() -> int:
    """How often a race is run; ``BOOKINGS_TEST_RACE_ROUNDS`` for more."""
    return int(os.environ.get("BOOKINGS_TEST_RACE_ROUNDS") or 2)


@pytest.fixture(scope="session")
def track(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Track]:
    """Sixteen processes and a database that nobody else uses."""
    database = settings.DATABASES["default"]
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if database["ENGINE"].endswith("sqlite3"):
        name = str(tmp_path_factory.mktemp("races") / "races.sqlite3")
    else:
        name = f"{database['NAME']}_races{worker}"
    with Track(name, RACERS) as opened:
        yield opened


@pytest.fixture
def unguarded(track: Track) -> Iterator[Track]:
    """The same without the database's own guard against overlaps."""
    track.ask(referee.drop_constraint)
    yield track
    track.ask(referee.restore_constraint)
