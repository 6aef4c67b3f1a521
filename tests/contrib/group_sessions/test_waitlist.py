"""Whoever waits gets the seats that are freed, in the transaction that frees them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.group_sessions import seating, signals
from bookings.contrib.group_sessions.exceptions import (
    AlreadyBooked,
    AlreadyWaiting,
    SessionNotOpen,
    WaitlistRefused,
)
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.selectors import position
from bookings.contrib.group_sessions.services import (
    cancel_session,
    close_booking,
    finish_session,
    leave_waitlist,
    move_seat,
    reopen_booking,
    update_session,
)
from bookings.exceptions import (
    BookingBusy,
    CapacityExceeded,
    InvalidBooking,
    InvalidTransition,
    MissingReference,
    NotAllowed,
)
from bookings.integrity import find_problems
from bookings.models import Booking
from bookings.services import (
    cancel_booking,
    confirm_booking,
    decline_booking,
    expire_booking,
    expire_bookings,
    submit_hold,
)
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    Make,
    Schedule,
    Sit,
    Wait,
    again,
    guests,
    queue,
    refused,
    stored,
)
from tests.stateful.audit import audit

pytestmark = pytest.mark.django_db

OFFER = timedelta(minutes=30)


@pytest.fixture(autouse=True)
def _sound(db: None) -> Any:
    yield
    assert audit() == []
    assert list(find_problems()) == []


@pytest.fixture
def strict(settings: Any) -> None:
    settings.BOOKINGS_WAITLIST_ORDER = "strict"


@pytest.fixture
def offering(schedule: Schedule, sit: Sit) -> Session:
    """As ``full``, and seats are held for half an hour for who waits."""
    made = schedule(enable_waitlist=True, waitlist_offer_minutes=30)
    sit(made, "Ann", 3)
    return made


def ann() -> Booking:
    return Booking.objects.get(client_name="Ann")


def statuses() -> dict[str, str]:
    return {entry.client_name: str(entry.status) for entry in WaitlistEntry.objects.order_by("pk")}


def test_who_waits_is_booked_when_seats_are_freed(
    full: Session, wait: Wait, django_capture_on_commit_callbacks: Any, hear: Any
) -> None:
    joined, promoted = hear(signals.waitlist_joined), hear(signals.waitlist_promoted)
    with django_capture_on_commit_callbacks(execute=True):
        entry = wait(full, "Bob", 2, client_email="bob@example.com", client_phone="123")
    assert (entry.status, position(entry)) == ("WAITING", 1)
    assert str(entry) == f"Bob: {full}"
    with django_capture_on_commit_callbacks(execute=True):
        cancel_booking(ann(), now_dt=NOW)
    entry.refresh_from_db()
    booking: Any = entry.booking
    assert (entry.status, position(entry)) == ("ACCEPTED", None)
    assert (booking.status, booking.party_size, booking.created_at) == ("CONFIRMED", 2, NOW)
    assert (booking.client_email, booking.client_phone) == ("bob@example.com", "123")
    assert [event.event_type for event in booking.events.all()] == ["CREATED"]
    assert guests(full) == {"Bob": (2, "CONFIRMED")}
    assert [told["entry"].client_name for told in joined] == ["Bob"]
    assert [(told["entry"], told["booking"]) for told in promoted] == [(entry, booking)]


def test_first_come_first_served_within_a_priority(full: Session, wait: Wait) -> None:
    entries = [
        wait(full, "Bob"),
        wait(full, "Cid", now_dt=NOW + HOUR),
        wait(full, "Dan", now_dt=NOW + HOUR / 2),
        wait(full, "Eve", priority=1, now_dt=NOW + HOUR),
        wait(full, "Fay", priority=-1),
    ]
    assert queue(full) == ["Eve", "Bob", "Dan", "Cid", "Fay"]
    assert [position(entry) for entry in entries] == [2, 4, 3, 1, 5]
    cancel_booking(ann(), now_dt=NOW)
    assert guests(full).keys() == {"Eve", "Bob", "Dan"}
    assert queue(full) == ["Cid", "Fay"]


def test_who_joined_at_one_instant_is_served_in_the_order_of_joining(
    full: Session, wait: Wait
) -> None:
    assert [position(wait(full, name)) for name in ("Bob", "Cid")] == [1, 2]


def test_a_party_that_does_not_fit_does_not_block_those_behind_it(
    full: Session, wait: Wait, sit: Sit
) -> None:
    update_session(full, capacity=4, now_dt=NOW)
    sit(full, "Zoe")
    for name, party in (("Bob", 3), ("Cid", 1), ("Dan", 1)):
        wait(full, name, party)
    cancel_booking(Booking.objects.get(client_name="Zoe"), now_dt=NOW)
    assert guests(full) == {"Ann": (3, "CONFIRMED"), "Cid": (1, "CONFIRMED")}
    cancel_booking(ann(), now_dt=NOW)
    assert guests(full) == {"Cid": (1, "CONFIRMED"), "Bob": (3, "CONFIRMED")}
    assert queue(full) == ["Dan"]


@pytest.mark.usefixtures("strict")
def test_in_strict_order_nobody_passes_a_party_that_will_fit(
    full: Session, wait: Wait, sit: Sit
) -> None:
    update_session(full, capacity=4, now_dt=NOW)
    sit(full, "Zoe")
    bob, _cid = wait(full, "Bob", 3), wait(full, "Cid")
    cancel_booking(Booking.objects.get(client_name="Zoe"), now_dt=NOW)
    assert queue(full) == ["Bob", "Cid"]
    with refused(WaitlistRefused, "others_wait"):
        sit(full, "Eve")
    assert position(wait(full, "Eve")) == 3
    sit(full, "Fay", override_policy=True)
    cancel_booking(Booking.objects.get(client_name="Fay"), now_dt=NOW)
    leave_waitlist(bob, now_dt=NOW)
    assert guests(full).keys() == {"Ann", "Cid"}
    assert queue(full) == ["Eve"]


@pytest.mark.usefixtures("strict")
def test_in_strict_order_a_party_too_large_for_the_session_blocks_nobody(
    full: Session, wait: Wait
) -> None:
    wait(full, "Bob", 3)
    wait(full, "Cid")
    booking = ann()
    booking.party_size = 2
    booking.save()
    assert queue(full) == ["Bob", "Cid"]
    update_session(full, capacity=2, now_dt=NOW)
    assert queue(full) == ["Bob", "Cid"]
    booking.party_size = 1
    booking.save()
    assert guests(full).keys() == {"Ann", "Cid"}


@pytest.mark.parametrize("how", ["shrinks", "deleted", "moved", "larger"])
def test_seats_are_given_however_they_are_freed(
    full: Session, wait: Wait, how: str, schedule: Schedule
) -> None:
    booking = ann()
    wait(full, "Bob")
    if how == "shrinks":
        booking.party_size = 1
        booking.save()
    elif how == "deleted":
        booking.delete()
    elif how == "moved":
        move_seat(booking, schedule(start_at=START + HOUR), now_dt=NOW)
    else:
        update_session(full, capacity=4, now_dt=NOW)
    assert "Bob" in guests(full)
    assert queue(full) == []


def test_who_waits_comes_before_whoever_finds_a_hold_that_has_run_out(
    schedule: Schedule, sit: Sit, wait: Wait
) -> None:
    session = schedule(enable_waitlist=True)
    sit(session, "Ann", 3, expires_at=NOW + HOUR)
    wait(session, "Bob", 3)
    with pytest.raises(CapacityExceeded):
        sit(session, "Cid", now_dt=NOW + HOUR)
    assert guests(session) == {"Bob": (3, "CONFIRMED")}


def test_who_joins_where_a_hold_has_run_out_is_told_of_what_others_leave(
    schedule: Schedule, sit: Sit, wait: Wait
) -> None:
    session = schedule(enable_waitlist=True)
    sit(session, "Ann", 3, expires_at=NOW + HOUR)
    wait(session, "Bob", 2)
    with pytest.raises(WaitlistRefused) as refusal:
        wait(session, "Cid", now_dt=NOW + HOUR)
    assert (refusal.value.code, refusal.value.params) == ("seats_free", {"remaining": 1})


def test_who_waited_and_books_directly_waits_no_more(full: Session, wait: Wait, sit: Sit) -> None:
    entry = wait(full, "Bob", 3)
    booking = ann()
    booking.party_size = 2
    booking.save()
    direct = sit(full, "Bob", 1)
    entry.refresh_from_db()
    assert (entry.status, entry.booking) == ("ACCEPTED", direct)
    assert queue(full) == []


def test_who_may_not_book_any_more_stays_waiting_and_blocks_nobody(
    make_service: Make, schedule: Schedule, sit: Sit, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = schedule(enable_waitlist=True, service=make_service(minimum_notice_minutes=60))
    sit(session, "Ann", 3)
    wait(session, "Bob", 2)
    cancel_booking(ann(), now_dt=START - HOUR / 2)
    assert guests(session) == {}
    assert queue(session) == ["Bob"]
    leave_waitlist(WaitlistEntry.objects.get(), now_dt=START - HOUR / 2)


def test_nobody_is_given_a_seat_of_what_has_begun(full: Session, wait: Wait) -> None:
    wait(full, "Bob")
    cancel_booking(ann(), now_dt=START, override_policy=True)
    assert guests(full) == {}
    finish_session(full, now_dt=START + HOUR)
    assert statuses() == {"Bob": "EXPIRED"}


def test_a_closed_session_gives_its_seats_when_it_is_opened(full: Session, wait: Wait) -> None:
    wait(full, "Bob")
    close_booking(full, now_dt=NOW)
    cancel_booking(ann(), now_dt=NOW)
    with refused(SessionNotOpen, "booking_closed"):
        wait(full, "Cid")
    assert guests(full) == {}
    reopen_booking(full, now_dt=NOW)
    assert guests(full) == {"Bob": (1, "CONFIRMED")}


def test_a_session_without_a_waitlist_any_more_still_serves_those_who_wait(
    full: Session, wait: Wait
) -> None:
    wait(full, "Bob")
    update_session(full, enable_waitlist=False, now_dt=NOW)
    assert again(full).status == "BOOKING_CLOSED"
    with refused(WaitlistRefused, "no_waitlist"):
        wait(full, "Cid")
    cancel_booking(ann(), now_dt=NOW)
    assert guests(full) == {"Bob": (1, "CONFIRMED")}
    assert again(full).status == "SCHEDULED"


def test_who_still_waits_where_there_is_no_waitlist_any_more_is_asked(
    offering: Session, wait: Wait
) -> None:
    wait(offering, "Bob")
    update_session(offering, enable_waitlist=False, now_dt=NOW)
    cancel_booking(ann(), now_dt=NOW)
    assert statuses() == {"Bob": "OFFERED"}


def test_nobody_waits_for_a_cancelled_session(
    offering: Session, wait: Wait, django_capture_on_commit_callbacks: Any, hear: Any
) -> None:
    left = hear(signals.waitlist_left)
    wait(offering, "Bob", 3), wait(offering, "Cid")
    cancel_booking(ann(), now_dt=NOW)
    assert statuses() == {"Bob": "OFFERED", "Cid": "WAITING"}
    with django_capture_on_commit_callbacks(execute=True):
        cancel_session(offering, now_dt=NOW)
    assert statuses() == {"Bob": "EXPIRED", "Cid": "EXPIRED"}
    assert [told["entry"].client_name for told in left] == ["Bob", "Cid"]
    with refused(SessionNotOpen, "session_cancelled"):
        wait(offering, "Dan")


# Offers


def test_seats_are_offered_and_accepted(offering: Session, wait: Wait) -> None:
    entry = wait(offering, "Bob", 2)
    cancel_booking(ann(), now_dt=NOW)
    entry.refresh_from_db()
    booking: Any = entry.booking
    assert (entry.status, booking.status) == ("OFFERED", "PENDING")
    assert booking.expires_at == NOW + OFFER
    confirm_booking(booking, now_dt=NOW)
    assert statuses() == {"Bob": "ACCEPTED"}
    assert guests(offering) == {"Bob": (2, "CONFIRMED")}


def test_an_offer_ends_before_the_session_begins(offering: Session, wait: Wait) -> None:
    wait(offering, "Bob")
    cancel_booking(ann(), now_dt=START - OFFER / 2)
    assert Booking.objects.get(client_name="Bob").expires_at == START


def test_an_offer_that_expires_passes_to_the_next(
    offering: Session, wait: Wait, django_capture_on_commit_callbacks: Any, hear: Any
) -> None:
    left = hear(signals.waitlist_left)
    for name in ("Bob", "Cid", "Dan"):
        wait(offering, name, 3)
    cancel_booking(ann(), now_dt=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        assert expire_bookings(now_dt=NOW + OFFER) == 1
    assert statuses() == {"Bob": "EXPIRED", "Cid": "OFFERED", "Dan": "WAITING"}
    assert [told["entry"].client_name for told in left] == ["Bob"]
    expire_booking(Booking.objects.get(client_name="Cid"), now_dt=NOW + 2 * OFFER)
    assert statuses() == {"Bob": "EXPIRED", "Cid": "EXPIRED", "Dan": "OFFERED"}
    assert guests(offering) == {"Dan": (3, "PENDING")}


@pytest.mark.parametrize("how", ["cancelled", "declined", "deleted", "left"])
def test_an_offer_that_is_refused_passes_to_the_next(
    offering: Session, wait: Wait, how: str
) -> None:
    entry, _next = wait(offering, "Bob", 3), wait(offering, "Cid")
    cancel_booking(ann(), now_dt=NOW)
    booking = Booking.objects.get(client_name="Bob")
    if how == "cancelled":
        cancel_booking(booking, now_dt=NOW)
    elif how == "declined":
        decline_booking(booking, now_dt=NOW)
    elif how == "deleted":
        booking.delete()
    else:
        leave_waitlist(entry, now_dt=NOW)
    assert statuses() == {"Bob": "LEFT", "Cid": "OFFERED"}
    assert guests(offering) == {"Cid": (1, "PENDING")}


def test_who_was_offered_seats_in_vain_may_wait_again(offering: Session, wait: Wait) -> None:
    wait(offering, "Bob", 3), wait(offering, "Cid", 3)
    cancel_booking(ann(), now_dt=NOW)
    with refused(AlreadyBooked):
        wait(offering, "Bob")
    expire_bookings(now_dt=NOW + OFFER)
    wait(offering, "Bob", now_dt=NOW + OFFER)
    assert queue(offering) == ["Bob"]


# Join and leave


def test_nobody_waits_for_seats_that_are_free(schedule: Schedule, sit: Sit, wait: Wait) -> None:
    session = schedule(enable_waitlist=True)
    with refused(WaitlistRefused, "seats_free"):
        wait(session, "Bob")
    sit(session, "Ann", 2)
    with refused(WaitlistRefused, "seats_free"):
        wait(session, "Bob")
    wait(session, "Bob", 2)


def test_a_session_that_has_no_waitlist(session: Session, sit: Sit, wait: Wait) -> None:
    sit(session, "Ann", 3)
    with refused(WaitlistRefused, "no_waitlist"):
        wait(session, "Bob")


def test_a_client_has_one_place(full: Session, wait: Wait) -> None:
    entry = wait(full, "Bob")
    with refused(AlreadyWaiting):
        wait(full, "Bob", 2)
    with refused(AlreadyBooked):
        wait(full, "Ann")
    leave_waitlist(entry, now_dt=NOW)
    wait(full, "Bob")


def test_the_database_refuses_a_second_place(full: Session, wait: Wait) -> None:
    first, second = wait(full, "Bob"), wait(full, "Cid")
    with pytest.raises(IntegrityError), transaction.atomic():
        WaitlistEntry.objects.filter(pk=second.pk).update(client_key=first.client_key)
    with pytest.raises(IntegrityError), transaction.atomic():
        WaitlistEntry.objects.filter(pk=second.pk).update(party_size=0)


@pytest.mark.parametrize(
    "values",
    [
        {"name": ""},
        {"name": "x" * 256},
        {"party": 0},
        {"party": -1},
        {"party": 1.5},
        {"party": None},
        {"priority": "high"},
        {"priority": 2**31},
        {"client_email": "nobody"},
        {"client_phone": "1" * 65},
        {"client_user": "bob"},
        {"now_dt": NOW.replace(tzinfo=None)},
    ],
    ids=str,
)
def test_a_place_that_makes_no_sense(full: Session, wait: Wait, values: dict[str, Any]) -> None:
    with refused(InvalidBooking, "naive_datetime" if "now_dt" in values else "invalid"):
        wait(full, **({"name": "Bob"} | values))


def test_a_party_that_can_never_fit(full: Session, wait: Wait) -> None:
    with refused(CapacityExceeded):
        wait(full, "Bob", 4)


def test_nobody_waits_for_what_has_begun(full: Session, wait: Wait) -> None:
    with refused(SessionNotOpen, "session_started"):
        wait(full, "Bob", now_dt=START)


def test_leaving_again_does_nothing(full: Session, wait: Wait) -> None:
    entry = wait(full, "Bob")
    assert leave_waitlist(entry, now_dt=NOW) is entry
    assert entry.status == "LEFT"
    before = stored()
    leave_waitlist(entry, now_dt=NOW)
    assert [rows for rows in stored() if rows] == [rows for rows in before if rows]


def test_who_has_been_booked_cancels_the_booking(full: Session, wait: Wait) -> None:
    entry = wait(full, "Bob")
    cancel_booking(ann(), now_dt=NOW)
    with refused(InvalidTransition):
        leave_waitlist(entry, now_dt=NOW)


def test_what_is_no_stored_entry(full: Session, wait: Wait) -> None:
    for wrong in (None, WaitlistEntry()):
        with refused(MissingReference):
            leave_waitlist(wrong, now_dt=NOW)  # type: ignore[arg-type]
    for nothing in (None, "yoga", Session()):
        with refused(MissingReference):
            wait(nothing)  # type: ignore[arg-type]
    entry = wait(full, "Bob")
    WaitlistEntry.objects.all().delete()
    entry.pk = -1
    with refused(MissingReference):
        leave_waitlist(entry, now_dt=NOW)


def test_an_account_waits_and_is_booked(full: Session, wait: Wait, user: Any) -> None:
    wait(full, "Mary", client_user=user, created_by=user)
    cancel_booking(ann(), now_dt=NOW)
    booking = Booking.objects.get(client_name="Mary")
    assert booking.client_user == booking.created_by == user


def test_a_freed_seat_takes_as_many_queries_however_many_wait(
    schedule: Schedule, sit: Sit, wait: Wait
) -> None:
    def freeing(number: int, hours: int) -> int:
        session = schedule(enable_waitlist=True, capacity=1, start_at=START + hours * HOUR)
        booking = sit(session, f"Ann {hours}")
        for guest in range(number):
            wait(session, f"Guest {guest}")
        with CaptureQueriesContext(connection) as captured:
            cancel_booking(booking, now_dt=NOW)
        return len([query for query in captured if "SAVEPOINT" not in query["sql"]])

    assert freeing(2, 0) == freeing(20, 1)


def test_a_seat_that_is_freed_too_late_takes_as_many_queries_however_many_wait(
    make_service: Make, schedule: Schedule, sit: Sit, wait: Wait
) -> None:
    service = make_service(minimum_notice_minutes=60)

    def freeing(number: int, hours: int) -> int:
        start = START + hours * HOUR
        session = schedule(service=service, enable_waitlist=True, capacity=1, start_at=start)
        booking = sit(session, f"Ann {hours}")
        for guest in range(number):
            wait(session, f"Guest {guest}")
        with CaptureQueriesContext(connection) as captured:
            cancel_booking(booking, now_dt=start - HOUR / 2)
        for entry in session.waitlist.all():
            leave_waitlist(entry, now_dt=start - HOUR / 2)
        return len(captured)

    assert freeing(1, 0) == freeing(10, 1)


def test_a_sweep_takes_as_many_queries_however_many_sessions_it_frees(
    schedule: Schedule, sit: Sit
) -> None:
    def sweeping(number: int, after: Callable[[int], Any]) -> int:
        for hour in range(number):
            session = schedule(capacity=1, start_at=after(hour))
            sit(session, expires_at=NOW + HOUR)
        with CaptureQueriesContext(connection) as captured:
            assert expire_bookings(now_dt=NOW + HOUR) == number
        return len([query for query in captured if "SAVEPOINT" not in query["sql"]])

    few = sweeping(2, lambda hour: START + hour * HOUR)
    assert sweeping(12, lambda hour: START + (5 + hour) * HOUR) == few


def test_who_has_to_be_approved_is_requested_and_not_offered(
    make_service: Make, schedule: Schedule, sit: Sit, wait: Wait, settings: Any
) -> None:
    settings.BOOKINGS_APPROVAL_DEADLINE_HOURS = 2
    session = schedule(enable_waitlist=True, service=make_service(requires_approval=True))
    sit(session, "Ann", 3)
    entry = wait(session, "Bob")
    cancel_booking(ann(), now_dt=NOW)
    entry.refresh_from_db()
    assert (entry.status, guests(session)) == ("ACCEPTED", {"Bob": (1, "PENDING")})


def test_a_busy_database_is_told_to_who_frees_the_seat(
    full: Session, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is cancelled then, and nobody is skipped."""

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise BookingBusy("Busy.")

    wait(full, "Bob")
    monkeypatch.setattr(seating, "book", refuse)
    with refused(BookingBusy):
        cancel_booking(ann(), now_dt=NOW)


class _NoBob(DefaultBookingAdapter):
    def check_bookable(self, booking: Booking, *, override_policy: bool) -> None:
        if booking.client_name == "Bob":
            raise NotAllowed("Bob is barred. Let him ask the desk.")


class _Forbids(DefaultBookingAdapter):
    def check_permission(self, actor: Any, verb: str, booking: Booking) -> None:
        if (booking.client_name, verb) == ("Bob", "create"):
            raise PermissionDenied


class _Breaks(DefaultBookingAdapter):
    def price(self, booking: Booking, addons: Any) -> Any:
        if booking.client_name == "Bob":
            raise ZeroDivisionError
        return super().price(booking, addons)


class _Misnumbers(DefaultBookingAdapter):
    def generate_reference(self, booking: Booking, now_dt: Any) -> str:
        if booking.client_name == "Bob":
            raise KeyError("Bob")
        return super().generate_reference(booking, now_dt)


def refusal() -> str:
    return WaitlistEntry.objects.get(client_name="Bob").refusal


@pytest.mark.parametrize(
    ("adapter", "named"),
    [
        (_Forbids, "PermissionDenied"),
        (_Breaks, "ZeroDivisionError"),
        (_Misnumbers, "KeyError"),
    ],
)
def test_an_adapter_that_fails_for_who_waits_stops_nobody(
    full: Session,
    wait: Wait,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    adapter: type[DefaultBookingAdapter],
    named: str,
) -> None:
    entry = wait(full, "Bob")
    wait(full, "Cid")
    settings.BOOKINGS_ADAPTER = f"{__name__}.{adapter.__name__}"
    cancel_booking(ann(), now_dt=NOW)
    assert guests(full) == {"Cid": (1, "CONFIRMED")}
    assert queue(full) == ["Bob"]
    [said] = caplog.messages
    assert said == f"Waitlist entry {entry.pk} could not be promoted."
    assert refusal() == named


def test_an_adapter_that_fails_stops_no_sweep(
    schedule: Schedule, sit: Sit, wait: Wait, settings: Any
) -> None:
    made = schedule(enable_waitlist=True)
    sit(made, "Ann", 3, expires_at=NOW + HOUR)
    wait(made, "Bob")
    settings.BOOKINGS_ADAPTER = f"{__name__}.{_Breaks.__name__}"
    assert expire_bookings(now_dt=NOW + HOUR) == 1
    assert guests(made) == {}
    assert refusal() == "ZeroDivisionError"


def test_in_strict_order_who_joins_is_booked_if_those_before_cannot_be(
    full: Session, sit: Sit, wait: Wait, settings: Any, strict: None
) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.{_NoBob.__name__}"
    wait(full, "Bob")
    cancel_booking(ann(), now_dt=NOW)
    with refused(WaitlistRefused, "others_wait"):
        sit(full, "Cid")
    entry = wait(full, "Cid", 2)
    booking: Any = entry.booking
    assert (entry.status, booking.client_name) == ("ACCEPTED", "Cid")
    assert wait(full, "Dan", 2).status == "WAITING"
    assert guests(full) == {"Cid": (2, "CONFIRMED")}
    assert refusal() == "not_allowed"


def test_who_was_refused_is_tried_again_when_seats_are_freed(
    full: Session, wait: Wait, settings: Any
) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.{_NoBob.__name__}"
    wait(full, "Bob")
    wait(full, "Cid", 3)
    cancel_booking(ann(), now_dt=NOW)
    assert (refusal(), guests(full)) == ("not_allowed", {"Cid": (3, "CONFIRMED")})
    del settings.BOOKINGS_ADAPTER
    cancel_booking(Booking.objects.get(client_name="Cid"), now_dt=NOW)
    assert guests(full) == {"Bob": (1, "CONFIRMED")}


def test_an_offer_of_a_session_that_is_moved_lapses_when_that_begins(
    offering: Session, schedule: Schedule, wait: Wait, other_provider: Any
) -> None:
    entry = wait(offering, "Bob")
    cancel_booking(ann(), now_dt=START - HOUR)
    entry.refresh_from_db()
    booking: Any = entry.booking
    assert booking.expires_at == START - HOUR / 2
    update_session(offering, start_at=START + HOUR, now_dt=START - HOUR)
    booking.refresh_from_db()
    assert booking.expires_at == START - HOUR / 2
    earlier = START - HOUR + OFFER / 3
    update_session(offering, start_at=earlier, now_dt=START - HOUR)
    booking.refresh_from_db()
    assert booking.expires_at == earlier
    other = schedule(start_at=START - HOUR + OFFER / 6, provider=other_provider)
    move_seat(booking, other, now_dt=START - HOUR)
    booking.refresh_from_db()
    assert booking.expires_at == other.start_at
    assert booking.events.first().data["new_expires_at"] == other.start_at.isoformat()


@pytest.mark.parametrize("in_the_target", [False, True])
@pytest.mark.parametrize("is_offer", [False, True])
def test_who_came_from_a_waitlist_moves_to_another_session(
    schedule: Schedule, sit: Sit, wait: Wait, is_offer: bool, in_the_target: bool
) -> None:
    session = schedule(enable_waitlist=True, waitlist_offer_minutes=30 if is_offer else None)
    other = schedule(start_at=START + 3 * HOUR, enable_waitlist=True)
    sit(session, "Ann", 3)
    sit(other, "Zoe", 3)
    entry = wait(session, "Bob")
    if in_the_target:
        wait(other, "Bob", 2)
    cancel_booking(ann(), now_dt=NOW)
    update_session(other, capacity=4, now_dt=NOW)
    entry.refresh_from_db()
    booking: Any = entry.booking
    move_seat(booking, other, now_dt=NOW, override_policy=True)
    entry.refresh_from_db()
    assert entry.status == "ACCEPTED"
    assert queue(other) == []
    assert guests(other).keys() == {"Zoe", "Bob"}
    if in_the_target:
        assert entry.booking is None
        there = other.waitlist.get()
        assert (there.status, there.booking) == ("ACCEPTED", booking)
    else:
        assert entry.booking == booking


def test_who_is_told_to_be_the_client_of_seats_waits_no_more(
    make_service: Make, schedule: Schedule, sit: Sit, wait: Wait, settings: Any
) -> None:
    settings.BOOKINGS_APPROVAL_DEADLINE_HOURS = 1
    session = schedule(service=make_service(requires_approval=True), enable_waitlist=True)
    sit(session, "Ann", 2)
    hold = sit(session, "", expires_at=NOW + HOUR)
    wait(session, "Bob")
    submit_hold(hold, client_name="Bob", now_dt=NOW)
    assert statuses() == {"Bob": "ACCEPTED"}
    cancel_booking(ann(), now_dt=NOW + HOUR)
    assert WaitlistEntry.objects.get().booking == hold


def test_seats_from_the_waitlist_are_given_to_somebody_else_who_waits(
    full: Session, wait: Wait
) -> None:
    entry = wait(full, "Bob", 3)
    wait(full, "Cid")
    cancel_booking(ann(), now_dt=NOW)
    booking = Booking.objects.get(client_name="Bob")
    booking.client_name = "Cid"
    booking.save()
    assert statuses() == {"Bob": "ACCEPTED", "Cid": "ACCEPTED"}
    entry.refresh_from_db()
    assert (entry.booking, booking.waitlist_entry.client_name) == (None, "Cid")


def test_who_was_booked_and_cancels_may_wait_again(full: Session, wait: Wait, sit: Sit) -> None:
    wait(full, "Bob", 3)
    cancel_booking(ann(), now_dt=NOW)
    cancel_booking(Booking.objects.get(client_name="Bob"), now_dt=NOW)
    sit(full, "Zoe", 3)
    assert wait(full, "Bob").status == "WAITING"
