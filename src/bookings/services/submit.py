"""Submit: the client is done with a hold, and leaves the rest to the provider."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings import ledger
from bookings.adapters import get_adapter
from bookings.exceptions import InvalidTransition
from bookings.models import Booking, BookingEvent
from bookings.services import approval
from bookings.services.changes import Change, Locked, change_booking, check_hold
from bookings.services.details import Details
from bookings.services.history import old_and_new, values_of
from bookings.services.recheck import SETTLED, recheck

ASKED: Final = ("requires_approval", "requested_at", "expires_at")


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
    override_policy: bool = False,
    expected_version: int | None = None,
) -> Booking:
    """A hold → CONFIRMED, or a request that waits as PENDING for approval where it needs that.

    The client's part of :func:`confirm_booking`, with the same arguments, checks and errors: it
    never approves. A request lapses at the adapter's ``approval_deadline`` instead of when the hold
    would have run out, and records an UPDATED event. What is submitted already is returned as it
    is, and so is a confirmed booking.
    """
    details = Details(client_name, client_email, client_phone, client_user, notes_client, metadata)
    allowance = details.allowance(booking, override_policy=override_policy)

    def decide(at: Locked) -> Change | None:
        row = at.row
        if not row.is_hold:
            if row.holds_time:
                return None
            raise InvalidTransition(
                _("Only a hold can be submitted; this booking is: %(status)s."),
                params={"status": row.get_status_display()},
            )
        check_hold(row, at.now)
        data = recheck(at, details, allowance, override_policy=override_policy)
        before = values_of(row, ASKED)
        row.requires_approval = get_adapter().requires_approval(row)
        if row.requires_approval:
            approval.ask(row, now=at.now)
            event_type = BookingEvent.EventType.UPDATED
        else:
            row.confirm(at.now)
            event_type = BookingEvent.EventType.CONFIRMED
        ledger.keep(row, using=at.using)
        after = values_of(row, ASKED)
        changed = {name for name in ASKED if after[name] != before[name]}
        data |= old_and_new(
            {name: before[name] for name in changed}, {name: after[name] for name in changed}
        )
        return Change(event_type, fields=SETTLED, data=data)

    return change_booking(
        booking,
        decide,
        verb="submit",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
        allowance=allowance,
    )
