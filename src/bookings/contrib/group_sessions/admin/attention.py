"""What needs attention of sessions: clients to be told, and clients who wait for free seats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import Exists, F, OuterRef
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.admin.attention import total_of
from bookings.admin.display import change_url
from bookings.admin.visibility import can_change, registered_admin, visible_objects
from bookings.contrib.group_sessions.admin.waitlist import WaitlistMixin
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.extensions import AttentionRow, AttentionSection


def unnotified_promotions(*, site: AdminSite, request: HttpRequest, rows: int) -> AttentionSection:
    """Return the promoted clients whom nobody has told, with a button to say that it is done."""
    sessions = visible_objects(site, Session, request).order_by()
    entries = WaitlistEntry.objects.unnotified(timezone.now())
    entries = entries.filter(session__in=sessions.values("pk"))
    session_admin: Any = registered_admin(site, Session)
    found = []
    for entry in entries.select_related("session__service", "booking")[:rows]:
        booking: Any = entry.booking
        may_mark = isinstance(session_admin, WaitlistMixin) and can_change(
            site, Session, request, entry.session
        )
        found.append(
            AttentionRow(
                text=entry.client_name,
                details=" · ".join(_what_to_tell(entry)),
                url=change_url(site, entry.session),
                start_at=booking.start_at,
                since=entry.unnotified_since,
                until=booking.expires_at if booking.is_hold else None,
                action_label=_("Mark as told") if may_mark else "",
                action_url=session_admin.page_url("waitlist", entry.session, entry.pk, "told")
                if may_mark
                else "",
            )
        )
    return AttentionSection(
        name="promotions",
        title=_("Promoted from the waitlist: tell them"),
        count=total_of(found, entries, rows),
        rows=found,
    )


def _what_to_tell(entry: WaitlistEntry) -> Iterator[str]:
    yield entry.session.title or str(entry.session.service)
    yield str(entry.get_status_display())
    yield from filter(None, (entry.client_phone, entry.client_email))


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
