"""Several ways of doing one thing, timed in turns: what slows the machine slows them all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Turn = Callable[[], Any]


@dataclass(frozen=True)
class Result:
    """Medians, in milliseconds, and each one's ratio to the first contender's."""

    title: str
    milliseconds: dict[str, float]

    @property
    def ratios(self) -> dict[str, float]:
        measure = next(iter(self.milliseconds.values()))
        return {name: median / measure for name, median in self.milliseconds.items()}

    def table(self) -> str:
        width = max(map(len, self.milliseconds))
        rows = [
            f"  {name:<{width}}  {median:8.3f} ms  {self.ratios[name]:6.2f}"
            for name, median in self.milliseconds.items()
        ]
        return "\n".join([self.title, *rows])

    def as_json(self) -> dict[str, Any]:
        return {"title": self.title, "milliseconds": self.milliseconds, "ratios": self.ratios}


def contest(title: str, contenders: dict[str, Turn], *, rounds: int, warm_up: int = 50) -> Result:
    """Let each take a turn, ``rounds`` times over; the first is what the others are measured by."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(-warm_up, rounds):
        for name, turn in contenders.items():
            begun = time.perf_counter()
            turn()
            if number >= 0:
                taken[name].append(time.perf_counter() - begun)
    return Result(title, {name: 1000 * statistics.median(times) for name, times in taken.items()})
