"""The board of what needs attention, and the menu."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone

from bookings.admin import AttentionPageAdmin, BookingAdmin
from bookings.admin.read_only import PageOnlyAdmin
from bookings.contrib.group_sessions.services import (
    book_seat,
    close_session,
    create_session,
    join_waitlist,
    update_session,
)
from bookings.contrib.payments.services import record_payment
from bookings.extensions import AttentionSection
from bookings.models import AttentionPage, Booking, Calendar, CalendarPage
from bookings.services import cancel_booking, deliver_booking, hold_booking
from tests.admin.conftest import LIST, Book, Make, page_of
from tests.admin.page import text_of

BOARD = f"{LIST}attention/"

bare = admin.AdminSite(name="bare")
bare.register(AttentionPage, AttentionPageAdmin)
plain = admin.AdminSite(name="plain")
plain.register(AttentionPage, AttentionPageAdmin)
plain.register(Booking, admin.ModelAdmin)
urlpatterns = [
    path("admin/", admin.site.urls),
    path("bare/", bare.urls),
    path("plain/", plain.urls),
]


def board(client: Client) -> dict[str, AttentionSection]:
    response = client.get(BOARD)
    assert response.status_code == 200
    return {section.name: section for section in response.context["sections"]}


def test_a_quiet_board_says_so(viewer: Client, booking: Booking) -> None:
    assert board(viewer) == {}
    assert "Nothing waits for you." in text_of(viewer.get(BOARD))


def test_a_request_waits_for_an_answer(viewer: Client, pending: Booking) -> None:
    section = board(viewer)["approval"]
    assert section.count == 1
    (row,) = section.rows
    assert (row.text, row.url, row.since) == ("Mary", page_of(pending), pending.requested_at)
    page = text_of(viewer.get(BOARD))
    assert f'href="{LIST}?waiting=approval"' in page
    assert "Surgery · Ada" in page


def test_a_hold_runs_out(viewer: Client, service: Any, provider: Any, start: datetime) -> None:
    hold = hold_booking(service=service, provider=provider, start_at=start)
    (row,) = board(viewer)["hold"].rows
    assert (row.text, row.until) == (hold.reference, hold.expires_at)


def test_a_booking_is_over_and_nobody_says_what_became_of_it(viewer: Client, past: Booking) -> None:
    (row,) = board(viewer)["overdue"].rows
    assert (row.url, row.since) == (page_of(past), past.end_at)


def test_a_delivery_is_not_confirmed(viewer: Client, past: Booking) -> None:
    deliver_booking(past)
    assert [row.url for row in board(viewer)["client"].rows] == [page_of(past)]


def test_a_refund_is_to_be_paid(boss: Client, viewer: Client, booking: Booking) -> None:
    record_payment(booking, amount=80, currency="EUR", external_id="p")
    cancel_booking(booking, by="provider")
    (row,) = board(boss)["refunds"].rows
    assert (row.text, row.details) == ("80.00 EUR", "Mary")
    assert "refunds" not in board(viewer), "who may not see refunds"


def test_a_client_waits_although_a_seat_is_free(
    boss: Client, viewer: Client, make_service: Make, provider: Any, start: datetime
) -> None:
    session = create_session(
        service=make_service(name="Yoga"),
        provider=provider,
        start_at=start,
        capacity=1,
        enable_waitlist=True,
    )
    book_seat(session, client_name="Bob")
    join_waitlist(session, client_name="Eva")
    assert "waitlists" not in board(boss)
    close_session(session)
    update_session(session, capacity=3)
    (row,) = board(boss)["waitlists"].rows
    assert (row.text, row.details, row.start_at) == ("Yoga", "2 free seats", start)
    assert "waitlists" not in board(viewer), "who may not see sessions"


def test_the_board_shows_the_first_ones_and_counts_the_others(
    viewer: Client, book: Book, start: datetime
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            board(viewer)
        return len(captured)

    for day in range(1, 9):
        book(start_at=start - timedelta(days=20 + day), allow_past=True)
    few = queries()
    section = board(viewer)["overdue"]
    assert (section.count, len(section.rows)) == (8, 8)
    for day in range(9, 15):
        book(start_at=start - timedelta(days=20 + day), allow_past=True)
    section = board(viewer)["overdue"]
    assert (section.count, len(section.rows)) == (14, 8)
    assert section.rows[0].start_at == start - timedelta(days=34), "the oldest first"
    assert queries() == few
    assert "Show all 14" in text_of(viewer.get(BOARD))


def test_what_a_user_may_not_see_is_not_counted(
    viewer: Client, pending: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BookingAdmin, "get_queryset", lambda self, request: Booking.objects.none())
    assert board(viewer) == {}


def test_strangers_are_refused(stranger: Client) -> None:
    assert stranger.get(BOARD).status_code == 403


@pytest.mark.parametrize(
    ("model", "leads_to"),
    [
        ("calendarpage", f"{LIST}calendar/"),
        ("attentionpage", BOARD),
        ("todaypage", f"{LIST}?when=today"),
    ],
)
def test_the_menu_leads_to_the_page(
    viewer: Client, stranger: Client, booking: Booking, model: str, leads_to: str
) -> None:
    url = f"/admin/bookings/{model}/"
    assert f'href="{url}"' in text_of(viewer.get("/admin/"))
    response = viewer.get(url)
    assert (response.status_code, response["Location"]) == (302, leads_to)
    assert f'href="{url}"' not in text_of(stranger.get("/admin/"))
    assert stranger.get(url).status_code == 403
    calendar = Calendar.objects.get()
    for page in ("add", f"{calendar.pk}/change", f"{calendar.pk}/history", f"{calendar.pk}"):
        assert viewer.get(f"{url}{page}/").status_code == 404, "A row of the table is no page."


def test_the_pages_of_the_menu_change_nothing(boss: Client) -> None:
    request = boss.get("/admin/").wsgi_request
    page = admin.site.get_model_admin(CalendarPage)
    assert not page.has_view_permission(request, Calendar())
    assert page.get_queryset(request).query.is_empty()
    assert not page.has_change_permission(request)
    with pytest.raises(NotImplementedError, match="PageOnlyAdmin"):
        PageOnlyAdmin(CalendarPage, admin.site).has_view_permission(request)
    assert not page.has_delete_permission(request)


@pytest.mark.parametrize("site", ["bare", "plain"])
def test_the_menu_hides_pages_that_the_site_does_not_have(
    boss: Client, settings: Any, site: str
) -> None:
    settings.ROOT_URLCONF = __name__
    url = f"/{site}/bookings/attentionpage/"
    assert url not in text_of(boss.get(f"/{site}/"))
    assert boss.get(url).status_code == 403
    if site == "plain":
        assert "attention-" not in text_of(boss.get(f"/{site}/bookings/"))


def test_the_index_and_that_of_the_app_count_what_waits(
    viewer: Client, stranger: Client, pending: Booking, past: Booking
) -> None:
    for index in ("/admin/", "/admin/bookings/"):
        page = text_of(viewer.get(index))
        for section in ("approval", "overdue"):
            assert f'href="{BOARD}#attention-{section}"' in page
        assert page.count('<span class="bookings-count">1</span>') == 2
    assert "bookings-count" not in text_of(stranger.get("/admin/"))


def test_the_index_takes_as_many_queries_for_many(viewer: Client, book: Book, start: Any) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert viewer.get("/admin/").status_code == 200
        return len(captured)

    def add(number: int) -> None:
        for _time in range(number):
            at = start + timedelta(hours=Booking.objects.count())
            book(start_at=at, expires_at=timezone.now() + timedelta(hours=1))

    queries()
    # The board reads eight rows of each kind, and counts them from then on.
    add(8)
    few = queries()
    add(12)
    assert queries() == few


def test_a_site_keeps_an_index_of_its_own() -> None:
    class Own(admin.AdminSite):
        index_template = "own.html"

    for site, template in ((Own(), "own.html"), (admin.AdminSite(), "admin/bookings/index.html")):
        site.register(AttentionPage, AttentionPageAdmin)
        assert site.index_template == template
