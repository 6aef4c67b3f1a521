"""What the app adds to the core."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext

from bookings.contrib.series import integrity
from bookings.extensions import Extension
from bookings.integrity import Problem

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
    from django.contrib.admin.options import InlineModelAdmin
    from django.db.models import Model
    from django.http import HttpRequest
    from django.utils.safestring import SafeString


class SeriesExtension(Extension):
    name = "bookings_series"
    order = 30

    def find_problems(self, using: str) -> Iterator[Problem]:
        return integrity.find_problems(using)

    def booking_inlines(self) -> Sequence[type[InlineModelAdmin[Any, Any]]]:
        from bookings.contrib.series.admin import SeriesInline

        return (SeriesInline,)

    def list_links(
        self, model: type[Model], site: AdminSite, request: HttpRequest
    ) -> Iterable[tuple[str, str]]:
        if model._meta.label != "bookings_group_sessions.Session":
            return ()
        from bookings.contrib.series.admin.session_links import publish_url_for

        url = publish_url_for(site, request)
        return [(gettext("Publish a weekly class"), url)] if url else ()

    def related_links(
        self, instance: Model, site: AdminSite, request: HttpRequest
    ) -> Iterable[tuple[str, SafeString]]:
        if instance._meta.label != "bookings_group_sessions.Session":
            return ()
        from bookings.contrib.series.admin.session_links import series_link_of

        link = series_link_of(site, request, instance)
        return () if link is None else (link,)
