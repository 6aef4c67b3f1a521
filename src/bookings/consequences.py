"""What a change of a booking writes elsewhere, in the same transaction as the change itself.

What must not be lost, such as that a cancelled booking's money is to go back, is written by
:meth:`bookings.extensions.Extension.after_event`, not by the receiver of a signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bookings import extensions


def apply_event(booking_ids: Sequence[Any], event_type: str, *, using: str, now: datetime) -> None:
    """Let every extension write what follows from this event, which has just been stored."""
    for extension in extensions.registered():
        extension.after_event(booking_ids, event_type, using=using, now=now)


def apply_deletion(interval_ids: Sequence[int], *, using: str) -> None:
    """Let every extension write what follows from the release of these claims."""
    for extension in extensions.registered():
        extension.after_deletion(interval_ids, using=using)
