"""Who may cancel a series: whoever may change its bookings or sessions too."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.admin import AdminSite
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext

from bookings.admin.visibility import can_change, visible_related_objects
from bookings.contrib.series.admin.session_links import GROUP_SESSIONS, session_model
from bookings.contrib.series.models import Occurrence, Series
from bookings.exceptions import NotAllowed
from bookings.models import Booking


def may_cancel(site: AdminSite, request: HttpRequest, series: Series) -> bool:
    """Return whether the user may change what the series consists of: bookings or sessions."""
    return all(can_change(site, rows.model, request) for rows in _instances(series.occurrences))


def check_may_cancel(site: AdminSite, request: HttpRequest, first: Occurrence) -> None:
    """Raise ``NotAllowed`` if, from this start on, the user may not change what is cancelled."""
    following = first.series.occurrences.filter(original_start_at__gte=first.original_start_at)
    refused = 0
    for rows in _instances(following):
        active = rows.filter(status__in=rows.model.ACTIVE_STATUSES, start_at__gte=timezone.now())
        visible = visible_related_objects(site, rows.model, request)
        own = set(
            visible.filter(pk__in=active.order_by().values("pk")).values_list("pk", flat=True)
        )
        refused += sum(
            row.pk not in own or not can_change(site, rows.model, request, row) for row in active
        )
    if refused:
        raise NotAllowed(
            ngettext(
                "You may not change %(number)d of these starts, so none was cancelled.",
                "You may not change %(number)d of these starts, so none was cancelled.",
                refused,
            )
            % {"number": refused}
        )


def _instances(occurrences: Any) -> list[QuerySet[Any]]:
    """Return the bookings of these occurrences and, if there are any, their sessions."""
    bookings = Booking.objects.filter(pk__in=occurrences.order_by().values("booking"))
    keys = occurrences.order_by().values("session_key")
    has_sessions = apps.is_installed(GROUP_SESSIONS)
    sessions = [session_model()._default_manager.filter(pk__in=keys)] if has_sessions else []
    found: list[QuerySet[Any]] = [bookings, *sessions]
    return [rows for rows in found if rows.exists()]
