"""Foreign keys to models that the host owns, and may or may not have in its admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import (
    AutocompleteSelectMultiple,
    FilteredSelectMultiple,
    ForeignKeyRawIdWidget,
)
from django.db import models
from django.forms import Field, Widget
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from bookings.admin.generic import AnyModelAdmin
from bookings.admin.tenants import (
    TenantSearch,
    TenantSearchMixin,
    TenantSearchSelect,
    TenantSearchSelectMultiple,
    tenant_field,
)
from bookings.models import BookingAddon


class HostSearch(AnyModelAdmin):
    """A search box where the related model's admin has one that this user may use, else the key.

    ``autocomplete_fields`` cannot say this: system checks read it before it is known what the host
    registers, and hold it to that.
    """

    @property
    def search_url_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_search"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.search_view)
        return [path("search/", view, name=self.search_url_name), *super().get_urls()]

    def search_view(self, request: HttpRequest) -> HttpResponseBase:
        return TenantSearch.as_view(admin_site=self.admin_site)(request)

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        return [
            field.name
            for field in self.opts.concrete_fields
            if isinstance(field, models.ForeignKey)
            and field.editable
            and self.can_search(field.related_model, request)
        ]

    def can_search(self, model: Any, request: HttpRequest) -> bool:
        related = registered_admin(self.admin_site, model)
        return (
            related is not None
            and bool(related.get_search_fields(request))
            and related.has_view_permission(request)
        )

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        widget = self.search_widget(db_field, request, kwargs.get("using"))
        if widget is not None:
            kwargs.setdefault("widget", widget)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def search_widget(self, db_field: Any, request: HttpRequest, using: Any) -> Widget | None:
        """None where Django's own search box will do."""
        if not self.can_search(db_field.related_model, request):
            return ForeignKeyRawIdWidget(db_field.remote_field, self.admin_site, using=using)
        if tenant_field(db_field.related_model) is not None:
            return self.of_a_tenant(TenantSearchSelect(db_field, self.admin_site, using=using))
        return None

    def search_many_widget(self, db_field: Any, request: HttpRequest) -> Widget:
        """For any number of what a foreign key points at."""
        if not self.can_search(db_field.related_model, request):
            plural = str(db_field.related_model._meta.verbose_name_plural)
            return FilteredSelectMultiple(plural, False)
        if tenant_field(db_field.related_model) is not None:
            return self.of_a_tenant(TenantSearchSelectMultiple(db_field, self.admin_site))
        return AutocompleteSelectMultiple(db_field, self.admin_site)

    def of_a_tenant(self, widget: TenantSearchMixin) -> TenantSearchMixin:
        widget.url_name = f"%s:{self.search_url_name}"
        return widget

    def seen_by_user(self, model: Any, request: HttpRequest) -> models.QuerySet[Any]:
        """Those that this user sees in their admin; all where they have none."""
        related = registered_admin(self.admin_site, model)
        if related is None:
            queryset: models.QuerySet[Any] = model._default_manager.all()
            return queryset
        return related.get_queryset(request)

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Field | None:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(db_field, models.ForeignKey) and field is not None:
            # Nobody deletes a service in the middle of booking it.
            field.widget.can_delete_related = False
        return field


class HostRelations(HostSearch):
    """Those of a booking, add-ons included."""

    def get_extras_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """The add-ons to choose from."""
        return self.seen_by_user(BookingAddon._meta.get_field("addon").related_model, request)

    def extras_widget(self, request: HttpRequest) -> Widget:
        return self.search_many_widget(BookingAddon._meta.get_field("addon"), request)


def registered_admin(site: admin.AdminSite, model: Any) -> admin.ModelAdmin[Any] | None:
    return site.get_model_admin(model) if site.is_registered(model) else None


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
