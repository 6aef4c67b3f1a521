"""What somebody who runs the benchmarks may choose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    rounds: int
    stored: list[int]
    history: list[int]
    stale: int
    environments: Path
    peers: bool
