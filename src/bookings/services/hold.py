"""Hold time for a client."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Unpack

from bookings.conf import PREFIX, app_settings
from bookings.models import Booking
from bookings.pools import AnyOf
from bookings.protocols import ProviderLike, ServiceLike
from bookings.rules import instants, validation
from bookings.services import references
from bookings.services.create import create_booking
from bookings.services.options import HoldOptions


def hold_booking(
    *,
    service: ServiceLike,
    provider: ProviderLike | AnyOf,
    start_at: datetime,
    hold_minutes: int | None = None,
    client_name: str = "",
    **options: Unpack[HoldOptions],
) -> Booking:
    """Hold time for a client who is still choosing, filling in a form or paying.

    The new booking is PENDING, takes its time as any booking does, and releases it when the hold
    lapses: after ``hold_minutes``, and at its start at the latest. :func:`submit_hold` or
    :func:`confirm_booking` completes it, also with the client's details.

    :param service: the service, a saved instance of ``BOOKINGS_SERVICE_MODEL``.
    :param provider: the provider, a saved instance of ``BOOKINGS_PROVIDER_MODEL``, or
        :class:`~bookings.pools.AnyOf` several.
    :param start_at: the start, an aware datetime.
    :param hold_minutes: the minutes until the hold lapses; ``None`` for ``BOOKINGS_HOLD_MINUTES``.
    :param client_name: the client's name; it may be empty until the hold is completed.
    :param options: any other optional argument of :func:`create_booking` but ``expires_at``.
    :returns: the new booking, or the booking that the same ``idempotency_key`` made before; its
        start and its end are in the time zone of ``start_at``.
    :raises BookingError: as :func:`create_booking`.
    """
    now = references.resolve_now(options.get("now_dt"))
    options["now_dt"] = now
    starts = instants.aware_utc(start_at, "start_at")
    expires_at = instants.add_elapsed(now, hold_duration(hold_minutes, "hold_minutes"))
    return create_booking(
        service=service,
        provider=provider,
        start_at=start_at,
        client_name=client_name,
        expires_at=expires_at if starts <= now else min(expires_at, starts),
        **options,
    )


def hold_duration(minutes: int | None, name: str) -> timedelta:
    """Return the length of a hold: so many minutes, or ``BOOKINGS_HOLD_MINUTES``.

    Raises ``InvalidBooking`` with the ``name`` of the argument, or of the setting, if it is no
    positive whole number.
    """
    if minutes is None:
        minutes, name = app_settings.HOLD_MINUTES, f"{PREFIX}HOLD_MINUTES"
    most = validation.MAX_MINUTES
    return timedelta(minutes=validation.whole_number(minutes, name, at_least=1, at_most=most))
