"""Time off in the calendar of the admin."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext as _

from bookings.admin.display import change_url
from bookings.admin.visibility import visible_objects
from bookings.contrib.schedule.models import TimeOff
from bookings.extensions import CalendarEntry
from bookings.protocols import ProviderLike


def time_off_entries(
    providers: Collection[ProviderLike],
    start_at: datetime,
    end_at: datetime,
    *,
    site: AdminSite,
    request: HttpRequest,
) -> Iterator[CalendarEntry]:
    """Yield the time off that this user may see, with its reason, in one query."""
    rows = visible_objects(site, TimeOff, request).filter(
        provider__in=[provider.pk for provider in providers],
        start_at__lt=end_at,
        end_at__gt=start_at,
    )
    for row in rows.order_by("start_at", "pk"):
        yield CalendarEntry(
            provider_id=row.provider_id,
            start_at=row.start_at,
            end_at=row.end_at,
            title=row.reason or _("Time off"),
            url=change_url(site, row),
            is_work=False,
            busy_interval_id=row.busy_interval_id,
        )
