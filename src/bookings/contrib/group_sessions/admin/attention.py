"""What needs attention of sessions: clients who wait although seats are free."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.db.models import Exists, F, OuterRef
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.admin.attention import total_of
from bookings.admin.display import change_url
from bookings.admin.visibility import visible_objects
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.extensions import AttentionRow, AttentionSection


def waitlists_with_free_seats(
    *, site: AdminSite, request: HttpRequest, rows: int
) -> AttentionSection:
    """Return the coming sessions with a free seat and a waiting client, the soonest first."""
    waiting = WaitlistEntry.objects.filter(
        session=OuterRef("pk"), status=WaitlistEntry.Status.WAITING
    )
    sessions = (
        visible_objects(site, Session, request)
        .filter(
            Exists(waiting),
            status__in=Session.ACTIVE_STATUSES,
            start_at__gt=timezone.now(),
            busy_interval__seats_taken__lt=F("busy_interval__capacity"),
        )
        .order_by("start_at", "pk")
    )
    found = [
        AttentionRow(
            text=session.title or str(session.service),
            details=ngettext("%(seats)d free seat", "%(seats)d free seats", session.seats_free)
            % {"seats": session.seats_free},
            url=change_url(site, session),
            start_at=session.start_at,
        )
        for session in sessions.select_related("service").annotate(
            seats_free=F("busy_interval__capacity") - F("busy_interval__seats_taken")
        )[:rows]
    ]
    return AttentionSection(
        name="waitlists",
        title=_("Waitlists with free seats"),
        count=total_of(found, sessions, rows),
        rows=found,
    )
