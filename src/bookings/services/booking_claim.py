"""The claim of a booking that is to hold time again, or that has lost its time."""

from __future__ import annotations

from bookings import extensions
from bookings.conf import app_settings
from bookings.ledger import claims, entries, resource_claims
from bookings.models import Booking
from bookings.rules import service_rules
from bookings.services import references
from bookings.services.booking_change import LockedBooking


def claim_of(row: Booking, *, using: str) -> claims.Claim:
    """Return what a stored booking claims: its seats of a session, or else its own time.

    The booking's calendar is locked. Raises what an extension raises whose session does not take
    the booking any more.
    """
    for extension in extensions.implementing("claim"):
        if claim := extension.claim(row, using=using):
            return claim
    return own_claim(row, using=using)


def moved_claim(row: Booking, *, using: str) -> claims.Claim:
    """Return the claim of a locked row with new values; a seat keeps the time of its session."""
    interval_id = row.busy_interval_id
    if interval_id is None:
        return claim_of(row, using=using)
    if entries.is_session(interval_id, using=using):
        return claims.Claim.of_seats(row)
    return own_claim(row, using=using)


def claim_time(locked: LockedBooking) -> None:
    """Claim the time of a locked row that holds none, and of its resources.

    It sets the busy interval of the row. Raises ``BookingConflict``, ``ResourceTaken`` and
    ``CapacityExceeded``.
    """
    row = locked.row
    claim = claim_of(row, using=locked.using)
    row.busy_interval_id = entries.add(locked.calendars[row.provider_id], claim, using=locked.using)
    resources = resource_claims.read([row], using=locked.using)
    resource_claims.take(row, resources, claim, locked.calendars, using=locked.using)
    resource_claims.write_claims(resources, using=locked.using)


def own_claim(row: Booking, *, using: str) -> claims.Claim:
    """Return the claim of the booking's own time."""
    references.load_related(row, "service", using=using)
    rules = service_rules.ServiceRules.of(
        row.service, default_currency=app_settings.DEFAULT_CURRENCY
    )
    return claims.Claim.of(row, rules)
