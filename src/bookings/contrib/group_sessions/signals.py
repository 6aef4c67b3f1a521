"""What happened to sessions and waitlists, told once the transaction has committed.

Receivers get ``using`` (the database's alias) and what is said below. A receiver that fails is
logged and does not keep the others from being called. What happens to the bookings of a session is
told by the core's signals.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from django.db import transaction
from django.dispatch import Signal

session_created: Final = Signal()
"""``session``."""

session_updated: Final = Signal()
"""``session`` and ``changed``, the names of what is different."""

session_cancelled: Final = Signal()
"""``session``."""

waitlist_joined: Final = Signal()
"""``entry``."""

waitlist_promoted: Final = Signal()
"""``entry`` and ``booking``: it is booked, or offered until ``booking.expires_at``."""

waitlist_left: Final = Signal()
"""``entry``: it has left, or its offer or its session has ended."""


def announce(signal: Signal, sender: type[Any], *, using: str, **said: Any) -> None:
    transaction.on_commit(
        partial(signal.send_robust, sender=sender, using=using, **said), using=using, robust=True
    )
