"""The pages on which staff book a seat, add a client to the waitlist, and move a seat."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import set_urlconf

from bookings.admin.form_errors import as_form_error, refusal_link
from bookings.contrib.group_sessions.admin.seat_pages import move_link
from bookings.contrib.group_sessions.models import Seat, Session, WaitlistEntry
from bookings.contrib.group_sessions.services import (
    cancel_session,
    close_session,
    finish_session,
    update_session,
)
from bookings.integrity import find_problems
from bookings.ledger.entries import in_session_error
from bookings.models import Booking
from tests.admin.conftest import _browser
from tests.admin.page import FormData, form_values, messages_of, text_of
from tests.admin.urls import desk
from tests.contrib.group_sessions.admin.conftest import LIST, QUESTION, page_of
from tests.contrib.group_sessions.conftest import (
    Factory,
    MakeBooking,
    MakeEntry,
    MakeSession,
    booked_clients,
    waiting_clients,
)

pytestmark = pytest.mark.django_db

ANN = {"client_name": "Ann", "client_email": "ann@example.org", "party_size": 2}


def ask(client: Client, session: Session, page: str = "book") -> FormData:
    return form_values(client.get(page_of(session, page)), QUESTION)


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
    assert messages_of(answer) == [f"{booking} is now: Confirmed."]
    assert (booking.client_name, booking.client_email) == ("Ann", "ann@example.org")
    assert (booking.client_phone, booking.party_size) == ("+49 30 1", 2)
    assert booking.created_by.username == "boss"
    assert answer.redirect_chain[-1][0] == page_of(session)
    assert LogEntry.objects.get().object_id == str(session.pk)
    assert list(find_problems()) == []


def test_a_double_click_books_once(boss: Client, session: Session) -> None:
    sent = ask(boss, session) | ANN | {"party_size": 3}
    boss.post(page_of(session, "book"), sent)
    answer = boss.post(page_of(session, "book"), sent, follow=True)
    assert messages_of(answer)[-1] == f"{Booking.objects.get()} was that already: Confirmed."
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
def test_an_error_is_shown_at_its_field(
    boss: Client, session: Session, values: dict[str, Any], field: str
) -> None:
    assert list(errors(book(boss, session, **values))) == [field]
    assert not Booking.objects.exists()


def test_more_seats_than_there_can_be_are_refused(boss: Client, session: Session) -> None:
    # Whether for their number or for what they would cost.
    assert errors(book(boss, session, party_size=10**12))
    assert not Booking.objects.exists()


def test_a_client_who_has_a_seat_is_not_booked_again(boss: Client, session: Session) -> None:
    book(boss, session, party_size=1)
    refused = errors(book(boss, session, party_size=1))
    assert "booked this session already" in str(refused)
    assert Booking.objects.count() == 1


def test_staff_may_override_what_refuses_a_client(
    boss: Client, make_session: MakeSession, make_service: Factory
) -> None:
    session = make_session(service=make_service(minimum_notice_minutes=30 * 24 * 60))
    assert "must be booked at least" in str(errors(book(boss, session)))
    close_session(session)
    assert errors(book(boss, session)) != {}
    assert not Booking.objects.exists()
    book(boss, session, override_policy="on")
    assert booked_clients(session) == {"Ann": (2, "CONFIRMED")}


def test_a_form_of_a_session_that_has_changed_books_nothing(boss: Client, session: Session) -> None:
    sent = ask(boss, session) | ANN
    update_session(session, start_at=session.start_at + timedelta(hours=3))
    refused = boss.post(page_of(session, "book"), sent)
    assert "Somebody has changed this session" in str(errors(refused))
    assert not Booking.objects.exists()


def test_a_client_is_added_to_the_waitlist(
    boss: Client, make_session: MakeSession, make_booking: MakeBooking
) -> None:
    session = make_session(enable_waitlist=True)
    make_booking(session, "Bob", 2, now_dt=None)
    page = text_of(boss.get(page_of(session)))
    assert page_of(session, "wait") in page
    assert page_of(session, "book") in page
    refused = errors(book(boss, session, "wait", party_size=1))
    assert refused == {"__all__": ["Enough seats are free. Book them instead."]}
    sent = ask(boss, session, "wait") | ANN | {"priority": 5}
    answer = boss.post(page_of(session, "wait"), sent, follow=True)
    assert messages_of(answer) == ["Added to the waitlist: Ann."]
    entry = WaitlistEntry.objects.get()
    assert (entry.client_email, entry.party_size, entry.priority) == ("ann@example.org", 2, 5)
    assert entry.created_by.username == "boss"
    again = boss.post(page_of(session, "wait"), sent, follow=True)
    assert messages_of(again) == ["Ann was that already: Waiting."]
    assert waiting_clients(session) == ["Ann"]
    assert LogEntry.objects.count() == 1
    other = errors(book(boss, session, "wait", party_size=3))
    assert other == {"__all__": ["The client waits for this session already."]}


def test_a_client_who_joins_while_seats_are_free_is_booked_at_once(
    boss: Client,
    make_session: MakeSession,
    make_booking: MakeBooking,
    make_entry: MakeEntry,
    settings: Any,
) -> None:
    settings.BOOKINGS_WAITLIST_ORDER = "strict"
    session = make_session(enable_waitlist=True)
    make_booking(session, "Bob", 2, now_dt=None)
    make_entry(session, "Zoe", 2, now_dt=None)
    answer = book(boss, session, "wait", party_size=1, priority=1)
    assert messages_of(answer) == ["Promoted from the waitlist: Ann."]
    assert booked_clients(session)["Ann"] == (1, "CONFIRMED")


def test_links_are_offered_only_where_they_lead_somewhere(
    boss: Client,
    viewer: Client,
    make_session: MakeSession,
    make_booking: MakeBooking,
    start: datetime,
    past: Session,
) -> None:
    def offered(session: Session, client: Client = boss) -> set[str]:
        page = text_of(client.get(page_of(session)))
        return {name for name in ("book", "wait", "move") if f"/{name}/" in page}

    plain = make_session()
    make_booking(plain, "Bob", 3, now_dt=None)
    assert offered(plain) == {"move"}
    assert offered(plain, viewer) == set()
    queued = make_session(start_at=start + timedelta(hours=2), enable_waitlist=True)
    assert offered(queued) == {"book", "wait"}
    close_session(queued)
    assert offered(queued) == {"book"}
    cancel_session(queued)
    assert offered(queued) == set()
    make_booking(past, "Bob", now_dt=past.start_at - timedelta(hours=1))
    assert offered(past) == {"move"}
    finish_session(past)
    assert offered(past) == set()


def test_seats_of_expired_holds_can_be_booked(
    boss: Client, session: Session, make_booking: MakeBooking, start: datetime
) -> None:
    ago = start - timedelta(days=10)
    make_booking(session, "Bob", 3, now_dt=ago, expires_at=ago + timedelta(minutes=5))
    assert page_of(session, "book") in text_of(boss.get(page_of(session)))
    book(boss, session)
    assert booked_clients(session) == {"Ann": (2, "CONFIRMED")}


@pytest.fixture
def later(make_session: MakeSession, start: datetime) -> Session:
    return make_session(start_at=start + timedelta(hours=5), title="Later", capacity=4)


def move(client: Client, session: Session, booking: Booking, to: Session, **values: Any) -> Any:
    page = f"move/{booking.pk}"
    sent = ask(client, session, page) | {"to_session": to.pk} | values
    return client.post(page_of(session, page), sent, follow=True)


def test_a_seat_is_moved(
    boss: Client,
    session: Session,
    make_booking: MakeBooking,
    later: Session,
    make_service: Factory,
    start: datetime,
    make_session: MakeSession,
    other_provider: Any,
) -> None:
    booking = make_booking(session, "Ann", 2, now_dt=None)
    make_booking(later, "Bob", 1, now_dt=None)
    other = make_session(service=make_service(name="Other"), provider=other_provider)
    over = make_session(provider=other_provider, start_at=start + timedelta(hours=3))
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
    assert messages_of(answer) == [text]
    booking = Booking.objects.get(pk=booking.pk)
    assert booking.seat.session == later
    assert booking.events.get(event_type="RESCHEDULED").actor_user.username == "boss"
    twice = boss.post(page_of(session, f"move/{booking.pk}"), sent, follow=True)
    assert messages_of(twice) == [text]
    assert booking.events.filter(event_type="RESCHEDULED").count() == 1
    assert LogEntry.objects.count() == 1
    assert list(find_problems()) == []


@pytest.mark.parametrize(("sent", "by"), [({}, None), ({"by": "on"}, "provider")])
def test_staff_say_on_whose_behalf_a_seat_is_moved(
    boss: Client,
    session: Session,
    make_booking: MakeBooking,
    later: Session,
    sent: dict[str, str],
    by: str | None,
) -> None:
    booking = make_booking(session, now_dt=None)
    move(boss, session, booking, later, **sent)
    assert booking.events.get(event_type="RESCHEDULED").data.get("by") == by


def test_a_seat_that_does_not_fit_stays(
    boss: Client, session: Session, make_booking: MakeBooking, later: Session
) -> None:
    booking = make_booking(session, "Ann", 2, now_dt=None)
    make_booking(later, "Bob", 4, now_dt=None)
    page = text_of(boss.get(page_of(session, f"move/{booking.pk}")))
    assert "Full</option>" in page
    refused = move(boss, session, booking, later)
    assert errors(refused) == {"__all__": ["Not enough seats are left: 2 asked for, 0 free."]}
    assert Booking.objects.get(pk=booking.pk).seat.session == session


@pytest.mark.parametrize("values", [{"to_session": ""}, {"to_session": 0}, {"version": "x"}])
def test_a_move_without_a_valid_session_is_refused(
    boss: Client,
    session: Session,
    make_booking: MakeBooking,
    later: Session,
    values: dict[str, Any],
) -> None:
    booking = make_booking(session, now_dt=None)
    assert errors(move(boss, session, booking, later, **values))
    assert Booking.objects.get(pk=booking.pk).seat.session == session


def test_a_move_of_a_booking_that_has_changed(
    boss: Client, session: Session, make_booking: MakeBooking, later: Session
) -> None:
    booking = make_booking(session, now_dt=None)
    refused = move(boss, session, booking, later, version=booking.version + 1)
    assert "Somebody has changed this booking" in str(errors(refused))


def test_staff_may_move_within_the_notice(
    boss: Client,
    make_session: MakeSession,
    make_service: Factory,
    make_booking: MakeBooking,
    start: datetime,
) -> None:
    service = make_service(reschedule_notice_minutes=30 * 24 * 60)
    session = make_session(service=service)
    later = make_session(service=service, start_at=start + timedelta(hours=5))
    booking = make_booking(session, now_dt=None)
    assert "less than 30 days" in str(errors(move(boss, session, booking, later)))
    move(boss, session, booking, later, override_policy="on")
    assert booked_clients(later) == {"Ann": (1, "CONFIRMED")}


def test_the_page_of_an_unknown_seat_is_not_found(
    boss: Client, session: Session, other_provider: Any
) -> None:
    assert boss.get(page_of(session, "move/99999")).status_code == 404
    assert boss.get(f"{LIST}99999/book/").status_code == 404


def test_the_page_of_a_booking_links_to_the_page_that_moves_its_seat(
    boss: Client, session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session, now_dt=None)
    url = f"/desk/bookings/booking/{booking.pk}/change/"
    page = text_of(boss.get(url))
    where = page_of(session, f"move/{booking.pk}", site="desk")
    assert f'<a href="{where}">Choose the session</a>' in page
    assert f'Session: <a href="{page_of(session, site="desk")}">' in page
    assert "start_at_1" not in form_values(boss.get(url)), "It has no start of its own to edit."
    reader = _browser("reader", "view_booking", "view_session")
    page = text_of(reader.get(url.replace("desk", "admin")))
    assert f'Session: <a href="{page_of(session)}">' in page
    assert "Choose the session" not in page
    stranger = _browser("other", "view_booking")
    assert "Session: <a" not in text_of(stranger.get(url.replace("desk", "admin")))


def test_what_refuses_a_seat_on_the_page_of_a_booking_links_there_too(
    session: Session, make_booking: MakeBooking
) -> None:
    booking, refusal = make_booking(session, now_dt=None), in_session_error()
    where = page_of(session, f"move/{booking.pk}", site="desk")
    request: Any = SimpleNamespace(user=get_user_model()(is_superuser=True))
    (message,) = as_form_error(refusal, refusal_link(refusal, booking, desk, request)).messages
    assert message.endswith(f'<a href="{where}">Choose the session</a>.')
    # Whoever may not open that page has no link to it.
    request = SimpleNamespace(user=get_user_model()(is_active=False))
    assert refusal_link(refusal, booking, desk, request) is None


def test_there_is_no_link_where_the_site_has_no_sessions(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session, now_dt=None)
    refusal = in_session_error()
    set_urlconf("django.conf.urls.i18n")
    try:
        assert move_link(booking, "admin") is None
        assert as_form_error(refusal, move_link(booking, "admin")).messages == refusal.messages
    finally:
        set_urlconf(None)


def test_a_booking_that_has_lost_its_seat_has_no_link(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session, now_dt=None)
    Seat.objects.filter(booking=booking).delete()
    booking.refresh_from_db()
    assert move_link(booking, "admin") is None


@pytest.mark.parametrize("page", ["book", "wait", "move/{}"])
def test_a_user_who_may_not_change_sessions_is_refused(
    viewer: Client,
    stranger: Client,
    manager: Client,
    session: Session,
    make_booking: MakeBooking,
    page: str,
) -> None:
    booking = make_booking(session, now_dt=None)
    url = page_of(session, page.format(booking.pk))
    for client in (viewer, stranger):
        assert client.get(url).status_code == 403
        assert client.post(url, ANN).status_code == 403
    assert manager.get(url).status_code == 200
    assert Booking.objects.count() == 1
