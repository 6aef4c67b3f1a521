"""Confirm a request or a hold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.ledger import entries
from bookings.models import Booking, BookingEvent
from bookings.models.arguments import saved_booking
from bookings.services import references
from bookings.services.booking_change import (
    Change,
    LockedBooking,
    apply_transition,
    change_booking,
    check_not_lapsed,
    check_version,
)
from bookings.services.client_details import ClientDetails
from bookings.services.pending_revalidation import (
    REVALIDATED_FIELDS,
    read_request,
    revalidate,
    revalidate_request,
)


def confirm_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    client_name: str | None = None,
    client_email: str | None = None,
    client_phone: str | None = None,
    client_user: Any = None,
    notes_client: str | None = None,
    metadata: dict[str, Any] | None = None,
    answers: dict[str, Any] | None = None,
    override_policy: bool = False,
    expected_version: int | None = None,
) -> Booking:
    """Confirm a pending booking: the provider accepts a request, or a hold becomes a booking.

    PENDING → CONFIRMED. A confirmed booking is returned as it is. The client details that are given
    are stored; a hold without a client's name needs one now.

    What may have changed since the booking was made is checked again:

    - the service and the provider are active, and are of the booking's tenant;
    - the start has not passed;
    - for a hold: the client's required questions are answered;
    - for another client than before: the limits and the duplicate guard;
    - for a request: the service still takes bookings of this kind, the provider still offers it,
      and the slot engine, if its signature has ``override_policy``, still offers the start. Notice
      is not checked again.

    ``override_policy`` lifts all of these but the tenant and the duplicate guard.

    :param booking: the booking to change; it is refreshed and returned.
    :param actor: the user who makes the change, or ``None``; the history records it.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param client_name: the client's name; ``None`` keeps the stored one.
    :param client_email: the client's e-mail address; ``None`` keeps the stored one.
    :param client_phone: the client's phone number; ``None`` keeps the stored one.
    :param client_user: the client's user account; ``None`` keeps the stored one.
    :param notes_client: notes of the client; ``None`` keeps the stored ones.
    :param metadata: a JSON Merge Patch for ``metadata``, as for :func:`merge_metadata`; ``None``
        changes nothing.
    :param answers: answers to the questions of the service, by name, which are added to the stored
        ones; ``None`` changes nothing.
    :param override_policy: staff only; lift the rules that the description names.
    :param expected_version: the ``version`` of the booking that the caller has read; ``None``
        accepts any version.
    :returns: the booking that was passed, refreshed.
    :raises InvalidTransition: the booking has another status, or has lapsed (code
        ``hold_expired``).
    :raises ProviderNotOffered: the provider of a request does not offer the service any more.
    :raises PastStart: the start has passed while the booking was pending.
    :raises SlotUnavailable: the slot engine does not offer the start of a request any more.
    :raises LimitReached: the client has as many bookings as a limit allows.
    :raises DuplicateBooking: the client has a similar booking.
    :raises TenantMismatch: the service or the provider belongs to another tenant by now.
    :raises NotAllowed: the service or the provider is not active, the service does not take such
        bookings any more, or the adapter does not permit the actor to do this.
    :raises InvalidBooking: an argument is invalid or cannot be stored, or the client has no name
        (code ``no_client``).
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises StaleBooking: the version of the booking is not ``expected_version``.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    details = ClientDetails(
        client_name, client_email, client_phone, client_user, notes_client, metadata, answers
    )
    saved_booking(booking)
    now, actor = references.resolve_now(now_dt), references.saved_user(actor, "actor")
    request = None if override_policy else read_request(booking, now=now)
    if request is not None:
        check_version(request, expected_version)
        revalidate_request(request, actor=actor, now=now)
    return confirm_revalidated(
        booking,
        details,
        actor=actor,
        now=now,
        override_policy=override_policy,
        expected_version=expected_version,
    )


def confirm_revalidated(
    booking: Booking,
    details: ClientDetails,
    *,
    actor: Any,
    now: datetime,
    override_policy: bool = False,
    expected_version: int | None = None,
) -> Booking:
    """Confirm a booking after :func:`~bookings.services.pending_revalidation.revalidate_request`.

    A caller that holds the calendar's lock has asked that before the lock.
    """
    limit_check = details.limit_check(booking, override_policy=override_policy)

    def decide(locked: LockedBooking) -> Change | None:
        row = locked.row
        if row.status == Booking.Status.CONFIRMED:
            return None
        check_not_lapsed(row, locked.now)
        is_lapsing, was_hold = row.expires_at is not None, row.is_hold
        apply_transition(
            Booking.confirm,
            row,
            _("Only pending bookings can be confirmed; this one is: %(status)s."),
            now_dt=locked.now,
        )
        data = revalidate(
            locked, details, limit_check, override_policy=override_policy, was_hold=was_hold
        )
        if is_lapsing:
            entries.update_lapse(row, using=locked.using)
        return Change(BookingEvent.EventType.CONFIRMED, fields=REVALIDATED_FIELDS, data=data)

    return change_booking(
        booking,
        decide,
        verb="confirm",
        actor=actor,
        now_dt=now,
        expected_version=expected_version,
        limit_check=limit_check,
    )
