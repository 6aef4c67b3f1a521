"""Seats are booked, moved and given back, others wait for them, and sessions change."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from unittest.mock import patch

from bookings.contrib.group_sessions import generated_sessions
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.services import (
    Generated,
    book_seat,
    cancel_session,
    create_session,
    generate_sessions,
    join_waitlist,
    mark_attendance,
    move_seat,
    update_session,
)
from bookings.models import Booking
from bookings.pools import AnyOf
from bookings.services import cancel_booking
from tests.faults.contrib.payments import pay
from tests.faults.scenarios import HostRows, Scenario, book, hold
from tests.hosts.samples import make
from tests.services.clock import DAY, HOUR, NOW, START


def a_class(host_rows: HostRows, **values: Any) -> Session:
    """Of two seats."""
    given = {
        "service": host_rows.service,
        "provider": host_rows.ana,
        "start_at": START,
        "now_dt": NOW,
    }
    return create_session(**(given | {"capacity": 2} | values))


def sit(session: Session, name: str, seats: int = 1, **values: Any) -> Booking:
    return book_seat(session, client_name=name, seats=seats, **({"now_dt": NOW} | values))


def wait(session: Session, name: str, party: int = 1, now: datetime = NOW) -> WaitlistEntry:
    return join_waitlist(session, client_name=name, party_size=party, now_dt=now)


def one_seat_left(host_rows: HostRows) -> Session:
    session = a_class(host_rows)
    sit(session, "Ann")
    return session


def one_waits(host_rows: HostRows, **values: Any) -> Booking:
    """The seats that one waits for."""
    session = a_class(host_rows, enable_waitlist=True, **values)
    booking = sit(session, "Ann", 2)
    wait(session, "Bob")
    return booking


def one_waits_to_be_asked(host_rows: HostRows) -> Booking:
    return one_waits(host_rows, waitlist_offer_minutes=30)


def one_waits_for_more_seats(host_rows: HostRows) -> Session:
    return one_waits(host_rows).seat.session


def two_wait_and_there_is_another(host_rows: HostRows) -> Booking:
    booking = one_waits(host_rows)
    wait(booking.seat.session, "Cid")
    a_class(host_rows, start_at=START + DAY)
    return booking


def one_waits_for_stale_seats(host_rows: HostRows) -> Session:
    then = NOW - DAY
    session = a_class(host_rows, enable_waitlist=True, now_dt=then)
    sit(session, "Ann", 2, expires_at=NOW - HOUR, now_dt=then)
    wait(session, "Bob", now=then)
    return session


def one_has_paid_one_is_asked_one_waits(host_rows: HostRows) -> Session:
    session = a_class(host_rows, enable_waitlist=True, waitlist_offer_minutes=30)
    pay(sit(session, "Ann"))
    given_back = sit(session, "Bob")
    for name in ("Cid", "Dan"):
        wait(session, name)
    cancel_booking(given_back, now_dt=NOW)
    return session


def two_have_booked(host_rows: HostRows) -> Session:
    session = a_class(host_rows, capacity=3)
    for name in ("Ann", "Bob"):
        sit(session, name)
    return session


def in_a_room_that_is_taken_later(host_rows: HostRows) -> Session:
    rooms = [host_rows.ben, make("PROVIDER_MODEL")]
    session = a_class(host_rows, resources=[AnyOf(rooms)])
    sit(session, "Ann")
    book(host_rows, provider=host_rows.ben, start_at=START + DAY)
    return session


def time_is_taken(host_rows: HostRows) -> None:
    """That of the second slot by a booking, that of the last by a stale hold."""
    book(host_rows, start_at=START + timedelta(minutes=75))
    hold(host_rows, until=NOW - HOUR, start_at=START + 5 * HOUR)


def move(_host_rows: HostRows, booking: Booking) -> Booking:
    return move_seat(booking, Session.objects.get(start_at=START + DAY), now_dt=NOW)


def mark(_host_rows: HostRows, session: Session) -> None:
    came, missed = Booking.objects.filter(seat__session=session).order_by("pk")
    mark_attendance(session, attended=[came], missed=[missed], now_dt=START)


def fill_a_day(host_rows: HostRows, _none: None) -> Generated:
    """Five slots, in chunks of three."""
    with patch.object(generated_sessions, "CHUNK_SIZE", 3):
        return generate_sessions(
            provider=host_rows.ana,
            service=host_rows.service,
            start_date=START.date(),
            end_date=START.date(),
            slot_duration_minutes=60,
            capacity=3,
            now_dt=NOW,
        )


def cancel(_host_rows: HostRows, booking: Booking) -> Booking:
    return cancel_booking(booking, now_dt=NOW)


ALL: Final = (
    Scenario(
        "book the last seat",
        one_seat_left,
        lambda _, session: sit(session, "Bob"),
        again="AlreadyBooked",
    ),
    Scenario("move seats, which two get", two_wait_and_there_is_another, move, makes_several=True),
    Scenario("cancel seats, one of which the next gets", one_waits, cancel),
    Scenario("cancel seats, one of which is offered", one_waits_to_be_asked, cancel),
    Scenario(
        "join a waitlist, past a stale hold",
        one_waits_for_stale_seats,
        lambda _, session: wait(session, "Cid", 2),
        again="AlreadyWaiting",
    ),
    Scenario(
        "cancel a session",
        one_has_paid_one_is_asked_one_waits,
        lambda _, session: cancel_session(session, now_dt=NOW),
    ),
    Scenario(
        "update a session",
        one_waits_for_more_seats,
        lambda host_rows, session: update_session(
            session, start_at=START + HOUR, provider=host_rows.ben, capacity=3, now_dt=NOW
        ),
    ),
    Scenario(
        "move a session to another room",
        in_a_room_that_is_taken_later,
        lambda host_rows, session: update_session(session, start_at=START + DAY, now_dt=NOW),
    ),
    Scenario("mark attendance", two_have_booked, mark),
    # The first chunk, the hold's end, the second chunk.
    Scenario("generate sessions", time_is_taken, fill_a_day, changes=2),
)
