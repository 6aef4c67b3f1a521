"""The pages of bookings in the menu of the admin: today, the calendar, what needs attention.

They belong to the admin of bookings of the same site, and are hidden where the site has none that
is built on :class:`~bookings.admin.BookingAdmin`, or from a user who may not see bookings.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from bookings.admin.booking.booking_admin import BookingAdmin
from bookings.admin.read_only import PageOnlyAdmin
from bookings.admin.visibility import registered_admin
from bookings.models import Booking
from bookings.models.menu_pages import AttentionPage, CalendarPage, TodayPage


class MenuPageAdmin(PageOnlyAdmin):
    """Opens a page of the bookings' admin."""

    page: ClassVar[str]
    """What ``page_url()`` of the bookings' admin calls the page."""
    query: ClassVar[str] = ""

    def bookings_admin(self) -> BookingAdmin | None:
        found = registered_admin(self.admin_site, Booking)
        return found if isinstance(found, BookingAdmin) else None

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        bookings = self.bookings_admin()
        if bookings is None or not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(bookings.page_url(self.page) + self.query)

    def has_page_permission(self, request: HttpRequest) -> bool:
        bookings = self.bookings_admin()
        return bookings is not None and bookings.has_view_or_change_permission(request)


@admin.register(CalendarPage)
class CalendarPageAdmin(MenuPageAdmin):
    page = "calendar"


@admin.register(AttentionPage)
class AttentionPageAdmin(MenuPageAdmin):
    """Its site shows the counts of the board on its index too, unless it has an index of its own.

    A template ``admin/index.html`` would take the place of that of the host, and a name with a
    count in the menu would be computed on every page.
    """

    page = "attention"
    index_template: ClassVar[str] = "admin/bookings/index.html"

    def __init__(self, model: Any, admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        if admin_site.index_template is None:
            admin_site.index_template = self.index_template


@admin.register(TodayPage)
class TodayPageAdmin(MenuPageAdmin):
    page = "changelist"
    query = "?when=today"
