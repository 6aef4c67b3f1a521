"""Opening hours and time off in the calendar of bookings."""

from __future__ import annotations

from typing import Any

from django.test import Client

from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.services import create_schedule, set_week, take_time_off
from tests.admin.conftest import Book, Make, _browser
from tests.admin.page import text_of
from tests.contrib.schedule.admin.conftest import at, in_days

CALENDAR = "/admin/bookings/booking/calendar/"
EVERY_DAY = {day: [("09:00", "12:00"), ("13:00", "17:00")] for day in range(7)}


def grid_of(client: Client, **asked: Any) -> Any:
    return client.get(CALENDAR, {"day": f"{in_days(2)}"} | asked).context["grid"]


def column_of(client: Client, **asked: Any) -> Any:
    (column,) = grid_of(client, **asked).columns
    return column


def test_the_day_is_as_long_as_the_opening_hours(
    boss: Client, schedule: Schedule, book: Book
) -> None:
    set_week(schedule=schedule, hours=EVERY_DAY)
    book(start_at=at(10))
    grid = grid_of(boss)
    assert [hour.hour for _top, hour in grid.hours] == list(range(9, 17))
    (column,) = grid.columns
    assert not column.is_closed
    assert [(box.start, box.end) for box in column.closed] == [(at(12), at(13))]
    free = [(box.start, box.end) for box in column.free]
    assert free[:2] == [(at(9), at(10)), (at(11), at(12))]
    assert (at(12), at(13)) not in free


def test_a_closed_day_looks_closed(boss: Client, schedule: Schedule, book: Book) -> None:
    set_week(schedule=schedule, hours={})
    book(start_at=at(10), skip_slot_validation=True)
    column = column_of(boss)
    assert column.is_closed
    assert column.free == []
    assert [(box.top, box.height) for box in column.closed] == [(0, column.height)]
    for view in ("day", "week"):
        page = text_of(boss.get(CALENDAR, {"day": f"{in_days(2)}", "view": view}))
        assert "Closed" in page


def test_time_off_is_named_and_linked_for_who_may_see_it(
    boss: Client, schedule: Schedule, book: Book
) -> None:
    set_week(schedule=schedule, hours=EVERY_DAY)
    book(start_at=at(10))
    time_off = take_time_off(
        provider=schedule.provider, start_at=at(0), end_at=at(9, 30), reason="Dentist"
    )
    (absence,) = column_of(boss).absences
    assert absence.label == "Dentist"
    assert absence.url == f"/admin/bookings_schedule/timeoff/{time_off.pk}/change/"
    assert grid_of(boss).hours[0][1].hour == 9, "It stretches no day."
    viewer = _browser("reader", "view_booking")
    column = column_of(viewer)
    assert column.absences == []
    assert [box.label for box in column.busy] == ["Time off", ""]
    week = {"day": f"{in_days(2)}", "view": "week"}
    assert "Dentist" in text_of(boss.get(CALENDAR, week))
    assert "Dentist" not in text_of(viewer.get(CALENDAR, week))


def test_time_off_without_a_reason_says_what_it_is(
    boss: Client, schedule: Schedule, book: Book
) -> None:
    set_week(schedule=schedule, hours=EVERY_DAY)
    book(start_at=at(10))
    take_time_off(provider=schedule.provider, start_at=at(14), end_at=at(15))
    assert [box.label for box in column_of(boss).absences] == ["Time off"]


def test_a_gap_of_minutes_is_no_free_time(
    boss: Client, schedule: Schedule, book: Book, make_service: Make
) -> None:
    set_week(schedule=schedule, hours=EVERY_DAY)
    book(start_at=at(9), service=make_service(duration_minutes=57))
    assert column_of(boss).free[0].start == at(10)


def test_providers_of_one_schedule_have_its_hours(
    boss: Client, service: Any, make_provider: Make, book: Book
) -> None:
    create_schedule(timezone="UTC", hours=EVERY_DAY)
    for name in ("Ada", "Eve"):
        book(provider=make_provider(name=name), start_at=at(10))
    columns = grid_of(boss).columns
    assert [[box.start for box in column.closed] for column in columns] == [[at(12)], [at(12)]]
