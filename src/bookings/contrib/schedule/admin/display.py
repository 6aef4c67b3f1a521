"""The name of a schedule, and the warning about bookings outside its hours."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.admin.conflicts import conflict_list
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.outside_hours import outside_hours
from bookings.models import Booking


def schedule_name(schedule: Schedule) -> str:
    """Return the provider, or of which tenant the schedule is the default."""
    if schedule.provider_id is not None:
        return str(schedule.provider)
    if schedule.tenant_id is not None:
        return _("Default of %(tenant)s") % {"tenant": schedule.tenant}
    return str(schedule)


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
