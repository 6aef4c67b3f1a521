"""Signals: what happened to a booking, sent after the transaction has committed.

Receivers get ``booking``, ``event`` (the line of its history) and ``using`` (the alias of the
database). The error of a receiver is logged; the other receivers are called, and nothing is rolled
back.
"""

from __future__ import annotations

from typing import Final

from django.dispatch import Signal

booking_created: Final = Signal()
booking_confirmed: Final = Signal()
booking_declined: Final = Signal()
booking_rescheduled: Final = Signal()
booking_updated: Final = Signal()
booking_delivered: Final = Signal()
booking_completed: Final = Signal()
booking_disputed: Final = Signal()
booking_cancelled: Final = Signal()
booking_auto_cancelled: Final = Signal()
booking_expired: Final = Signal()
booking_no_show: Final = Signal()
booking_reopened: Final = Signal()
note_added: Final = Signal()

BY_EVENT: Final[dict[str, Signal]] = {
    "CREATED": booking_created,
    "CONFIRMED": booking_confirmed,
    "DECLINED": booking_declined,
    "RESCHEDULED": booking_rescheduled,
    "UPDATED": booking_updated,
    "DELIVERED": booking_delivered,
    "COMPLETED": booking_completed,
    "DISPUTED": booking_disputed,
    "CANCELLED": booking_cancelled,
    "AUTO_CANCELLED": booking_auto_cancelled,
    "EXPIRED": booking_expired,
    "NO_SHOW": booking_no_show,
    "REOPENED": booking_reopened,
    "NOTE_ADDED": note_added,
}
