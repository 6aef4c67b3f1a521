"""Staff who are providers themselves see their own bookings, unless they may see those of all.

The adapter's ``own_providers()`` says which providers a user is.
"""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from bookings.adapters import get_adapter
from bookings.admin.generic_bases import ModelAdmin
from bookings.models import Booking

SEES_ALL: Final = "bookings.view_all_bookings"
"""The permission that lifts the limit."""

KEYS: Final = "_bookings_own_providers"
"""The attribute of the request that keeps the answer."""


def own_providers(request: HttpRequest) -> frozenset[Any] | None:
    """Return the keys of the providers whose bookings this user may see; ``None`` for no limit.

    A user who is no provider has no limit, nor has one with the permission for all bookings. It
    takes one query for each request at most.
    """
    if KEYS not in request.__dict__:
        request.__dict__[KEYS] = _find_own_providers(request.user)
    keys: frozenset[Any] | None = request.__dict__[KEYS]
    return keys


def _find_own_providers(user: Any) -> frozenset[Any] | None:
    if user.has_perm(SEES_ALL):
        return None
    providers = get_adapter().own_providers(user).order_by()
    return frozenset(providers.values_list("pk", flat=True)) or None


def only_own_providers(rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """Leave out other providers of a queryset for a user who is limited to their own.

    It returns rows of other models as they are.
    """
    provider: Any = Booking._meta.get_field("provider").related_model
    if not issubclass(rows.model, provider._meta.concrete_model):
        return rows
    keys = own_providers(request)
    return rows if keys is None else rows.filter(pk__in=keys)


class OwnProvidersMixin(ModelAdmin):
    """Shows a user who is limited to their own providers only the rows of these."""

    provider_path = "provider"
    """From a row to its provider."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        keys = own_providers(request)
        return rows if keys is None else rows.filter(self.rows_of_providers(keys))

    def rows_of_providers(self, keys: frozenset[Any]) -> Q:
        """Return the condition for the rows that belong to these providers."""
        return Q(**{f"{self.provider_path}__in": keys})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with the provider, if the user can choose but one."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        keys = own_providers(request)
        if keys is not None and len(keys) == 1 and self.provider_path == "provider":
            initial.setdefault("provider", next(iter(keys)))
        return initial
