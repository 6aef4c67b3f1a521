"""What belongs to a tenant, where several of them share one admin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.urls import reverse

from bookings.conf import app_settings

if TYPE_CHECKING:
    Mixin = AutocompleteSelect
else:
    Mixin = object


def tenant_field(model: Any) -> Any:
    """The model's field for its tenant, where bookings have tenants and it has one."""
    if not app_settings.tenancy_enabled:
        return None
    found: Any = next(
        (field for field in model._meta.concrete_fields if field.attname == "tenant_id"), None
    )
    return found


class TenantFilter(admin.RelatedFieldListFilter):
    """Every booking has a tenant, though the column exists without them too."""

    include_empty_choice = False


class TenantSearch(AutocompleteJsonView):
    """The search of a field, of one tenant's or else with the tenant beside each name."""

    def get_queryset(self) -> Any:
        found = super().get_queryset()
        field = tenant_field(found.model)
        self.named = field is not None and field.is_relation
        if field is not None and (asked := self.request.GET.get("tenant")):
            try:
                key = field.get_prep_value(field.to_python(asked))
            except (TypeError, ValueError, ValidationError):
                return found.none()
            self.named = False
            return found.filter(**{field.attname: key})
        return found.select_related(field.name) if self.named else found

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        result: dict[str, str] = super().serialize_result(obj, to_field_name)
        if self.named and obj.tenant_id is not None:
            result["text"] = f"{obj} ({obj.tenant})"
        return result


class TenantSearchMixin(Mixin):
    """A search box that asks for one tenant's: the booking's, or the one chosen on the form."""

    url_name: str
    tenant: Any = None

    def get_url(self) -> str:
        url = reverse(self.url_name % self.admin_site.name)
        return url if self.tenant is None else f"{url}?{urlencode({'tenant': self.tenant})}"

    @property
    def media(self) -> forms.Media:
        return super().media + forms.Media(js=["admin/js/jquery.init.js", "bookings/tenant.js"])


class TenantSearchSelect(TenantSearchMixin, AutocompleteSelect):
    """For one object."""


class TenantSearchSelectMultiple(TenantSearchMixin, AutocompleteSelectMultiple):
    """For any number of them."""


def search_tenant(parts: Iterable[Any], tenant: Any) -> None:
    """Have those that are a search, or hold one as their widget, search what is this tenant's."""
    for part in parts:
        inner = part
        while inner is not None and not isinstance(inner, TenantSearchMixin):
            inner = getattr(inner, "widget", None)
        if inner is not None:
            inner.tenant = tenant
