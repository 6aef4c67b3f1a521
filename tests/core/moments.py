"""The instants that the tests of this folder speak about: fixed, and far from any clock."""

from __future__ import annotations

from datetime import UTC, datetime

NOW = datetime(2131, 3, 5, 8, 0, tzinfo=UTC)


def at(hour: int, minute: int = 0, *, day: int = 6) -> datetime:
    """A time of the day after ``NOW``, in UTC."""
    return datetime(2131, 3, day, hour, minute, tzinfo=UTC)


def second(hour: int, minute: int = 0, *, day: int = 6) -> int:
    return int(at(hour, minute, day=day).timestamp())
