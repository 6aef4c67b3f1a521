"""The list of sessions, and the form of one."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import (
    cancel_session,
    close_session,
    finish_session,
    update_session,
)
from bookings.integrity import find_problems
from bookings.models import Booking
from tests.admin.page import errors_of, form_values, messages_of, text_of
from tests.contrib.group_sessions.admin.conftest import ADD, FORM, LIST, open_form, page_of
from tests.contrib.group_sessions.conftest import (
    Factory,
    MakeBooking,
    MakeEntry,
    MakeSession,
    reloaded,
)

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def new(client: Client, service: Any, provider: Any, start: datetime, /, **values: Any) -> Any:
    given = {
        "service": service.pk,
        "provider": provider.pk,
        "start_at_0": f"{start:%Y-%m-%d}",
        "start_at_1": f"{start:%H:%M}",
        "capacity": 7,
    }
    return client.post(ADD, open_form(client, ADD) | given | values)


def test_an_offer_without_a_waitlist_is_refused_at_its_field(
    boss: Client, service: Any, provider: Any, start: datetime, session: Session
) -> None:
    offer = {"waitlist_offer_minutes": 10}
    page = new(boss, service, provider, start, **offer)
    assert list(errors_of(page)) == ["waitlist_offer_minutes"]
    page = boss.post(page_of(session), open_form(boss, page_of(session)) | offer)
    assert list(errors_of(page)) == ["waitlist_offer_minutes"]


def listed(client: Client, **asked: Any) -> list[Session]:
    return list(client.get(LIST, asked).context["cl"].result_list)


def test_a_row_shows_its_seats_and_its_queue(
    boss: Client, make_session: MakeSession, make_booking: MakeBooking, make_entry: MakeEntry
) -> None:
    session = make_session(title="Morning flow", enable_waitlist=True)
    make_booking(session, seats=2, now_dt=None)
    make_entry(session, "Zoe", 2, now_dt=None)
    page = text_of(boss.get(LIST))
    assert "Morning flow" in page
    assert 'aria-label="2 of 3 seats taken"' in page
    assert ">2/3</span>" in page
    assert '<td class="field-queue_length">1</td>' in page
    assert "bookings-status-scheduled" in page


def test_a_session_without_a_title_or_waitlist(boss: Client, session: Session) -> None:
    page = text_of(boss.get(LIST))
    assert ">Yoga</a>" in page
    assert '<td class="field-queue_length">–</td>' in page


def test_a_past_session_still_shows_its_seats(
    boss: Client, past: Session, make_booking: MakeBooking
) -> None:
    make_booking(past, now_dt=past.start_at - HOUR)
    make_booking(past, "Bob", now_dt=past.start_at - HOUR)
    Booking._base_manager.update(client_email="")
    finish_session(past)
    assert 'aria-label="2 of 3 seats taken"' in text_of(boss.get(LIST))


def test_the_seats_filter(
    boss: Client, make_session: MakeSession, make_booking: MakeBooking, start: datetime
) -> None:
    full, free, cancelled = (make_session(start_at=start + n * HOUR * 2) for n in range(3))
    make_booking(full, seats=3, now_dt=None)
    cancel_session(cancelled)
    assert listed(boss, seats="full") == [full]
    assert listed(boss, seats="free") == [free]
    assert len(listed(boss)) == 3


def test_the_other_filters_and_the_order(
    boss: Client, make_session: MakeSession, past: Session, other_provider: Any, start: datetime
) -> None:
    first, second = make_session(), make_session(provider=other_provider, start_at=start + HOUR)
    assert listed(boss, when="upcoming") == [first, second]
    assert listed(boss, when="past") == [past]
    assert listed(boss) == [first, second, past]
    assert listed(boss, provider__id__exact=other_provider.pk) == [second]
    close_session(first)
    assert listed(boss, status__exact="BOOKING_CLOSED") == [first]


def test_coming_sessions_are_listed_before_past_ones(
    boss: Client, make_session: MakeSession, past: Session, start: datetime
) -> None:
    now = timezone.now()
    before = make_session(start_at=past.start_at - HOUR * 24, now_dt=past.start_at - HOUR * 48)
    far, near = (make_session(start_at=start + HOUR * ahead) for ahead in (24, 1))
    running = make_session(start_at=now - HOUR / 2, now_dt=now - HOUR)
    assert listed(boss) == [running, near, far, past, before]
    assert listed(boss, o="1") == [before, past, running, near, far]


def test_the_status_says_that_a_session_is_full_or_running(
    boss: Client, make_session: MakeSession, make_booking: MakeBooking, start: datetime
) -> None:
    def badge(session: Session) -> str:
        found = re.search(r'bookings-status-(\w+)">([^<]+)', text_of(boss.get(page_of(session))))
        assert found is not None
        return f"{found[1]}: {found[2]}"

    full, queued = make_session(), make_session(start_at=start + HOUR, enable_waitlist=True)
    now = timezone.now()
    running = make_session(start_at=now - HOUR / 2, now_dt=now - HOUR)
    for session in (full, queued):
        assert badge(session) == "scheduled: Scheduled"
        make_booking(session, seats=3, now_dt=None)
        assert badge(session) == "full: Full"
    assert text_of(boss.get(LIST)).count('bookings-status-full">Full') == 2
    assert badge(running) == "running: Running"
    close_session(full)
    assert badge(full) == "booking_closed: Booking closed"
    cancel_session(running)
    assert badge(running) == "cancelled: Cancelled"


def test_more_seats_name_the_promoted_clients(
    boss: Client, make_session: MakeSession, make_booking: MakeBooking, make_entry: MakeEntry
) -> None:
    session = make_session(enable_waitlist=True)
    make_booking(session, seats=3, now_dt=None)
    for name in ("Zoe", "Eva", "Kim"):
        make_entry(session, name, now_dt=None)
    url = page_of(session)
    answer = boss.post(url, open_form(boss, url) | {"capacity": 5}, follow=True)
    assert messages_of(answer)[0] == "Promoted from the waitlist: Zoe, Eva."
    update_session(session, waitlist_offer_minutes=30)
    answer = boss.post(url, open_form(boss, url) | {"capacity": 6}, follow=True)
    assert messages_of(answer)[0] == "Promoted from the waitlist: Kim."
    answer = boss.post(url, open_form(boss, url) | {"title": "Mine"}, follow=True)
    assert len(messages_of(answer)) == 1


def test_many_promoted_clients_are_named_to_a_limit(
    boss: Client, make_session: MakeSession, make_booking: MakeBooking, make_entry: MakeEntry
) -> None:
    session = make_session(enable_waitlist=True)
    make_booking(session, seats=3, now_dt=None)
    for number in range(21):
        make_entry(session, f"No {number}", now_dt=None)
    url = page_of(session)
    said = messages_of(boss.post(url, open_form(boss, url) | {"capacity": 24}, follow=True))[0]
    assert said.endswith("No 19 ….")


def test_a_waitlist_is_shown_where_there_is_one(
    boss: Client,
    make_session: MakeSession,
    make_booking: MakeBooking,
    make_entry: MakeEntry,
    start: datetime,
) -> None:
    def is_shown(session: Session) -> bool:
        return 'id="waitlist-group"' in text_of(boss.get(page_of(session)))

    session = make_session(enable_waitlist=True)
    assert not is_shown(make_session(start_at=start + HOUR))
    assert not is_shown(session), "Nobody waits."
    make_booking(session, seats=3, now_dt=None)
    make_entry(session, "Zoe", now_dt=None)
    update_session(session, enable_waitlist=False)
    assert is_shown(session)


def test_a_double_click_with_an_end_publishes_once(
    boss: Client, service: Any, provider: Any, start: datetime
) -> None:
    end = {"end_at_0": f"{start:%Y-%m-%d}", "end_at_1": "12:30"}
    for _click in range(2):
        assert new(boss, service, provider, start, **end).status_code == 302
    assert Session.objects.count() == 1


@pytest.mark.parametrize("words", ["flow", "Ada", "Kim", "kim@example.org"])
def test_the_search(
    boss: Client, make_session: MakeSession, make_booking: MakeBooking, words: str
) -> None:
    session = make_session(title="Morning flow")
    make_booking(session, "Kim", client_email="kim@example.org", now_dt=None)
    make_booking(session, "Kimberly", client_email="other@example.org", now_dt=None)
    assert listed(boss, q=words) == [session]
    assert listed(boss, q="Nobody") == []


def test_the_queries_of_the_list_do_not_grow(
    boss: Client, make_session: MakeSession, make_booking: MakeBooking, start: datetime
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert boss.get(LIST).status_code == 200
        return len(captured)

    make_booking(make_session(), now_dt=None)
    few = queries()
    for number in range(1, 6):
        make_booking(make_session(start_at=start + number * 2 * HOUR), now_dt=None)
    assert queries() == few


def test_the_queries_of_the_page_do_not_grow(
    boss: Client, make_session: MakeSession, make_booking: MakeBooking, make_entry: MakeEntry
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert boss.get(page_of(session)).status_code == 200
        return len(captured)

    session = make_session(capacity=10, enable_waitlist=True)
    make_booking(session, "Kim", 4, now_dt=None)
    make_entry(session, "Zoe", 9, now_dt=None)
    # The first page looks content types up that are known from then on.
    queries()
    few = queries()
    for name in ("Lee", "Max", "Tom"):
        make_booking(session, name, 2, now_dt=None)
        make_entry(session, f"{name}'s friend", 9, now_dt=None)
    assert queries() == few


def test_a_session_is_published(boss: Client, service: Any, provider: Any, start: datetime) -> None:
    assert new(boss, service, provider, start, title="Flow", price_amount="12").status_code == 302
    session = Session.objects.get()
    assert (session.start_at, session.end_at) == (start, start + HOUR)
    assert (session.capacity, session.title, session.price_amount) == (7, "Flow", 12)
    assert session.created_by.username == "boss"
    assert list(find_problems()) == []


def test_it_may_have_an_end_of_its_own(
    boss: Client, service: Any, provider: Any, start: datetime
) -> None:
    end = {"end_at_0": f"{start:%Y-%m-%d}", "end_at_1": "12:30"}
    assert new(boss, service, provider, start, **end).status_code == 302
    assert Session.objects.get().end_at == start.replace(hour=12, minute=30)


def test_a_double_click_publishes_once(
    boss: Client, service: Any, provider: Any, start: datetime
) -> None:
    for _click in range(2):
        assert new(boss, service, provider, start).status_code == 302
    assert Session.objects.count() == 1


def test_a_taken_time_is_refused_on_the_form(
    boss: Client, service: Any, provider: Any, session: Session, start: datetime
) -> None:
    refused = new(boss, service, provider, start, title="Another")
    [refusal] = errors_of(refused)["start_at"]
    assert "Session · " in refusal
    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"capacity": 0}, "capacity"),
        ({"capacity": ""}, "capacity"),
        ({"capacity": 10**12}, "capacity"),
        ({"start_at_0": "2001-01-01"}, "start_at"),
        ({"start_at_0": "9999-12-31", "start_at_1": "23:59"}, "start_at"),
        ({"end_at_0": "2131-01-01"}, "end_at"),
        ({"end_at_0": "2001-01-01", "end_at_1": "10:00"}, "end_at"),
        ({"meeting_link": "not a link"}, "meeting_link"),
        ({"title": "x" * 256}, "title"),
        ({"price_amount": "-1"}, "price_amount"),
        ({"waitlist_offer_minutes": "0"}, "waitlist_offer_minutes"),
        ({"service": "999999"}, "service"),
        ({"provider": ""}, "provider"),
    ],
)
def test_bad_input_is_a_message_at_its_field(
    boss: Client,
    service: Any,
    provider: Any,
    start: datetime,
    values: dict[str, Any],
    field: str,
) -> None:
    assert list(errors_of(new(boss, service, provider, start, **values))) == [field]
    assert not Session.objects.exists()


@pytest.mark.parametrize("early", [timedelta(0), HOUR], ids=str)
def test_an_end_that_is_not_after_the_start_is_a_message(
    boss: Client, service: Any, provider: Any, start: datetime, early: timedelta
) -> None:
    end = start - early
    values = {"end_at_0": f"{end:%Y-%m-%d}", "end_at_1": f"{end:%H:%M}"}
    refused = new(boss, service, provider, start, **values)
    assert errors_of(refused) == {"end_at": ["End time must be after start time."]}


def test_a_link_may_fill_in_the_times(boss: Client) -> None:
    page = form_values(boss.get(f"{ADD}?start_at=2131-03-05T09:30"), FORM)
    assert (page["start_at_0"], page["start_at_1"]) == (["2131-03-05"], ["09:30"])


def test_a_session_is_moved_with_its_bookings(
    boss: Client,
    make_session: MakeSession,
    make_booking: MakeBooking,
    other_provider: Any,
    start: datetime,
) -> None:
    session = make_session()
    booking = make_booking(session, now_dt=None)
    changes = {"start_at_1": "15:00", "provider": other_provider.pk, "title": "Later"}
    answer = boss.post(page_of(session), open_form(boss, page_of(session)) | changes)
    assert answer.status_code == 302
    session, booking = reloaded(session), Booking.objects.get(pk=booking.pk)
    later = start.replace(hour=15)
    assert (session.title, session.provider) == ("Later", other_provider)
    assert (session.start_at, session.end_at) == (later, later + HOUR)
    assert (booking.start_at, booking.provider) == (later, other_provider)
    assert booking.events.get(event_type="RESCHEDULED").actor_user.username == "boss"
    assert list(find_problems()) == []


def test_it_is_made_longer_and_an_empty_end_changes_nothing(
    boss: Client, session: Session, start: datetime
) -> None:
    url = page_of(session)
    boss.post(url, open_form(boss, url) | {"end_at_1": "12:00"})
    assert reloaded(session).end_at == start.replace(hour=12)
    boss.post(url, open_form(boss, url) | {"end_at_0": "", "end_at_1": ""})
    assert reloaded(session).end_at == start.replace(hour=12)


def test_fewer_seats_than_are_taken_are_refused(
    boss: Client, make_session: MakeSession, make_booking: MakeBooking
) -> None:
    session = make_session()
    make_booking(session, seats=2, now_dt=None)
    refused = boss.post(page_of(session), open_form(boss, page_of(session)) | {"capacity": 1})
    assert list(errors_of(refused)) == ["capacity"]
    assert reloaded(session).capacity == 3


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"start_at_0": "9999-12-31", "start_at_1": "23:59"}, "start_at"),
        ({"start_at_0": ""}, "start_at"),
        ({"end_at_0": "rubbish"}, "end_at"),
        ({"end_at_0": "2001-01-01"}, "end_at"),
        ({"provider": "999999"}, "provider"),
    ],
)
def test_a_bad_change_is_refused(
    boss: Client, session: Session, values: dict[str, Any], field: str
) -> None:
    refused = boss.post(page_of(session), open_form(boss, page_of(session)) | values)
    assert list(errors_of(refused)) == [field]
    assert reloaded(session).updated_at == session.updated_at


def test_a_page_that_is_out_of_date_changes_nothing(boss: Client, session: Session) -> None:
    opened = open_form(boss, page_of(session))
    update_session(session, title="Theirs")
    refused = boss.post(page_of(session), opened | {"capacity": 5, "title": "Mine"})
    assert "Somebody has changed this session" in errors_of(refused)["__all__"][0]
    assert (reloaded(session).title, reloaded(session).capacity) == ("Theirs", 3)


def test_a_booking_does_not_make_a_page_out_of_date(
    boss: Client, session: Session, make_booking: MakeBooking
) -> None:
    opened = open_form(boss, page_of(session))
    make_booking(session, now_dt=None)
    assert boss.post(page_of(session), opened | {"title": "Mine"}).status_code == 302
    assert reloaded(session).title == "Mine"


def test_a_double_click_changes_it_once(boss: Client, session: Session) -> None:
    sent = open_form(boss, page_of(session)) | {"title": "Mine", "capacity": 4}
    for _click in range(2):
        assert boss.post(page_of(session), sent).status_code == 302
    assert reloaded(session).capacity == 4


def test_the_page_lists_the_bookings_with_links(
    boss: Client, make_session: MakeSession, make_booking: MakeBooking
) -> None:
    session = make_session()
    booking = make_booking(session, "Kim", 2, now_dt=None)
    page = text_of(boss.get(page_of(session)))
    assert f'<a href="/admin/bookings/booking/{booking.pk}/change/">{booking.reference}</a>' in page
    assert "bookings-status-confirmed" in page


def test_a_cancelled_session_is_read_only(boss: Client, session: Session) -> None:
    cancel_session(session, reason="Ada is ill")
    page = text_of(boss.get(page_of(session)))
    assert "Ada is ill" in page
    assert 'name="_save"' not in page
    assert 'name="capacity"' not in page
    assert "/step/" not in page
    boss.post(page_of(session), {"capacity": 9, "title": "Alive"})
    assert reloaded(session).capacity == 3


def test_a_session_is_never_deleted(boss: Client, session: Session) -> None:
    assert boss.post(f"{LIST}{session.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Session.objects.exists()


def test_the_zone_of_the_form_is_the_current_one(
    boss: Client, make_service: Factory, provider: Any, settings: Any, start: datetime
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    assert "Time zone: Europe/Berlin." in text_of(boss.get(ADD))
    twice = new(boss, make_service(), provider, start, start_at_0="2131-10-28", start_at_1="02:30")
    assert "comes twice on that day" in errors_of(twice)["start_at"][0]


def test_an_unchanged_page_promotes_nobody(boss: Client, session: Session) -> None:
    answer = boss.post(page_of(session), open_form(boss, page_of(session)), follow=True)
    assert len(messages_of(answer)) == 1
    assert reloaded(session).updated_at == session.updated_at


@pytest.mark.parametrize(
    ("currency", "text"), [("EUR", "18.00"), ("JPY", "18"), ("KWD", "18.000"), ("", "18.00")]
)
def test_a_price_has_the_decimals_of_its_currency(
    viewer: Client, make_session: MakeSession, service: Any, currency: str, text: str
) -> None:
    session = make_session(price_amount=18)
    type(service).objects.update(currency=currency)
    assert f'<div class="readonly">{text}</div>' in text_of(viewer.get(page_of(session)))


def test_staff_give_a_session_a_room(
    boss: Client, service: Any, provider: Any, start: datetime, make_provider: Factory
) -> None:
    rooms = [make_provider(name=f"Room {number}") for number in (1, 2)]

    def rooms_of(session: Session) -> list[str]:
        return [row.provider_name for row in session.resources.all()]

    for _click in range(2):
        assert new(boss, service, provider, start, resources=[rooms[0].pk]).status_code == 302
    session = Session.objects.get()
    assert rooms_of(session) == ["Room 1"]
    url = page_of(session)
    assert "Room 1" in text_of(boss.get(url))
    values = open_form(boss, url) | {"resources": [rooms[1].pk]}
    for _click in range(2):
        assert boss.post(url, values).status_code == 302
    assert rooms_of(session) == ["Room 2"]
    make_other = new(boss, service, rooms[0], start, resources=[rooms[1].pk])
    assert "Room 2 is taken at that time" in str(errors_of(make_other))
    cancel_session(reloaded(session))
    page = text_of(boss.get(url))
    assert "Room 2" in page
    assert 'name="resources"' not in page
    assert list(find_problems()) == []


def test_a_page_that_is_sent_again_knows_that_another_value_differs(
    boss: Client, session: Session, make_provider: Factory
) -> None:
    url, room = page_of(session), make_provider(name="Room")
    values = open_form(boss, url)
    assert boss.post(url, values | {"title": "Mine"}).status_code == 302
    page = boss.post(url, values | {"title": "Mine", "resources": [room.pk]})
    assert "Somebody has changed this session" in text_of(page)
