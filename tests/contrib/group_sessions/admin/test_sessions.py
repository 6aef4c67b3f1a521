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
    close_booking,
    finish_session,
    update_session,
)
from bookings.integrity import find_problems
from bookings.models import Booking
from tests.admin.page import errors_of, filled_in, text_of, told
from tests.contrib.group_sessions.admin.conftest import ADD, FORM, LIST, page_of, sheet
from tests.contrib.group_sessions.conftest import Make, Schedule, Sit, Wait, again

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
    return client.post(ADD, sheet(client, ADD) | given | values)


def listed(client: Client, **asked: Any) -> list[Session]:
    return list(client.get(LIST, asked).context["cl"].result_list)


def test_a_row_says_how_full_it_is_and_who_waits(
    boss: Client, schedule: Schedule, sit: Sit, wait: Wait
) -> None:
    session = schedule(title="Morning flow", enable_waitlist=True)
    sit(session, seats=2, now_dt=None)
    wait(session, "Zoe", 2, now_dt=None)
    page = text_of(boss.get(LIST))
    assert "Morning flow" in page
    assert 'aria-label="2 of 3 seats taken"' in page
    assert ">2/3</span>" in page
    assert '<td class="field-waits">1</td>' in page
    assert "bookings-status-scheduled" in page


def test_a_session_without_a_title_or_waitlist(boss: Client, session: Session) -> None:
    page = text_of(boss.get(LIST))
    assert ">Yoga</a>" in page
    assert '<td class="field-waits">–</td>' in page


def test_what_is_over_still_says_how_many_came(boss: Client, past: Session, sit: Sit) -> None:
    sit(past, now_dt=past.start_at - HOUR)
    sit(past, "Bob", now_dt=past.start_at - HOUR)
    Booking.objects.update(client_email="")
    finish_session(past)
    assert 'aria-label="2 of 3 seats taken"' in text_of(boss.get(LIST))


def test_the_seats_filter(boss: Client, schedule: Schedule, sit: Sit, start: datetime) -> None:
    full, free, cancelled = (schedule(start_at=start + n * HOUR * 2) for n in range(3))
    sit(full, seats=3, now_dt=None)
    cancel_session(cancelled)
    assert listed(boss, seats="full") == [full]
    assert listed(boss, seats="free") == [free]
    assert len(listed(boss)) == 3


def test_the_other_filters_and_the_order(
    boss: Client, schedule: Schedule, past: Session, other_provider: Any, start: datetime
) -> None:
    first, second = schedule(), schedule(provider=other_provider, start_at=start + HOUR)
    assert listed(boss, when="upcoming") == [first, second]
    assert listed(boss, when="past") == [past]
    assert listed(boss) == [first, second, past]
    assert listed(boss, provider__id__exact=other_provider.pk) == [second]
    close_booking(first)
    assert listed(boss, status__exact="BOOKING_CLOSED") == [first]


def test_what_comes_next_is_on_top_and_what_was_last_follows(
    boss: Client, schedule: Schedule, past: Session, start: datetime
) -> None:
    now = timezone.now()
    before = schedule(start_at=past.start_at - HOUR * 24, now_dt=past.start_at - HOUR * 48)
    far, near = (schedule(start_at=start + HOUR * ahead) for ahead in (24, 1))
    running = schedule(start_at=now - HOUR / 2, now_dt=now - HOUR)
    assert listed(boss) == [running, near, far, past, before]
    assert listed(boss, o="1") == [before, past, running, near, far]


def test_the_status_says_what_is_full_or_running(
    boss: Client, schedule: Schedule, sit: Sit, start: datetime
) -> None:
    def badge(session: Session) -> str:
        found = re.search(r'bookings-status-(\w+)">([^<]+)', text_of(boss.get(page_of(session))))
        assert found is not None
        return f"{found[1]}: {found[2]}"

    full, queued = schedule(), schedule(start_at=start + HOUR, enable_waitlist=True)
    now = timezone.now()
    running = schedule(start_at=now - HOUR / 2, now_dt=now - HOUR)
    for session in (full, queued):
        assert badge(session) == "scheduled: Scheduled"
        sit(session, seats=3, now_dt=None)
        assert badge(session) == "full: Full"
    assert text_of(boss.get(LIST)).count('bookings-status-full">Full') == 2
    assert badge(running) == "running: Running"
    close_booking(full)
    assert badge(full) == "booking_closed: Booking closed"
    cancel_session(running)
    assert badge(running) == "cancelled: Cancelled"


def test_more_seats_say_who_got_them(
    boss: Client, schedule: Schedule, sit: Sit, wait: Wait
) -> None:
    session = schedule(enable_waitlist=True)
    sit(session, seats=3, now_dt=None)
    for name in ("Zoe", "Eva", "Kim"):
        wait(session, name, now_dt=None)
    url = page_of(session)
    answer = boss.post(url, sheet(boss, url) | {"capacity": 5}, follow=True)
    assert told(answer)[0] == "Promoted from the waitlist: Zoe, Eva."
    update_session(session, waitlist_offer_minutes=30)
    answer = boss.post(url, sheet(boss, url) | {"capacity": 6}, follow=True)
    assert told(answer)[0] == "Promoted from the waitlist: Kim."
    answer = boss.post(url, sheet(boss, url) | {"title": "Mine"}, follow=True)
    assert len(told(answer)) == 1


def test_many_who_got_seats_are_named_to_a_limit(
    boss: Client, schedule: Schedule, sit: Sit, wait: Wait
) -> None:
    session = schedule(enable_waitlist=True)
    sit(session, seats=3, now_dt=None)
    for number in range(21):
        wait(session, f"No {number}", now_dt=None)
    url = page_of(session)
    said = told(boss.post(url, sheet(boss, url) | {"capacity": 24}, follow=True))[0]
    assert said.endswith("No 19 ….")


def test_a_waitlist_is_shown_where_there_is_one(
    boss: Client, schedule: Schedule, sit: Sit, wait: Wait, start: datetime
) -> None:
    def is_shown(session: Session) -> bool:
        return 'id="waitlist-group"' in text_of(boss.get(page_of(session)))

    session = schedule(enable_waitlist=True)
    assert not is_shown(schedule(start_at=start + HOUR))
    assert is_shown(session)
    sit(session, seats=3, now_dt=None)
    wait(session, "Zoe", now_dt=None)
    update_session(session, enable_waitlist=False)
    assert is_shown(session)


def test_a_doubled_click_with_an_end_publishes_once(
    boss: Client, service: Any, provider: Any, start: datetime
) -> None:
    end = {"end_at_0": f"{start:%Y-%m-%d}", "end_at_1": "12:30"}
    for _click in range(2):
        assert new(boss, service, provider, start, **end).status_code == 302
    assert Session.objects.count() == 1


@pytest.mark.parametrize("words", ["flow", "Ada", "Kim", "kim@example.org"])
def test_the_search(boss: Client, schedule: Schedule, sit: Sit, words: str) -> None:
    session = schedule(title="Morning flow")
    sit(session, "Kim", client_email="kim@example.org", now_dt=None)
    sit(session, "Kimberly", client_email="other@example.org", now_dt=None)
    assert listed(boss, q=words) == [session]
    assert listed(boss, q="Nobody") == []


def test_the_queries_of_the_list_do_not_grow(
    boss: Client, schedule: Schedule, sit: Sit, start: datetime
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert boss.get(LIST).status_code == 200
        return len(captured)

    sit(schedule(), now_dt=None)
    few = queries()
    for number in range(1, 6):
        sit(schedule(start_at=start + number * 2 * HOUR), now_dt=None)
    assert queries() == few


def test_the_queries_of_the_page_do_not_grow(
    boss: Client, schedule: Schedule, sit: Sit, wait: Wait
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert boss.get(page_of(session)).status_code == 200
        return len(captured)

    session = schedule(capacity=10, enable_waitlist=True)
    sit(session, "Kim", 4, now_dt=None)
    wait(session, "Zoe", 9, now_dt=None)
    # The first page looks content types up that are known from then on.
    queries()
    few = queries()
    for name in ("Lee", "Max", "Tom"):
        sit(session, name, 2, now_dt=None)
        wait(session, f"{name}'s friend", 9, now_dt=None)
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


def test_a_doubled_click_publishes_once(
    boss: Client, service: Any, provider: Any, start: datetime
) -> None:
    for _click in range(2):
        assert new(boss, service, provider, start).status_code == 302
    assert Session.objects.count() == 1


def test_a_taken_time_is_refused_on_the_form(
    boss: Client, service: Any, provider: Any, session: Session, start: datetime
) -> None:
    refused = new(boss, service, provider, start, title="Another")
    assert errors_of(refused) == {"start_at": ["Booking conflicts with an existing booking."]}
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


def test_a_link_may_say_when(boss: Client) -> None:
    page = filled_in(boss.get(f"{ADD}?start_at=2131-03-05T09:30"), FORM)
    assert (page["start_at_0"], page["start_at_1"]) == (["2131-03-05"], ["09:30:00"])


def test_a_session_is_moved_with_its_bookings(
    boss: Client, schedule: Schedule, sit: Sit, other_provider: Any, start: datetime
) -> None:
    session = schedule()
    booking = sit(session, now_dt=None)
    changes = {"start_at_1": "15:00", "provider": other_provider.pk, "title": "Later"}
    answer = boss.post(page_of(session), sheet(boss, page_of(session)) | changes)
    assert answer.status_code == 302
    session, booking = again(session), Booking.objects.get(pk=booking.pk)
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
    boss.post(url, sheet(boss, url) | {"end_at_1": "12:00"})
    assert again(session).end_at == start.replace(hour=12)
    boss.post(url, sheet(boss, url) | {"end_at_0": "", "end_at_1": ""})
    assert again(session).end_at == start.replace(hour=12)


def test_fewer_seats_than_are_taken_are_refused(boss: Client, schedule: Schedule, sit: Sit) -> None:
    session = schedule()
    sit(session, seats=2, now_dt=None)
    refused = boss.post(page_of(session), sheet(boss, page_of(session)) | {"capacity": 1})
    assert list(errors_of(refused)) == ["capacity"]
    assert again(session).capacity == 3


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
    refused = boss.post(page_of(session), sheet(boss, page_of(session)) | values)
    assert list(errors_of(refused)) == [field]
    assert again(session).updated_at == session.updated_at


def test_a_page_that_is_out_of_date_changes_nothing(boss: Client, session: Session) -> None:
    opened = sheet(boss, page_of(session))
    update_session(session, title="Theirs")
    refused = boss.post(page_of(session), opened | {"capacity": 5, "title": "Mine"})
    assert "Somebody has changed this session" in errors_of(refused)["__all__"][0]
    assert (again(session).title, again(session).capacity) == ("Theirs", 3)


def test_a_booking_does_not_make_a_page_out_of_date(
    boss: Client, session: Session, sit: Sit
) -> None:
    opened = sheet(boss, page_of(session))
    sit(session, now_dt=None)
    assert boss.post(page_of(session), opened | {"title": "Mine"}).status_code == 302
    assert again(session).title == "Mine"


def test_a_doubled_click_changes_it_once(boss: Client, session: Session) -> None:
    sent = sheet(boss, page_of(session)) | {"title": "Mine", "capacity": 4}
    for _click in range(2):
        assert boss.post(page_of(session), sent).status_code == 302
    assert again(session).capacity == 4


def test_the_page_lists_who_comes_with_links(boss: Client, schedule: Schedule, sit: Sit) -> None:
    session = schedule()
    booking = sit(session, "Kim", 2, now_dt=None)
    page = text_of(boss.get(page_of(session)))
    assert f'<a href="/admin/bookings/booking/{booking.pk}/change/">{booking.reference}</a>' in page
    assert "bookings-status-confirmed" in page


def test_what_is_cancelled_is_only_read(boss: Client, session: Session) -> None:
    cancel_session(session, reason="Ada is ill")
    page = text_of(boss.get(page_of(session)))
    assert "Ada is ill" in page
    assert 'name="_save"' not in page
    assert 'name="capacity"' not in page
    assert "/step/" not in page
    boss.post(page_of(session), {"capacity": 9, "title": "Alive"})
    assert again(session).capacity == 3


def test_a_session_is_never_deleted(boss: Client, session: Session) -> None:
    assert boss.post(f"{LIST}{session.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Session.objects.exists()


def test_the_zone_of_the_form_is_the_current_one(
    boss: Client, make_service: Make, provider: Any, settings: Any, start: datetime
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    assert "Time zone: Europe/Berlin." in text_of(boss.get(ADD))
    twice = new(boss, make_service(), provider, start, start_at_0="2131-10-28", start_at_1="02:30")
    assert "comes twice on that day" in errors_of(twice)["start_at"][0]


def test_nothing_is_told_of_a_page_that_was_not_changed(boss: Client, session: Session) -> None:
    answer = boss.post(page_of(session), sheet(boss, page_of(session)), follow=True)
    assert len(told(answer)) == 1
    assert again(session).updated_at == session.updated_at
