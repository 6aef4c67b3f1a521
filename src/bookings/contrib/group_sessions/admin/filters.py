"""Full, or with seats to sell."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.contrib.group_sessions.models import Session


class SeatsFilter(admin.SimpleListFilter):
    """Of sessions that take place."""

    title = pgettext_lazy("filter", "seats")
    parameter_name = "seats"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("free", _("Seats free")), ("full", _("Full"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        capacity = F("busy_interval__capacity")
        coming = queryset.filter(status__in=Session.COMING_STATUSES)
        match self.value():
            case "free":
                return coming.filter(busy_interval__seats_taken__lt=capacity)
            case "full":
                return coming.filter(busy_interval__seats_taken__gte=capacity)
        return queryset
