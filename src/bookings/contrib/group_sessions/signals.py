"""Signals about sessions and waitlists, sent after the transaction has been committed.

Every receiver gets ``using``, the alias of the database, and the arguments named below. An error in
a receiver is logged and does not keep the other receivers from being called. The bookings of a
session send the signals of the core.
"""

from __future__ import annotations

from typing import Final

from django.dispatch import Signal

session_created: Final = Signal()
"""A session was published. Sends ``session``."""

session_updated: Final = Signal()
"""A session was changed. Sends ``session``, and ``changed``, the names of the changed fields."""

session_cancelled: Final = Signal()
"""A session was cancelled. Sends ``session``."""

waitlist_joined: Final = Signal()
"""A client joined a waitlist. Sends ``entry``."""

waitlist_promoted: Final = Signal()
"""A waiting client was booked, or was offered seats until ``booking.expires_at``. Sends ``entry``
and ``booking``.
"""

waitlist_left: Final = Signal()
"""A client left the waitlist, or the offer or the session ended. Sends ``entry``."""
