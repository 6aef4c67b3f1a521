"""A series on Tuesdays at nine in Berlin, across the start of summer time."""

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
"""Local time: a Tuesday, twelve days before the start of summer time."""
TUESDAYS: Final = (
    datetime(2026, 3, 17, 8, 0, tzinfo=UTC),
    datetime(2026, 3, 24, 8, 0, tzinfo=UTC),
    datetime(2026, 3, 31, 7, 0, tzinfo=UTC),
    datetime(2026, 4, 7, 7, 0, tzinfo=UTC),
)

MakeSeries = Callable[..., SeriesResult]


@pytest.fixture
def make_series(db: None, service: Any, provider: Any) -> MakeSeries:  # noqa: F811
    """Return ``create_series`` with default arguments."""

    def create(**values: Any) -> SeriesResult:
        defaults = {
            "rrule": "FREQ=WEEKLY;COUNT=4",
            "timezone": BERLIN,
            "start_at": FIRST,
            "service": service,
            "provider": provider,
            "client_name": "Mary",
            "now_dt": NOW,
        }
        return create_series(**(defaults | values))

    return create
