"""The bookings and the waitlist of a session on its page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Case, Exists, F, OuterRef, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from bookings.admin.booking.inlines import BookingResourceInline
from bookings.admin.display import change_link, status_badge
from bookings.admin.read_only import ReadOnlyFormSet, ReadOnlyInline
from bookings.admin.visibility import can_view, registered_admin, selectable_objects
from bookings.contrib.group_sessions.admin.display import bookable_seats
from bookings.contrib.group_sessions.models import Seat, SessionResource, WaitlistEntry
from bookings.models import Booking

WAITLIST_FORM = "bookings-waitlist"
"""The id of an empty form beside that of the session. The buttons in the rows submit it."""


class SessionResourceInline(BookingResourceInline):
    model = SessionResource
    fk_name = "session"


class SeatFormSet(ReadOnlyFormSet):
    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form: Any = super()._construct_form(i, **kwargs)  # type: ignore[misc]
        seat = form.instance
        if not seat.is_visible:
            busy = Booking(party_size=seat.booking.party_size, status=seat.booking.status)
            busy.reference, busy.client_name = _("Busy"), "–"
            seat.booking = busy
        return form


class SeatInline(ReadOnlyInline):
    """The bookings of the session. Whoever may see it sees them, but for those that the bookings'
    own admin hides from the user: these are only busy seats.
    """

    formset = SeatFormSet
    model = Seat
    fk_name = "session"
    verbose_name_plural = gettext_lazy("bookings")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        columns = ("reference", "client", "seats", "state")
        return (*columns, "buttons") if _may_change(self, request, obj) else columns

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.get_fields(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        self.has_links = can_view(self.admin_site, Booking, request)
        bookings = selectable_objects(self.admin_site, Booking, request)
        rows = super().get_queryset(request).select_related("booking", "session__service")
        condition = Exists(bookings.filter(pk=OuterRef("booking")))
        annotated: QuerySet[Any] = rows.annotate(is_visible=condition)
        return annotated

    @admin.display(description=gettext_lazy("reference"))
    def reference(self, seat: Any) -> SafeString | str:
        booking = seat.booking
        if not (self.has_links and seat.is_visible):
            return str(booking.reference)
        return change_link(self.admin_site, booking, booking.reference)

    @admin.display(description=gettext_lazy("client"))
    def client(self, seat: Seat) -> str:
        return str(seat.booking.client_name)

    @admin.display(description=pgettext_lazy("how many", "seats"))
    def seats(self, seat: Seat) -> int:
        return seat.booking.party_size

    @admin.display(description=gettext_lazy("status"))
    def state(self, seat: Seat) -> SafeString:
        return status_badge(seat.booking)

    @admin.display(description=gettext_lazy("actions"))
    def buttons(self, seat: Any) -> SafeString | str:
        if not (seat.is_visible and seat.booking.holds_time and seat.session.is_active):
            return ""
        return format_html(
            '<a class="button" href="{}">{}<span class="visually-hidden"> {}</span></a>',
            _session_url(self, "move", seat.session_id, seat.booking_id),
            pgettext("step of a booking", "Move"),
            seat.booking.client_name,
        )


class WaitlistInline(ReadOnlyInline):
    """Waiting clients first, in the order in which they get seats."""

    model = WaitlistEntry
    fk_name = "session"
    verbose_name_plural = gettext_lazy("waitlist")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django makes an inline for each request, so this cache lives no longer.
        self.free_seats: int | None = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        order = (F("priority").desc(), F("joined_at").asc(), F("pk").asc())
        Status = WaitlistEntry.Status  # noqa: N806 - a class
        rows: QuerySet[Any] = (
            super()
            .get_queryset(request)
            .select_related("session__service", "session__busy_interval", "booking")
            .annotate(
                place=Window(RowNumber(), partition_by=[F("session"), F("status")], order_by=order),
                group=Case(
                    When(status=Status.WAITING, then=Value(0)),
                    When(status=Status.OFFERED, then=Value(1)),
                    default=Value(2),
                ),
            )
            .order_by("group", *WaitlistEntry.ORDER)
        )
        return rows

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        columns = ("position", "client_name", "party_size", "priority", "joined_at", "state")
        return (*columns, "buttons") if _may_change(self, request, obj) else columns

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.get_fields(request, obj)

    @admin.display(description=pgettext_lazy("in a queue", "place"))
    def position(self, entry: Any) -> str:
        return f"{entry.place}" if entry.status == WaitlistEntry.Status.WAITING else "–"

    @admin.display(description=gettext_lazy("status"))
    def state(self, entry: WaitlistEntry) -> SafeString:
        if not self._has_to_be_told(entry):
            return status_badge(entry)
        text = _("not told yet")
        return format_html('{} <small class="bookings-until">{}</small>', status_badge(entry), text)

    def _has_to_be_told(self, entry: WaitlistEntry) -> bool:
        booking = entry.booking
        if entry.unnotified_since is None or booking is None:
            return False
        return booking.holds_time and booking.start_at > timezone.now()

    @admin.display(description=gettext_lazy("actions"))
    def buttons(self, entry: WaitlistEntry) -> SafeString:
        buttons = SafeString()
        if entry.status == WaitlistEntry.Status.WAITING and self._fits(entry):
            buttons += self._button(entry, "promote", _("Promote"))
        if self._has_to_be_told(entry):
            buttons += self._button(entry, "told", _("Mark as told"))
        if entry.status in {WaitlistEntry.Status.WAITING, WaitlistEntry.Status.OFFERED}:
            buttons += self._button(entry, "remove", _("Remove"))
        return buttons

    def _fits(self, entry: WaitlistEntry) -> bool:
        if self.free_seats is None:
            self.free_seats = bookable_seats(entry.session, timezone.now())
        return entry.party_size <= self.free_seats

    def _button(self, entry: WaitlistEntry, name: str, label: str) -> SafeString:
        url = _session_url(self, "waitlist", entry.session_id, entry.pk, name)
        return format_html(
            '<button type="submit" class="button" form="{}" formaction="{}">{}'
            '<span class="visually-hidden"> {}</span></button> ',
            WAITLIST_FORM,
            url,
            label,
            entry.client_name,
        )


def _may_change(inline: ReadOnlyInline, request: HttpRequest, session: Any) -> bool:
    sessions = registered_admin(inline.admin_site, inline.parent_model)
    return sessions is not None and sessions.has_change_permission(request, session)


def _session_url(inline: ReadOnlyInline, page: str, *args: Any) -> str:
    return reverse(
        f"admin:bookings_group_sessions_session_{page}",
        args=args,
        current_app=inline.admin_site.name,
    )
