"""Sessions in the calendar of the admin: one box each, whatever the number of its seats.

Each of its resources has a box too, in the column of the resource.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from bookings.admin.display import change_url
from bookings.admin.visibility import visible_objects
from bookings.contrib.group_sessions.models import Seat, Session, SessionResource
from bookings.extensions import CalendarEntry
from bookings.models import Booking
from bookings.protocols import ProviderLike

SEATED_STATUSES = (
    *Booking.ACTIVE_STATUSES,
    Booking.Status.DELIVERED,
    Booking.Status.COMPLETED,
    Booking.Status.NO_SHOW,
)
"""The statuses of bookings that take a seat, or took it until the session was over."""


def session_entries(
    providers: Collection[ProviderLike],
    start_at: datetime,
    end_at: datetime,
    *,
    site: AdminSite,
    request: HttpRequest,
) -> Iterator[CalendarEntry]:
    """Yield the sessions that this user may see and that are not cancelled, in three queries."""
    visible = visible_objects(site, Session, request).exclude(status=Session.Status.CANCELLED)
    keys = [provider.pk for provider in providers]
    in_rooms = SessionResource.objects.filter(provider__in=keys)
    sessions = visible.filter(
        Q(provider__in=keys) | Q(pk__in=in_rooms.values("session")),
        start_at__lt=end_at,
        end_at__gt=start_at,
    )
    found = list(sessions.select_related("service").order_by("start_at", "pk"))
    if not found:
        return
    seats = Seat.objects.filter(
        session__in=[session.pk for session in found], booking__status__in=SEATED_STATUSES
    )
    taken: dict[Any, int] = defaultdict(int)
    booking_ids: dict[Any, set[Any]] = defaultdict(set)
    columns = ("session_id", "booking_id", "booking__party_size")
    for session_id, booking_id, party_size in seats.values_list(*columns):
        taken[session_id] += party_size
        booking_ids[session_id].add(booking_id)
    columns = ("session_id", "provider_id", "busy_interval_id")
    rooms: dict[Any, list[tuple[Any, Any]]] = defaultdict(list)
    if any(session.resource_count for session in found):
        rows = in_rooms.filter(session__in=[session.pk for session in found])
        for session_id, provider_id, interval_id in rows.values_list(*columns):
            rooms[session_id].append((provider_id, interval_id))
    for session in found:
        own = (session.provider_id, session.busy_interval_id)
        shown = [own] if session.provider_id in keys else []
        for provider_id, interval_id in (*shown, *rooms[session.pk]):
            yield CalendarEntry(
                provider_id=provider_id,
                start_at=session.start_at,
                end_at=session.end_at,
                title=session.title or str(session.service),
                details=_("%(taken)d of %(capacity)d seats")
                % {"taken": taken[session.pk], "capacity": session.capacity},
                url=change_url(site, session),
                busy_interval_id=interval_id,
                booking_ids=frozenset(booking_ids[session.pk]),
            )
