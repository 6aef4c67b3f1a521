"""The calendar of a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings.admin import BookingAdmin
from bookings.admin.calendar import view
from bookings.admin.calendar.contents import ProviderContents
from bookings.admin.calendar.time_grid import (
    HOUR_HEIGHT,
    MAX_HOUR_HEIGHT,
    ONE_LINE,
    Box,
    Column,
    TimeGrid,
)
from bookings.ledger import claims, entries, locks
from bookings.models import Booking, BusyInterval
from bookings.services import cancel_booking, complete_booking
from tests.admin.conftest import LIST, Book, Make, page_of
from tests.admin.page import text_of

CALENDAR = f"{LIST}calendar/"


def get_grid(
    client: Client, day: datetime | str, path: str = CALENDAR, **parameters: Any
) -> TimeGrid:
    text = day if isinstance(day, str) else f"{day:%Y-%m-%d}"
    response = client.get(path, {"day": text} | parameters)
    assert response.status_code == 200
    found: TimeGrid = response.context["grid"]
    return found


def columns(grid: TimeGrid) -> dict[str, list[Box]]:
    return {str(column.provider): column.boxes for column in grid.columns}


def take(provider: Any, start: datetime, hours: int, **values: Any) -> BusyInterval:
    starts = int(start.timestamp())
    with transaction.atomic():
        calendar_id = locks.lock_calendar(provider.pk, using="default")
        claim = claims.Claim(starts=starts, ends=starts + hours * 3600, **values)
        return BusyInterval.objects.get(pk=entries.add(calendar_id, claim, using="default"))


def test_a_day_has_a_column_for_each_provider_with_a_booking(
    viewer: Client, booking: Booking, book: Book, other_provider: Any, start: datetime
) -> None:
    other = book(provider=other_provider, client_name="Zoe")
    book(start_at=start + timedelta(days=1))
    found = columns(get_grid(viewer, start))
    assert list(found) == ["Ada", "Grace"]
    assert [box.booking for box in found["Ada"]] == [booking]
    assert [box.booking for box in found["Grace"]] == [other]


def test_a_box_is_as_high_as_the_booking_is_long(
    viewer: Client, booking: Booking, start: datetime
) -> None:
    day = get_grid(viewer, start)
    (box,) = columns(day)["Ada"]
    assert [hour.hour for _top, hour in day.hours] == list(range(8, 18))
    assert (box.top, box.height) == (2 * HOUR_HEIGHT, HOUR_HEIGHT)
    assert (box.left, box.width) == ("0.000", "100.000")


def test_the_page_shows_and_links_the_booking(
    viewer: Client, booking: Booking, start: datetime
) -> None:
    page = text_of(viewer.get(CALENDAR, {"day": f"{start:%Y-%m-%d}"}))
    for text in (
        "10 a.m.–11 a.m. Mary",
        "Massage",
        "Confirmed",
        page_of(booking),
        booking.reference,
    ):
        assert text in page


def test_the_day_is_today_unless_asked(viewer: Client) -> None:
    for asked in ({}, {"day": "2030-02-31"}, {"day": "soon"}, {"day": "9999-12-31"}):
        before = timezone.localdate()
        day = viewer.get(CALENDAR, asked).context["period"].day
        assert before <= day <= timezone.localdate()


def test_it_links_to_the_days_around(viewer: Client) -> None:
    page = text_of(viewer.get(CALENDAR, {"day": "2030-01-01"}))
    assert 'href="?day=2029-12-31"' in page
    assert 'href="?day=2030-01-02"' in page
    assert "Tuesday, Jan. 1, 2030" in page
    assert "There is no provider to show." in page


def test_a_cancelled_booking_is_not_shown(
    viewer: Client, booking: Booking, start: datetime
) -> None:
    cancel_booking(booking)
    assert columns(get_grid(viewer, start)) == {}


def test_a_completed_booking_is_shown(viewer: Client, past: Booking) -> None:
    complete_booking(past)
    assert columns(get_grid(viewer, past.start_at))["Ada"][0].booking == past


def test_a_quiet_day_grows_with_its_bookings(viewer: Client, book: Book, start: datetime) -> None:
    book(start_at=start.replace(hour=6, minute=30))
    book(start_at=start.replace(hour=19, minute=30))
    assert [hour.hour for _top, hour in get_grid(viewer, start).hours] == list(range(6, 21))


def test_a_night_is_cut_at_midnight(
    viewer: Client, book: Book, start: datetime, make_service: Make
) -> None:
    book(start_at=start.replace(hour=22), service=make_service(duration_minutes=300))
    (before,) = columns(day := get_grid(viewer, start))["Ada"]
    assert (before.top + before.height, day.height) == (day.height, 16 * HOUR_HEIGHT)
    (after,) = columns(get_grid(viewer, start + timedelta(days=1)))["Ada"]
    assert (after.top, after.height) == (0, 3 * HOUR_HEIGHT)


def test_bookings_of_a_shared_slot_are_one_box_with_their_clients(
    viewer: Client, book: Book, start: datetime, make_service: Make
) -> None:
    group = make_service(name="Yoga", allow_multiple_clients_per_slot=True, capacity=9)
    together = [book(service=group, client_name=name, party_size=2) for name in ("Zoe", "Ann")]
    alone = book(start_at=start + timedelta(hours=1))
    grid = get_grid(viewer, start)
    shared, other = columns(grid)["Ada"]
    assert (shared.bookings, shared.seats) == ([together[1], together[0]], 4)
    assert (shared.width, other.width, other.booking) == ("100.000", "100.000", alone)
    page = text_of(viewer.get(CALENDAR, {"day": f"{start:%Y-%m-%d}"}))
    assert "10 a.m.–11 a.m. Yoga <span>4 seats</span>" in page
    for booking in together:
        assert f'href="{page_of(booking)}"' in page


def test_bookings_that_overlap_stand_side_by_side(
    viewer: Client, book: Book, start: datetime, make_service: Make, other_provider: Any
) -> None:
    desks = make_service(name="Desk", capacity=20, capacity_mode="CONCURRENT")
    for number in range(8):
        book(service=desks, start_at=start + timedelta(minutes=5 * number))
    book(provider=other_provider)
    grid = get_grid(viewer, start)
    assert [column.lane_count for column in grid.columns] == [8, 1]
    assert [(box.left, box.right) for box in grid.columns[0].boxes][:2] == [
        ("0.000", "87.500"),
        ("12.500", "75.000"),
    ]
    page = text_of(viewer.get(CALENDAR, {"day": f"{start:%Y-%m-%d}"}))
    assert page.count("bookings-lanes-6") == page.count("bookings-lanes-1") == 1


@pytest.mark.parametrize(
    ("minutes", "written"), [(45, "10 a.m. Mary"), (60, "10 a.m.–11 a.m. Mary")]
)
def test_a_short_booking_has_a_line_for_its_client(
    viewer: Client, book: Book, start: datetime, make_service: Make, minutes: int, written: str
) -> None:
    book(service=make_service(duration_minutes=minutes))
    page = text_of(viewer.get(CALENDAR, {"day": f"{start:%Y-%m-%d}"}))
    assert f"<strong>{written}</strong>" in page
    assert ("bookings-block-short" in page) == (minutes == 45)


def test_a_box_has_all_details_in_its_title(viewer: Client, booking: Booking) -> None:
    page = text_of(viewer.get(CALENDAR, {"day": f"{booking.start_at:%Y-%m-%d}"}))
    assert f'title="10 a.m.–11 a.m. Mary · Massage · Confirmed · {booking.reference}"' in page


def test_any_day_can_be_chosen(viewer: Client) -> None:
    page = text_of(viewer.get(CALENDAR, {"day": "2030-01-01"}))
    assert '<input type="date" name="day" value="2030-01-01"' in page


def test_a_lane_is_used_again() -> None:
    """Long ones that overlap leave room for a short one below another short one."""
    at = datetime(2030, 1, 1, 10, tzinfo=UTC)

    def lasting(first: int, last: int) -> Booking:
        hours = timedelta(hours=1)
        return Booking(
            pk=first, provider_id=1, start_at=at + first * hours, end_at=at + last * hours
        )

    contents = ProviderContents("Ada", [lasting(0, 4), lasting(1, 2), lasting(2, 3)])
    (column,) = TimeGrid([contents], [date(2030, 1, 1)], now=at, with_free_time=False).columns
    assert [box.left for box in column.boxes] == ["0.000", "50.000", "50.000"]


def test_a_party_is_counted(
    viewer: Client, book: Book, start: datetime, make_service: Make
) -> None:
    group = make_service(name="Yoga", allow_multiple_clients_per_slot=True, capacity=9)
    book(service=group, party_size=3)
    assert "Yoga \N{MULTIPLICATION SIGN} 3" in text_of(
        viewer.get(CALENDAR, {"day": f"{start:%Y-%m-%d}"})
    )


def test_buffers_are_shaded(
    viewer: Client, book: Book, start: datetime, make_service: Make
) -> None:
    book(service=make_service(buffer_before_minutes=15, buffer_after_minutes=30))
    (column,) = get_grid(viewer, start).columns
    (shade,) = column.busy
    assert shade.label == ""
    assert shade.top == column.boxes[0].top - HOUR_HEIGHT // 4
    assert shade.height == HOUR_HEIGHT * 7 // 4


def test_other_claims_are_named(
    viewer: Client, booking: Booking, provider: Any, start: datetime
) -> None:
    take(provider, start + timedelta(hours=3), 2, kind=BusyInterval.Kind.TIME_OFF)
    (column,) = get_grid(viewer, start).columns
    assert [shade.label for shade in column.busy] == ["", "Time off"]
    assert "Time off" in text_of(viewer.get(CALENDAR, {"day": f"{start:%Y-%m-%d}"}))


def test_concurrent_bookings_are_shaded_by_how_many_seats_they_take(
    viewer: Client, book: Book, start: datetime, make_service: Make
) -> None:
    desks = make_service(name="Desk", capacity=20, capacity_mode="CONCURRENT")
    for minutes, party in ((0, 2), (30, 1), (60, 4)):
        book(service=desks, start_at=start + timedelta(minutes=minutes), party_size=party)
    (column,) = get_grid(viewer, start).columns
    assert [shade.label for shade in column.busy] == ["2/20", "3/20", "5/20", "4/20"]
    assert {box.width for box in column.boxes} == {"50.000"}


def test_an_expired_hold_shades_nothing(
    viewer: Client, booking: Booking, provider: Any, start: datetime
) -> None:
    lapsed = int(timezone.now().timestamp()) - 1
    take(provider, start + timedelta(hours=3), 1, lapses=lapsed)
    (column,) = get_grid(viewer, start).columns
    assert len(column.busy) == 1


def test_a_booking_that_a_user_may_not_see_is_only_busy(
    viewer: Client, booking: Booking, book: Book, start: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(start_at=start + timedelta(hours=3), client_name="Secret")
    of_all = BookingAdmin.get_queryset
    monkeypatch.setattr(
        BookingAdmin,
        "get_queryset",
        lambda self, request: of_all(self, request).exclude(client_name="Secret"),
    )
    (column,) = get_grid(viewer, start).columns
    assert [box.booking for box in column.boxes] == [booking]
    assert [shade.label for shade in column.busy] == ["", "Busy"]
    assert "Secret" not in text_of(viewer.get(CALENDAR, {"day": f"{start:%Y-%m-%d}"}))


def test_free_providers_are_shown_where_the_admin_has_them(
    boss: Client, booking: Booking, make_provider: Make, start: datetime
) -> None:
    make_provider(name="grace")
    make_provider(name="Retired", is_active=False)
    assert list(columns(get_grid(boss, start))) == ["Ada"]
    assert list(columns(get_grid(boss, start, "/desk/bookings/booking/calendar/"))) == [
        "Ada",
        "grace",
    ]


def test_free_providers_are_hidden_from_users_who_may_not_see_providers(
    viewer: Client, booking: Booking, other_provider: Any, start: datetime
) -> None:
    desk = "/desk/bookings/booking/calendar/"
    assert list(columns(get_grid(viewer, start, desk))) == ["Ada"]


def test_free_providers_leave_room_for_busy_ones(
    boss: Client,
    booking: Booking,
    make_provider: Make,
    start: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = "/desk/bookings/booking/calendar/"
    for _n in range(3):
        make_provider(name="Aaron")
    monkeypatch.setattr(view, "MAX_COLUMNS", 2)
    assert len(get_grid(boss, start, desk).columns) == 2
    monkeypatch.setattr(view, "MAX_COLUMNS", 1)
    assert list(columns(get_grid(boss, start, desk))) == ["Ada"]


def test_a_free_hour_is_one_click_from_the_form(
    receptionist: Client, viewer: Client, booking: Booking, start: datetime
) -> None:
    asked = {"day": f"{start:%Y-%m-%d}"}
    link = f"/add/?provider={booking.provider_id}&amp;start_at={start:%Y-%m-%d}"
    page = text_of(receptionist.get(CALENDAR, asked))
    assert f'{link}"' in page
    assert f'{link}T11:00"' in page
    assert f'{link}T10:00"' not in page, "That is taken."
    assert "/add/" not in text_of(viewer.get(CALENDAR, asked))


@pytest.mark.parametrize(
    ("day", "hours"), [("2090-03-26", 23), ("2090-03-27", 24), ("2090-10-29", 25)]
)
def test_a_day_has_the_hours_that_the_clocks_give_it(
    viewer: Client, book: Book, settings: Any, day: str, hours: int
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    midnight = timezone.make_aware(datetime.fromisoformat(day))
    book(start_at=midnight)
    book(start_at=midnight.replace(hour=23))
    found = get_grid(viewer, day)
    assert found.height == hours * HOUR_HEIGHT
    assert found.hours[0][1].hour == 0
    assert found.hours[-1][1].hour == 23
    assert columns(found)["Ada"][-1].top == (hours - 1) * HOUR_HEIGHT


def test_positions_are_not_localized(
    viewer: Client, book: Book, start: datetime, settings: Any
) -> None:
    settings.USE_THOUSAND_SEPARATOR = True
    book(start_at=start.replace(hour=0))
    book(start_at=start.replace(hour=23))
    page = text_of(viewer.get(CALENDAR, {"day": f"{start:%Y-%m-%d}"}))
    assert f'height="{24 * HOUR_HEIGHT}"' in page


def test_the_number_of_queries_does_not_grow_with_the_bookings(
    boss: Client, book: Book, make_provider: Make, make_service: Make, start: datetime
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            get_grid(boss, start, "/desk/bookings/booking/calendar/")
        return len(captured)

    for _n in range(3):
        book(provider=make_provider(), service=make_service())
    few = queries()
    for _n in range(12):
        book(provider=make_provider(), service=make_service())
    assert queries() == few


def test_a_booking_of_minutes_has_a_line_of_text(
    viewer: Client, book: Book, start: datetime, make_service: Make
) -> None:
    book(service=make_service(duration_minutes=10))
    (box,) = columns(get_grid(viewer, start))["Ada"]
    assert (box.height, box.size) == (ONE_LINE, "tiny")
    page = text_of(viewer.get(CALENDAR, {"day": f"{start:%Y-%m-%d}"}))
    assert "<strong>10 a.m. Mary</strong>" in page
    book(service=make_service(duration_minutes=1), start_at=start + timedelta(hours=1))
    grid = get_grid(viewer, start)
    assert grid.columns[0].hour_height == MAX_HOUR_HEIGHT


def test_a_week_of_one_provider_has_a_column_for_each_day(
    viewer: Client, booking: Booking, book: Book, other_provider: Any, start: datetime
) -> None:
    book(provider=other_provider)
    provider = {"view": "week", "provider": booking.provider_id}
    grid = get_grid(viewer, start, **provider)
    assert len(grid.columns) == 7
    assert {column.provider for column in grid.columns} == {booking.provider}
    (column,) = [column for column in grid.columns if column.date == start.date()]
    assert [box.booking for box in column.boxes] == [booking]
    assert sum(len(column.boxes) for column in grid.columns) == 1


def test_a_week_of_all_providers_has_a_row_for_each(
    viewer: Client, booking: Booking, book: Book, other_provider: Any, start: datetime
) -> None:
    late = book(provider=other_provider, start_at=start.replace(hour=22), client_name="Zoe")
    response = viewer.get(CALENDAR, {"view": "week", "day": f"{start:%Y-%m-%d}"})
    rows = response.context["rows"]
    assert [str(row.provider) for row in rows] == ["Ada", "Grace"]
    assert [len(row.cells) for row in rows] == [7, 7]
    shown = [item.booking for row in rows for cell in row.cells for item in cell.items]
    assert shown == [booking, late]
    assert "<b>10 p.m.</b> Zoe" in text_of(response)


def test_the_week_begins_as_the_language_says(viewer: Client, settings: Any) -> None:
    asked = {"view": "week", "day": "2030-01-01"}
    assert str(viewer.get(CALENDAR, asked).context["period"].dates[0]) == "2029-12-30"
    settings.LANGUAGE_CODE = "de"
    assert str(viewer.get(CALENDAR, asked).context["period"].dates[0]) == "2029-12-31"


def test_a_page_leads_to_the_same_provider_on_other_days(
    viewer: Client, booking: Booking, start: datetime
) -> None:
    key = booking.provider_id
    day, before = f"{start:%Y-%m-%d}", f"{start - timedelta(days=7):%Y-%m-%d}"
    page = text_of(viewer.get(CALENDAR, {"view": "week", "day": day, "provider": key}))
    assert f'href="?view=week&amp;day={before}&amp;provider={key}"' in page
    assert f'href="?day={day}&amp;provider={key}"' in page


@pytest.mark.parametrize("key", ["abc", "9" * 30, "", "\N{SUPERSCRIPT TWO}"])
def test_an_unknown_provider_is_all_providers(
    boss: Client, booking: Booking, start: datetime, key: str
) -> None:
    desk = "/desk/bookings/booking/calendar/"
    assert columns(get_grid(boss, start, desk, provider=key))["Ada"][0].booking == booking


def test_a_provider_who_is_not_listed_can_be_chosen(
    boss: Client, viewer: Client, make_provider: Make, start: datetime
) -> None:
    retired = make_provider(name="Retired", is_active=False)
    desk = "/desk/bookings/booking/calendar/"
    assert list(columns(get_grid(boss, start, desk, provider=retired.pk))) == ["Retired"]
    assert list(columns(get_grid(viewer, start, desk, provider=retired.pk))) == []


def test_time_off_does_not_stretch_the_day(
    viewer: Client, booking: Booking, provider: Any, start: datetime
) -> None:
    take(provider, start.replace(hour=0), 3, kind=BusyInterval.Kind.TIME_OFF)
    assert [hour.hour for _top, hour in get_grid(viewer, start).hours] == list(range(8, 18))


def test_the_current_time_is_marked_today(viewer: Client, book: Book) -> None:
    now = timezone.now()
    book(start_at=now - timedelta(minutes=10), allow_past=True, skip_slot_validation=True)
    found = [column.now for column in get_grid(viewer, timezone.localtime(now)).columns]
    assert found != [None]
    assert get_grid(viewer, now + timedelta(days=3)).columns == []


def test_a_day_of_25_hours_in_a_week_has_its_own_hours(
    viewer: Client, book: Book, settings: Any, provider: Any
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    book(start_at=timezone.make_aware(datetime.fromisoformat("2090-10-29")))
    book(start_at=timezone.make_aware(datetime.fromisoformat("2090-10-29T23:00")))
    asked = {"view": "week", "provider": provider.pk}
    grid = get_grid(viewer, "2090-10-29", **asked)
    own: list[Column] = [column for column in grid.columns if not column.own_hours]
    assert [f"{column.date}" for column in own] == ["2090-10-29"]
    assert grid.height == 25 * grid.columns[0].hour_height
