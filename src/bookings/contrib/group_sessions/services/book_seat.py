"""Book seats of a session."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bookings.contrib.group_sessions.locked_session import write_alias
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.session_seats import SessionSeats, new_seat_booking
from bookings.models import Booking
from bookings.questions import given_answers
from bookings.rules import instants, validation
from bookings.services import references
from bookings.services.booking_creation import save_new_booking
from bookings.services.create import language_of


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
    answers: dict[str, Any] | None = None,
    client_language: str | None = None,
    client_timezone: str = "",
    idempotency_key: str | None = "",
    expires_at: datetime | None = None,
    override_policy: bool = False,
) -> Booking:
    """Book seats of a session for a client.

    The result is an ordinary booking that has the session's time. Its ``price_amount`` is the price
    of all seats. Add-ons are charged once, whatever the number of seats, and do not make the
    booking longer.

    :param session: the session, as the client has seen it.
    :param client_name: who books. It may be empty for a hold.
    :param client_email: the client's e-mail address.
    :param client_phone: the client's phone number.
    :param client_user: the client's account; ``None`` if there is none.
    :param seats: how many seats; 1 by default.
    :param addon_ids: the keys of the add-ons; ``None`` for none.
    :param created_by: the user who books, who may be the client or staff.
    :param now_dt: the current time; ``None`` for the clock's.
    :param notes_client: notes that the client writes.
    :param notes_internal: notes that only staff see.
    :param metadata: JSON of your own that is stored with the booking.
    :param answers: the answers to the questions of the service, by name.
    :param client_language: the code of the client's language; ``None`` for the active one.
    :param client_timezone: the IANA name of the client's time zone.
    :param idempotency_key: a key that you choose for this request. The same request with the same
        key, in the same tenant, returns the same booking again, unless it is an expired hold.
    :param expires_at: makes the booking a hold: PENDING, and expired at this instant unless it is
        confirmed; ``None`` for a booking.
    :param override_policy: staff only: lifts the service's booking window, inactive services and
        providers, limits, a closed booking, and the precedence of the waitlist.
    :returns: the booking: CONFIRMED, or PENDING if it is a hold or has to be approved.
    :raises SessionNotOpen: the session is cancelled, is over, has started, or is closed.
    :raises StaleSession: the session has another service, provider, time or price than ``session``.
    :raises AlreadyBooked: the client has an active booking in the session.
    :raises CapacityExceeded: fewer seats are free.
    :raises WaitlistRefused: in strict order, other clients come first (code ``others_wait``).
    :raises BookingError: whatever :func:`~bookings.services.create_booking` raises, but for
        ``SlotUnavailable``.
    """
    now = references.resolve_now(now_dt)
    using = write_alias(session)
    validation.whole_number(seats, "seats", at_least=1)
    if idempotency_key is not None:
        validation.validate_text("idempotency_key", idempotency_key)
    booking = new_seat_booking(
        session,
        using=using,
        party_size=seats,
        expires_at=None if expires_at is None else instants.aware_utc(expires_at, "expires_at"),
        client_name=client_name,
        client_email=client_email,
        client_phone=client_phone,
        client_user=references.saved_user(client_user, "client_user"),
        created_by=references.saved_user(created_by, "created_by"),
        notes_client=notes_client,
        notes_internal=notes_internal,
        metadata={} if metadata is None else metadata,
        answers=given_answers(answers),
        client_language=language_of(client_language),
        client_timezone=client_timezone,
        idempotency_key=idempotency_key or None,
        created_at=now,
    )
    return save_new_booking(
        booking,
        addon_ids=addon_ids,
        now=now,
        using=using,
        override_policy=override_policy,
        session_time=SessionSeats(session, override_policy=override_policy),
    )
