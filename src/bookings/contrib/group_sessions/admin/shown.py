"""What a session looks like in a list and on its page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings.contrib.group_sessions.models import Seat, Session, WaitlistEntry
from bookings.models import Booking

NOT_COMING = (Booking.Status.CANCELLED, Booking.Status.DECLINED)
OPEN = (WaitlistEntry.Status.WAITING, WaitlistEntry.Status.OFFERED)


def with_numbers(sessions: QuerySet[Any]) -> QuerySet[Any]:
    """With ``booked``, the seats of its bookings, also once it is over, and ``waiting``."""
    seats = Seat.objects.filter(session=OuterRef("pk")).exclude(booking__status__in=NOT_COMING)
    places = WaitlistEntry.objects.filter(session=OuterRef("pk"), status__in=OPEN)
    booked, waiting = _of_each(seats, Sum("booking__party_size")), _of_each(places, Count("pk"))
    numbered: QuerySet[Any] = sessions.annotate(booked=booked, waiting=waiting)
    return numbered


def seats_to_give(session: Session, now: datetime) -> int:
    """The seats that the services would give away now: those of holds that have run out too."""
    if not session.is_coming or session.start_at <= now:
        return 0
    stale = Booking.objects.expired(now).filter(busy_interval=session.busy_interval_id)
    seats: int = stale.aggregate(seats=Coalesce(Sum("party_size"), 0))["seats"]
    return session.remaining_seats + seats


def _of_each(rows: QuerySet[Any], number: Any) -> Coalesce:
    of_one = rows.order_by().values("session").annotate(number=number).values("number")
    return Coalesce(Subquery(of_one, output_field=IntegerField()), 0)


def seats_bar(taken: int, capacity: int) -> SafeString:
    """``7/10`` with a bar; a screen reader is told it in words."""
    said = _("%(taken)d of %(capacity)d seats taken") % {"taken": taken, "capacity": capacity}
    share = min(100, round(100 * taken / capacity))
    return format_html(
        '<span class="bookings-seats{}" role="img" aria-label="{}">'
        '<svg width="64" height="8" aria-hidden="true"><rect width="100%" height="8" rx="4"/>'
        '<rect class="bookings-seats-taken" width="{}%" height="8" rx="4"/></svg>'
        '<span aria-hidden="true">{}/{}</span></span>',
        " bookings-seats-full" if taken >= capacity else "",
        said,
        share,
        taken,
        capacity,
    )


def badge(of: WaitlistEntry | Booking) -> SafeString:
    return _badge(of.status, of.get_status_display())


def session_badge(session: Session, now: datetime) -> SafeString:
    """Its status; of one that takes place, that it is running, or full, which no column says."""
    if session.is_coming and session.start_at <= now < session.end_at:
        return _badge("running", pgettext("a session is", "Running"))
    if session.is_coming and session.is_full and not session.closed_by_staff:
        return _badge("full", pgettext("a session is", "Full"))
    return _badge(session.status, session.get_status_display())


def _badge(name: str, text: str) -> SafeString:
    return format_html(
        '<span class="bookings-status bookings-status-{}">{}</span>', name.lower(), text
    )
