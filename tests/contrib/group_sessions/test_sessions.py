"""Publish sessions and book their seats."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from bookings.contrib.group_sessions import signals
from bookings.contrib.group_sessions.exceptions import (
    AlreadyBooked,
    InvalidSession,
    SessionNotOpen,
    StaleSession,
)
from bookings.contrib.group_sessions.models import Seat, Session
from bookings.contrib.group_sessions.selectors import bookings_of, list_sessions
from bookings.contrib.group_sessions.services import (
    book_seat,
    cancel_session,
    close_session,
    create_session,
    finish_session,
    update_session,
)
from bookings.exceptions import (
    BookingConflict,
    CapacityExceeded,
    IdempotencyKeyReused,
    InvalidBooking,
    MissingReference,
    NotAllowed,
    NoticeWindow,
    PastStart,
)
from bookings.integrity import find_problems
from bookings.models import Booking, BusyInterval
from bookings.services import (
    add_note,
    cancel_booking,
    confirm_booking,
    create_booking,
    deliver_booking,
    dispute_booking,
    expire_booking,
    expire_bookings,
    submit_hold,
    update_booking,
)
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    Factory,
    MakeBooking,
    MakeSession,
    booked_clients,
    refused,
    reloaded,
)
from tests.stateful.audit import audit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _sound(db: None) -> Any:
    yield
    assert audit() == []
    assert list(find_problems()) == []


def test_a_session_has_its_service_s_length_buffers_and_ten_seats(
    service: Any, provider: Any
) -> None:
    service.buffer_before_minutes, service.buffer_after_minutes = 5, 10
    service.save()
    session = create_session(service=service, provider=provider, start_at=START, now_dt=NOW)
    assert (session.status, session.capacity, session.remaining_seats) == ("SCHEDULED", 10, 10)
    assert session.end_at == START + HOUR
    assert not session.is_full
    assert session.booking_open
    interval = BusyInterval.objects.get()
    assert session.busy_interval == interval
    assert (interval.kind, interval.capacity, interval.seats_taken) == ("SESSION", 10, 0)
    assert interval.start_at == START - timedelta(minutes=5)
    assert interval.end_at == START + HOUR + timedelta(minutes=10)


def test_create_session_stores_every_value(
    make_session: MakeSession,
    user: Any,
    django_capture_on_commit_callbacks: Any,
    record_signal: Any,
) -> None:
    created = record_signal(signals.session_created)
    with django_capture_on_commit_callbacks(execute=True):
        session = make_session(
            end_at=START + 2 * HOUR,
            title="Sunrise",
            price_amount="12.50",
            meeting_link="https://example.com/yoga",
            enable_waitlist=True,
            waitlist_offer_minutes=30,
            created_by=user,
        )
    row = reloaded(session)
    assert row.end_at == START + 2 * HOUR
    assert row.price_amount == Decimal("12.50")
    assert (row.title, row.meeting_link) == ("Sunrise", "https://example.com/yoga")
    assert (row.enable_waitlist, row.waitlist_offer_minutes) == (True, 30)
    assert (row.created_by, row.created_at) == (user, NOW)
    assert str(row) == "Sunrise: March 7, 2131, 10 a.m."
    [sent] = created
    assert sent["session"] == session


@pytest.mark.parametrize(
    ("values", "error", "code"),
    [
        ({"capacity": 0}, InvalidBooking, "invalid"),
        ({"capacity": -1}, InvalidBooking, "invalid"),
        ({"capacity": 2**31}, InvalidBooking, "invalid"),
        ({"capacity": "3"}, InvalidBooking, "invalid"),
        ({"end_at": START}, InvalidSession, "ends_before_start"),
        ({"end_at": START - HOUR}, InvalidSession, "ends_before_start"),
        ({"start_at": START.replace(tzinfo=None)}, InvalidBooking, "naive_datetime"),
        ({"end_at": (START + HOUR).replace(tzinfo=None)}, InvalidBooking, "naive_datetime"),
        ({"start_at": NOW - HOUR}, PastStart, "past_start"),
        ({"start_at": datetime.max.replace(tzinfo=START.tzinfo)}, InvalidBooking, "out_of_range"),
        ({"end_at": START.replace(year=9999)}, InvalidBooking, "out_of_range"),
        ({"title": "x" * 256}, InvalidBooking, "invalid"),
        ({"title": None}, InvalidBooking, "invalid"),
        ({"meeting_link": "yoga"}, InvalidBooking, "invalid"),
        ({"meeting_link": "javascript:alert(1)"}, InvalidBooking, "invalid"),
        ({"meeting_link": "https://example.com/" + "x" * 500}, InvalidBooking, "invalid"),
        ({"price_amount": -1}, InvalidBooking, "negative_amount"),
        ({"price_amount": "much"}, InvalidBooking, "invalid"),
        ({"price_amount": "1.234"}, InvalidBooking, "amount_too_fine"),
        ({"waitlist_offer_minutes": 0}, InvalidBooking, "invalid"),
        ({"waitlist_offer_minutes": 1.5}, InvalidBooking, "invalid"),
        ({"waitlist_offer_minutes": 10}, InvalidSession, "offer_without_waitlist"),
        ({"service": None}, InvalidBooking, "invalid"),
        ({"provider": "Ada"}, InvalidBooking, "invalid"),
    ],
    ids=str,
)
def test_an_invalid_session_is_refused(
    make_session: MakeSession, values: dict[str, Any], error: Any, code: str
) -> None:
    with refused(error, code):
        make_session(**values)


def test_a_session_may_start_in_the_past_if_allowed(
    make_session: MakeSession, settings: Any
) -> None:
    past = {"start_at": NOW - 3 * HOUR}
    make_session(**past, allow_past=True)
    settings.BOOKINGS_ALLOW_PAST_START = True
    make_session(start_at=NOW - HOUR)
    with refused(PastStart):
        make_session(start_at=NOW - 2 * HOUR, allow_past=False)


def test_a_negative_session_price_is_refused(session: Session, make_booking: MakeBooking) -> None:
    """A host may have stored one with a direct write."""
    QuerySet(Session).filter(pk=session.pk).update(price_amount=-1)

    with refused(InvalidBooking, "negative_amount"):
        make_booking(reloaded(session))


@pytest.mark.parametrize("hours", [-0.5, 0, 0.5])
def test_two_sessions_of_a_provider_do_not_overlap(
    session: Session, make_session: MakeSession, hours: float
) -> None:
    with refused(BookingConflict):
        make_session(start_at=START + hours * HOUR)
    make_session(start_at=START + HOUR)


def test_a_session_and_an_ordinary_booking_do_not_overlap(
    session: Session, service: Any, provider: Any
) -> None:
    given = {"service": service, "provider": provider, "client_name": "Ann", "now_dt": NOW}
    with refused(BookingConflict):
        create_booking(start_at=START + HOUR / 2, **given)
    create_booking(start_at=START + HOUR, **given)
    with refused(BookingConflict):
        create_session(service=service, provider=provider, start_at=START + HOUR, now_dt=NOW)


def test_an_expired_hold_does_not_block_a_session(
    make_session: MakeSession, service: Any, provider: Any
) -> None:
    given = {"service": service, "provider": provider, "client_name": "Ann", "start_at": START}
    hold = create_booking(**given, now_dt=NOW - HOUR, expires_at=NOW)
    make_session()
    hold.refresh_from_db()
    assert hold.auto_cancelled


def test_direct_writes_of_sessions_are_refused(session: Session) -> None:
    for write in (
        session.save,
        session.delete,
        Session.objects.all().delete,
        lambda: Session.objects.update(capacity=1),
        lambda: Session.objects.bulk_create([]),
        Session.objects.create,
    ):
        with refused(NotAllowed):
            write()


@pytest.mark.parametrize("values", [{"capacity": 0}, {"end_at": START}, {"busy_interval": None}])
def test_the_database_refuses_invalid_sessions(session: Session, values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Session._base_manager.update(**values)


# Seats


def test_a_seat_is_an_ordinary_booking_of_the_session_s_time(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session, "Ann", 2)
    assert (booking.status, booking.party_size, booking.price_amount) == ("CONFIRMED", 2, 40)
    assert (booking.start_at, booking.end_at) == (session.start_at, session.end_at)
    assert booking.busy_interval_id == session.busy_interval_id
    assert booking.is_in_session
    assert booking.seat.session == session
    assert str(booking.seat) == f"{booking.reference}: {session}"
    assert [event.event_type for event in booking.events.all()] == ["CREATED"]
    assert reloaded(session).remaining_seats == 1
    assert list(bookings_of(session)) == [booking]


def test_a_session_s_price_and_length_are_its_bookings(
    make_session: MakeSession, make_booking: MakeBooking
) -> None:
    session = make_session(price_amount="7.50", end_at=START + 2 * HOUR)
    booking = make_booking(session)
    assert (booking.price_amount, booking.total_amount) == (Decimal("7.50"), Decimal("7.50"))
    assert booking.end_at == START + 2 * HOUR


def test_a_free_session_costs_nothing(make_session: MakeSession, make_booking: MakeBooking) -> None:
    assert make_booking(make_session(price_amount=0)).total_amount == 0


def test_seats_are_booked_until_the_session_is_full(
    session: Session, make_booking: MakeBooking
) -> None:
    make_booking(session, "Ann", 2)
    with refused(CapacityExceeded):
        make_booking(session, "Bob", 2)
    make_booking(session, "Bob")
    row = reloaded(session)
    assert (row.is_full, row.booking_open, row.status) == (True, False, "BOOKING_CLOSED")
    with refused(CapacityExceeded):
        make_booking(session, "Cid")


@pytest.mark.parametrize("seats", [0, -1, 1.5, True, None, "1", 2**31])
def test_seats_are_a_whole_number(session: Session, make_booking: MakeBooking, seats: Any) -> None:
    with refused(InvalidBooking):
        make_booking(session, seats=seats)


def test_an_invalid_number_of_seats_is_reported_as_seats(
    session: Session, make_booking: MakeBooking
) -> None:
    with pytest.raises(InvalidBooking, match="seats must be a whole number from 1"):
        make_booking(session, seats=0)


def test_more_seats_than_the_capacity_are_refused(
    session: Session, make_booking: MakeBooking
) -> None:
    with refused(CapacityExceeded):
        make_booking(session, seats=4)


def test_a_session_with_a_waitlist_stays_open_when_it_is_full(full_session: Session) -> None:
    assert (reloaded(full_session).status, reloaded(full_session).booking_open) == (
        "SCHEDULED",
        False,
    )


def test_a_session_opens_by_itself_when_a_seat_is_freed(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session, seats=3)
    assert reloaded(session).status == "BOOKING_CLOSED"
    cancel_booking(booking, now_dt=NOW)
    assert reloaded(session).status == "SCHEDULED"
    make_booking(session, "Bob", 3)


def test_a_session_closed_by_staff_stays_closed(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session, seats=3)
    close_session(session, now_dt=NOW)
    cancel_booking(booking, now_dt=NOW)
    assert reloaded(session).status == "BOOKING_CLOSED"
    with refused(SessionNotOpen, "booking_closed"):
        make_booking(session)
    assert make_booking(session, override_policy=True).status == "CONFIRMED"
    assert reloaded(session).status == "BOOKING_CLOSED"


def test_a_party_that_shrinks_or_is_deleted_frees_seats(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session, seats=3)
    booking.party_size = 2
    booking.save()
    assert (reloaded(session).status, reloaded(session).remaining_seats) == ("SCHEDULED", 1)
    make_booking(session, "Bob")
    assert reloaded(session).status == "BOOKING_CLOSED"
    Booking.objects.filter(client_name="Bob").delete()
    assert (reloaded(session).status, reloaded(session).remaining_seats) == ("SCHEDULED", 1)
    assert Seat.objects.count() == 1


def test_the_seats_of_an_expired_hold_are_free(session: Session, make_booking: MakeBooking) -> None:
    hold = make_booking(session, seats=3, expires_at=NOW + HOUR)
    assert (hold.status, booked_clients(session)) == ("PENDING", {"Ann": (3, "PENDING")})
    assert reloaded(session).status == "BOOKING_CLOSED"
    with refused(CapacityExceeded):
        make_booking(session, "Bob")
    make_booking(session, "Bob", now_dt=NOW + HOUR)
    assert booked_clients(session) == {"Bob": (1, "CONFIRMED")}
    assert reloaded(session).status == "SCHEDULED"


def test_many_holds_expire_at_once(make_session: MakeSession, make_booking: MakeBooking) -> None:
    sessions = [make_session(start_at=START + n * HOUR, capacity=2) for n in range(3)]
    for session in sessions:
        for name in ("Ann", "Bob"):
            make_booking(session, name, expires_at=NOW + HOUR)
    assert {reloaded(session).status for session in sessions} == {"BOOKING_CLOSED"}
    assert expire_bookings(now_dt=NOW + HOUR) == 6
    assert {reloaded(session).status for session in sessions} == {"SCHEDULED"}
    assert not Seat.objects.filter(client_key__isnull=False).exists()


def test_a_hold_is_confirmed_in_its_seat(session: Session, make_booking: MakeBooking) -> None:
    confirm_booking(make_booking(session, expires_at=NOW + HOUR), now_dt=NOW)
    assert booked_clients(session) == {"Ann": (1, "CONFIRMED")}


# One booking for each client


def test_a_client_has_one_active_booking_in_a_session(
    session: Session, make_booking: MakeBooking
) -> None:
    first = make_booking(session)
    with refused(AlreadyBooked):
        make_booking(session)
    cancel_booking(first, now_dt=NOW)
    make_booking(session)
    assert Seat.objects.count() == 2


def test_the_error_has_the_reference_of_the_client_s_booking(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session)
    with pytest.raises(AlreadyBooked) as refusal:
        make_booking(session)
    assert refusal.value.reference == booking.reference


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"client_email": "a@example.com"}, {"client_email": "A@Example.com"}),
        ({"client_phone": "123"}, {"client_phone": "(1) 2-3"}),
        (
            {"client_phone": "123", "client_email": "a@example.com"},
            {"client_phone": "12 3", "client_email": "b@example.com"},
        ),
        ({"client_email": "a@example.com", "client_phone": "1"}, {"client_email": "a@example.com"}),
    ],
    ids=["e-mail", "phone", "the phone alone", "the e-mail alone"],
)
def test_a_client_is_identified_by_email_or_phone(
    session: Session, make_booking: MakeBooking, one: Any, other: Any
) -> None:
    make_booking(session, "Ann", **one)
    with refused(AlreadyBooked):
        make_booking(session, "Anna", **other)
    make_booking(session, "Ann")


def test_an_account_is_one_client_whatever_the_name(
    session: Session, make_booking: MakeBooking, user: Any
) -> None:
    make_booking(session, "Mary", client_user=user)
    with refused(AlreadyBooked):
        make_booking(session, "Mia", client_user=user, client_email="m@example.com")


def test_a_guest_who_has_an_account_now_is_the_same_client(
    session: Session, make_booking: MakeBooking, user: Any
) -> None:
    guest = make_booking(session, "Mary", client_email="mary@example.com")
    with refused(AlreadyBooked):
        make_booking(session, "Mary M.", client_user=user, client_email="Mary@Example.com")
    cancel_booking(guest, now_dt=NOW)
    make_booking(session, "Mary M.", client_user=user, client_email="Mary@Example.com")
    with refused(AlreadyBooked):
        make_booking(session, "Mary", client_email="mary@example.com")


def test_clients_of_one_name_are_the_same_where_there_is_nothing_else(
    session: Session, make_booking: MakeBooking
) -> None:
    make_booking(session, "Kim Lee")
    with refused(AlreadyBooked):
        make_booking(session, "KIM  LEE")
    make_booking(session, "Kim Lee", client_email="kim@example.com")


def test_the_database_refuses_a_second_seat_of_a_client(
    session: Session, make_booking: MakeBooking
) -> None:
    first, second = make_booking(session, "Ann").seat, make_booking(session, "Bob").seat
    with pytest.raises(IntegrityError), transaction.atomic():
        Seat.objects.filter(pk=second.pk).update(client_key=first.client_key)


def test_a_changed_client_is_identified_anew(session: Session, make_booking: MakeBooking) -> None:
    make_booking(session, "Ann", client_email="ann@example.com")
    booking = make_booking(session, "Bob")
    with refused(AlreadyBooked):
        update_booking(booking, client_email="ann@example.com", now_dt=NOW)
    booking.refresh_from_db()
    update_booking(booking, client_email="bob@example.com", now_dt=NOW)
    with refused(AlreadyBooked):
        make_booking(session, "Robert", client_email="bob@example.com")
    make_booking(session, "Bob")


def test_a_detail_that_another_seat_has_too_is_refused(
    session: Session, make_booking: MakeBooking, user: Any
) -> None:
    """Also if the client is known by something stronger, which stays."""
    make_booking(session, "Ann", client_phone="0123")
    booking = make_booking(session, "Bob", client_user=user)
    hold = make_booking(session, "Cid", client_email="cid@example.com", expires_at=NOW + HOUR)
    with refused(AlreadyBooked):
        update_booking(booking, client_phone="01-23", now_dt=NOW)
    with refused(AlreadyBooked):
        confirm_booking(hold, client_phone="01 23", now_dt=NOW)
    booking.refresh_from_db()
    booking.client_phone = "(01) 23"
    with refused(AlreadyBooked):
        booking.save()
    update_booking(booking, client_phone="0456", now_dt=NOW)
    hold.refresh_from_db()
    assert confirm_booking(hold, client_phone="0789", now_dt=NOW).status == "CONFIRMED"


def test_all_expired_holds_of_a_client_make_way(
    session: Session, make_booking: MakeBooking
) -> None:
    make_booking(session, "Ann", client_phone="0123", expires_at=NOW + HOUR)
    make_booking(session, "A.", client_email="ann@example.com", expires_at=NOW + HOUR)
    contact = {"client_phone": "01 23", "client_email": "Ann@example.com"}
    with refused(AlreadyBooked):
        make_booking(session, "Ann", **contact)
    make_booking(session, "Ann", seats=3, now_dt=NOW + HOUR, **contact)
    assert booked_clients(session) == {"Ann": (3, "CONFIRMED")}


def test_a_client_books_again_after_the_hold_has_expired(
    session: Session, make_booking: MakeBooking
) -> None:
    make_booking(session, expires_at=NOW + HOUR)
    with refused(AlreadyBooked):
        make_booking(session, now_dt=NOW + HOUR - timedelta(seconds=1))
    make_booking(session, seats=3, now_dt=NOW + HOUR)
    assert booked_clients(session) == {"Ann": (3, "CONFIRMED")}


def test_a_doubled_click_books_once(session: Session, make_booking: MakeBooking) -> None:
    first = make_booking(session, idempotency_key="click")
    assert make_booking(session, idempotency_key="click").pk == first.pk
    update_session(session, start_at=START + HOUR, end_at=START + 2 * HOUR, now_dt=NOW)
    assert make_booking(session, idempotency_key="click").pk == first.pk
    assert booked_clients(session) == {"Ann": (1, "CONFIRMED")}


@pytest.mark.parametrize(
    "values",
    [
        {"client_name": "Bob"},
        {"client_email": "ann@example.com"},
        {"seats": 2},
        {"notes_client": "Ring."},
        {"metadata": {"a": 1}},
        {"expires_at": NOW + HOUR},
    ],
)
def test_a_key_belongs_to_one_request(
    session: Session, make_booking: MakeBooking, values: dict[str, Any]
) -> None:
    make_booking(session, idempotency_key="click")
    with refused(IdempotencyKeyReused):
        make_booking(session, idempotency_key="click", **values)


def test_a_key_of_a_seat_is_none_of_a_booking_or_another_session(
    session: Session, make_session: MakeSession, make_booking: MakeBooking, other_provider: Any
) -> None:
    other = make_session(provider=other_provider)
    make_booking(session, idempotency_key="click")
    with refused(IdempotencyKeyReused):
        make_booking(other, idempotency_key="click")
    with refused(IdempotencyKeyReused):
        create_booking(
            service=session.service,
            provider=session.provider,
            start_at=session.start_at,
            client_name="Ann",
            idempotency_key="click",
            now_dt=NOW,
        )


@pytest.mark.parametrize("is_swept", [False, True])
def test_an_expired_seat_gives_its_key_to_the_same_request(
    session: Session, make_booking: MakeBooking, is_swept: bool
) -> None:
    hold: dict[str, Any] = {"idempotency_key": "click", "expires_at": NOW + HOUR}
    first = make_booking(session, **hold)
    if is_swept:
        expire_booking(first, now_dt=NOW + HOUR)
    again = make_booking(session, **hold | {"expires_at": NOW + 2 * HOUR, "now_dt": NOW + HOUR})
    assert again.pk != first.pk
    assert booked_clients(session) == {"Ann": (1, "PENDING")}


# Sessions that are not open


def test_a_started_or_cancelled_session_refuses_bookings(
    session: Session, make_booking: MakeBooking
) -> None:
    with refused(SessionNotOpen, "session_started"):
        make_booking(session, now_dt=START)
    with refused(PastStart):
        make_booking(session, now_dt=START + HOUR)
    cancel_session(session, now_dt=NOW)
    assert (session.remaining_seats, session.booking_open) == (0, False)
    with refused(SessionNotOpen, "session_cancelled"):
        make_booking(session)


def test_a_finished_session_refuses_bookings(
    session: Session, make_booking: MakeBooking, settings: Any
) -> None:
    finish_session(session, now_dt=START + HOUR)
    settings.BOOKINGS_ALLOW_PAST_START = True
    with refused(SessionNotOpen, "session_finished"):
        make_booking(session, now_dt=START + HOUR)


def test_a_session_that_moved_since_it_was_read_is_stale(
    session: Session, make_booking: MakeBooking
) -> None:
    seen = reloaded(session)
    update_session(session, start_at=START + HOUR, now_dt=NOW)
    with refused(StaleSession):
        make_booking(seen)
    make_booking(session)


def test_an_unsaved_session_is_refused(session: Session, make_booking: MakeBooking) -> None:
    for wrong in (None, Session(), "session"):
        with refused(MissingReference):
            make_booking(wrong)  # type: ignore[arg-type]
    gone = reloaded(session)
    gone.pk = -1
    with refused(MissingReference):
        make_booking(gone)


@pytest.mark.parametrize(
    "values",
    [
        {"client_name": ""},
        {"client_name": "x" * 256},
        {"client_email": "nobody"},
        {"client_user": "mary"},
        {"notes_client": "\x00"},
        {"metadata": []},
        {"addon_ids": [7]},
        {"expires_at": NOW},
        {"expires_at": NOW.replace(tzinfo=None)},
        {"idempotency_key": 7},
        {"now_dt": NOW.replace(tzinfo=None)},
    ],
    ids=str,
)
def test_invalid_booking_values_are_refused(
    session: Session, make_booking: MakeBooking, values: dict[str, Any]
) -> None:
    before = Booking.objects.count()
    with pytest.raises(InvalidBooking):
        make_booking(session, **values)
    assert Booking.objects.count() == before


def test_the_service_s_window_of_booking_holds(
    make_service: Factory, make_session: MakeSession, make_booking: MakeBooking
) -> None:
    session = make_session(service=make_service(minimum_notice_minutes=120))
    late = START - HOUR
    with refused(NoticeWindow, "minimum_notice"):
        make_booking(session, now_dt=late)
    make_booking(session, now_dt=late, override_policy=True)


def test_a_seat_that_needs_approval_is_pending(
    make_service: Factory, make_session: MakeSession, make_booking: MakeBooking
) -> None:
    session = make_session(service=make_service(requires_approval=True))
    booking = make_booking(session)
    assert booking.status == "PENDING"
    confirm_booking(booking, now_dt=NOW)
    assert booked_clients(session) == {"Ann": (1, "CONFIRMED")}


# Selectors


def test_upcoming_sessions_are_listed_with_their_seats(
    make_session: MakeSession, make_service: Factory, other_provider: Any
) -> None:
    first = make_session()
    second = make_session(start_at=START + HOUR, service=make_service(name="Boxing"))
    third = make_session(provider=other_provider, start_at=START + 2 * HOUR)
    cancel_session(make_session(start_at=START + 5 * HOUR), now_dt=NOW)
    with CaptureQueriesContext(connection) as captured:
        assert [row.remaining_seats for row in list_sessions(now_dt=NOW)] == [3, 3, 3]
    assert len(captured) == 1
    assert list(list_sessions(now_dt=START)) == [second, third]
    assert list(list_sessions(provider=other_provider, now_dt=NOW)) == [third]
    assert list(list_sessions(service=second.service, now_dt=NOW)) == [second]
    assert first in list_sessions()


def test_booking_a_seat_takes_a_constant_number_of_queries(
    make_session: MakeSession, make_booking: MakeBooking
) -> None:
    session = make_session(capacity=50)

    def queries(name: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            make_booking(session, name)
        return len([query for query in captured if "SAVEPOINT" not in query["sql"]])

    first = queries("Ann")
    for number in range(20):
        make_booking(session, f"Guest {number}")
    assert queries("Bob") == first <= 12


def test_services_take_keyword_arguments(session: Session) -> None:
    with pytest.raises(TypeError):
        book_seat(session, "Ann")  # type: ignore[misc]


# With the core's other verbs


def test_a_hold_without_a_client_gets_one_when_it_is_confirmed(
    session: Session, make_booking: MakeBooking
) -> None:
    first, second = (make_booking(session, "", expires_at=NOW + HOUR) for _ in range(2))
    confirm_booking(first, client_name="Ann", now_dt=NOW)
    with refused(AlreadyBooked):
        confirm_booking(second, client_name="Ann", now_dt=NOW)
    confirm_booking(second, client_name="Bob", now_dt=NOW)
    assert booked_clients(session).keys() == {"Ann", "Bob"}


def test_a_hold_is_submitted_and_approved_in_its_seat(
    make_service: Factory, make_session: MakeSession, make_booking: MakeBooking
) -> None:
    session = make_session(service=make_service(requires_approval=True))
    hold = make_booking(session, expires_at=NOW + HOUR)
    submit_hold(hold, now_dt=NOW)
    confirm_booking(hold, now_dt=NOW)
    assert booked_clients(session) == {"Ann": (1, "CONFIRMED")}


def test_a_disputed_booking_gets_its_seats_back(
    session: Session, make_booking: MakeBooking
) -> None:
    booking, other = make_booking(session, "Ann", 2), make_booking(session, "Bob")
    for guest in (booking, other):
        deliver_booking(guest, now_dt=START)
    assert reloaded(session).remaining_seats == 3
    dispute_booking(booking, reason="Too short", now_dt=START)
    assert booked_clients(session) == {"Ann": (2, "CONFIRMED")}
    assert booking.busy_interval_id == session.busy_interval_id
    assert Seat.objects.get(booking=booking).client_key
    finish_session(session, now_dt=START + HOUR)
    deliver_booking(booking, now_dt=START + HOUR)
    assert not BusyInterval.objects.exists()
    dispute_booking(other, reason="Too short", now_dt=START + HOUR)
    assert other.is_in_session


def test_notes_and_other_bookings_do_not_touch_a_session(
    session: Session, make_booking: MakeBooking, service: Any, provider: Any
) -> None:
    booking = make_booking(session, idempotency_key=None)
    with CaptureQueriesContext(connection) as captured:
        add_note(booking, message="Brings a mat", now_dt=NOW)
    assert not [query for query in captured if "group_sessions" in query["sql"]]
    plain = create_booking(
        service=service, provider=provider, start_at=START + HOUR, client_name="Eve", now_dt=NOW
    )
    plain.delete()
    assert reloaded(session).remaining_seats == 2
