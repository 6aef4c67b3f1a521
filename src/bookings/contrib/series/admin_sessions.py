"""Between the pages of a series and those of its sessions, where their app is installed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from bookings.admin.relations import registered_admin
from bookings.contrib.series.models import Occurrence, Series

if TYPE_CHECKING:
    from bookings.contrib.group_sessions.models import Session

SESSIONS: Final = "bookings.contrib.group_sessions"


class SessionLinks:
    """The sessions of the series on a page, read once for all of its starts."""

    def __init__(self, site: AdminSite, request: HttpRequest) -> None:
        self.site = site
        self.request = request
        self._sessions: dict[int, Session] | None = None

    def link(self, row: Occurrence) -> SafeString | str:
        """What and when; for who may see sessions, with a link to its page."""
        session = self._session_of(row)
        if session is None:
            return "–" if row.session_key is None else f"#{row.session_key}"
        start = localize(timezone.localtime(session.start_at))
        text = f"{session.title or session.service} · {start}"
        if not self._can_open:
            return text
        url = reverse(
            "admin:bookings_group_sessions_session_change",
            args=[quote(session.pk)],
            current_app=self.site.name,
        )
        return format_html('<a href="{}">{}</a>', url, text)

    def status(self, row: Occurrence) -> str:
        session = self._session_of(row)
        return "–" if session is None else session.get_status_display()

    def _session_of(self, row: Occurrence) -> Session | None:
        if row.session_key is None or not apps.is_installed(SESSIONS):
            return None
        if self._sessions is None:
            keys = Occurrence.objects.filter(series=row.series_id).values("session_key")
            found = _session_model()._default_manager.filter(pk__in=keys)
            self._sessions = found.select_related("service").in_bulk()
        return self._sessions.get(row.session_key)

    @cached_property
    def _can_open(self) -> bool:
        sessions = registered_admin(self.site, _session_model())
        return sessions is not None and sessions.has_view_or_change_permission(self.request)


def _session_model() -> Any:
    return apps.get_model("bookings_group_sessions", "Session")


def series_link(series: Series, site: AdminSite) -> SafeString:
    url = reverse(
        "admin:bookings_series_series_change", args=[quote(series.pk)], current_app=site.name
    )
    return format_html('<a href="{}">{}</a>', url, series)


def series_of(site: AdminSite, request: HttpRequest, session: Any) -> tuple[str, SafeString] | None:
    """For the page of a session: the series that it belongs to, for who may see series."""
    related = registered_admin(site, Series)
    if related is None or not related.has_view_or_change_permission(request):
        return None
    row = Occurrence.objects.filter(session_key=session.pk).select_related("series").first()
    if row is None:
        return None
    return str(capfirst(str(Series._meta.verbose_name))), series_link(row.series, site)


def say_on_sessions() -> None:
    """Have the pages of sessions name their series, where there are such pages."""
    if apps.is_installed(SESSIONS):
        from bookings.contrib.group_sessions.admin import SessionAdmin

        SessionAdmin.belongs_to.append(series_of)
