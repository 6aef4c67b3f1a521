"""Extend a hold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidBooking, InvalidTransition
from bookings.ledger import entries
from bookings.models import Booking, BookingEvent
from bookings.rules import instants, policies
from bookings.services import references
from bookings.services.booking_change import Change, LockedBooking, change_booking, check_not_lapsed
from bookings.services.history import old_and_new
from bookings.services.hold import hold_duration


def extend_hold(
    booking: Booking,
    *,
    minutes: int | None = None,
    expires_at: datetime | None = None,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
) -> Booking:
    """Extend a hold: it keeps its time until a later ``expires_at``, at most until its start.

    It records an UPDATED event; the status stays PENDING. A hold that lasts as long already is
    returned as it is.

    :param booking: the booking to change; it is refreshed and returned.
    :param minutes: the minutes from now until the hold lapses; ``None`` for
        ``BOOKINGS_HOLD_MINUTES``.
    :param expires_at: the instant at which the hold lapses, instead of ``minutes``.
    :param actor: the user who makes the change, or ``None``; the history records it.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param expected_version: the ``version`` of the booking that the caller has read; ``None``
        accepts any version.
    :returns: the booking that was passed, refreshed.
    :raises InvalidTransition: the booking is no hold (code ``no_hold``), as a request is none, or
        has lapsed (code ``hold_expired``).
    :raises InvalidBooking: an argument is invalid or cannot be stored, both ``minutes`` and
        ``expires_at`` are given, or ``expires_at`` has passed (code ``expires_in_the_past``).
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises NotAllowed: the adapter does not permit the actor to do this.
    :raises StaleBooking: the version of the booking is not ``expected_version``.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    now = references.resolve_now(now_dt)
    if minutes is not None and expires_at is not None:
        raise InvalidBooking(_("Pass minutes or expires_at, not both."))
    if expires_at is None:
        until = instants.add_elapsed(now, hold_duration(minutes, "minutes"))
    else:
        until = instants.aware_utc(expires_at, "expires_at")
        policies.check_expiry(until, now=now)

    def decide(locked: LockedBooking) -> Change | None:
        row = locked.row
        if not row.is_hold:
            raise InvalidTransition(
                _("Only a hold can be extended, and this booking is none: %(status)s."),
                "no_hold",
                {"status": row.get_status_display()},
            )
        check_not_lapsed(row, locked.now)
        was_past = row.start_at < row.created_at
        new_expiry = until if was_past else min(until, row.start_at)
        old = {"expires_at": row.expires_at}
        if row.expires_at is None or new_expiry <= row.expires_at:
            return None
        row.expires_at = new_expiry
        entries.update_lapse(row, using=locked.using)
        return Change(
            BookingEvent.EventType.UPDATED,
            fields=("expires_at",),
            data=old_and_new(old, {"expires_at": new_expiry}),
        )

    return change_booking(
        booking,
        decide,
        verb="extend",
        actor=actor,
        now_dt=now,
        expected_version=expected_version,
    )
