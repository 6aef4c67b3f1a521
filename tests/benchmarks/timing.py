"""Several ways of doing one thing, timed in turns: what slows the machine slows them all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

Key = TypeVar("Key", bound=Hashable)

Turn = Callable[[], float]
"""Takes its turn, and returns the seconds that this took."""


@dataclass(frozen=True)
class Result:
    """A figure for each contender, and its ratio to the first one's."""

    benchmark: str
    title: str
    unit: str
    figures: dict[str, float]
    at: str = ""
    """Under what circumstances, where the same was measured under several."""
    notes: list[str] = field(default_factory=list)
    compared: bool = True
    """Whether the ratios say anything."""

    @property
    def ratios(self) -> dict[str, float]:
        if not self.compared:
            return {}
        measure = next(iter(self.figures.values()))
        return {name: figure / measure for name, figure in self.figures.items()}

    def table(self) -> str:
        width = max(map(len, self.figures), default=0)
        ratios = {name: f"{ratio:8.2f}" for name, ratio in self.ratios.items()}
        rows = [
            f"  {name:<{width}}  {self.format(figure):>12} {self.unit}  {ratios.get(name, '')}"
            for name, figure in self.figures.items()
        ]
        title = f"{self.title}, {self.at}" if self.at else self.title
        return "\n".join([title, *rows, *(f"  ({note})" for note in self.notes)])

    def format(self, figure: float) -> str:
        return f"{figure:,.2f}" if self.unit == "ms" else f"{figure:,.0f}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ratios": self.ratios}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Result:
        return cls(**{name: value for name, value in stored.items() if name != "ratios"})


def timed(action: Callable[[], Any]) -> Turn:
    def turn() -> float:
        began = time.perf_counter()
        action()
        return time.perf_counter() - began

    return turn


def take_turns(
    turns: Mapping[Key, Turn], *, rounds: int, warm_up: int | None = None
) -> dict[Key, float]:
    """Let each take a turn, ``rounds`` times over; the median of what each returned."""
    taken: dict[Key, list[float]] = {name: [] for name in turns}
    if warm_up is None:
        warm_up = min(50, rounds)
    for number in range(-warm_up, rounds):
        for name, turn in turns.items():
            seconds = turn()
            if number >= 0:
                taken[name].append(seconds)
    return {name: statistics.median(each) for name, each in taken.items()}


def in_milliseconds(seconds: Mapping[str, float]) -> dict[str, float]:
    return {name: 1000 * value for name, value in seconds.items()}
