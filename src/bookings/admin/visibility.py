"""What a user may see, choose and change in an admin site, as the admin of each model decides it.

A host scopes a model by ``get_queryset()`` and the permission methods of the model's own admin, for
instance to the bookings of one branch. The pages of other models ask here, so that they show and
accept no more than that. What a user may not see is not named: it is shown as *busy*.
Of providers, a user who is limited to their own (:mod:`bookings.admin.own_providers`) sees these.

To **see** an object means what Django asks before it opens the object's page: it is one of
``get_queryset(request)``, and the user has the permission to view it or to change it.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import get_permission_codename
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from bookings.admin.generic_bases import ModelAdmin
from bookings.admin.own_providers import only_own_providers
from bookings.exceptions import NotAllowed


def registered_admin(site: AdminSite, model: Any) -> ModelAdmin | None:
    """Return the admin that the site has for a model, if any."""
    return site.get_model_admin(model) if site.is_registered(model) else None


def can_view(site: AdminSite, model: Any, request: HttpRequest, obj: Model | None = None) -> bool:
    """Return whether the site has an admin of the model in which this user may see objects.

    With an ``obj`` of ``get_queryset()``, return whether the user may see that one.
    """
    model_admin = registered_admin(site, model)
    return model_admin is not None and model_admin.has_view_or_change_permission(request, obj)


def can_change(site: AdminSite, model: Any, request: HttpRequest, obj: Model | None = None) -> bool:
    """Return whether this user may change objects of the model or, with ``obj``, that one.

    Its admin decides or, where the site has none, the user's permission for the model.
    """
    model_admin = registered_admin(site, model)
    if model_admin is None:
        return _has_permission(request, "change", model)
    return model_admin.has_change_permission(request, obj)


def visible_objects(site: AdminSite, model: Any, request: HttpRequest) -> QuerySet[Any]:
    """Return the objects that this user sees in the model's admin; none without such an admin."""
    if not can_view(site, model, request):
        nothing: QuerySet[Any] = model._default_manager.none()
        return nothing
    return only_own_providers(site.get_model_admin(model).get_queryset(request), request)


def visible_related_objects(site: AdminSite, model: Any, request: HttpRequest) -> QuerySet[Any]:
    """Return which objects to show with a related one that the user sees.

    They are those of :func:`visible_objects`. Where the site has no admin of the model, they are
    all, if the user has the permission for the model, as in Django's inlines.
    """
    if registered_admin(site, model) is not None:
        return visible_objects(site, model, request)
    everything: QuerySet[Any] = model._default_manager.all()
    may_see = any(_has_permission(request, action, model) for action in ("view", "change"))
    return everything if may_see else everything.none()


def has_visible_related(site: AdminSite, model: Any, request: HttpRequest, key: str) -> Exists:
    """Return the condition that the object of the foreign key ``key`` is visible.

    It is one of :func:`visible_related_objects`.
    """
    return Exists(visible_related_objects(site, model, request).filter(pk=OuterRef(key)))


def selectable_objects(site: AdminSite, model: Any, request: HttpRequest) -> QuerySet[Any]:
    """Return the objects that this user may choose in a form.

    They are those of the model's admin, also for a user who cannot open it, and all objects where
    the site has no admin of the model.
    """
    model_admin = registered_admin(site, model)
    if model_admin is None:
        everything: QuerySet[Any] = model._default_manager.all()
        return only_own_providers(everything, request)
    return only_own_providers(model_admin.get_queryset(request), request)


def refuse_hidden(model_admin: ModelAdmin, request: HttpRequest, rows: QuerySet[Any]) -> None:
    """Raise ``NotAllowed`` if some of these rows are none of ``get_queryset()``.

    Call it in the transaction that has written them, which is then rolled back: who adds an object
    for another tenant, whose key they sent, would not see it afterwards.
    """
    visible = model_admin.get_queryset(request).using(rows.db).order_by()
    if rows.exclude(pk__in=visible.values("pk")).exists():
        raise NotAllowed(
            _(
                "You may not add this: you would not see it afterwards. "
                "Choose another service or provider, or another one to whom it belongs."
            )
        )


def _has_permission(request: HttpRequest, action: str, model: Any) -> bool:
    codename = get_permission_codename(action, model._meta)
    return request.user.has_perm(f"{model._meta.app_label}.{codename}")
