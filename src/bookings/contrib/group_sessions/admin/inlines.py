"""Who comes to a session, and who waits for it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Case, F, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from bookings.admin.inlines import ReadOnlyInline
from bookings.admin.relations import registered_admin
from bookings.contrib.group_sessions.admin.shown import badge, seats_to_give
from bookings.contrib.group_sessions.models import Seat, WaitlistEntry
from bookings.models import Booking

FORM = "bookings-waitlist"
"""The page's second form, to which the buttons in the first one's rows belong."""


class SeatInline(ReadOnlyInline):
    model = Seat
    fk_name = "session"
    verbose_name_plural = gettext_lazy("bookings")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        columns = ("reference", "client", "seats", "state")
        return (*columns, "acts") if _may_change(self, request, obj) else columns

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.get_fields(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        bookings = registered_admin(self.admin_site, Booking)
        self.can_open = bookings is not None and bookings.has_view_or_change_permission(request)
        return super().get_queryset(request).select_related("booking", "session__service")

    @admin.display(description=gettext_lazy("reference"))
    def reference(self, seat: Seat) -> SafeString | str:
        if not self.can_open:
            return seat.booking.reference
        url = reverse(
            "admin:bookings_booking_change",
            args=[seat.booking_id],
            current_app=self.admin_site.name,
        )
        return format_html('<a href="{}">{}</a>', url, seat.booking.reference)

    @admin.display(description=gettext_lazy("client"))
    def client(self, seat: Seat) -> str:
        return seat.booking.client_name

    @admin.display(description=pgettext_lazy("how many", "seats"))
    def seats(self, seat: Seat) -> int:
        return seat.booking.party_size

    @admin.display(description=gettext_lazy("status"))
    def state(self, seat: Seat) -> SafeString:
        return badge(seat.booking)

    @admin.display(description="")
    def acts(self, seat: Seat) -> SafeString | str:
        if not (seat.booking.holds_time and seat.session.is_coming):
            return ""
        return format_html(
            '<a class="button" href="{}">{}<span class="visually-hidden"> {}</span></a>',
            _session_url(self, "move", seat.session_id, seat.booking_id),
            pgettext("step of a booking", "Move"),
            seat.booking.client_name,
        )


class WaitlistInline(ReadOnlyInline):
    """Those who wait first, in the order in which seats are given."""

    model = WaitlistEntry
    fk_name = "session"
    verbose_name_plural = gettext_lazy("waitlist")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A page makes inlines of its own, so nothing is remembered for longer than that.
        self.free: int | None = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        order = (F("priority").desc(), F("joined_at").asc(), F("pk").asc())
        Status = WaitlistEntry.Status  # noqa: N806 - a class
        rows: QuerySet[Any] = (
            super()
            .get_queryset(request)
            .select_related("session__service", "session__busy_interval")
            .annotate(
                place=Window(RowNumber(), partition_by=[F("session"), F("status")], order_by=order),
                turn=Case(
                    When(status=Status.WAITING, then=Value(0)),
                    When(status=Status.OFFERED, then=Value(1)),
                    default=Value(2),
                ),
            )
            .order_by("turn", *WaitlistEntry.ORDER)
        )
        return rows

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        columns = ("number", "client_name", "party_size", "priority", "joined_at", "state")
        return (*columns, "acts") if _may_change(self, request, obj) else columns

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.get_fields(request, obj)

    @admin.display(description=pgettext_lazy("in a queue", "place"))
    def number(self, entry: Any) -> str:
        return f"{entry.place}" if entry.status == WaitlistEntry.Status.WAITING else "–"

    @admin.display(description=gettext_lazy("status"))
    def state(self, entry: WaitlistEntry) -> SafeString:
        return badge(entry)

    @admin.display(description="")
    def acts(self, entry: WaitlistEntry) -> SafeString:
        buttons = SafeString()
        if entry.status == WaitlistEntry.Status.WAITING and self._fits(entry):
            buttons += self._button(entry, "promote", _("Promote"))
        if entry.status in {WaitlistEntry.Status.WAITING, WaitlistEntry.Status.OFFERED}:
            buttons += self._button(entry, "remove", _("Remove"))
        return buttons

    def _fits(self, entry: WaitlistEntry) -> bool:
        if self.free is None:
            self.free = seats_to_give(entry.session, timezone.now())
        return entry.party_size <= self.free

    def _button(self, entry: WaitlistEntry, name: str, label: str) -> SafeString:
        url = _session_url(self, "waitlist", entry.session_id, entry.pk, name)
        return format_html(
            '<button type="submit" class="button" form="{}" formaction="{}">{}'
            '<span class="visually-hidden"> {}</span></button> ',
            FORM,
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
