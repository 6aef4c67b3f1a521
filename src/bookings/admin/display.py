"""Badges and links to objects, as lists, pages and messages show them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _


def status_badge(obj: Any) -> SafeString:
    """Return the badge of an object's ``status``."""
    return badge(obj.status, obj.get_status_display())


def booking_heading(booking: Any) -> str:
    """Return who comes when for what, as the title of a booking's page."""
    start, end = timezone.localtime(booking.start_at), timezone.localtime(booking.end_at)
    until = date_format(end, "TIME_FORMAT")
    if end.date() != start.date():
        until = f"{date_format(end, 'D')} {date_format(end, 'DATETIME_FORMAT')}"
    return _("%(client)s · %(start)s – %(end)s · %(service)s with %(provider)s") % {
        "client": booking.client_name or booking.reference,
        "start": f"{date_format(start, 'D')} {date_format(start, 'DATETIME_FORMAT')}",
        "end": until,
        "service": booking.service,
        "provider": booking.provider,
    }


def badge(status: str, text: str) -> SafeString:
    """Return a text on the colour that the style sheet has for ``status``."""
    return format_html(
        '<span class="bookings-status bookings-status-{}">{}</span>', status.lower(), text
    )


def user_column(model: type[Model], name: str) -> Any:
    """Return a column for a foreign key to a user, which names one who has been deleted too."""
    field: Any = model._meta.get_field(name)
    kept_name = f"{name.removesuffix('_user')}_name"

    @admin.display(description=field.verbose_name)
    def column(obj: Any) -> str:
        return getattr(obj, kept_name) or str(getattr(obj, name) or "–")

    column.__name__ = name
    return column


def change_url(site: AdminSite, obj: Model) -> str:
    """Return the address of an object's page."""
    name = f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change"
    return reverse(name, args=[quote(obj.pk)], current_app=site.name)


def change_link(site: AdminSite, obj: Model, text: Any = None) -> SafeString:
    """Return a link to an object's page; without a ``text`` it says the object's name.

    It is only the text where the site has no admin of the object's model.
    """
    text = obj if text is None else text
    if not site.is_registered(type(obj)):
        return format_html("{}", text)
    return format_html('<a href="{}">{}</a>', change_url(site, obj), text)
