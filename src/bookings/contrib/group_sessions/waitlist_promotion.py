"""Promote an entry of a waitlist: book its seats, or hold them while they are offered."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import DatabaseError

from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.contrib.group_sessions import signals
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.session_seats import (
    ENTRY_FIELDS,
    UNCHANGED_FIELDS,
    SessionSeats,
    new_seat_booking,
)
from bookings.exceptions import BookingBusy, BookingError
from bookings.ledger.transactions import send_on_commit
from bookings.models import Booking
from bookings.rules import policies, service_rules
from bookings.services.booking_creation import check_new_booking, store_new_booking
from bookings.services.new_booking import NewBooking

logger: Final = logging.getLogger(__name__)

# What a booking of the entry takes over, besides the client and what the client agrees to.
BASIS_OF_ENTRY: Final = ("party_size", "created_by_id")
BASIS_OF_SESSION: Final = (
    "tenant_id",
    "buffer_before_minutes",
    "buffer_after_minutes",
    "waitlist_offer_minutes",
)


@dataclass(frozen=True, slots=True)
class Promotion:
    """The booking of an entry, which the adapter has been asked about, or what it has raised."""

    basis: tuple[Any, ...]
    """What the booking was made of: with other values, the adapter has to be asked again."""
    result: NewBooking | Exception

    @classmethod
    def prepare(
        cls,
        entry: WaitlistEntry,
        session: Session,
        *,
        using: str,
        now: datetime,
        actor: Any = None,
        override_policy: bool = False,
    ) -> Promotion:
        """Ask the adapter about the booking, with or without a lock. Nothing is written.

        ``actor`` is the user who promotes; ``None`` for an automatic promotion.
        """
        basis = _basis(entry, session)
        try:
            draft = new_seat_booking(
                session,
                entry,
                using=using,
                party_size=entry.party_size,
                expires_at=_offer_expiry(session, now),
                created_at=now,
            )
            if actor is not None:
                draft.created_by = actor
            seats = SessionSeats(session, from_waitlist=True, override_policy=override_policy)
            new = check_new_booking(
                draft, (), seats, now=now, using=using, override_policy=override_policy
            )
        except (BookingBusy, DatabaseError):
            raise
        except Exception as error:  # noqa: BLE001 - the same as in the promotion itself
            return cls(basis, error)
        return cls(basis, new)

    def is_of(self, entry: WaitlistEntry, session: Session) -> bool:
        """Return whether the rows, which were read under the lock, still give this booking."""
        return self.basis == _basis(entry, session)

    def store(self, *, using: str, now: datetime) -> Booking:
        """Store the booking under the lock; raise what the adapter has raised."""
        if isinstance(self.result, Exception):
            raise self.result
        return store_new_booking(self.result, {}, now=now, using=using)


def _basis(entry: WaitlistEntry, session: Session) -> tuple[Any, ...]:
    of_entry = (getattr(entry, name) for name in ("pk", *ENTRY_FIELDS, *BASIS_OF_ENTRY))
    of_session = (getattr(session, name) for name in ("pk", *UNCHANGED_FIELDS, *BASIS_OF_SESSION))
    return (*of_entry, *of_session)


def promote(
    entry: WaitlistEntry,
    session: Session,
    *,
    using: str,
    now: datetime,
    actor: Any = None,
    override_policy: bool = False,
    prepared: Promotion | None = None,
) -> None:
    """Book the seats for a waiting entry, or hold them for as long as the session offers them.

    Both rows are locked. ``prepared`` was made before the lock, with the same arguments; the
    adapter is asked again only if the rows have changed since. ``actor`` is the user who promotes;
    ``None`` for an automatic promotion.
    """
    if prepared is None or not prepared.is_of(entry, session):
        prepared = Promotion.prepare(
            entry, session, using=using, now=now, actor=actor, override_policy=override_policy
        )
    booking = prepared.store(using=using, now=now)
    # A request for approval may expire too, so ``booking.expires_at`` does not tell an offer.
    is_offer = session.waitlist_offer_minutes is not None
    entry.status = WaitlistEntry.Status.OFFERED if is_offer else WaitlistEntry.Status.ACCEPTED
    entry.booking, entry.client_key, entry.unnotified_since = booking, None, now
    entry.save(using=using, update_fields=["status", "booking", "client_key", "unnotified_since"])
    send_on_commit(
        signals.waitlist_promoted, WaitlistEntry, using=using, entry=entry, booking=booking
    )


def try_to_promote(
    entry: WaitlistEntry,
    session: Session,
    *,
    using: str,
    now: datetime,
    prepared: Promotion | None = None,
) -> bool:
    """Promote an entry; return ``False`` if the rules forbid the booking or the adapter fails.

    The entry stores the reason as its ``refusal``, and keeps waiting.
    """
    try:
        promote(entry, session, using=using, now=now, prepared=prepared)
    except (BookingBusy, DatabaseError):
        raise
    except BookingError as error:
        # One client's limit, for example, must not keep another client from cancelling.
        refusal = error.booking_code
    except Exception as error:
        # Nor must an error of the host's adapter stop a run that expires everybody's holds.
        logger.exception("Waitlist entry %s could not be promoted.", entry.pk)
        refusal = type(error).__name__
    else:
        return True
    entry.refusal = refusal[: WaitlistEntry._meta.get_field("refusal").max_length]
    entry.save(using=using, update_fields=["refusal"])
    return False


def is_within_booking_window(session: Session, now: datetime) -> bool:
    """Return whether the service can still be booked: if not, no entry needs to be tried."""
    try:
        rules = service_rules.ServiceRules.of(
            session.service, default_currency=app_settings.DEFAULT_CURRENCY
        )
        policies.check_start(
            session.start_at,
            now=now,
            rules=rules,
            zone=lambda: get_adapter().time_zone(_draft(session)),
            allow_past=False,
            override=False,
        )
    except BookingError:
        return False
    return True


def _draft(session: Session) -> Booking:
    return Booking(
        tenant_id=session.tenant_id,
        service=session.service,
        provider=session.provider,
        start_at=session.start_at,
    )


def _offer_expiry(session: Session, now: datetime) -> datetime | None:
    if session.waitlist_offer_minutes is None:
        return None
    return min(now + timedelta(minutes=session.waitlist_offer_minutes), session.start_at)
