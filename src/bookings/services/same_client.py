"""Which bookings are of the same client, for the rules that count a client's bookings."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from bookings.adapters import get_adapter
from bookings.models import Booking, client_identity
from bookings.rules import clients


def same_client_for_service(booking: Booking) -> Q:
    """Return a filter for the bookings of the client of a booking, whose service is loaded.

    Unlike :func:`bookings.models.client_identity.same_client`, it takes another name for another
    client where the seats of the service are named.
    """
    condition = client_identity.same_client(booking)
    if get_adapter().named_seats(booking.service):
        condition &= Q(client_name__iexact=booking.client_name)
    return condition


def has_same_name(one: Any, other: Any) -> bool:
    """Return whether two objects with a client have the same name, in one spelling."""
    return clients.normalize_name(one.client_name) == clients.normalize_name(other.client_name)
