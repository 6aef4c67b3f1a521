"""Links between the pages of a series and those of its sessions, if their app is installed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import localize
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from bookings.admin.display import change_link
from bookings.admin.visibility import can_view, selectable_objects, visible_objects
from bookings.contrib.series.models import Occurrence, Series

if TYPE_CHECKING:
    from bookings.contrib.group_sessions.models import Session

GROUP_SESSIONS: Final = "bookings.contrib.group_sessions"


class SessionLinks:
    """The sessions of a series, read once for all occurrences on its page."""

    def __init__(self, site: AdminSite, request: HttpRequest) -> None:
        self.site = site
        self.request = request
        self._sessions: dict[int, Session] | None = None

    def link(self, occurrence: Occurrence) -> SafeString | str:
        """Return the session's title and start, as a link if the user may see sessions.

        A session that the sessions' own admin hides from the user is only busy.
        """
        session = self._session_of(occurrence)
        if session is None:
            return "–" if occurrence.session_key is None else f"#{occurrence.session_key}"
        if session.pk not in self._visible:
            return _("Busy")
        start = localize(timezone.localtime(session.start_at))
        text = f"{session.title or session.service} · {start}"
        return change_link(self.site, session, text) if self._has_links else text

    def status(self, occurrence: Occurrence) -> str:
        session = self._session_of(occurrence)
        if session is None or session.pk not in self._visible:
            return "–"
        return session.get_status_display()

    def _session_of(self, occurrence: Occurrence) -> Session | None:
        if occurrence.session_key is None or not apps.is_installed(GROUP_SESSIONS):
            return None
        if self._sessions is None:
            keys = Occurrence.objects.filter(series=occurrence.series_id).values("session_key")
            sessions = session_model()._default_manager.filter(pk__in=keys)
            self._sessions = sessions.select_related("service").in_bulk()
        return self._sessions.get(occurrence.session_key)

    @cached_property
    def _visible(self) -> set[Any]:
        """The keys of the sessions that are not hidden."""
        sessions = selectable_objects(self.site, session_model(), self.request)
        keys = [session.pk for session in (self._sessions or {}).values()]
        return set(sessions.filter(pk__in=keys).values_list("pk", flat=True))

    @cached_property
    def _has_links(self) -> bool:
        return can_view(self.site, session_model(), self.request)


def session_model() -> Any:
    return apps.get_model("bookings_group_sessions", "Session")


def publish_url_for(site: AdminSite, request: HttpRequest) -> str:
    """Return the address where this user publishes a weekly class; empty if they may not."""
    if not apps.is_installed(GROUP_SESSIONS) or not site.is_registered(Series):
        return ""
    from bookings.contrib.series.admin.publish import publish_url, session_admin

    return "" if session_admin(site, request) is None else publish_url(site)


def series_link_of(
    site: AdminSite, request: HttpRequest, session: Any
) -> tuple[str, SafeString] | None:
    """Return a label and a link from a session's page to its series, if the user may see it."""
    series = visible_objects(site, Series, request).order_by()
    occurrences = Occurrence.objects.filter(session_key=session.pk, series__in=series.values("pk"))
    occurrence = occurrences.select_related("series").first()
    if occurrence is None:
        return None
    label = str(capfirst(str(Series._meta.verbose_name)))
    return label, change_link(site, occurrence.series)
