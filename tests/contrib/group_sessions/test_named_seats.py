"""A family on one e-mail address holds several seats, where the host says that they are named."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import Any

import pytest

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.group_sessions.exceptions import AlreadyBooked, AlreadyWaiting
from bookings.contrib.group_sessions.models import Seat, Session
from bookings.contrib.group_sessions.selectors import available_sessions
from bookings.contrib.group_sessions.services import (
    close_session,
    move_seat,
    promote_from_waitlist,
    update_session,
)
from bookings.exceptions import BookingError, DuplicateBooking, LimitReached
from bookings.integrity import find_problems, repair
from bookings.models import Booking
from bookings.services import (
    cancel_booking,
    confirm_booking,
    create_booking,
    update_booking,
)
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    Factory,
    MakeBooking,
    MakeEntry,
    MakeSession,
    booked_clients,
    refused,
    waiting_clients,
)
from tests.stateful.audit import audit

pytestmark = pytest.mark.django_db

FAMILY = {"client_email": "lee@example.com"}


class NamedSeats(DefaultBookingAdapter):
    def named_seats(self, service: Any) -> bool:
        return service.name == "Yoga"


@pytest.fixture(autouse=True)
def _named(settings: Any) -> Any:
    settings.BOOKINGS_ADAPTER = f"{__name__}.NamedSeats"
    yield
    assert audit() == []
    assert list(find_problems()) == []


@pytest.fixture
def member(make_booking: MakeBooking) -> MakeBooking:
    return partial(make_booking, **FAMILY)


def test_it_is_an_attribute_of_the_service_by_default(service: Any) -> None:
    adapter = DefaultBookingAdapter()
    assert adapter.named_seats(service) is False
    service.named_seats = 1
    assert adapter.named_seats(service) is True


def test_it_is_a_field_that_a_host_inherits(
    settings: Any, make_service: Factory, make_session: MakeSession, member: MakeBooking
) -> None:
    del settings.BOOKINGS_ADAPTER
    for hours, is_named in ((0, False), (2, True)):
        service = make_service(named_seats=is_named)
        session = make_session(service=service, start_at=START + hours * HOUR)
        member(session, "Kim Lee")
        with nullcontext() if is_named else refused(AlreadyBooked):
            member(session, "Sam Lee")


@pytest.mark.parametrize(
    "contact",
    [FAMILY, {"client_phone": "+44 20 7946"}, {**FAMILY, "client_phone": "+44 20 7946"}],
    ids=["e-mail", "phone", "both"],
)
def test_each_name_has_a_seat(
    session: Session, make_booking: MakeBooking, contact: dict[str, str]
) -> None:
    for name in ("Kim Lee", "Sam Lee", "Pat Lee"):
        make_booking(session, name, **contact)
    assert booked_clients(session).keys() == {"Kim Lee", "Sam Lee", "Pat Lee"}


def test_each_name_of_an_account_has_a_seat(
    session: Session, make_booking: MakeBooking, user: Any
) -> None:
    for name in ("Kim Lee", "Sam Lee"):
        make_booking(session, name, client_user=user)
    with refused(AlreadyBooked):
        make_booking(session, "Kim Lee", client_user=user)


@pytest.mark.parametrize("again", ["Kim Lee", "KIM LEE", " Kim  lee"])
def test_a_name_has_one_seat(session: Session, member: MakeBooking, again: str) -> None:
    member(session, "Kim Lee"), member(session, "Sam Lee")
    with refused(AlreadyBooked):
        member(session, again)


def test_two_who_only_share_a_name_are_two(session: Session, make_booking: MakeBooking) -> None:
    make_booking(session, "Kim Lee", client_email="kim@example.com")
    make_booking(session, "Kim Lee", client_email="lee@example.com")
    make_booking(session, "Kim Lee")
    assert Seat.objects.count() == 3


def test_other_services_have_one_seat_for_a_client(
    make_session: MakeSession, make_service: Factory, member: MakeBooking
) -> None:
    session = make_session(service=make_service(name="Chess"))
    member(session, "Kim Lee")
    with refused(AlreadyBooked):
        member(session, "Sam Lee")


def test_each_name_waits(full_session: Session, make_entry: MakeEntry) -> None:
    entries = [make_entry(full_session, name, **FAMILY) for name in ("Kim Lee", "Sam Lee")]
    with refused(AlreadyWaiting):
        make_entry(full_session, "kim lee", **FAMILY)
    update_session(full_session, capacity=4, now_dt=NOW)
    assert waiting_clients(full_session) == ["Sam Lee"]
    with refused(AlreadyBooked):
        make_entry(full_session, "Kim Lee", **FAMILY)
    cancel_booking(Booking.objects.get(client_name="Ann"), now_dt=NOW)
    assert booked_clients(full_session).keys() == {"Kim Lee", "Sam Lee"}
    for entry in entries:
        entry.refresh_from_db()
        assert (entry.status, entry.booking.client_name) == ("ACCEPTED", entry.client_name)


def test_who_is_booked_takes_nobody_else_off_the_waitlist(
    full_session: Session, make_entry: MakeEntry, member: MakeBooking
) -> None:
    make_entry(full_session, "Kim Lee", 3, **FAMILY)
    make_entry(full_session, "Sam Lee", 3, **FAMILY)
    update_session(full_session, capacity=4, now_dt=NOW)
    member(full_session, "Kim Lee")
    assert waiting_clients(full_session) == ["Sam Lee"]


def test_staff_promote_one_of_the_family(
    make_session: MakeSession, make_booking: MakeBooking, make_entry: MakeEntry, member: MakeBooking
) -> None:
    session = make_session(enable_waitlist=True)
    member(session, "Kim Lee")
    ann = make_booking(session, "Ann", 2)
    entry = make_entry(session, "Sam Lee", **FAMILY)
    close_session(session, now_dt=NOW)
    cancel_booking(ann, now_dt=NOW)
    promote_from_waitlist(entry, now_dt=NOW)
    assert booked_clients(session).keys() == {"Kim Lee", "Sam Lee"}


def test_a_seat_is_given_to_another_name(session: Session, member: MakeBooking) -> None:
    kim, _sam = member(session, "Kim Lee"), member(session, "Sam Lee")
    with refused(AlreadyBooked):
        update_booking(kim, client_name="SAM LEE", now_dt=NOW)
    update_booking(kim, client_name="Pat Lee", now_dt=NOW)
    member(session, "Kim Lee")
    assert booked_clients(session).keys() == {"Pat Lee", "Sam Lee", "Kim Lee"}


def test_a_hold_is_confirmed_in_another_name(session: Session, member: MakeBooking) -> None:
    member(session, "Kim Lee")
    hold = member(session, "", expires_at=NOW + HOUR)
    confirm_booking(hold, client_name="Sam Lee", now_dt=NOW)
    assert booked_clients(session).keys() == {"Kim Lee", "Sam Lee"}


def test_a_seat_moves_beside_that_of_another_name(
    session: Session, make_session: MakeSession, member: MakeBooking
) -> None:
    other = make_session(start_at=START + HOUR)
    member(other, "Kim Lee")
    move_seat(member(session, "Sam Lee"), other, now_dt=NOW)
    again = member(session, "Kim Lee")
    with refused(AlreadyBooked):
        move_seat(again, other, now_dt=NOW)


@pytest.mark.parametrize(
    ("setting", "value", "error"),
    [
        ("BOOKINGS_PREVENT_CLIENT_OVERLAP", True, LimitReached),
        ("BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT", 1, LimitReached),
        ("BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY", 1, LimitReached),
        ("BOOKINGS_DUPLICATE_GUARD_MINUTES", 10, DuplicateBooking),
    ],
    ids=["overlap", "active", "day", "duplicates"],
)
def test_each_name_has_limits_of_its_own(
    session: Session,
    member: MakeBooking,
    settings: Any,
    setting: str,
    value: Any,
    error: type[BookingError],
) -> None:
    setattr(settings, setting, value)
    member(session, "Kim Lee"), member(session, "Sam Lee")
    with refused(error, None if error is DuplicateBooking else limit_code(setting)):
        member(session, "kim lee")


def limit_code(setting: str) -> str:
    return "client_overlap" if "OVERLAP" in setting else "limit_reached"


def test_another_service_counts_the_whole_family(
    session: Session, member: MakeBooking, make_service: Factory, other_provider: Any, settings: Any
) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 1
    member(session, "Kim Lee")
    with refused(LimitReached):
        create_booking(
            service=make_service(name="Chess"),
            provider=other_provider,
            start_at=START,
            client_name="Sam Lee",
            now_dt=NOW,
            **FAMILY,
        )


def test_a_session_is_offered_to_each_name(
    session: Session, member: MakeBooking, provider: Any, settings: Any
) -> None:
    settings.BOOKINGS_PREVENT_CLIENT_OVERLAP = True
    member(session, "Kim Lee")
    day = START.date()

    def offered(name: str) -> list[Session]:
        found = available_sessions(provider, day, day, client_name=name, now_dt=NOW, **FAMILY)
        return found[day]

    assert offered("Sam Lee") == [session]
    assert offered("KIM LEE") == []


def test_a_host_may_change_its_mind(session: Session, member: MakeBooking, settings: Any) -> None:
    kim, _sam = member(session, "Kim Lee"), member(session, "Sam Lee")
    del settings.BOOKINGS_ADAPTER
    assert len(list(find_problems())) == 2
    cancel_booking(kim, now_dt=NOW)
    [problem] = find_problems()
    assert repair(problem) == "repaired"
    with refused(AlreadyBooked):
        member(session, "Kim Lee")
