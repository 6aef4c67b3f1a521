"""Ask the provider: a pending booking becomes a request, with a deadline for the answer.

What is pending lapses at its start at the latest, also once it has been moved.
"""

from __future__ import annotations

from datetime import datetime

from bookings import policies
from bookings.adapters import get_adapter
from bookings.models import Booking
from bookings.services import inputs


def ask(booking: Booking, *, now: datetime) -> None:
    """Make it a request of now, which lapses at the adapter's deadline or when it should start."""
    booking.requested_at = now
    deadline = get_adapter().approval_deadline(booking, now)
    if deadline is None or booking.start_at <= now:
        booking.expires_at = None
        return
    booking.expires_at = min(policies.instant(deadline, "approval_deadline"), booking.start_at)
    inputs.check_expiry(booking.expires_at, now=now)


def follow_start(booking: Booking, old_start: datetime, *, now: datetime) -> None:
    """Bring the end of a hold or request that has been moved in line with its new start."""
    until = booking.expires_at
    if until is None or booking.start_at == old_start or booking.start_at <= now:
        return
    if until == old_start and booking.requested_at is not None:
        # That start has cut its deadline short.
        deadline = get_adapter().approval_deadline(booking, booking.requested_at)
        if deadline is None:
            booking.expires_at = None
            return
        until = max(until, policies.instant(deadline, "approval_deadline"))
    booking.expires_at = min(until, booking.start_at)
