"""Who a client is: the account, else the e-mail address, else the phone number, else the name.

The first of these that a booking has is what its client is known by. It stands on other bookings
too, whether or not they have a better one: who gives an e-mail address alone is taken for whoever
has given it together with an account.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from django.db.models import Q

if TYPE_CHECKING:
    from bookings.models import Booking


def same_client(booking: Booking) -> Q:
    """The bookings of a booking's client; none where there is no client yet."""
    for lookup, value in _known_by(booking):
        return Q((lookup, value))
    return Q(pk__in=())


def keys(booking: Booking) -> list[str]:
    """What to lock before a client's bookings are counted, in the order to lock it in.

    One digest for everything that the client can be known by, so that whoever could count this
    booking meets whoever makes it. A digest of another tenant's is another one.
    """
    return sorted(
        # Coarser than any database compares: a lock too many does no harm.
        sha256(f"{booking.tenant_id}:{lookup}:{value}".upper().casefold().encode()).hexdigest()
        for lookup, value in _known_by(booking)
    )


def key(of: Any) -> str | None:
    """A digest of what a booking's client is known by, for a unique constraint within a tenant;
    ``None`` while there is no client.

    ``of`` is a booking, or whatever has a client's name, e-mail address, phone number and account.
    """
    for lookup, value in _known_by(of):
        return sha256(f"{lookup}:{value}".upper().casefold().encode()).hexdigest()
    return None


def _known_by(booking: Booking) -> Iterator[tuple[str, Any]]:
    if booking.client_user_id is not None:
        yield "client_user_id", booking.client_user_id
    if booking.client_email:
        yield "client_email__iexact", booking.client_email
    if booking.client_phone:
        yield "client_phone", booking.client_phone
    if booking.client_name:
        yield "client_name", booking.client_name
