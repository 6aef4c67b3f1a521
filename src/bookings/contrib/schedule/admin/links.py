"""Bookings in a message to staff, each with a link for those who may open it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from bookings.admin.relations import registered_admin
from bookings.models import Booking, BusyInterval

NAMED: Final = 20
"""How many a message names; the rest is a number."""


def list_of(
    site: admin.AdminSite,
    request: HttpRequest,
    bookings: Sequence[Booking],
    claims: Sequence[BusyInterval] = (),
) -> SafeString:
    """As a list, the first of them; without ``li``, which the admin draws as messages."""
    bookings_admin = registered_admin(site, Booking)
    can_open = bookings_admin is not None and bookings_admin.has_view_or_change_permission(request)
    items = [
        *(_item(site, booking, can_open) for booking in bookings[:NAMED]),
        *(_claim(claim) for claim in claims[:NAMED]),
    ]
    rest = max(0, len(bookings) - NAMED) + max(0, len(claims) - NAMED)
    if rest:
        items.append(format_html("… (+{})", rest))
    lines = format_html_join("", '<div role="listitem">{}</div>', ((item,) for item in items))
    return format_html('<div class="bookings-in-the-way" role="list">{}</div>', lines)


def _item(site: admin.AdminSite, booking: Booking, can_open: bool) -> SafeString:
    when = date_format(timezone.localtime(booking.start_at), "DATETIME_FORMAT")
    if not can_open:
        return format_html("{} · {}", booking.reference, when)
    url = reverse("admin:bookings_booking_change", args=[booking.pk], current_app=site.name)
    return format_html(
        '<a href="{}">{}</a> · {} · {}', url, booking.reference, when, booking.client_name
    )


def _claim(claim: BusyInterval) -> SafeString:
    start, end = (
        date_format(timezone.localtime(instant), "DATETIME_FORMAT")
        for instant in (claim.start_at, claim.end_at)
    )
    return format_html("{} · {} – {}", claim.get_kind_display(), start, end)
