"""The duplicate guard: refuse a second booking of a client for nearly the same start."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.conf import app_settings
from bookings.exceptions import DuplicateBooking
from bookings.ledger.locked import fresh
from bookings.models import Booking
from bookings.services import references
from bookings.services.limit_filters import active_at
from bookings.services.loaded_bookings import LoadedBookings
from bookings.services.same_client import same_client_for_service


def check_duplicate(
    booking: Booking, *, now: datetime, using: str, among: LoadedBookings | None = None
) -> None:
    """Raise ``DuplicateBooking`` if the client has an active booking for nearly the same start.

    It counts bookings of the same service and provider whose starts differ by at most
    ``BOOKINGS_DUPLICATE_GUARD_MINUTES``. The caller holds the calendar's lock. With ``among``, it
    makes no query.
    """
    if guard_window() is not None:
        references.load_related(booking, "service", using=using)
    condition = similar_bookings(booking, now)
    if condition is None:
        return
    if among is None:
        stored = Booking.objects.using(using).filter(condition).exclude(pk=booking.pk)
        found = bool(fresh(stored).values_list("pk")[:1])
    else:
        found = any(among.select(condition, other_than=booking))
    if found:
        raise duplicate_error()


def duplicate_error() -> DuplicateBooking:
    return DuplicateBooking(
        _("A similar booking already exists within the duplicate guard window.")
    )


def guard_window() -> timedelta | None:
    """Return how far apart the starts of two similar bookings may be; ``None`` if it is off."""
    minutes = app_settings.DUPLICATE_GUARD_MINUTES
    return timedelta(minutes=minutes) if minutes > 0 else None


def similar_bookings(booking: Booking, now: datetime) -> Q | None:
    """Return a filter for the bookings that the guard counts; ``None`` if it is off.

    The service is loaded.
    """
    guard = guard_window()
    if guard is None:
        return None
    # A lapsed hold is an abandoned checkout, to which the client may come back.
    return active_at(now) & Q(
        same_client_for_service(booking),
        provider_id=booking.provider_id,
        service_id=booking.service_id,
        start_at__gte=booking.start_at - guard,
        start_at__lte=booking.start_at + guard,
    )
