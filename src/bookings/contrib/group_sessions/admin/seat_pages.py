"""The pages on which staff book a seat, add a client to the waitlist, and move a seat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings.admin.base import BaseAdmin, Page, posted_data, submit
from bookings.admin.display import change_link
from bookings.admin.question_fields import QuestionsForm, questions_for_staff, with_questions
from bookings.admin.visibility import can_change, selectable_objects, visible_objects
from bookings.contrib.group_sessions.admin.display import bookable_seats
from bookings.contrib.group_sessions.admin.seat_forms import (
    BookSeatForm,
    ClientForm,
    JoinWaitlistForm,
    MoveSeatForm,
)
from bookings.contrib.group_sessions.admin.session_version import check_version, version_of
from bookings.contrib.group_sessions.admin.waitlist import promoted_clients, show_promotions
from bookings.contrib.group_sessions.models import Seat, Session
from bookings.models import Booking


class SeatPagesMixin(BaseAdmin):
    def get_pages(self) -> list[Page]:
        return [
            Page("<path:object_id>/book/", self.book_view, "book"),
            Page("<path:object_id>/wait/", self.wait_view, "wait"),
            Page("<path:object_id>/move/<int:booking_id>/", self.move_view, "move"),
            *super().get_pages(),
        ]

    def seat_links(self, request: HttpRequest, session: Session) -> list[dict[str, Any]]:
        """Return the links to offer on the session's page. The services decide."""
        now = timezone.now()
        is_ahead = session.is_active and session.start_at > now
        if not is_ahead or not self.has_change_permission(request, session):
            return []
        pages = []
        if bookable_seats(session, now):
            pages.append(("book", BookSeatForm.title))
        if session.enable_waitlist and not session.closed_by_staff:
            pages.append(("wait", JoinWaitlistForm.title))
        return [{"url": self.page_url(page, session), "label": label} for page, label in pages]

    def book_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._client_view(request, object_id, BookSeatForm)

    def wait_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._client_view(request, object_id, JoinWaitlistForm)

    def _client_view(
        self, request: HttpRequest, object_id: str, form_class: type[ClientForm]
    ) -> HttpResponse:
        session = self.get_object_to_change(request, object_id)
        if issubclass(form_class, QuestionsForm):
            form_class = with_questions(form_class, questions_for_staff(session.service))
        form = form_class(posted_data(request))

        def write() -> None:
            check_version(session, request.POST.get("version", ""))
            form.write(session, self.get_actor(request))

        if submit(form, write):
            return self._done(request, session, form.result_text, is_new=form.is_new)
        version = request.POST.get("version", version_of(session))
        return self._ask_about_seat(request, session, form, hidden=[("version", version)])

    def move_view(self, request: HttpRequest, object_id: str, booking_id: int) -> HttpResponse:
        session = self.get_object_to_change(request, object_id)
        sessions = self.get_queryset(request)
        bookings = selectable_objects(self.admin_site, Booking, request).filter(pk=booking_id)
        seats = Seat.objects.filter(
            booking__in=bookings.order_by().values("pk"),
            session__in=sessions.order_by().values("pk"),
        )
        seat = seats.select_related("booking", "session__service").first()
        if seat is None:
            raise Http404
        booking = seat.booking
        if seat.session_id != session.pk:
            # By the first of two clicks, or by somebody else.
            return self._done(request, session, _moved_text(booking, seat.session), is_new=False)
        coming = sessions.filter(
            tenant=session.tenant_id,
            service=session.service_id,
            status__in=Session.ACTIVE_STATUSES,
            start_at__gt=timezone.now(),
        )
        others = coming.exclude(pk=session.pk).order_by("start_at", "pk")
        form = MoveSeatForm(posted_data(request), booking, others)
        clients: list[str] = []

        def move() -> None:
            clients[:] = promoted_clients(session, lambda: form.write(self.get_actor(request)))

        if submit(form, move):
            show_promotions(request, clients)
            text = _moved_text(booking, form.cleaned_data["to_session"])
            return self._done(request, session, text, is_new=True)
        return self._ask_about_seat(request, session, form, booking=booking)

    def _ask_about_seat(
        self, request: HttpRequest, session: Session, form: Any, **context: Any
    ) -> HttpResponse:
        template = "seat_question.html"
        return self.render_question(
            request, form, [session], title=form.title, template=template, **context
        )

    def _done(
        self, request: HttpRequest, session: Session, text: str, *, is_new: bool
    ) -> HttpResponse:
        if is_new:
            self.log_change(request, session, text)
        messages.add_message(request, messages.SUCCESS if is_new else messages.INFO, text)
        return self.redirect("change", session)


def _moved_text(booking: Booking, session: Session) -> str:
    return _("%(booking)s is now in this session: %(session)s.") % {
        "booking": booking,
        "session": session,
    }


def move_link(booking: Booking, site: str) -> SafeString | None:
    """Return a link to the page that moves a booking's seat.

    ``None`` if the booking has lost its seat, which ``check_bookings`` reports, or if the admin
    site named ``site`` has no sessions.
    """
    seat = getattr(booking, "seat", None)
    if seat is None:
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


def permitted_move_link(
    booking: Booking, site: AdminSite, request: HttpRequest
) -> SafeString | None:
    """Return a link to the page that moves a booking's seat, if the user may open it."""
    return move_link(booking, site.name) if can_change(site, Session, request) else None


def session_links(
    booking: Booking, site: AdminSite, request: HttpRequest
) -> Iterator[tuple[str, SafeString]]:
    """Yield a link to the session of a seat, and one to move the seat, if the user may see it."""
    sessions = visible_objects(site, Session, request)
    seat = Seat.objects.filter(booking=booking, session__in=sessions.order_by().values("pk"))
    session = Session.objects.filter(pk__in=seat.values("session")).first()
    if session is None:
        return
    yield pgettext("group session", "Session"), change_link(site, session)
    link = move_link(booking, site.name)
    if link and booking.holds_time and can_change(site, Session, request, session):
        yield _("Another session"), link
