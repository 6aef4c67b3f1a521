"""Pages on which staff book a seat, put somebody on the waitlist, and move a seat."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from bookings.admin import refusals
from bookings.contrib.group_sessions.admin.lifecycle import SessionPages
from bookings.contrib.group_sessions.admin.promoted import promoted_by, tell_promoted
from bookings.contrib.group_sessions.admin.seat_forms import (
    BookForm,
    ClientForm,
    MoveSeatForm,
    WaitForm,
)
from bookings.contrib.group_sessions.admin.seen import check_seen
from bookings.contrib.group_sessions.admin.shown import seats_to_give
from bookings.contrib.group_sessions.models import Seat, Session
from bookings.exceptions import BookingError
from bookings.models import Booking


class SeatPages(SessionPages):
    def get_urls(self) -> list[URLPattern]:
        name = "bookings_group_sessions_session"
        pages = (
            ("book/", self.book_view, "book"),
            ("wait/", self.wait_view, "wait"),
            ("move/<int:booking_id>/", self.move_view, "move"),
        )
        return [
            *(
                path(
                    f"<path:object_id>/{route}",
                    self.admin_site.admin_view(view),
                    name=f"{name}_{page}",
                )
                for route, view, page in pages
            ),
            *super().get_urls(),
        ]

    def seat_links(self, request: HttpRequest, session: Session) -> list[dict[str, Any]]:
        """What to offer on the session's page; the services have the last word."""
        now = timezone.now()
        is_ahead = session.is_coming and session.start_at > now
        if not is_ahead or not self.has_change_permission(request, session):
            return []
        pages = []
        if seats_to_give(session, now):
            pages.append(("book", BookForm.button))
        if session.enable_waitlist and not session.closed_by_staff:
            pages.append(("wait", WaitForm.button))
        return [{"url": self.page_url(page, session), "label": label} for page, label in pages]

    def book_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._seat_view(request, object_id, BookForm)

    def wait_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._seat_view(request, object_id, WaitForm)

    def _seat_view(
        self, request: HttpRequest, object_id: str, form_class: type[ClientForm]
    ) -> HttpResponse:
        session = self.session_to_change(request, object_id)
        form = form_class(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                check_seen(session, request.POST.get("seen", ""))
                text, is_new = form.write(session, self.get_actor(request))
            except BookingError as error:
                form.add_error(None, form.as_form_error(error))
            else:
                return self._done(request, session, text, is_new=is_new)
        return self.ask(request, "seat", session, form)

    def move_view(self, request: HttpRequest, object_id: str, booking_id: int) -> HttpResponse:
        session = self.session_to_change(request, object_id)
        sessions = self.get_queryset(request)
        seats = Seat.objects.filter(booking=booking_id, session__in=sessions.values("pk"))
        seat = seats.select_related("booking", "session__service").first()
        if seat is None:
            raise Http404
        booking = seat.booking
        if seat.session_id != session.pk:
            # By the first click of two, or by somebody else.
            return self._done(request, session, _moved(booking, seat.session), is_new=False)
        coming = sessions.filter(
            tenant=session.tenant_id,
            service=session.service_id,
            status__in=Session.COMING_STATUSES,
            start_at__gt=timezone.now(),
        )
        others = coming.exclude(pk=session.pk).order_by("start_at", "pk")
        form = MoveSeatForm(request.POST if request.method == "POST" else None, booking, others)
        if form.is_valid():
            try:
                promoted = promoted_by(session, lambda: form.write(self.get_actor(request)))
            except BookingError as error:
                form.add_error(None, form.as_form_error(error))
            else:
                tell_promoted(request, promoted)
                text = _moved(booking, form.cleaned_data["to_session"])
                return self._done(request, session, text, is_new=True)
        return self.ask(request, "seat", session, form, booking=booking)

    def _done(
        self, request: HttpRequest, session: Session, text: str, *, is_new: bool
    ) -> HttpResponse:
        if is_new:
            self.log_change(request, session, text)
        messages.add_message(request, messages.SUCCESS if is_new else messages.INFO, text)
        return HttpResponseRedirect(self.page_url("change", session))


def _moved(booking: Booking, session: Session) -> str:
    return _("%(booking)s is now in this session: %(session)s.") % {
        "booking": booking,
        "session": session,
    }


def move_link(booking: Booking, site: str) -> SafeString | None:
    """To the page that moves a booking's seat, where sessions are in the admin."""
    seat = getattr(booking, "seat", None)
    if seat is None:
        # It has lost its seat, which check_bookings finds.
        return None
    try:
        url = reverse(
            "admin:bookings_group_sessions_session_move",
            args=[quote(seat.session_id), booking.pk],
            current_app=site,
        )
    except NoReverseMatch:
        return None
    return format_html('<a href="{}">{}</a>', url, _("Choose the session"))


refusals.point("in_session", move_link)
