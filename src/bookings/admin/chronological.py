"""Lists of what has a start: read from the soonest on where staff look ahead, and by the date."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.http import HttpRequest
from django.utils import timezone

from bookings.admin.filters import AHEAD, WhenFilter
from bookings.admin.generic import AnyModelAdmin


class Chronological(AnyModelAdmin):
    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """The soonest first where staff look ahead; else the latest first."""
        if request.GET.get(WhenFilter.parameter_name) in AHEAD:
            return ["start_at", "pk"]
        return ["-start_at", "-pk"]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        database = connections[changelist.queryset.db]
        # MySQL and MariaDB fail to group by day in a time zone that nobody has loaded into them.
        if (
            not database.features.has_zoneinfo_database
            and timezone.get_current_timezone_name() != database.timezone_name
        ):
            changelist.date_hierarchy = None
        return changelist
