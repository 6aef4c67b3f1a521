"""The instants that the tests agree on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

NOW: Final = datetime(2030, 1, 7, 9, 0, tzinfo=UTC)
START: Final = NOW + timedelta(days=1)
"""When a booking starts unless a test says otherwise."""

SECOND: Final = timedelta(seconds=1)
MICROSECOND: Final = timedelta(microseconds=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)
