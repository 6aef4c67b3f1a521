from __future__ import annotations

import pytest
from hypothesis import settings

from tests.quick_run import sequences


@pytest.fixture(scope="session")
def sequence_settings() -> settings:
    return sequences(steps=40)
