"""Two admins whose staff see one tenant: one with the host's own models, and one without."""

from __future__ import annotations

from typing import Any, Final

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path

from bookings.conf import app_settings
from bookings.models import Booking

TENANT_OF: Final = {
    "bookings_payments.Payment": "booking__tenant",
    "bookings_payments.RefundDue": "booking__tenant",
    "bookings_schedule.TimeOff": "provider__tenant",
}


def scoped(base: type[Any], model: Any) -> type[Any]:
    """Return the admin class with a scope: the user has the name of the tenant."""
    lookup = "pk" if model._meta.label == app_settings.TENANT_MODEL else "tenant"
    lookup = TENANT_OF.get(model._meta.label, lookup)

    def get_queryset(self: Any, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = base.get_queryset(self, request)
        return rows.filter(**{f"{lookup}__in": tenants_of(request)})

    return type("Scoped", (base,), {"get_queryset": get_queryset})


def tenants_of(request: HttpRequest) -> Any:
    model = apps.get_model(app_settings.model_label("TENANT_MODEL"))
    return model._default_manager.filter(name=request.user.get_username())


class HostAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    search_fields = ("name",)


OWN = [
    (model, type(model_admin))
    for model, model_admin in admin.site._registry.items()
    if model._meta.app_label.startswith("bookings")
]

branch, bare = admin.AdminSite(name="branch"), admin.AdminSite(name="bare")
for site in (branch, bare):
    for model, base in OWN:
        site.register(model, scoped(base, model))
for name in ("TENANT_MODEL", "SERVICE_MODEL", "PROVIDER_MODEL", "ADDON_MODEL"):
    model = apps.get_model(app_settings.model_label(name))
    branch.register(model, scoped(HostAdmin, model))

nobody = admin.AdminSite(name="nobody")
for model, base in OWN:
    if model is not Booking:
        nobody.register(model, base)

urlpatterns = [
    path("branch/", branch.urls),
    path("bare/", bare.urls),
    path("nobody/", nobody.urls),
]
