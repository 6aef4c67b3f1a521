"""A session takes its provider's time; staff publish it and take seats for clients."""

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
    close_booking,
    create_session,
    finish_session,
    update_session,
)
from bookings.exceptions import (
    BookingConflict,
    CapacityExceeded,
    InvalidBooking,
    MissingReference,
    NotAllowed,
    NoticeWindow,
    PastStart,
)
from bookings.integrity import find_problems, repair
from bookings.models import Booking, BusyInterval
from bookings.services import (
    add_note,
    cancel_booking,
    confirm_booking,
    create_booking,
    deliver_booking,
    dispute_booking,
    expire_bookings,
    submit_hold,
    update_booking,
)
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    Make,
    Schedule,
    Sit,
    again,
    guests,
    refused,
)
from tests.integrity.conftest import damage
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


def test_a_session_is_what_it_is_made(
    schedule: Schedule, user: Any, django_capture_on_commit_callbacks: Any, hear: Any
) -> None:
    told = hear(signals.session_created)
    with django_capture_on_commit_callbacks(execute=True):
        session = schedule(
            end_at=START + 2 * HOUR,
            title="Sunrise",
            price_amount="12.50",
            meeting_link="https://example.com/yoga",
            enable_waitlist=True,
            waitlist_offer_minutes=30,
            created_by=user,
        )
    row = again(session)
    assert row.end_at == START + 2 * HOUR
    assert row.price_amount == Decimal("12.50")
    assert (row.title, row.meeting_link) == ("Sunrise", "https://example.com/yoga")
    assert (row.enable_waitlist, row.waitlist_offer_minutes) == (True, 30)
    assert (row.created_by, row.created_at) == (user, NOW)
    assert str(row) == "Sunrise: 2131-03-07 10:00"
    [said] = told
    assert said["session"] == session


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
def test_a_session_that_makes_no_sense_is_refused(
    schedule: Schedule, values: dict[str, Any], error: Any, code: str
) -> None:
    with refused(error, code):
        schedule(**values)


def test_a_session_may_be_past_where_the_host_says_so(schedule: Schedule, settings: Any) -> None:
    past = {"start_at": NOW - 3 * HOUR}
    schedule(**past, allow_past=True)
    settings.BOOKINGS_ALLOW_PAST_START = True
    schedule(start_at=NOW - HOUR)
    with refused(PastStart):
        schedule(start_at=NOW - 2 * HOUR, allow_past=False)


def test_no_seat_of_a_session_below_zero_is_sold(session: Session, sit: Sit) -> None:
    """As a host may have stored one before there was anybody to refuse it."""
    QuerySet(Session).filter(pk=session.pk).update(price_amount=-1)

    with refused(InvalidBooking, "negative_amount"):
        sit(again(session))


@pytest.mark.parametrize("hours", [-0.5, 0, 0.5])
def test_two_sessions_of_a_provider_do_not_overlap(
    session: Session, schedule: Schedule, hours: float
) -> None:
    with refused(BookingConflict):
        schedule(start_at=START + hours * HOUR)
    schedule(start_at=START + HOUR)


def test_a_session_and_an_ordinary_booking_do_not_overlap(
    session: Session, service: Any, provider: Any
) -> None:
    given = {"service": service, "provider": provider, "client_name": "Ann", "now_dt": NOW}
    with refused(BookingConflict):
        create_booking(start_at=START + HOUR / 2, **given)
    create_booking(start_at=START + HOUR, **given)
    with refused(BookingConflict):
        create_session(service=service, provider=provider, start_at=START + HOUR, now_dt=NOW)


def test_a_hold_that_has_run_out_is_in_no_session_s_way(
    schedule: Schedule, service: Any, provider: Any
) -> None:
    given = {"service": service, "provider": provider, "client_name": "Ann", "start_at": START}
    hold = create_booking(**given, now_dt=NOW - HOUR, expires_at=NOW)
    schedule()
    hold.refresh_from_db()
    assert hold.auto_cancelled


def test_sessions_are_not_written_past_the_services(session: Session) -> None:
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
def test_the_database_refuses_what_no_session_is(session: Session, values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Session._base_manager.update(**values)


# Seats


def test_a_seat_is_an_ordinary_booking_of_the_session_s_time(session: Session, sit: Sit) -> None:
    booking = sit(session, "Ann", 2)
    assert (booking.status, booking.party_size, booking.price_amount) == ("CONFIRMED", 2, 40)
    assert (booking.start_at, booking.end_at) == (session.start_at, session.end_at)
    assert booking.busy_interval_id == session.busy_interval_id
    assert booking.is_in_session
    assert booking.seat.session == session
    assert str(booking.seat) == f"{booking.reference}: {session}"
    assert [event.event_type for event in booking.events.all()] == ["CREATED"]
    assert again(session).remaining_seats == 1
    assert list(bookings_of(session)) == [booking]


def test_a_session_s_price_and_length_are_its_bookings(schedule: Schedule, sit: Sit) -> None:
    session = schedule(price_amount="7.50", end_at=START + 2 * HOUR)
    booking = sit(session)
    assert (booking.price_amount, booking.total_amount) == (Decimal("7.50"), Decimal("7.50"))
    assert booking.end_at == START + 2 * HOUR


def test_a_free_session_costs_nothing(schedule: Schedule, sit: Sit) -> None:
    assert sit(schedule(price_amount=0)).total_amount == 0


def test_seats_are_sold_until_there_are_none(session: Session, sit: Sit) -> None:
    sit(session, "Ann", 2)
    with refused(CapacityExceeded):
        sit(session, "Bob", 2)
    sit(session, "Bob")
    row = again(session)
    assert (row.is_full, row.booking_open, row.status) == (True, False, "BOOKING_CLOSED")
    with refused(CapacityExceeded):
        sit(session, "Cid")


@pytest.mark.parametrize("seats", [0, -1, 1.5, True, None, "1", 2**31])
def test_seats_are_a_whole_number(session: Session, sit: Sit, seats: Any) -> None:
    with refused(InvalidBooking):
        sit(session, seats=seats)


def test_what_is_wrong_with_them_is_called_seats(session: Session, sit: Sit) -> None:
    with pytest.raises(InvalidBooking, match="seats must be a whole number from 1"):
        sit(session, seats=0)


def test_more_seats_than_there_are_at_all(session: Session, sit: Sit) -> None:
    with refused(CapacityExceeded):
        sit(session, seats=4)


def test_a_session_with_a_waitlist_stays_open_when_it_is_full(full: Session) -> None:
    assert (again(full).status, again(full).booking_open) == ("SCHEDULED", False)


def test_a_session_opens_by_itself_when_a_seat_is_freed(session: Session, sit: Sit) -> None:
    booking = sit(session, seats=3)
    assert again(session).status == "BOOKING_CLOSED"
    cancel_booking(booking, now_dt=NOW)
    assert again(session).status == "SCHEDULED"
    sit(session, "Bob", 3)


def test_what_staff_have_closed_stays_closed(session: Session, sit: Sit) -> None:
    booking = sit(session, seats=3)
    close_booking(session, now_dt=NOW)
    cancel_booking(booking, now_dt=NOW)
    assert again(session).status == "BOOKING_CLOSED"
    with refused(SessionNotOpen, "booking_closed"):
        sit(session)
    assert sit(session, override_policy=True).status == "CONFIRMED"
    assert again(session).status == "BOOKING_CLOSED"


def test_a_party_that_shrinks_or_is_deleted_frees_seats(session: Session, sit: Sit) -> None:
    booking = sit(session, seats=3)
    booking.party_size = 2
    booking.save()
    assert (again(session).status, again(session).remaining_seats) == ("SCHEDULED", 1)
    sit(session, "Bob")
    assert again(session).status == "BOOKING_CLOSED"
    Booking.objects.filter(client_name="Bob").delete()
    assert (again(session).status, again(session).remaining_seats) == ("SCHEDULED", 1)
    assert Seat.objects.count() == 1


def test_a_hold_s_seat_is_free_when_it_has_run_out(session: Session, sit: Sit) -> None:
    hold = sit(session, seats=3, expires_at=NOW + HOUR)
    assert (hold.status, guests(session)) == ("PENDING", {"Ann": (3, "PENDING")})
    assert again(session).status == "BOOKING_CLOSED"
    with refused(CapacityExceeded):
        sit(session, "Bob")
    sit(session, "Bob", now_dt=NOW + HOUR)
    assert guests(session) == {"Bob": (1, "CONFIRMED")}
    assert again(session).status == "SCHEDULED"


def test_many_holds_are_swept_at_once(schedule: Schedule, sit: Sit) -> None:
    sessions = [schedule(start_at=START + n * HOUR, capacity=2) for n in range(3)]
    for session in sessions:
        for name in ("Ann", "Bob"):
            sit(session, name, expires_at=NOW + HOUR)
    assert {again(session).status for session in sessions} == {"BOOKING_CLOSED"}
    assert expire_bookings(now_dt=NOW + HOUR) == 6
    assert {again(session).status for session in sessions} == {"SCHEDULED"}
    assert not Seat.objects.filter(client_key__isnull=False).exists()


def test_a_hold_is_confirmed_in_its_seat(session: Session, sit: Sit) -> None:
    confirm_booking(sit(session, expires_at=NOW + HOUR), now_dt=NOW)
    assert guests(session) == {"Ann": (1, "CONFIRMED")}


# One booking for each client


def test_a_client_has_one_active_booking_in_a_session(session: Session, sit: Sit) -> None:
    first = sit(session)
    with refused(AlreadyBooked):
        sit(session)
    cancel_booking(first, now_dt=NOW)
    sit(session)
    assert Seat.objects.count() == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"client_email": "a@example.com"}, {"client_email": "A@Example.com"}),
        ({"client_phone": "123"}, {"client_phone": "123"}),
    ],
    ids=["e-mail", "phone"],
)
def test_a_client_is_known_by_what_there_is(
    session: Session, sit: Sit, one: Any, other: Any
) -> None:
    sit(session, "Ann", **one)
    with refused(AlreadyBooked):
        sit(session, "Anna", **other)
    sit(session, "Ann")


def test_an_account_is_one_client_whatever_the_name(session: Session, sit: Sit, user: Any) -> None:
    sit(session, "Mary", client_user=user)
    with refused(AlreadyBooked):
        sit(session, "Mia", client_user=user, client_email="m@example.com")


def test_the_database_refuses_a_second_seat_of_a_client(session: Session, sit: Sit) -> None:
    first, second = sit(session, "Ann").seat, sit(session, "Bob").seat
    with pytest.raises(IntegrityError), transaction.atomic():
        Seat.objects.filter(pk=second.pk).update(client_key=first.client_key)


def test_a_client_who_becomes_another_is_known_as_that_one(session: Session, sit: Sit) -> None:
    sit(session, "Ann", client_email="ann@example.com")
    booking = sit(session, "Bob")
    with refused(AlreadyBooked):
        update_booking(booking, client_email="ann@example.com", now_dt=NOW)
    booking.refresh_from_db()
    update_booking(booking, client_email="bob@example.com", now_dt=NOW)
    with refused(AlreadyBooked):
        sit(session, "Robert", client_email="bob@example.com")
    sit(session, "Bob")


def test_a_client_comes_back_to_an_abandoned_checkout(session: Session, sit: Sit) -> None:
    sit(session, expires_at=NOW + HOUR)
    with refused(AlreadyBooked):
        sit(session, now_dt=NOW + HOUR - timedelta(seconds=1))
    sit(session, seats=3, now_dt=NOW + HOUR)
    assert guests(session) == {"Ann": (3, "CONFIRMED")}


def test_a_doubled_click_books_once(session: Session, sit: Sit) -> None:
    first = sit(session, idempotency_key="click")
    assert sit(session, idempotency_key="click").pk == first.pk
    assert guests(session) == {"Ann": (1, "CONFIRMED")}


# What is not open


def test_a_session_that_is_not_coming_takes_nobody(session: Session, sit: Sit) -> None:
    with refused(SessionNotOpen, "session_started"):
        sit(session, now_dt=START)
    with refused(PastStart):
        sit(session, now_dt=START + HOUR)
    cancel_session(session, now_dt=NOW)
    assert (session.remaining_seats, session.booking_open) == (0, False)
    with refused(SessionNotOpen, "session_cancelled"):
        sit(session)


def test_a_finished_session_takes_nobody(session: Session, sit: Sit, settings: Any) -> None:
    finish_session(session, now_dt=START + HOUR)
    settings.BOOKINGS_ALLOW_PAST_START = True
    with refused(SessionNotOpen, "session_finished"):
        sit(session, now_dt=START + HOUR)


def test_who_has_seen_another_time_is_told(session: Session, sit: Sit) -> None:
    seen = again(session)
    update_session(session, start_at=START + HOUR, now_dt=NOW)
    with refused(StaleSession):
        sit(seen)
    sit(session)


def test_what_is_no_stored_session(session: Session, sit: Sit) -> None:
    for wrong in (None, Session(), "session"):
        with refused(MissingReference):
            sit(wrong)  # type: ignore[arg-type]
    gone = again(session)
    gone.pk = -1
    with refused(MissingReference):
        sit(gone)


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
def test_a_seat_that_makes_no_sense_is_refused(
    session: Session, sit: Sit, values: dict[str, Any]
) -> None:
    before = Booking.objects.count()
    with pytest.raises(InvalidBooking):
        sit(session, **values)
    assert Booking.objects.count() == before


def test_the_service_s_window_of_booking_holds(
    make_service: Make, schedule: Schedule, sit: Sit
) -> None:
    session = schedule(service=make_service(minimum_notice_minutes=120))
    late = START - HOUR
    with refused(NoticeWindow, "minimum_notice"):
        sit(session, now_dt=late)
    sit(session, now_dt=late, override_policy=True)


def test_a_service_that_needs_approval_waits_for_it(
    make_service: Make, schedule: Schedule, sit: Sit
) -> None:
    session = schedule(service=make_service(requires_approval=True))
    booking = sit(session)
    assert booking.status == "PENDING"
    confirm_booking(booking, now_dt=NOW)
    assert guests(session) == {"Ann": (1, "CONFIRMED")}


# Reading


def test_what_is_to_come_is_listed_with_its_seats(
    schedule: Schedule, make_service: Make, other_provider: Any
) -> None:
    first = schedule()
    second = schedule(start_at=START + HOUR, service=make_service(name="Boxing"))
    third = schedule(provider=other_provider, start_at=START + 2 * HOUR)
    cancel_session(schedule(start_at=START + 5 * HOUR), now_dt=NOW)
    with CaptureQueriesContext(connection) as captured:
        assert [row.remaining_seats for row in list_sessions(now_dt=NOW)] == [3, 3, 3]
    assert len(captured) == 1
    assert list(list_sessions(now_dt=START)) == [second, third]
    assert list(list_sessions(provider=other_provider, now_dt=NOW)) == [third]
    assert list(list_sessions(service=second.service, now_dt=NOW)) == [second]
    assert first in list_sessions()


def test_a_seat_takes_as_many_queries_in_a_full_house_as_in_an_empty_one(
    schedule: Schedule, sit: Sit
) -> None:
    session = schedule(capacity=50)

    def queries(name: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            sit(session, name)
        return len([query for query in captured if "SAVEPOINT" not in query["sql"]])

    first = queries("Ann")
    for number in range(20):
        sit(session, f"Guest {number}")
    assert queries("Bob") == first <= 12


def test_services_of_the_app_take_what_they_name(session: Session) -> None:
    with pytest.raises(TypeError):
        book_seat(session, "Ann")  # type: ignore[misc]


# With the core's other verbs


def test_holds_for_nobody_in_particular_are_named_when_they_are_confirmed(
    session: Session, sit: Sit
) -> None:
    first, second = (sit(session, "", expires_at=NOW + HOUR) for _ in range(2))
    confirm_booking(first, client_name="Ann", now_dt=NOW)
    with refused(AlreadyBooked):
        confirm_booking(second, client_name="Ann", now_dt=NOW)
    confirm_booking(second, client_name="Bob", now_dt=NOW)
    assert guests(session).keys() == {"Ann", "Bob"}


def test_a_hold_is_submitted_and_approved_in_its_seat(
    make_service: Make, schedule: Schedule, sit: Sit
) -> None:
    session = schedule(service=make_service(requires_approval=True))
    hold = sit(session, expires_at=NOW + HOUR)
    submit_hold(hold, now_dt=NOW)
    confirm_booking(hold, now_dt=NOW)
    assert guests(session) == {"Ann": (1, "CONFIRMED")}


def test_what_was_delivered_and_is_disputed_has_its_seat_again(session: Session, sit: Sit) -> None:
    booking, other = sit(session, "Ann", 2), sit(session, "Bob")
    for guest in (booking, other):
        deliver_booking(guest, now_dt=START)
    assert again(session).remaining_seats == 3
    dispute_booking(booking, reason="Too short", now_dt=START)
    assert guests(session) == {"Ann": (2, "CONFIRMED")}
    assert booking.busy_interval_id == session.busy_interval_id
    assert Seat.objects.get(booking=booking).client_key
    finish_session(session, now_dt=START + HOUR)
    deliver_booking(booking, now_dt=START + HOUR)
    assert not BusyInterval.objects.exists()
    dispute_booking(other, reason="Too short", now_dt=START + HOUR)
    assert not other.is_in_session
    damage(other, busy_interval=None)
    BusyInterval.objects.all().delete()
    [problem] = find_problems()
    assert repair(problem) == "repaired"


def test_a_note_or_what_happens_elsewhere_concerns_no_session(
    session: Session, sit: Sit, service: Any, provider: Any
) -> None:
    booking = sit(session, idempotency_key=None)
    with CaptureQueriesContext(connection) as captured:
        add_note(booking, message="Brings a mat", now_dt=NOW)
    assert not [query for query in captured if "group_sessions" in query["sql"]]
    plain = create_booking(
        service=service, provider=provider, start_at=START + HOUR, client_name="Eve", now_dt=NOW
    )
    plain.delete()
    assert again(session).remaining_seats == 2
