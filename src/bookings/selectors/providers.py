"""Read providers. The host's model may lack fields of ``AbstractProvider``."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet


def active_providers(providers: QuerySet[Any], *, tenant: Any = None) -> QuerySet[Any]:
    """Return those of the providers that are active, and of the tenant if one is given.

    :param providers: a queryset of the host's providers.
    :param tenant: the tenant, or ``None`` for all.
    :returns: the queryset, filtered by ``is_active`` and ``tenant`` as far as the model has fields
        of these names. Without ``is_active``, all providers are active; without ``tenant``, they
        belong to all tenants.
    """
    names = {field.name for field in providers.model._meta.get_fields()}
    if "is_active" in names:
        providers = providers.filter(is_active=True)
    if tenant is not None and "tenant" in names:
        providers = providers.filter(tenant=tenant)
    return providers
