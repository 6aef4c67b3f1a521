"""The time zones of the ``tzdata`` package, and when each changes its offset.

The zones are read from the package, so the tests do not depend on the time-zone database of the
machine.
"""

from __future__ import annotations

import importlib.resources
import struct
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

SINCE: Final = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())
UNTIL: Final = int(datetime(2041, 1, 1, tzinfo=UTC).timestamp())
DAY: Final = 86_400


def _file(name: str) -> Traversable:
    return importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))


def _names() -> list[str]:
    """One name of each zone: many have several, whose files are copies."""
    every = importlib.resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return sorted({_file(name).read_bytes(): name for name in every.split()}.values())


NAMES: Final = _names()


@cache
def zone(name: str) -> ZoneInfo:
    with _file(name).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def changes(name: str) -> list[int]:
    """The instants from 2020 to 2040 at which the zone changes its offset, found day by day."""
    found = []
    offsets = [offset(name, day) for day in range(SINCE, UNTIL + DAY, DAY)]
    for number, (before, after) in enumerate(pairwise(offsets)):
        if before == after:
            continue
        low = SINCE + number * DAY
        high = low + DAY
        while high - low > 1:
            middle = (low + high) // 2
            if offset(name, middle) == before:
                low = middle
            else:
                high = middle
        found.append(high)
    return found


def offset(name: str, instant: int) -> int:
    shown = datetime.fromtimestamp(instant, zone(name)).utcoffset()
    assert shown is not None
    return shown // timedelta(seconds=1)


def written_changes(name: str) -> list[tuple[int, int]]:
    """The changes that the file lists (RFC 9636), each with the offset that it begins.

    After the last of them the file has a rule instead, which holds for ever.
    """
    data = _file(name).read_bytes()
    # A first block with 32-bit instants, for old readers; then the same with 64 bits.
    utc, standard, leaps, times, types, letters = struct.unpack(">6l", data[20:44])
    second = 44 + 5 * times + 6 * types + letters + 8 * leaps + standard + utc
    *_, times, types, _ = struct.unpack(">6l", data[second + 20 : second + 44])
    body = second + 44
    instants = struct.unpack_from(f">{times}q", data, body)
    numbers = data[body + 8 * times : body + 9 * times]
    offsets = [
        struct.unpack_from(">l", data, body + 9 * times + 6 * number)[0] for number in range(types)
    ]
    told = [(instant, offsets[number]) for instant, number in zip(instants, numbers, strict=True)]
    return [now for before, now in pairwise(told) if before[1] != now[1]]
