"""What the templates of the admin show of bookings besides what Django gives them."""

from __future__ import annotations

from typing import Any, NamedTuple

from django import template
from django.contrib.admin.sites import all_sites
from django.contrib.admin.utils import flatten_fieldsets
from django.forms import BoundField
from django.urls import reverse

from bookings.admin.attention import AttentionMixin
from bookings.admin.visibility import registered_admin
from bookings.extensions import AttentionSection
from bookings.models import Booking

register = template.Library()


class FieldLink(NamedTuple):
    """A field of a form, and the id of the input to which a link leads."""

    label: str
    target: str


@register.simple_tag(takes_context=True)
def attention_sections(context: dict[str, Any]) -> list[AttentionSection]:
    """Return what needs attention on the admin site of the page, of what its user may see."""
    request = context["request"]
    for site in all_sites:
        model_admin = registered_admin(site, Booking)
        if (
            site.name == request.current_app
            and isinstance(model_admin, AttentionMixin)
            and model_admin.has_view_or_change_permission(request)
        ):
            return [found for found in model_admin.get_attention(request) if found.count]
    return []


@register.simple_tag(takes_context=True)
def attention_url(context: dict[str, Any]) -> str:
    """Return the address of the board on the admin site of the page."""
    name = "admin:bookings_booking_attention"
    return reverse(name, current_app=context["request"].current_app)


@register.simple_tag(takes_context=True)
def first_error(context: dict[str, Any]) -> FieldLink | None:
    """Return where the first field with an error is, in the order of the page."""
    adminform = context.get("adminform")
    form = context.get("form") if adminform is None else adminform.form
    if form is None:
        return None
    if adminform is None:
        fields = [field.name for field in form]
    else:
        fields = [*flatten_fieldsets(adminform.fieldsets)]
    rows = [
        row
        for inline in context.get("inline_admin_formsets", ())
        for row in inline.formset.forms
        if row.is_bound
    ]
    found = (
        one[name]
        for one, names in [(form, fields), *((row, [*row.fields]) for row in rows)]
        for name in names
        if name in one.errors and name in one.fields
    )
    field = next(found, None)
    return None if field is None else FieldLink(field.label, _id_of_first_input(field))


def _id_of_first_input(field: BoundField) -> str:
    """Return the id of a field's input or, if it has several, of the first one.

    Of several inputs, as of a date and a time, Django knows no id that a label could name.
    """
    return field.id_for_label or f"{field.auto_id}_0"


@register.simple_tag
def active_filters(changelist: Any) -> list[tuple[str, str]]:
    """Return the filters that narrow a list, each with what is chosen."""
    chosen = []
    for spec in changelist.filter_specs:
        choices = list(spec.choices(changelist))
        # The first choice of Django's filters, and of ours, is all.
        chosen += [
            (str(spec.title), str(choice["display"]))
            for choice in choices[1:]
            if choice.get("selected")
        ]
    return chosen
