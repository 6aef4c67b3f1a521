"""Whose schedules."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class OwnerFilter(admin.SimpleListFilter):
    title = pgettext_lazy("filter", "whose")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("own", _("One provider's")), ("default", _("Default"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in {"own", "default"}:
            return queryset.filter(provider__isnull=self.value() == "default")
        return queryset
