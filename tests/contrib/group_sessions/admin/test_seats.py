"""Staff book a seat, put somebody on the waitlist, and move a seat to another session."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import set_urlconf

from bookings.admin.refusals import as_form_error
from bookings.contrib.group_sessions.admin.seats import move_link
from bookings.contrib.group_sessions.models import Seat, Session, WaitlistEntry
from bookings.contrib.group_sessions.services import (
    cancel_session,
    close_booking,
    finish_session,
    update_session,
)
from bookings.integrity import find_problems
from bookings.ledger import in_session
from bookings.models import Booking
from tests.admin.page import FormData, filled_in, text_of, told
from tests.contrib.group_sessions.admin.conftest import LIST, QUESTION, page_of
from tests.contrib.group_sessions.conftest import (
    Make,
    Schedule,
    Sit,
    Wait,
    guests,
    queue,
)

pytestmark = pytest.mark.django_db

ANN = {"client_name": "Ann", "client_email": "ann@example.org", "party_size": 2}


def ask(client: Client, session: Session, page: str = "book") -> FormData:
    return filled_in(client.get(page_of(session, page)), QUESTION)


def book(client: Client, session: Session, page: str = "book", **values: Any) -> Any:
    sent = ask(client, session, page) | ANN | values
    return client.post(page_of(session, page), sent, follow=True)


def errors(response: Any) -> dict[str, list[str]]:
    return {name: list(said) for name, said in response.context["form"].errors.items()}


def test_a_seat_is_booked(boss: Client, session: Session) -> None:
    assert page_of(session, "book") in text_of(boss.get(page_of(session)))
    page = text_of(boss.get(page_of(session, "book")))
    assert "3 seats free" in page
    answer = book(boss, session, client_phone="+49 30 1")
    booking = Booking.objects.get()
    assert told(answer) == [f"{booking} is now: Confirmed."]
    assert (booking.client_name, booking.client_email) == ("Ann", "ann@example.org")
    assert (booking.client_phone, booking.party_size) == ("+49 30 1", 2)
    assert booking.created_by.username == "boss"
    assert answer.redirect_chain[-1][0] == page_of(session)
    assert LogEntry.objects.get().object_id == str(session.pk)
    assert list(find_problems()) == []


def test_a_doubled_click_books_once(boss: Client, session: Session) -> None:
    sent = ask(boss, session) | ANN | {"party_size": 3}
    boss.post(page_of(session, "book"), sent)
    answer = boss.post(page_of(session, "book"), sent, follow=True)
    assert told(answer)[-1] == f"{Booking.objects.get()} was that already: Confirmed."
    assert LogEntry.objects.count() == 1
    other = boss.post(page_of(session, "book"), sent | {"client_name": "Bob"})
    assert errors(other) == {
        "__all__": ["This form has made a booking before. Open a new form to make another one."]
    }
    assert Booking.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"client_name": ""}, "client_name"),
        ({"client_name": "x" * 256}, "client_name"),
        ({"client_email": "no address"}, "client_email"),
        ({"client_phone": "1" * 65}, "client_phone"),
        ({"party_size": ""}, "party_size"),
        ({"party_size": 0}, "party_size"),
        ({"party_size": -1}, "party_size"),
        ({"party_size": 4}, "party_size"),
        ({"form_key": "rubbish"}, "__all__"),
    ],
)
def test_what_is_refused_is_said_at_its_field(
    boss: Client, session: Session, values: dict[str, Any], field: str
) -> None:
    assert list(errors(book(boss, session, **values))) == [field]
    assert not Booking.objects.exists()


def test_more_seats_than_there_can_be_are_refused(boss: Client, session: Session) -> None:
    # Whether for their number or for what they would cost.
    assert errors(book(boss, session, party_size=10**12))
    assert not Booking.objects.exists()


def test_who_is_in_is_not_booked_again(boss: Client, session: Session) -> None:
    book(boss, session, party_size=1)
    refused = errors(book(boss, session, party_size=1))
    assert "booked this session already" in str(refused)
    assert Booking.objects.count() == 1


def test_staff_may_lift_what_keeps_a_client_out(
    boss: Client, schedule: Schedule, make_service: Make
) -> None:
    session = schedule(service=make_service(minimum_notice_minutes=30 * 24 * 60))
    assert "must be booked at least" in str(errors(book(boss, session)))
    close_booking(session)
    assert errors(book(boss, session)) != {}
    assert not Booking.objects.exists()
    book(boss, session, override_policy="on")
    assert guests(session) == {"Ann": (2, "CONFIRMED")}


def test_a_form_of_a_session_that_has_changed_books_nothing(boss: Client, session: Session) -> None:
    sent = ask(boss, session) | ANN
    update_session(session, start_at=session.start_at + timedelta(hours=3))
    refused = boss.post(page_of(session, "book"), sent)
    assert "Somebody has changed this session" in str(errors(refused))
    assert not Booking.objects.exists()


def test_somebody_is_put_on_the_waitlist(boss: Client, schedule: Schedule, sit: Sit) -> None:
    session = schedule(enable_waitlist=True)
    sit(session, "Bob", 2, now_dt=None)
    page = text_of(boss.get(page_of(session)))
    assert page_of(session, "wait") in page
    assert page_of(session, "book") in page
    refused = errors(book(boss, session, "wait", party_size=1))
    assert refused == {"__all__": ["Enough seats are free. Book them instead."]}
    sent = ask(boss, session, "wait") | ANN | {"priority": 5}
    answer = boss.post(page_of(session, "wait"), sent, follow=True)
    assert told(answer) == ["Added to the waitlist: Ann."]
    entry = WaitlistEntry.objects.get()
    assert (entry.client_email, entry.party_size, entry.priority) == ("ann@example.org", 2, 5)
    assert entry.created_by.username == "boss"
    again = boss.post(page_of(session, "wait"), sent, follow=True)
    assert told(again) == ["Ann was that already: Waiting."]
    assert queue(session) == ["Ann"]
    assert LogEntry.objects.count() == 1
    other = errors(book(boss, session, "wait", party_size=3))
    assert other == {"__all__": ["The client waits for this session already."]}


def test_who_comes_past_those_who_cannot_be_booked_is_booked_at_once(
    boss: Client, schedule: Schedule, sit: Sit, wait: Wait, settings: Any
) -> None:
    settings.BOOKINGS_WAITLIST_ORDER = "strict"
    session = schedule(enable_waitlist=True)
    sit(session, "Bob", 2, now_dt=None)
    wait(session, "Zoe", 2, now_dt=None)
    answer = book(boss, session, "wait", party_size=1, priority=1)
    assert told(answer) == ["Promoted from the waitlist: Ann."]
    assert guests(session)["Ann"] == (1, "CONFIRMED")


def test_what_cannot_be_done_is_not_offered(
    boss: Client, viewer: Client, schedule: Schedule, sit: Sit, start: datetime, past: Session
) -> None:
    def offered(session: Session, client: Client = boss) -> set[str]:
        page = text_of(client.get(page_of(session)))
        return {name for name in ("book", "wait", "move") if f"/{name}/" in page}

    plain = schedule()
    sit(plain, "Bob", 3, now_dt=None)
    assert offered(plain) == {"move"}
    assert offered(plain, viewer) == set()
    queued = schedule(start_at=start + timedelta(hours=2), enable_waitlist=True)
    assert offered(queued) == {"book", "wait"}
    close_booking(queued)
    assert offered(queued) == {"book"}
    cancel_session(queued)
    assert offered(queued) == set()
    sit(past, "Bob", now_dt=past.start_at - timedelta(hours=1))
    assert offered(past) == {"move"}
    finish_session(past)
    assert offered(past) == set()


def test_seats_of_holds_that_have_run_out_are_to_be_had(
    boss: Client, session: Session, sit: Sit, start: datetime
) -> None:
    ago = start - timedelta(days=10)
    sit(session, "Bob", 3, now_dt=ago, expires_at=ago + timedelta(minutes=5))
    assert page_of(session, "book") in text_of(boss.get(page_of(session)))
    book(boss, session)
    assert guests(session) == {"Ann": (2, "CONFIRMED")}


@pytest.fixture
def later(schedule: Schedule, start: datetime) -> Session:
    return schedule(start_at=start + timedelta(hours=5), title="Later", capacity=4)


def move(client: Client, session: Session, booking: Booking, to: Session, **values: Any) -> Any:
    page = f"move/{booking.pk}"
    sent = ask(client, session, page) | {"to_session": to.pk} | values
    return client.post(page_of(session, page), sent, follow=True)


def test_a_seat_is_moved(
    boss: Client,
    session: Session,
    sit: Sit,
    later: Session,
    make_service: Make,
    start: datetime,
    schedule: Schedule,
    other_provider: Any,
) -> None:
    booking = sit(session, "Ann", 2, now_dt=None)
    sit(later, "Bob", 1, now_dt=None)
    other = schedule(service=make_service(name="Other"), provider=other_provider)
    over = schedule(provider=other_provider, start_at=start + timedelta(hours=3))
    cancel_session(over)
    assert page_of(session, f"move/{booking.pk}") in text_of(boss.get(page_of(session)))
    page = text_of(boss.get(page_of(session, f"move/{booking.pk}")))
    assert "Later" in page
    assert "3 seats free" in page
    assert f'<option value="{later.pk}"' in page
    assert all(f'<option value="{none.pk}"' not in page for none in (session, other, over))
    sent = ask(boss, session, f"move/{booking.pk}") | {"to_session": later.pk}
    answer = boss.post(page_of(session, f"move/{booking.pk}"), sent, follow=True)
    text = f"{booking} is now in this session: {later}."
    assert told(answer) == [text]
    booking = Booking.objects.get(pk=booking.pk)
    assert booking.seat.session == later
    assert booking.events.get(event_type="RESCHEDULED").actor_user.username == "boss"
    twice = boss.post(page_of(session, f"move/{booking.pk}"), sent, follow=True)
    assert told(twice) == [text]
    assert booking.events.filter(event_type="RESCHEDULED").count() == 1
    assert LogEntry.objects.count() == 1
    assert list(find_problems()) == []


def test_a_seat_that_does_not_fit_stays(
    boss: Client, session: Session, sit: Sit, later: Session
) -> None:
    booking = sit(session, "Ann", 2, now_dt=None)
    sit(later, "Bob", 4, now_dt=None)
    page = text_of(boss.get(page_of(session, f"move/{booking.pk}")))
    assert "Full</option>" in page
    refused = move(boss, session, booking, later)
    assert errors(refused) == {"__all__": ["Not enough seats are left: 2 asked for, 0 free."]}
    assert Booking.objects.get(pk=booking.pk).seat.session == session


@pytest.mark.parametrize("values", [{"to_session": ""}, {"to_session": 0}, {"version": "x"}])
def test_a_move_to_nowhere(
    boss: Client, session: Session, sit: Sit, later: Session, values: dict[str, Any]
) -> None:
    booking = sit(session, now_dt=None)
    assert errors(move(boss, session, booking, later, **values))
    assert Booking.objects.get(pk=booking.pk).seat.session == session


def test_a_move_of_a_booking_that_has_changed(
    boss: Client, session: Session, sit: Sit, later: Session
) -> None:
    booking = sit(session, now_dt=None)
    refused = move(boss, session, booking, later, version=booking.version + 1)
    assert "Somebody has changed this booking" in str(errors(refused))


def test_staff_may_move_within_the_notice(
    boss: Client, schedule: Schedule, make_service: Make, sit: Sit, start: datetime
) -> None:
    service = make_service(reschedule_notice_minutes=30 * 24 * 60)
    session = schedule(service=service)
    later = schedule(service=service, start_at=start + timedelta(hours=5))
    booking = sit(session, now_dt=None)
    assert "notice window" in str(errors(move(boss, session, booking, later)))
    move(boss, session, booking, later, override_policy="on")
    assert guests(later) == {"Ann": (1, "CONFIRMED")}


def test_there_is_no_such_seat(boss: Client, session: Session, other_provider: Any) -> None:
    assert boss.get(page_of(session, "move/99999")).status_code == 404
    assert boss.get(f"{LIST}99999/book/").status_code == 404


def test_the_page_of_a_booking_says_where_its_seat_is_moved(
    boss: Client, session: Session, sit: Sit
) -> None:
    booking = sit(session, now_dt=None)
    url = f"/desk/bookings/booking/{booking.pk}/change/"
    sent = filled_in(boss.get(url)) | {"start_at_1": "17:00"}
    page = text_of(boss.post(url, sent))
    assert "This booking is a seat in a session. Move it to another session, or cancel it." in page
    where = page_of(session, f"move/{booking.pk}", site="desk")
    assert f'<a href="{where}">Choose the session</a>.' in page


def test_where_sessions_are_in_no_admin_there_is_no_link(session: Session, sit: Sit) -> None:
    booking = sit(session, now_dt=None)
    refusal = in_session()
    set_urlconf("django.conf.urls.i18n")
    try:
        assert move_link(booking, "admin") is None
        assert as_form_error(refusal, booking).messages == refusal.messages
    finally:
        set_urlconf(None)


def test_a_booking_that_has_lost_its_seat_has_no_link(session: Session, sit: Sit) -> None:
    booking = sit(session, now_dt=None)
    Seat.objects.filter(booking=booking).delete()
    booking.refresh_from_db()
    assert move_link(booking, "admin") is None


@pytest.mark.parametrize("page", ["book", "wait", "move/{}"])
def test_who_may_not_change_sessions(
    viewer: Client, stranger: Client, manager: Client, session: Session, sit: Sit, page: str
) -> None:
    booking = sit(session, now_dt=None)
    url = page_of(session, page.format(booking.pk))
    for client in (viewer, stranger):
        assert client.get(url).status_code == 403
        assert client.post(url, ANN).status_code == 403
    assert manager.get(url).status_code == 200
    assert Booking.objects.count() == 1
