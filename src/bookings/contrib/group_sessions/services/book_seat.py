"""Book seats of a session."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bookings import policies
from bookings.contrib.group_sessions.locking import using_of
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.occasion import SeatOccasion
from bookings.contrib.group_sessions.seating import booking_in
from bookings.models import Booking
from bookings.services import inputs
from bookings.services.book import book


def book_seat(
    session: Session,
    *,
    client_name: str,
    client_email: str = "",
    client_phone: str = "",
    client_user: Any = None,
    seats: int = 1,
    addon_ids: Iterable[Any] | None = None,
    created_by: Any = None,
    now_dt: datetime | None = None,
    notes_client: str = "",
    notes_internal: str = "",
    metadata: dict[str, Any] | None = None,
    idempotency_key: str | None = "",
    expires_at: datetime | None = None,
    override_policy: bool = False,
) -> Booking:
    """Book ``seats`` of a session for a client; an ordinary booking, whose time is the session's.

    ``price_amount`` is what all of the seats cost; add-ons are charged once, and do not make it
    longer. ``override_policy`` (staff) lifts the service's window of
    booking, a closed booking, and the turn of those who wait. The rest is as for
    :func:`~bookings.services.create_booking`.

    Raises ``SessionNotOpen``, ``StaleSession``, ``AlreadyBooked``, ``CapacityExceeded``,
    ``WaitlistRefused`` (code ``others_wait``), and what ``create_booking`` raises but
    ``SlotUnavailable``.
    """
    now = inputs.moment(now_dt)
    using = using_of(session)
    policies.whole_number(seats, "seats", at_least=1)
    if idempotency_key is not None:
        inputs.text("idempotency_key", idempotency_key)
    booking = booking_in(
        session,
        using=using,
        party_size=seats,
        expires_at=None if expires_at is None else policies.instant(expires_at, "expires_at"),
        client_name=client_name,
        client_email=client_email,
        client_phone=client_phone,
        client_user=inputs.user(client_user, "client_user"),
        created_by=inputs.user(created_by, "created_by"),
        notes_client=notes_client,
        notes_internal=notes_internal,
        metadata={} if metadata is None else metadata,
        idempotency_key=idempotency_key or None,
        created_at=now,
    )
    return book(
        booking,
        addon_ids=addon_ids,
        now=now,
        using=using,
        override_policy=override_policy,
        occasion=SeatOccasion(session, override_policy=override_policy),
    )
