"""Columns and filters by tenant, and search boxes that offer one tenant's objects.

A search box for the provider of a booking also says who does not offer its service.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import ValidationError
from django.db.models import Case, Q, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from bookings.admin.choices import (
    INVALID_VALUE,
    AutocompleteSelect,
    AutocompleteSelectMultiple,
    RelatedFilter,
)
from bookings.admin.own_providers import only_own_providers
from bookings.admin.visibility import selectable_objects
from bookings.conf import app_settings
from bookings.models import Booking
from bookings.services.offered_providers import providers_who_offer

if TYPE_CHECKING:
    WidgetBase = AutocompleteSelect
else:
    WidgetBase = object


FOR_SERVICE: Final = "of_service"
"""The parameter of a search for the provider of a service."""


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
        found = only_own_providers(super().get_queryset(), self.request)
        return self._offered_first(self._of_tenant(found))

    def _offered_first(self, queryset: Any) -> Any:
        """Sort those who offer the service first, if the search is for providers of one."""
        self.shows_offer = False
        if FOR_SERVICE not in self.request.GET:
            return queryset
        model: Any = Booking._meta.get_field("service").related_model
        site: Any = self.admin_site
        services = selectable_objects(site, model, self.request)
        try:
            service = services.filter(pk=self.request.GET.get("service") or None).first()
        except INVALID_VALUE:
            service = None
        offered = None if service is None else providers_who_offer(service)
        if offered is None:
            return queryset
        self.shows_offer = True
        is_offered = Q(pk__in=offered.order_by().values("pk"))
        ordering = queryset.query.order_by or queryset.model._meta.ordering or ("pk",)
        return queryset.annotate(
            bookings_offers=Case(When(is_offered, then=1), default=0)
        ).order_by("-bookings_offers", *ordering)

    def _of_tenant(self, queryset: Any) -> Any:
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
        if self.shows_offer and not obj.bookings_offers:
            result["text"] = _("%(provider)s – does not offer this service") % {
                "provider": result["text"]
            }
        return result


class TenantSearchWidget(WidgetBase):
    """A search box for one tenant's objects, or for the providers of a service.

    The tenant is ``tenant`` or, by a script, the one that is chosen on the form.
    """

    url_name: str
    tenant: Any = None
    service: Any = None
    is_for_service: bool = False
    """Whether it is for the provider of ``service`` or, by a script, of the chosen one."""

    def get_url(self) -> str:
        url = reverse(self.url_name % self.admin_site.name)
        values = {
            "tenant": self.tenant,
            FOR_SERVICE: 1 if self.is_for_service else None,
            "service": self.service if self.is_for_service else None,
        }
        query = urlencode({name: value for name, value in values.items() if value is not None})
        return f"{url}?{query}" if query else url

    @property
    def media(self) -> forms.Media:
        return super().media + forms.Media(js=["admin/js/jquery.init.js", "bookings/tenant.js"])


class TenantSearchSelect(TenantSearchWidget, AutocompleteSelect):
    """A search box for one object."""


class TenantSearchSelectMultiple(TenantSearchWidget, AutocompleteSelectMultiple):
    """A search box for any number of objects."""


def limit_searches_to(tenant: Any, fields: Iterable[Any], *, service: Any = None) -> None:
    """Limit the search boxes among these fields and widgets to the tenant with this key.

    Those for the provider of a service get the key of the ``service``.
    """
    for part in fields:
        # A field has a widget, which may be wrapped in another one.
        inner = part
        while inner is not None and not isinstance(inner, TenantSearchWidget):
            inner = getattr(inner, "widget", None)
        if inner is not None:
            inner.tenant, inner.service = tenant, service
