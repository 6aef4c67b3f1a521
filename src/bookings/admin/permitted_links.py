"""Links to related objects on the pages of the admin, only for who may open them.

Django links every foreign key of a page that is read-only, to a page that may refuse the user.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.contrib.admin import helpers
from django.http import HttpRequest, HttpResponse

from bookings.admin.generic_bases import ModelAdmin
from bookings.admin.visibility import can_view

REQUEST = "_bookings_request"
"""The attribute of a part of a page that has the request."""


class PermittedLinksMixin(ModelAdmin):
    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        _limit_links(context["adminform"], request)
        for inline in context["inline_admin_formsets"]:
            _limit_links(inline, request)
        return super().render_change_form(request, context, *args, **kwargs)


class PermittedReadonlyField(helpers.AdminReadonlyField):
    """A read-only field whose related object is a link only if the user may see it."""

    def get_admin_url(self, remote_field: Any, remote_obj: Any) -> str:
        model_admin: Any = self.model_admin
        request = getattr(self, REQUEST)
        if can_view(model_admin.admin_site, remote_field.model, request, remote_obj):
            return super().get_admin_url(remote_field, remote_obj)
        return str(remote_obj)


PARTS = (
    helpers.AdminForm,
    helpers.Fieldset,
    helpers.Fieldline,
    helpers.InlineAdminFormSet,
)
"""The parts of a page that are made of parts; those of inlines are subclasses."""


def _limit_links(part: Any, request: HttpRequest) -> Any:
    """Let the read-only fields of a part of a page link to what the user may open, and return it.

    Django makes the inner parts anew whenever the template asks for them.
    """
    if isinstance(part, helpers.AdminReadonlyField):
        part.__class__ = PermittedReadonlyField
    elif isinstance(part, PARTS):
        kind: Any = type(part)
        part.__class__ = _with_limited_parts(kind)
    setattr(part, REQUEST, request)
    return part


@cache
def _with_limited_parts(base: Any) -> Any:
    return type(f"Limited{base.__name__}", (LimitedParts, base), {})


class LimitedParts:
    def __iter__(self) -> Iterator[Any]:
        parts: Any = super()
        request = getattr(self, REQUEST)
        return (_limit_links(part, request) for part in parts.__iter__())
