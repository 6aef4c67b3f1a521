"""What sessions there are, and where somebody stands in a waitlist; nothing here writes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.models import Booking
from bookings.services import inputs


def list_sessions(
    *,
    service: Any = None,
    provider: Any = None,
    tenant: Any = None,
    now_dt: datetime | None = None,
) -> QuerySet[Session]:
    """Sessions that are still to come, soonest first, with their seats; full ones as well."""
    sessions = Session.objects.upcoming(inputs.moment(now_dt)).with_seats()
    wanted = {"service": service, "provider": provider, "tenant": tenant}
    return sessions.filter(**{name: value for name, value in wanted.items() if value is not None})


def position(entry: WaitlistEntry) -> int | None:
    """The place in the queue, from 1; ``None`` for who does not wait any more."""
    ahead = (
        Q(priority__gt=entry.priority)
        | Q(priority=entry.priority, joined_at__lt=entry.joined_at)
        | Q(priority=entry.priority, joined_at=entry.joined_at, pk__lte=entry.pk)
    )
    waiting = WaitlistEntry.objects.waiting().filter(session=entry.session_id)
    if not waiting.filter(pk=entry.pk).exists():
        return None
    return waiting.filter(ahead).count()


def bookings_of(session: Session) -> QuerySet[Booking]:
    """Who comes: the session's active bookings, in the order in which they were made."""
    return Booking.objects.active().filter(seat__session=session).order_by("pk")
