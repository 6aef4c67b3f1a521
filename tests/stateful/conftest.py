from __future__ import annotations

import pytest
from hypothesis import settings

from tests.effort import sequences


@pytest.fixture(scope="session")
def effort() -> settings:
    return sequences(steps=40)
