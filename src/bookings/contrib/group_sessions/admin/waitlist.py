"""The buttons beside who waits: give them the seats that are free, or take them off the list."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings.contrib.group_sessions.admin.lifecycle import SessionPages
from bookings.contrib.group_sessions.models import WaitlistEntry
from bookings.contrib.group_sessions.services import leave_waitlist, promote_from_waitlist
from bookings.exceptions import BookingError

ACTS: Final[dict[str, Any]] = {
    "promote": (promote_from_waitlist, gettext_lazy("Promoted from the waitlist: %(client)s.")),
    "remove": (leave_waitlist, gettext_lazy("Removed from the waitlist: %(client)s.")),
}


class WaitlistButtons(SessionPages):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.waitlist_view)
        route = "<path:object_id>/waitlist/<int:entry_id>/<slug:name>/"
        name = "bookings_group_sessions_session_waitlist"
        return [path(route, view, name=name), *super().get_urls()]

    def waitlist_view(
        self, request: HttpRequest, object_id: str, entry_id: int, name: str
    ) -> HttpResponse:
        if name not in ACTS:
            raise Http404
        session = self.session_to_change(request, object_id)
        entries = WaitlistEntry.objects.filter(session=session, pk=entry_id)
        entry = entries.select_related("session").first()
        if entry is None:
            raise Http404
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        act, text = ACTS[name]
        before = entry.status
        try:
            act(entry, actor=self.get_actor(request))
        except BookingError as error:
            messages.error(request, " ".join(error.messages))
        else:
            self._tell(request, entry, before, text)
        return HttpResponseRedirect(self.page_url("change", session))

    def _tell(self, request: HttpRequest, entry: WaitlistEntry, before: str, text: Any) -> None:
        """A doubled click finds it done, and that is no error."""
        if entry.status == before:
            said = _("%(client)s was that already: %(status)s.")
            status = entry.get_status_display()
            messages.info(request, said % {"client": entry.client_name, "status": status})
            return
        said = str(text % {"client": entry.client_name})
        self.log_change(request, entry.session, said)
        messages.success(request, said)
