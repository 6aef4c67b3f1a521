"""The buttons beside a waitlist entry, and which clients a change promotes from the waitlist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings.admin.attention import AttentionMixin
from bookings.admin.base import BaseAdmin, Page
from bookings.admin.visibility import registered_admin
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.services import (
    leave_waitlist,
    mark_notified,
    promote_from_waitlist,
)
from bookings.exceptions import BookingError
from bookings.models import Booking
from bookings.models.read_alias import read_alias


def _mark_told(entry: WaitlistEntry, *, actor: Any) -> None:
    # The admin's log has who has done it.
    mark_notified(entry)


ENTRY_SERVICES: Final[dict[str, tuple[Callable[..., Any], Any]]] = {
    "promote": (promote_from_waitlist, gettext_lazy("Promoted from the waitlist: %(client)s.")),
    "told": (_mark_told, gettext_lazy("Told of the promotion from the waitlist: %(client)s.")),
    "remove": (leave_waitlist, gettext_lazy("Removed from the waitlist: %(client)s.")),
}
"""The service of each button, and what to say afterwards."""

PROMOTED: Final = (WaitlistEntry.Status.ACCEPTED, WaitlistEntry.Status.OFFERED)

MAX_CLIENTS: Final = 20
"""How many clients a message names."""


class WaitlistMixin(BaseAdmin):
    def get_pages(self) -> list[Page]:
        route = "<path:object_id>/waitlist/<int:entry_id>/<slug:name>/"
        return [Page(route, self.waitlist_view, "waitlist"), *super().get_pages()]

    def waitlist_view(
        self, request: HttpRequest, object_id: str, entry_id: int, name: str
    ) -> HttpResponse:
        if name not in ENTRY_SERVICES:
            raise Http404
        session = self.get_object_to_change(request, object_id)
        entries = WaitlistEntry.objects.filter(session=session, pk=entry_id)
        entry = entries.select_related("session").first()
        if entry is None:
            raise Http404
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        service, text = ENTRY_SERVICES[name]
        before = entry.status, entry.unnotified_since
        try:
            service(entry, actor=self.get_actor(request))
        except BookingError as error:
            messages.error(request, " ".join(error.messages))
        else:
            self._report(
                request, entry, text, is_new=(entry.status, entry.unnotified_since) != before
            )
        bookings = registered_admin(self.admin_site, Booking)
        if "board" in request.POST and isinstance(bookings, AttentionMixin):
            return bookings.redirect("attention")
        return self.redirect("change", session)

    def _report(
        self, request: HttpRequest, entry: WaitlistEntry, text: Any, *, is_new: bool
    ) -> None:
        """Show and log what was done; only show it if it was done before, as by a double click."""
        if is_new:
            done = str(text % {"client": entry.client_name})
            self.log_change(request, entry.session, done)
            messages.success(request, done)
            return
        text = _("%(client)s was that already: %(status)s.")
        status = entry.get_status_display()
        messages.info(request, text % {"client": entry.client_name, "status": status})


def promoted_clients(session: Session, change: Callable[[], Any]) -> list[str]:
    """Call ``change`` and return the names of the clients who got seats by it, in their order."""
    entries = WaitlistEntry.objects.using(read_alias(WaitlistEntry)).filter(session=session)
    waiting = list(entries.waiting().values_list("pk", flat=True))
    change()
    promoted = entries.filter(pk__in=waiting, status__in=PROMOTED)
    return list(promoted.order_by(*WaitlistEntry.ORDER).values_list("client_name", flat=True))


def promotion_message(clients: list[str]) -> tuple[str, ...]:
    """Return the message that names the promoted clients; none where there are no clients."""
    if not clients:
        return ()
    names = ", ".join(clients[:MAX_CLIENTS]) + (" …" if len(clients) > MAX_CLIENTS else "")
    return (_("Promoted from the waitlist: %(client)s.") % {"client": names},)


def show_promotions(request: HttpRequest, clients: list[str]) -> None:
    for text in promotion_message(clients):
        messages.success(request, text)
