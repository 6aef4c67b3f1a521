"""Take time off, move it, and give it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bookings.contrib.schedule.models import TimeOff
    from bookings.contrib.schedule.models.time_off import TimeOffQuerySet


def save_time_off(
    time_off: TimeOff, *, using: str, update_fields: Iterable[str] | None = None
) -> None:
    raise NotImplementedError


def delete_time_off(
    rows: TimeOffQuerySet, delete: Callable[[TimeOffQuerySet], tuple[int, dict[str, int]]]
) -> tuple[int, dict[str, int]]:
    raise NotImplementedError
