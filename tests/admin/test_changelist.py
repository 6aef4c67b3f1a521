"""The list of bookings."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from bookings.admin import filters
from bookings.admin.booking.quick_entry import phone_pattern
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.admin.conftest import LIST, Book, Make, page_of
from tests.admin.page import text_of


def references(response: Any) -> list[str]:
    assert response.status_code == 200
    return [booking.reference for booking in response.context["cl"].result_list]


def test_a_row_shows_reference_client_service_provider_start_and_total(
    viewer: Client, book: Book, start: datetime, addon: Any
) -> None:
    booking = book(addon_ids=[addon.pk])
    page = text_of(viewer.get(LIST))
    for text in (booking.reference, "Massage", "Ada", "Mary", "100.00 EUR", "10 a.m."):
        assert text in page
    assert '<span class="bookings-status bookings-status-confirmed">Confirmed</span>' in page
    assert "bookings/admin.css" in page


def test_a_booking_without_a_price_has_no_total(
    viewer: Client, book: Book, make_service: Make
) -> None:
    booking = book(service=make_service(name="Talk", price_amount=None))
    assert '<td class="field-total">–</td>' in text_of(viewer.get(LIST))
    assert '<div class="readonly">–</div>' in text_of(viewer.get(page_of(booking)))


@pytest.mark.parametrize(("currency", "total"), [("JPY", ">8000 JPY<"), ("KWD", ">8000.000 KWD<")])
def test_a_total_has_the_decimals_of_its_currency(
    viewer: Client, book: Book, make_service: Make, currency: str, total: str
) -> None:
    book(service=make_service(currency=currency, price_amount=8000))
    assert total in text_of(viewer.get(LIST))


def test_without_tenancy_there_is_no_tenant_column(viewer: Client, booking: Booking) -> None:
    assert "tenant" not in text_of(viewer.get(LIST)).lower()


def test_the_list_links_to_the_calendar(viewer: Client) -> None:
    assert 'href="/admin/bookings/booking/calendar/"' in text_of(viewer.get(LIST))


def test_a_popup_does_not_link_to_the_calendar(viewer: Client) -> None:
    assert "/calendar/" not in text_of(viewer.get(LIST, {"_popup": "1"}))


@pytest.mark.parametrize("asked", ["BK-", "zoë", "zoe@", "0049"])
def test_search_finds_reference_name_mail_and_phone(
    viewer: Client, book: Book, booking: Booking, asked: str
) -> None:
    start = booking.start_at + timedelta(hours=3)
    other = book(
        start_at=start, client_name="zoë", client_email="zoe@example.org", client_phone="0049 30"
    )
    found = references(viewer.get(LIST, {"q": asked}))
    assert set(found) == (
        {other.reference, booking.reference} if asked == "BK-" else {other.reference}
    )


def test_status_provider_and_service_are_filters(
    viewer: Client, book: Book, booking: Booking, other_provider: Any, make_service: Make
) -> None:
    other = book(provider=other_provider, service=make_service(name="Yoga"))
    cancel_booking(other)
    for asked in (
        {"status__exact": "CANCELLED"},
        {"provider__id__exact": other_provider.pk},
        {"service__id__exact": other.service_id},
    ):
        assert references(viewer.get(LIST, asked)) == [other.reference]


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """It is noon on Wednesday, 13 March 2030."""
    noon = datetime(2030, 3, 13, 12, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: noon)
    return noon


MOMENTS = {
    "last sunday": datetime(2030, 3, 10, 23, tzinfo=UTC),
    "monday": datetime(2030, 3, 11, 0, tzinfo=UTC),
    "this morning": datetime(2030, 3, 13, 8, tzinfo=UTC),
    "running": datetime(2030, 3, 13, 11, 30, tzinfo=UTC),
    "tonight": datetime(2030, 3, 13, 23, tzinfo=UTC),
    "tomorrow": datetime(2030, 3, 14, 0, tzinfo=UTC),
    "sunday": datetime(2030, 3, 17, 22, tzinfo=UTC),
    "next monday": datetime(2030, 3, 18, 0, tzinfo=UTC),
}

WHEN = {
    "today": ["this morning", "running", "tonight"],
    "tomorrow": ["tomorrow"],
    "week": ["monday", "this morning", "running", "tonight", "tomorrow", "sunday"],
    "upcoming": ["running", "tonight", "tomorrow", "sunday", "next monday"],
    "past": ["this morning", "monday", "last sunday"],
    "": list(MOMENTS)[::-1],
    "nonsense": list(MOMENTS)[::-1],
}


@pytest.mark.parametrize(("asked", "expected"), WHEN.items(), ids=str)
def test_when_is_a_filter_and_an_order(
    noon: datetime,
    viewer: Client,
    book: Book,
    settings: Any,
    asked: str,
    expected: list[str],
) -> None:
    """Ahead, the soonest first; else the latest first."""
    settings.LANGUAGE_CODE = "en-gb"
    for name, start_at in MOMENTS.items():
        book(start_at=start_at, client_name=name, allow_past=True)
    response = viewer.get(LIST, {"when": asked} if asked else {})
    assert [item.client_name for item in response.context["cl"].result_list] == expected


@pytest.mark.parametrize(("language", "day"), [("en", 10), ("de", 11), ("fa", 9)])
def test_a_week_begins_where_the_language_says(language: str, day: int) -> None:
    wednesday = datetime(2030, 3, 13, tzinfo=UTC).date()
    with translation.override(language):
        first = filters.first_day_of_week(wednesday)
        assert first.day == day
        assert filters.first_day_of_week(first) == first


@pytest.mark.parametrize(("zone", "shown"), [("UTC", True), ("Europe/Berlin", False)])
def test_a_database_without_time_zones_has_no_date_hierarchy(
    viewer: Client,
    booking: Booking,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
    shown: bool,
) -> None:
    """MySQL and MariaDB, until somebody loads their time zone tables; in UTC they need none."""
    monkeypatch.setattr(connection.features, "has_zoneinfo_database", False)
    settings.TIME_ZONE = zone
    assert ('class="toplinks"' in text_of(viewer.get(LIST))) == shown


Fill = Callable[[int], None]


@pytest.fixture
def fill(book: Book, make_service: Make, make_provider: Make, start: datetime) -> Fill:
    def make(number: int) -> None:
        for _n in range(number):
            book(service=make_service(), provider=make_provider())

    return make


@pytest.mark.parametrize("asked", [{}, {"q": "Mary"}, {"when": "upcoming"}], ids=str)
def test_the_number_of_queries_does_not_grow_with_the_rows(
    boss: Client, fill: Fill, asked: dict[str, str]
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            rows = len(references(boss.get(LIST, asked)))
        assert rows == Booking.objects.count()
        return len(captured)

    fill(3)
    few = queries()
    fill(27)
    assert queries() == few


@pytest.mark.parametrize(
    "text", ["+49 30 1234567", "030 1234567", "030/123 45 67", "0049301234567", "1234567"]
)
@pytest.mark.parametrize("stored", ["+49 (30) 123-4567", "030 1234567", "004930 1234567"])
def test_a_phone_number_is_found_in_any_spelling(
    viewer: Client, book: Book, start: datetime, stored: str, text: str
) -> None:
    booking = book(client_phone=stored)
    book(client_phone="+49 30 7654321", start_at=start + timedelta(hours=1))
    assert references(viewer.get(LIST, {"q": text})) == [booking.reference]


@pytest.mark.parametrize("text", ["1234", "+49 30 12345 Mary", "(((", "\N{SUPERSCRIPT TWO}12345"])
def test_other_text_is_no_phone_number(text: str) -> None:
    assert phone_pattern(text) == ""


def sorted_column(response: Any) -> str:
    """What the list says it is sorted by."""
    heads = re.findall(r'class="sortable column-(\w+) sorted (\w+)"', text_of(response))
    return " ".join(" ".join(head) for head in heads)


def test_the_arrow_tells_how_the_rows_are_sorted(viewer: Client, booking: Booking) -> None:
    assert sorted_column(viewer.get(LIST)) == "start_at descending"
    assert sorted_column(viewer.get(LIST, {"when": "upcoming"})) == "start_at ascending"
    assert sorted_column(viewer.get(LIST, {"o": "3"})) == "client_name ascending"


@pytest.mark.parametrize(
    ("waiting", "field"),
    [
        ("approval", "requested_at"),
        ("client", "delivered_at"),
        ("hold", "expires_at"),
        ("overdue", "end_at"),
    ],
)
def test_who_waits_longest_is_first(
    viewer: Client, booking: Booking, waiting: str, field: str
) -> None:
    response = viewer.get(LIST, {"waiting": waiting})
    assert response.context["cl"].queryset.query.order_by[:2] == (field, "pk")
    assert sorted_column(response) == ""


def test_the_filters_are_folded_and_named_when_they_narrow_the_list(
    viewer: Client, booking: Booking
) -> None:
    page = text_of(viewer.get(LIST))
    assert '<details class="bookings-filters">' in page
    assert "Clear all filters" not in page
    page = text_of(viewer.get(LIST, {"status__exact": "CONFIRMED", "when": "upcoming"}))
    assert "<strong>When: Upcoming · Status: Confirmed</strong>" in page
    assert "Clear all filters" in page
