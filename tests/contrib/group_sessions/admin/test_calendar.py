"""Sessions in the calendar of bookings."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import book_seat, cancel_session
from bookings.services import cancel_booking
from tests.admin.conftest import _browser
from tests.admin.page import text_of
from tests.contrib.group_sessions.admin.conftest import page_of
from tests.contrib.group_sessions.conftest import Factory, MakeSession

CALENDAR = "/admin/bookings/booking/calendar/"


def asked(start: datetime, **values: str) -> dict[str, str]:
    return {"day": f"{timezone.localtime(start):%Y-%m-%d}"} | values


def test_a_session_is_one_box_with_its_title_and_seats(
    boss: Client, make_session: MakeSession, start: datetime
) -> None:
    session = make_session(title="Yoga for all", capacity=12)
    for number in range(5):
        book_seat(session, client_name=f"Client {number}", seats=2)
    cancel_booking(Session.objects.get().seats.last().booking)
    response = boss.get(CALENDAR, asked(start))
    (column,) = response.context["grid"].columns
    (box,) = column.boxes
    assert (box.entry.title, box.entry.details) == ("Yoga for all", "8 of 12 seats")
    assert box.url == page_of(session)
    assert [shade.label for shade in column.busy] == [""]
    assert "Client 1" not in text_of(response)
    week = text_of(boss.get(CALENDAR, asked(start, view="week")))
    assert "Yoga for all · 8 of 12 seats" in week


def test_an_empty_session_is_shown_and_a_cancelled_one_is_not(
    boss: Client, make_session: MakeSession, start: datetime, service: object
) -> None:
    session = make_session()
    desk = "/desk/bookings/booking/calendar/"
    (column,) = boss.get(desk, asked(start)).context["grid"].columns
    assert [box.entry.title for box in column.boxes] == [str(service)]
    cancel_session(session)
    (column,) = boss.get(desk, asked(start)).context["grid"].columns
    assert column.boxes == []


def test_who_may_not_see_sessions_sees_the_bookings(
    make_session: MakeSession, start: datetime
) -> None:
    session = make_session()
    booking = book_seat(session, client_name="Bob")
    reader = _browser("reader", "view_booking")
    (column,) = reader.get(CALENDAR, asked(start)).context["grid"].columns
    assert [box.booking for box in column.boxes] == [booking]


def test_the_number_of_queries_does_not_grow_with_the_sessions(
    boss: Client, make_session: MakeSession, start: datetime
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            boss.get(CALENDAR, asked(start))
        return len(captured)

    book_seat(make_session(), client_name="Bob")
    few = queries()
    for hour in (12, 14, 16):
        session = make_session(start_at=start.replace(hour=hour))
        for name in ("Ann", "Bob"):
            book_seat(session, client_name=name)
    assert queries() == few


def test_a_session_is_shown_in_the_column_of_its_room_too(
    boss: Client, make_session: MakeSession, start: datetime, make_provider: Factory
) -> None:
    room = make_provider(name="Room 1")
    session = make_session(title="Yoga for all", resources=[room])
    desk = "/desk/bookings/booking/calendar/"

    for response, names in (
        (boss.get(desk, asked(start)), {str(session.provider), "Room 1"}),
        (boss.get(desk, asked(start, provider=f"{room.pk}")), {"Room 1"}),
    ):
        columns = response.context["grid"].columns
        assert {str(column.provider) for column in columns} == names
        for column in columns:
            assert [box.entry.title for box in column.boxes] == ["Yoga for all"]
            assert [shade.label for shade in column.busy] == [""]
