"""Which schedules, and which of the providers' names a search looks into."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.admin.relations import registered_admin


class OwnerFilter(admin.SimpleListFilter):
    title = pgettext_lazy("filter", "whose")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("own", _("One provider's")), ("default", _("Default"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in {"own", "default"}:
            return queryset.filter(provider__isnull=self.value() == "default")
        return queryset


def provider_search(site: admin.AdminSite, model: Any, request: HttpRequest) -> list[str]:
    """What the providers' own admin searches; their texts where they have none."""
    provider: Any = model._meta.get_field("provider").related_model
    related = registered_admin(site, provider)
    names = [] if related is None else [*related.get_search_fields(request)]
    if not names:
        names = [
            field.name
            for field in provider._meta.concrete_fields
            if isinstance(field, models.CharField) and not field.choices
        ]
    return [_through_provider(name) for name in names]


def _through_provider(name: str) -> str:
    prefix = name[0] if name[0] in "^=@" else ""
    return f"{prefix}provider__{name.removeprefix(prefix)}"
