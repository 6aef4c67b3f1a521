"""The name of a schedule, and the list of what is in the way of time off or of a closure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.admin.display import change_link
from bookings.admin.visibility import can_view, registered_admin
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.outside_hours import outside_hours
from bookings.models import Booking, BusyInterval

MAX_ITEMS: Final = 20
"""How many bookings, and how many busy intervals, a message lists."""


def schedule_name(schedule: Schedule) -> str:
    """Return the provider, or of which tenant the schedule is the default."""
    if schedule.provider_id is not None:
        return str(schedule.provider)
    if schedule.tenant_id is not None:
        return _("Default of %(tenant)s") % {"tenant": schedule.tenant}
    return str(schedule)


def conflict_list(
    site: AdminSite,
    request: HttpRequest,
    bookings: Sequence[Booking],
    intervals: Sequence[BusyInterval] = (),
) -> SafeString:
    """Return the bookings and busy intervals as a list.

    A user who may see bookings gets a link to each, and its client. A booking that the bookings'
    own admin hides from the user is only busy. The list has no ``<li>``, which the admin's style
    sheet would draw as a message.
    """
    listed = bookings[:MAX_ITEMS]
    own = _own_bookings(site, request, listed)
    shows_details = can_view(site, Booking, request)
    items = [
        *(
            _booking_text(site, booking, shows_details) if booking.pk in own else _busy(booking)
            for booking in listed
        ),
        *(_interval_text(interval) for interval in intervals[:MAX_ITEMS]),
    ]
    rest = max(0, len(bookings) - MAX_ITEMS) + max(0, len(intervals) - MAX_ITEMS)
    if rest:
        items.append(format_html("… (+{})", rest))
    lines = format_html_join("", '<div role="listitem">{}</div>', ((item,) for item in items))
    return format_html('<div class="bookings-conflicts" role="list">{}</div>', lines)


def warn_of_bookings_outside_hours(
    site: AdminSite, request: HttpRequest, bookings: QuerySet[Booking]
) -> None:
    """Show which of these bookings are outside the hours now, as a message; none if none is."""
    if outside := outside_hours(bookings):
        text = ngettext(
            "%(count)d booking is outside the hours now. Move it, or keep it.",
            "%(count)d bookings are outside the hours now. Move them, or keep them.",
            len(outside),
        )
        conflicts = conflict_list(site, request, outside)
        messages.warning(request, format_html("{} {}", text % {"count": len(outside)}, conflicts))


def _own_bookings(site: AdminSite, request: HttpRequest, bookings: Sequence[Booking]) -> set[Any]:
    """Return the keys of those bookings that are of ``get_queryset()`` of the bookings' admin."""
    model_admin = registered_admin(site, Booking)
    if model_admin is None:
        return set()
    rows = model_admin.get_queryset(request).filter(pk__in=[booking.pk for booking in bookings])
    return set(rows.values_list("pk", flat=True))


def _busy(booking: Booking) -> SafeString:
    return _stretch(_("Busy"), booking.start_at, booking.end_at)


def _booking_text(site: AdminSite, booking: Booking, shows_details: bool) -> SafeString:
    start = date_format(timezone.localtime(booking.start_at), "DATETIME_FORMAT")
    if not shows_details:
        return format_html("{} · {}", booking.reference, start)
    link = change_link(site, booking, booking.reference)
    return format_html("{} · {} · {}", link, start, booking.client_name)


def _interval_text(interval: BusyInterval) -> SafeString:
    return _stretch(interval.get_kind_display(), interval.start_at, interval.end_at)


def _stretch(text: str, start_at: datetime, end_at: datetime) -> SafeString:
    start, end = (
        date_format(timezone.localtime(instant), "DATETIME_FORMAT")
        for instant in (start_at, end_at)
    )
    return format_html("{} · {} – {}", text, start, end)
