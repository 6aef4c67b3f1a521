from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings


@pytest.fixture(scope="session")
def effort() -> settings:
    """Some seconds' worth; ``BOOKINGS_TEST_EXAMPLES`` for more sequences than twenty."""
    return settings(
        max_examples=int(os.environ.get("BOOKINGS_TEST_EXAMPLES") or 20),
        stateful_step_count=40,
        # What a failure prints is enough to repeat it, so nothing has to be kept in a folder.
        print_blob=True,
        database=None,
        # A step is two dozen queries, so that it is slow says nothing.
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
