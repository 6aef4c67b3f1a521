"""Submit a hold: the client completes a booking."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings.adapters import get_adapter
from bookings.exceptions import InvalidTransition
from bookings.ledger import entries
from bookings.models import Booking, BookingEvent
from bookings.services import approval
from bookings.services.booking_change import (
    Change,
    LockedBooking,
    apply_transition,
    change_booking,
    check_not_lapsed,
)
from bookings.services.client_details import ClientDetails
from bookings.services.history import field_values, old_and_new
from bookings.services.lapsed_holds import retry_claim_of
from bookings.services.limit_check import LimitCheck
from bookings.services.pending_revalidation import REVALIDATED_FIELDS, revalidate

REQUEST_FIELDS: Final = ("requires_approval", "requested_at", "expires_at")


def submit_hold(
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
    """Submit a hold: the client completes the booking, but does not approve it.

    A hold → CONFIRMED, or a request, PENDING until the provider answers, if the booking requires
    approval. A request lapses at the adapter's ``approval_deadline``, and records an UPDATED event.
    A request and a confirmed booking are returned as they are. The client details that are given
    are stored; a hold without a client's name needs one now.

    What may have changed since the hold was made is checked again, as by :func:`confirm_booking`
    for a hold. ``override_policy`` lifts all of it but the tenant and the duplicate guard.

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
    :raises PastStart: the start has passed while the booking was pending.
    :raises LimitReached: the client has as many bookings as a limit allows.
    :raises DuplicateBooking: the client has a similar booking.
    :raises TenantMismatch: the service or the provider belongs to another tenant by now.
    :raises NotAllowed: the service or the provider is not active, or the adapter does not permit
        the actor to do this.
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
    limit_check = details.limit_check(booking, override_policy=override_policy)

    def decide(locked: LockedBooking) -> Change | None:
        row = locked.row
        if not row.is_hold:
            if row.holds_time:
                # It is a request or a confirmed booking.
                return None
            raise InvalidTransition(
                _("Only a hold can be submitted; this booking is: %(status)s."),
                params={"status": row.get_status_display()},
            )
        check_not_lapsed(row, locked.now)
        return _submit(locked, details, limit_check, override_policy=override_policy)

    return change_booking(
        booking,
        decide,
        verb="submit",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
        limit_check=limit_check,
    )


def submit_expired_hold(booking: Booking, *, actor: Any, now: datetime) -> Booking:
    """Submit a hold that was completed in time, if that is reported after it has expired.

    It still holds its time, or claims it again, which fails if the time is taken. The limits are
    checked as for a new booking. It raises what :func:`submit_hold` raises, ``BookingConflict`` and
    ``CapacityExceeded``.
    """
    using = router.db_for_write(Booking, instance=booking)
    limit_check = LimitCheck(booking)

    def decide(locked: LockedBooking) -> Change:
        row = locked.row
        if row.status == Booking.Status.CANCELLED:
            apply_transition(Booking.reinstate, row, "")
        limit_check.check(row, now=now, using=using)
        return _submit(locked, ClientDetails(), None, override_policy=False)

    return retry_claim_of(
        booking,
        lambda: change_booking(
            booking, decide, verb="submit", actor=actor, now_dt=now, limit_check=limit_check
        ),
        now=now,
        using=using,
        own=booking.busy_interval_id,
    )


def _submit(
    locked: LockedBooking,
    details: ClientDetails,
    limit_check: LimitCheck | None,
    *,
    override_policy: bool,
) -> Change:
    row = locked.row
    data = revalidate(locked, details, limit_check, override_policy=override_policy, was_hold=True)
    before = field_values(row, REQUEST_FIELDS)
    row.requires_approval = get_adapter().requires_approval(row)
    if row.requires_approval:
        approval.request_approval(row, now=locked.now)
        event_type = BookingEvent.EventType.UPDATED
    else:
        row.confirm(locked.now)
        event_type = BookingEvent.EventType.CONFIRMED
    entries.update_lapse(row, using=locked.using)
    after = field_values(row, REQUEST_FIELDS)
    changed = {name for name in REQUEST_FIELDS if after[name] != before[name]}
    data |= old_and_new(
        {name: before[name] for name in changed}, {name: after[name] for name in changed}
    )
    return Change(event_type, fields=REVALIDATED_FIELDS, data=data)
