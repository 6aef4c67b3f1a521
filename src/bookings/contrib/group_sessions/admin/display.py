"""The numbers, bars and badges of a session in the list and on its page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings.admin.display import badge, status_badge
from bookings.conf import app_settings
from bookings.contrib.group_sessions.models import Seat, Session, WaitlistEntry
from bookings.models import Booking

NOT_ATTENDING = (Booking.Status.CANCELLED, Booking.Status.DECLINED)
IN_QUEUE = (WaitlistEntry.Status.WAITING, WaitlistEntry.Status.OFFERED)


def with_counts(sessions: QuerySet[Any]) -> QuerySet[Any]:
    """Annotate ``booked``, the seats of a session's bookings, and ``waiting``, its queue.

    ``booked`` counts completed bookings too, so it stays when the session is over.
    """
    seats = Seat.objects.filter(session=OuterRef("pk")).exclude(booking__status__in=NOT_ATTENDING)
    entries = WaitlistEntry.objects.filter(session=OuterRef("pk"), status__in=IN_QUEUE)
    annotated: QuerySet[Any] = sessions.annotate(
        booked=_per_session(seats, Sum("booking__party_size")),
        waiting=_per_session(entries, Count("pk")),
    )
    return annotated


def bookable_seats(session: Session, now: datetime) -> int:
    """Return how many seats the services would book now, those of expired holds included."""
    if not session.is_active or session.start_at <= now:
        return 0
    stale = Booking.objects.expired(now).filter(busy_interval=session.busy_interval_id)
    seats: int = stale.aggregate(seats=Coalesce(Sum("party_size"), 0))["seats"]
    return session.free_seats + seats


def _per_session(rows: QuerySet[Any], aggregate: Any) -> Coalesce:
    of_session = rows.order_by().values("session").annotate(number=aggregate).values("number")
    return Coalesce(Subquery(of_session, output_field=IntegerField()), 0)


def seats_bar(taken: int, capacity: int) -> SafeString:
    """Return ``7/10`` with a bar, and a sentence for screen readers."""
    label = _("%(taken)d of %(capacity)d seats taken") % {"taken": taken, "capacity": capacity}
    percent = min(100, round(100 * taken / capacity))
    return format_html(
        '<span class="bookings-seats{}" role="img" aria-label="{}">'
        '<svg width="64" height="8" aria-hidden="true"><rect width="100%" height="8" rx="4"/>'
        '<rect class="bookings-seats-taken" width="{}%" height="8" rx="4"/></svg>'
        '<span aria-hidden="true">{}/{}</span></span>',
        " bookings-seats-full" if taken >= capacity else "",
        label,
        percent,
        taken,
        capacity,
    )


def session_badge(session: Session, now: datetime) -> SafeString:
    """Return the badge of a session's status, or that it is running or full, which no status is."""
    if session.is_active and session.start_at <= now < session.end_at:
        return badge("running", pgettext("a session is", "Running"))
    if session.is_active and session.is_full and not session.closed_by_staff:
        return badge("full", pgettext("a session is", "Full"))
    return status_badge(session)


def currency_of(session: Session) -> str:
    """Return the currency of a session's price, which is that of its service."""
    return getattr(session.service, "currency", "") or app_settings.DEFAULT_CURRENCY
