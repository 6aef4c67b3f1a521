"""A service, a provider, an add-on and, with tenancy, a tenant, of whatever host is configured."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.auth import get_user_model

from bookings.conf import app_settings

if TYPE_CHECKING:
    import pytest
    from django.db import models


@dataclass(frozen=True)
class Host:
    service: Any
    provider: Any
    addon: Any
    tenant: Any


def make_host() -> Host:
    tenant = make("TENANT_MODEL") if app_settings.tenancy_enabled else None
    service = make("SERVICE_MODEL", tenant=tenant)
    return Host(
        service=service,
        provider=make("PROVIDER_MODEL", tenant=tenant),
        addon=make("ADDON_MODEL", tenant=tenant, service=service),
        tenant=tenant,
    )


def without_tenant(provider: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The provider as one of a model that has no tenant, until the test ends."""
    monkeypatch.delattr(type(provider), "tenant_id")
    nobody_s = copy(provider)
    del nobody_s.__dict__["tenant_id"]
    return nobody_s


def make(setting: str, **related: models.Model | None) -> models.Model:
    """One row of the model that the setting names, with what that model cannot do without."""
    model = apps.get_model(app_settings.model_label(setting))
    values: dict[str, Any] = {"name": setting.removesuffix("_MODEL").capitalize()}
    for field in model._meta.concrete_fields:
        if field.name in related:
            values[field.name] = related[field.name]
        elif field.name == "slug":
            values["slug"] = "a-slug"
        elif field.is_relation and field.related_model is get_user_model():
            values[field.name] = get_user_model().objects.create_user("somebody")
        elif field.is_relation:
            values[field.name] = field.related_model.objects.create(name="Something")
    return model._default_manager.create(**values)
