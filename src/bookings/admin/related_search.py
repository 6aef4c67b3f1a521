"""Search boxes for the models that the host owns and may have registered in its admin."""

from __future__ import annotations

import copy
from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.db import models
from django.forms import Field, Widget
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from bookings.admin.base import BaseAdmin, Page
from bookings.admin.choices import (
    AutocompleteSelect,
    AutocompleteSelectMultiple,
    ForeignKeyRawIdWidget,
    ScopedChoicesMixin,
    keep_choices,
)
from bookings.admin.own_providers import own_providers
from bookings.admin.tenants import (
    TenantSearchSelect,
    TenantSearchSelectMultiple,
    TenantSearchView,
    TenantSearchWidget,
    tenant_field_of,
)
from bookings.admin.visibility import can_view, registered_admin, selectable_objects
from bookings.models import Booking


class RelatedSearchMixin(ScopedChoicesMixin, BaseAdmin):
    """Search boxes for foreign keys to models whose admin has a search that this user may use.

    Other models are named by their keys. ``autocomplete_fields`` cannot say this, because system
    checks demand of each of its models that it is registered and has a search.
    """

    def get_pages(self) -> list[Page]:
        return [Page("search/", self.search_view, "search"), *super().get_pages()]

    def search_view(self, request: HttpRequest) -> HttpResponseBase:
        return TenantSearchView.as_view(admin_site=self.admin_site)(request)

    def can_search(self, model: Any, request: HttpRequest) -> bool:
        model_admin = registered_admin(self.admin_site, model)
        return (
            model_admin is not None
            and bool(model_admin.get_search_fields(request))
            and model_admin.has_view_permission(request)
        )

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        widget = self.search_widget(db_field, request, kwargs.get("using"))
        kwargs.setdefault("widget", widget)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def search_widget(self, db_field: Any, request: HttpRequest, using: Any) -> Widget:
        """Return the widget for a foreign key: a search box, or a field for a key."""
        if not self.can_search(db_field.related_model, request):
            widget = ForeignKeyRawIdWidget(db_field.remote_field, self.admin_site, using=using)
            widget.may_view = can_view(self.admin_site, db_field.related_model, request)
            return widget
        if self._is_limited(db_field.related_model, request):
            return self.own_search_widget(db_field, using)
        return AutocompleteSelect(db_field, self.admin_site, using=using)

    def _is_limited(self, model: Any, request: HttpRequest) -> bool:
        """Return whether Django's own search box would offer more than the user may choose."""
        if tenant_field_of(model) is not None:
            return True
        provider: Any = Booking._meta.get_field("provider").related_model
        return model is provider and own_providers(request) is not None

    def own_search_widget(self, db_field: Any, using: Any) -> Widget:
        """Return a search box that asks :meth:`search_view`."""
        return self._with_url(TenantSearchSelect(db_field, self.admin_site, using=using))

    def search_many_widget(self, db_field: Any, request: HttpRequest) -> Widget:
        """Return a widget for any number of the objects that a foreign key could refer to."""
        if not self.can_search(db_field.related_model, request):
            plural = str(db_field.related_model._meta.verbose_name_plural)
            return FilteredSelectMultiple(plural, False)
        if self._is_limited(db_field.related_model, request):
            return self._with_url(TenantSearchSelectMultiple(db_field, self.admin_site))
        return AutocompleteSelectMultiple(db_field, self.admin_site)

    def search_many(
        self,
        request: HttpRequest,
        form: Any,
        obj: Any,
        name: str,
        *,
        foreign_key: Any,
        queryset: models.QuerySet[Any] | None = None,
    ) -> None:
        """Let a field of the form offer what the foreign key of the object's rows may refer to.

        The rows are the relation ``name`` of the object, as is the field of the form.
        """
        if name not in form.base_fields:
            return
        # A copy: Django makes the class of the form for each request, but not its fields.
        field = form.base_fields[name] = copy.deepcopy(form.base_fields[name])
        field.widget = self.search_many_widget(foreign_key, request)
        field.queryset = (
            selectable_objects(self.admin_site, foreign_key.related_model, request)
            if queryset is None
            else queryset
        )
        if obj is not None:
            chosen = getattr(obj, name).values_list(foreign_key.attname, flat=True)
            keep_choices(field, list(chosen))

    def _with_url(self, widget: TenantSearchWidget) -> TenantSearchWidget:
        widget.url_name = f"%s:{self.opts.app_label}_{self.opts.model_name}_search"
        return widget

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Field | None:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(db_field, models.ForeignKey) and field is not None:
            # Nobody deletes a service in the middle of booking it.
            field.widget.can_delete_related = False
        return field


def provider_search_fields(site: admin.AdminSite, model: Any, request: HttpRequest) -> list[str]:
    """Return search fields for a model with a ``provider``, to find rows by their provider.

    They are those of the provider's own admin or, where it has none, the provider's text fields.
    """
    provider: Any = model._meta.get_field("provider").related_model
    model_admin = registered_admin(site, provider)
    names = [] if model_admin is None else [*model_admin.get_search_fields(request)]
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
