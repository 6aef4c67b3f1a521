"""Extend: a hold keeps its time for longer, because the client is still at it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings import ledger, policies
from bookings.conf import PREFIX, app_settings
from bookings.exceptions import InvalidBooking, InvalidTransition
from bookings.models import Booking, BookingEvent
from bookings.services import inputs
from bookings.services.changes import Change, Locked, change_booking, check_hold
from bookings.services.history import old_and_new


def extend_hold(
    booking: Booking,
    *,
    minutes: int | None = None,
    expires_at: datetime | None = None,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
) -> Booking:
    """Keep a hold's time for so many ``minutes`` from now, or until ``expires_at``.

    By default for ``BOOKINGS_HOLD_MINUTES``, and never beyond its start. A hold that lasts as long
    already is returned as it is. Raises ``InvalidTransition`` for one that has run out, and for
    what is no hold, also once it is a request that waits for approval.
    """
    now = inputs.moment(now_dt)
    if minutes is not None and expires_at is not None:
        raise InvalidBooking(_("Pass minutes or expires_at, not both."))
    if expires_at is None:
        until = policies.elapsed_end(now, length(minutes, "minutes"))
    else:
        until = policies.instant(expires_at, "expires_at")
        inputs.check_expiry(until, now=now)

    def decide(at: Locked) -> Change | None:
        row = at.row
        if not row.is_hold:
            raise InvalidTransition(
                _("Only a hold can be extended, and this booking is none: %(status)s."),
                "no_hold",
                {"status": row.get_status_display()},
            )
        check_hold(row, at.now)
        was_past = row.start_at < row.created_at
        longest = until if was_past else min(until, row.start_at)
        old = {"expires_at": row.expires_at}
        if row.expires_at is None or longest <= row.expires_at:
            return None
        row.expires_at = longest
        ledger.keep(row, using=at.using)
        return Change(
            BookingEvent.EventType.UPDATED,
            fields=("expires_at",),
            data=old_and_new(old, {"expires_at": longest}),
        )

    return change_booking(
        booking,
        decide,
        verb="extend",
        actor=actor,
        now_dt=now,
        expected_version=expected_version,
    )


def length(minutes: int | None, name: str) -> timedelta:
    """How long a hold is: so many minutes, or as the setting says."""
    if minutes is None:
        minutes, name = app_settings.HOLD_MINUTES, f"{PREFIX}HOLD_MINUTES"
    most = policies.MAX_MINUTES
    return timedelta(minutes=policies.whole_number(minutes, name, at_least=1, at_most=most))
