"""A worker that lists what is free in a month of its first provider, open from 8 to 20."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.benchmarks.workers.worker import FIRST_DAY, Worker

OPENS, CLOSES = 8, 20
DAYS: Final = [(FIRST_DAY + timedelta(days=number)).date() for number in range(30)]
STEP_MINUTES: Final = 15


class MonthWorker(Worker):
    listings: dict[str, Callable[[], list[datetime]]]
    """The starts of an hour that are free, each in one way of asking."""

    @abstractmethod
    def claim(self, *, claims: list[tuple[int, int]]) -> None:
        """Open the provider, and take these times (Unix seconds)."""

    def list_month(self, *, way: str) -> dict[str, Any]:
        began = time.perf_counter()
        starts = self.listings[way]()
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "starts": [int(start.timestamp()) for start in starts]}


def moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
