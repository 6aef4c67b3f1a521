"""How often the client has moved a booking, and whether the client may do so again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bookings.exceptions import LimitReached
from bookings.ledger.locked import fresh
from bookings.models import Booking, BookingEvent


def count_reschedules(
    booking_ids: Collection[Any], *, using: str, lock: bool = False
) -> Mapping[Any, int]:
    """Return how often the client has moved each booking, by its key; one query for all.

    A move is another start or another provider; other add-ons are none. What was moved on the
    provider's behalf does not count. ``lock`` reads what is stored now, where the transaction may
    have an older snapshot.
    """
    events = BookingEvent.objects.using(using).filter(
        booking__in=booking_ids, event_type=BookingEvent.EventType.RESCHEDULED
    )
    counts: Counter[Any] = Counter()
    for event in fresh(events) if lock else events:
        data = event.data
        counts[event.booking_id] += data.get("by") != "provider" and any(
            data.get(f"old_{name}") != data.get(f"new_{name}") for name in ("start_at", "provider")
        )
    return counts


def check_reschedule_count(row: Booking, before: Booking, count: int) -> None:
    """Raise ``LimitReached`` if the client has moved the booking as often as it allows.

    ``before`` is a copy of the row as it is stored.
    """
    most = row.max_reschedules
    if most is None or not is_moved(row, before) or count < most:
        return
    raise LimitReached(
        _("This booking cannot be moved. Ask staff to move it.")
        if most == 0
        else ngettext_lazy(
            "This booking can be moved %(most)d time, and has been. Ask staff to move it.",
            "This booking can be moved %(most)d times, and has been. Ask staff to move it.",
            "most",
        ),
        limit="max_reschedules",
        most=most,
    )


def is_moved(row: Booking, before: Booking) -> bool:
    """Return whether the row has another start or provider than ``before``."""
    return (row.start_at, row.provider_id) != (before.start_at, before.provider_id)


def check_reschedules_left(
    row: Booking, before: Booking, *, using: str, lock: bool, by: str, override_policy: bool
) -> None:
    """Raise ``LimitReached`` for one move too many of the client's; one query if there is a limit.

    Staff lift the limit, and what is moved on the provider's behalf does not count.
    """
    if override_policy or by == "provider" or row.max_reschedules is None:
        return
    count = count_reschedules([row.pk], using=using, lock=lock)[row.pk]
    check_reschedule_count(row, before, count)
