"""When a pending booking lapses.

A request lapses at the adapter's deadline for the provider's answer; holds and requests lapse at
their start at the latest.
"""

from __future__ import annotations

from datetime import datetime

from bookings.adapters import get_adapter
from bookings.models import Booking
from bookings.rules import instants, policies


def request_approval(booking: Booking, *, now: datetime) -> None:
    """Make the booking a request, made now.

    It lapses at the adapter's deadline, at its start at the latest; never if there is no deadline
    or the start has passed.
    """
    booking.requested_at = now
    deadline = get_adapter().approval_deadline(booking, now)
    if deadline is None or booking.start_at <= now:
        booking.expires_at = None
        return
    booking.expires_at = min(instants.aware_utc(deadline, "approval_deadline"), booking.start_at)
    policies.check_expiry(booking.expires_at, now=now)


def limit_expiry(booking: Booking, *, now: datetime) -> None:
    """Let a new hold lapse at its start at the latest, unless the start has passed."""
    if booking.expires_at is not None and booking.start_at > now:
        booking.expires_at = min(booking.expires_at, booking.start_at)


def adjust_expiry(booking: Booking, old_start: datetime, *, now: datetime) -> None:
    """Adjust ``expires_at`` of a hold or request to its new start."""
    expiry = booking.expires_at
    if expiry is None or booking.start_at == old_start or booking.start_at <= now:
        return
    if expiry == old_start and booking.requested_at is not None:
        # The old start came before the deadline, so the deadline is not stored.
        deadline = get_adapter().approval_deadline(booking, booking.requested_at)
        if deadline is None:
            booking.expires_at = None
            return
        expiry = max(expiry, instants.aware_utc(deadline, "approval_deadline"))
    booking.expires_at = min(expiry, booking.start_at)
