"""Cancel a booking and release its time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bookings.exceptions import InvalidTransition, NotAllowed
from bookings.models import Booking, BookingEvent
from bookings.rules import policies, validation
from bookings.services.booking_change import Change, LockedBooking, apply_transition, change_booking
from bookings.services.history import on_behalf_data


def cancel_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    reason: str = "",
    by: str = "client",
    override_policy: bool = False,
    expected_version: int | None = None,
) -> Booking:
    """Cancel a booking and release its time.

    PENDING or CONFIRMED → CANCELLED. A cancelled booking is returned as it is. ``override_policy``
    lifts the booking's ``cancellation_allowed``, its cancellation notice, and that it must not have
    begun.

    With ``by="provider"``, everything that was paid is to be refunded, whatever the refund policy.
    It lifts no rule: the two arguments are independent of each other.

    :param booking: the booking to change; it is refreshed and returned.
    :param actor: the user who makes the change, or ``None``; the history records it.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param reason: why, for the client; it is stored on the booking and in the history.
    :param by: on whose behalf the booking is cancelled, ``client`` or ``provider``; the history
        records the provider.
    :param override_policy: staff only; lift the rules that the description names.
    :param expected_version: the ``version`` of the booking that the caller has read; ``None``
        accepts any version.
    :returns: the booking that was passed, refreshed.
    :raises InvalidTransition: the booking has another status.
    :raises NoticeWindow: less than the cancellation notice remains before the start, or the booking
        has begun (code ``booking_started``).
    :raises NotAllowed: ``cancellation_allowed`` of the booking is false, or the adapter does not
        permit the actor to do this.
    :raises InvalidBooking: an argument is invalid or cannot be stored.
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises StaleBooking: the version of the booking is not ``expected_version``.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    return change_booking(
        booking,
        decide_cancellation(reason=reason, by=by, override_policy=override_policy),
        verb="cancel",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
    )


def decide_cancellation(
    *, reason: str, by: str, override_policy: bool
) -> Callable[[LockedBooking], Change | None]:
    """Return what decides on the change of each booking to be cancelled.

    Raises ``InvalidBooking`` for a ``reason`` that is no text, and for a ``by`` that is none of
    ``ON_BEHALF_OF``.
    """
    validation.validate_text("reason", reason)
    data = {"reason": reason} | on_behalf_data(by)

    def decide(locked: LockedBooking) -> Change | None:
        row = locked.row
        if row.status == Booking.Status.CANCELLED:
            return None
        if not row.holds_time:
            raise InvalidTransition(_("Only pending or confirmed bookings can be cancelled."))
        if not override_policy:
            check_cancellable(row, locked.now)
        apply_transition(
            Booking.cancel, row, "", now_dt=locked.now, actor=locked.actor, reason=reason
        )
        return Change(BookingEvent.EventType.CANCELLED, message=reason, data=data)

    return decide


@lru_cache(maxsize=64)
def _too_late(minutes: int) -> Any:
    """Return the message; a series needs it for each start, and to make it takes a while."""
    return ngettext_lazy(
        "Cannot cancel within the notice window (%(minutes)d minute).",
        "Cannot cancel within the notice window (%(minutes)d minutes).",
        minutes,
    )


def check_cancellable(row: Booking, now: datetime) -> None:
    """Raise ``NotAllowed`` or ``NoticeWindow`` if the booking's rules forbid cancelling now."""
    if not row.cancellation_allowed:
        raise NotAllowed(_("Cancellations are not allowed for this booking."))
    minutes = row.cancellation_notice_minutes
    policies.check_notice(
        row.start_at,
        now=now,
        notice_minutes=minutes,
        too_late=_too_late(minutes),
        has_begun=_(
            "The booking has begun. Only staff may still cancel it, by overriding the policy."
        ),
    )
