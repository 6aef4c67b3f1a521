"""Every Tuesday at nine in Berlin, through the night on which its clocks go forward."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from bookings.contrib.series.services import SeriesResult, create_series
from tests.services.conftest import (  # noqa: F401 - fixtures
    group,
    make_addon,
    make_provider,
    make_service,
    other_provider,
    provider,
    service,
    staff,
    user,
)

BERLIN: Final = "Europe/Berlin"
NOW: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIRST: Final = datetime(2026, 3, 17, 9, 0)
"""What the clocks show: a Tuesday, twelve days before summer time."""
TUESDAYS: Final = (
    datetime(2026, 3, 17, 8, 0, tzinfo=UTC),
    datetime(2026, 3, 24, 8, 0, tzinfo=UTC),
    datetime(2026, 3, 31, 7, 0, tzinfo=UTC),
    datetime(2026, 4, 7, 7, 0, tzinfo=UTC),
)

Repeat = Callable[..., SeriesResult]


@pytest.fixture
def repeat(db: None, service: Any, provider: Any) -> Repeat:  # noqa: F811
    """``create_series`` with everything given that a test is not about."""

    def create(**values: Any) -> SeriesResult:
        given = {
            "rrule": "FREQ=WEEKLY;COUNT=4",
            "timezone": BERLIN,
            "start_at": FIRST,
            "service": service,
            "provider": provider,
            "client_name": "Mary",
            "now_dt": NOW,
        }
        return create_series(**(given | values))

    return create
