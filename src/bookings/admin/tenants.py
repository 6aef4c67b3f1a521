"""Columns and filters by tenant, and search boxes that offer one tenant's objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse

from bookings.admin.choices import RelatedFilter
from bookings.conf import app_settings

if TYPE_CHECKING:
    WidgetBase = AutocompleteSelect
else:
    WidgetBase = object


def tenant_fields() -> list[str]:
    """Return the name of the tenant's field in a list, which is empty without tenancy."""
    return ["tenant"] if app_settings.tenancy_enabled else []


def tenant_filters() -> list[Any]:
    """Return the filter by tenant in a list, which is empty without tenancy."""
    return [("tenant", TenantFilter)] if app_settings.tenancy_enabled else []


def tenant_field_of(model: Any) -> Any:
    """Return the model's field for its tenant; ``None`` without one, or without tenancy."""
    if not app_settings.tenancy_enabled:
        return None
    field: Any = next(
        (field for field in model._meta.concrete_fields if field.attname == "tenant_id"), None
    )
    return field


class TenantFilter(RelatedFilter):
    """A filter by tenant without the choice "empty".

    With tenancy, every row has a tenant; the column is nullable for projects without it.
    """

    include_empty_choice = False


class TenantSearchView(AutocompleteJsonView):
    """What a search box finds: one tenant's objects, or all with their tenants' names."""

    def process_request(self, request: HttpRequest) -> Any:
        term, *rest = super().process_request(request)
        # PostgreSQL refuses a text with a null character.
        return term.replace("\0", ""), *rest

    def get_queryset(self) -> Any:
        queryset = super().get_queryset()
        field = tenant_field_of(queryset.model)
        self.shows_tenant = field is not None and field.is_relation
        if field is not None and (text := self.request.GET.get("tenant")):
            try:
                key = field.get_prep_value(field.to_python(text))
            except (TypeError, ValueError, ValidationError):
                return queryset.none()
            self.shows_tenant = False
            return queryset.filter(**{field.attname: key})
        return queryset.select_related(field.name) if self.shows_tenant else queryset

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        result: dict[str, str] = super().serialize_result(obj, to_field_name)
        if self.shows_tenant and obj.tenant_id is not None:
            result["text"] = f"{obj} ({obj.tenant})"
        return result


class TenantSearchWidget(WidgetBase):
    """A search box for one tenant's objects.

    The tenant is ``tenant`` or, by a script, the one that is chosen on the form.
    """

    url_name: str
    tenant: Any = None

    def get_url(self) -> str:
        url = reverse(self.url_name % self.admin_site.name)
        return url if self.tenant is None else f"{url}?{urlencode({'tenant': self.tenant})}"

    @property
    def media(self) -> forms.Media:
        return super().media + forms.Media(js=["admin/js/jquery.init.js", "bookings/tenant.js"])


class TenantSearchSelect(TenantSearchWidget, AutocompleteSelect):
    """A search box for one object."""


class TenantSearchSelectMultiple(TenantSearchWidget, AutocompleteSelectMultiple):
    """A search box for any number of objects."""


def limit_searches_to(tenant: Any, fields: Iterable[Any]) -> None:
    """Limit the search boxes among these fields and widgets to the tenant with this key."""
    for part in fields:
        # A field has a widget, which may be wrapped in another one.
        inner = part
        while inner is not None and not isinstance(inner, TenantSearchWidget):
            inner = getattr(inner, "widget", None)
        if inner is not None:
            inner.tenant = tenant
