"""Filters for the bookings that count for a limit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any, Final

from django.db.models import Q

from bookings.conf import PREFIX, app_settings
from bookings.models import Booking, client_identity
from bookings.rules import validation
from bookings.rules.limits import WEEKDAYS, Limits, Window, day_window, week_window
from bookings.services.same_client import same_client_for_service


def booking_week(start_at: datetime, zone: tzinfo) -> Window:
    """Return the week in which a booking starts.

    Raises ``InvalidBooking`` for a first day of the week that the setting does not take.
    """
    first_day = validation.one_of(
        app_settings.FIRST_DAY_OF_WEEK, f"{PREFIX}FIRST_DAY_OF_WEEK", WEEKDAYS
    )
    return week_window(start_at, zone, first_day)


# The window of time in which each limit of a client counts; ``None`` counts all active bookings.
# A service's own limit, named "service_…", counts in the same window.
CLIENT_LIMITS: Final[dict[str, Callable[[datetime, tzinfo], Window] | None]] = {
    "max_active_bookings_per_client": None,
    "max_bookings_per_client_per_day": day_window,
    "max_bookings_per_client_per_week": booking_week,
}
PROVIDER_LIMIT: Final = "provider_max_bookings_per_day"
OVERLAP_LIMIT: Final = "prevent_client_overlap"

# A booking that took place, or should have, counts for its day.
PAST_STATUSES: Final = (Booking.Status.DELIVERED, Booking.Status.COMPLETED, Booking.Status.NO_SHOW)


def active_at(now: datetime) -> Q:
    """Return a filter for confirmed bookings, and for pending ones that have not lapsed."""
    return Q(status=Booking.Status.CONFIRMED) | Q(
        Q(expires_at__isnull=True) | Q(expires_at__gt=now), status=Booking.Status.PENDING
    )


def of_provider(row: Booking, *, zone: tzinfo, now: datetime) -> Q:
    """Return a filter for the bookings of the provider that count for the row's day."""
    return Q(_within(day_window(row.start_at, zone), now), provider_id=row.provider_id)


def counted_start(row: Booking, before: Booking | None, zone: tzinfo) -> datetime | None:
    """Return the start of the stored booking if the row's provider and day count it already."""
    if before is None or before.provider_id != row.provider_id:
        return None
    return before.start_at if _was_within(day_window(row.start_at, zone), before) else None


def of_client(row: Booking) -> Q:
    """Return a filter for the bookings of the row's client, within its tenant."""
    tenant: dict[str, Any] = (
        {"tenant_id__isnull": True} if row.tenant_id is None else {"tenant_id": row.tenant_id}
    )
    return Q(same_client_for_service(row), **tenant)


def client_filters(
    row: Booking, before: Booking | None, limits: Limits, *, zone: tzinfo, now: datetime
) -> dict[str, Q]:
    """Return the filters for what the limits of the client count, by the names of the limits."""
    if not limits.concern_clients:
        return {}
    # A new detail, such as an e-mail address, may identify another client.
    is_same_client = before is not None and client_identity.lock_keys(
        before
    ) == client_identity.lock_keys(row)
    active = active_at(now)
    filters = {}
    for name, window_of in CLIENT_LIMITS.items():
        window = None if window_of is None else window_of(row.start_at, zone)
        if is_same_client and (window is None or _was_within(window, before)):
            continue
        counted = active if window is None else _within(window, now)
        filters[name] = counted
        filters[f"service_{name}"] = counted & Q(service_id=row.service_id)
    if not (before is not None and is_same_client and _is_part(row, before)):
        filters[OVERLAP_LIMIT] = active & Q(start_at__lt=row.end_at, end_at__gt=row.start_at)
    return {name: condition for name, condition in filters.items() if getattr(limits, name)}


def _within(window: Window, now: datetime) -> Q:
    first, last = window
    counted = active_at(now) | Q(status__in=PAST_STATUSES)
    return counted & Q(start_at__gte=first, start_at__lt=last)


def _was_within(window: Window, before: Booking | None) -> bool:
    return before is not None and window[0] <= before.start_at < window[1]


def _is_part(row: Booking, before: Booking) -> bool:
    return before.start_at <= row.start_at and row.end_at <= before.end_at
