"""A delivered seat goes where its session goes; a dispute takes it back there, or is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bookings.contrib.group_sessions.exceptions import (
    AlreadyBooked,
    SessionNotOpen,
    StaleSession,
)
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import (
    cancel_session,
    create_session,
    finish_session,
    update_session,
)
from bookings.exceptions import (
    BookingConflict,
    CapacityExceeded,
    InvalidTransition,
)
from bookings.integrity import find_problems, repair
from bookings.models import Booking, BusyInterval, Calendar
from bookings.services import (
    cancel_booking,
    complete_booking,
    create_booking,
    deliver_booking,
    dispute_booking,
    mark_no_show,
    reopen_booking,
)
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    Factory,
    MakeBooking,
    MakeSession,
    refused,
    reloaded,
)
from tests.integrity.conftest import damage
from tests.stateful.audit import audit

pytestmark = pytest.mark.django_db

LATER = START + 5 * HOUR
END = START + HOUR


@pytest.fixture(autouse=True)
def _sound(db: None) -> Any:
    yield
    assert audit() == []
    assert list(find_problems()) == []


def dispute(booking: Booking, at: Any = END) -> Booking:
    return dispute_booking(booking, reason="Too short", now_dt=at)


def dispute_by_save(booking: Booking) -> Booking:
    booking.dispute(now_dt=END)
    booking.save()
    return booking


BOTH_WAYS = pytest.mark.parametrize("regain", [dispute, dispute_by_save], ids=["dispute", "save"])


@pytest.fixture
def delivered(session: Session, make_booking: MakeBooking) -> Booking:
    booking = make_booking(session, "Ann", 2)
    return deliver_booking(booking, now_dt=START)


@BOTH_WAYS
@pytest.mark.parametrize(
    "change",
    [
        lambda other: {"start_at": LATER},
        lambda other: {"end_at": END + HOUR},
        lambda other: {"provider": other},
        lambda other: {"start_at": LATER, "provider": other},
    ],
    ids=["start", "end", "provider", "both"],
)
def test_a_delivered_seat_moves_with_its_session(
    session: Session,
    delivered: Booking,
    other_provider: Any,
    change: Callable[[Any], dict[str, Any]],
    regain: Callable[[Booking], Booking],
) -> None:
    update_session(session, now_dt=START, **change(other_provider))
    delivered.refresh_from_db()
    assert (delivered.status, delivered.busy_interval_id) == ("DELIVERED", None)
    assert (delivered.start_at, delivered.end_at) == (session.start_at, session.end_at)
    assert delivered.provider_id == session.provider_id
    assert delivered.events.latest("pk").event_type == "RESCHEDULED"
    regain(delivered)
    assert delivered.busy_interval_id == reloaded(session).busy_interval_id
    assert reloaded(session).remaining_seats == 1


def test_seats_that_are_over_stay_where_they_took_place(
    session: Session, make_booking: MakeBooking
) -> None:
    attended = complete_booking(make_booking(session, "Ann"), now_dt=START)
    missed = mark_no_show(make_booking(session, "Bob"), now_dt=START)
    update_session(session, start_at=LATER, now_dt=START)
    for booking in (attended, missed):
        booking.refresh_from_db()
        assert booking.start_at == START


def test_a_dispute_by_an_object_from_before_the_move_joins_the_session(
    session: Session, delivered: Booking, other_provider: Any
) -> None:
    stale = Booking.objects.get(pk=delivered.pk)
    update_session(session, start_at=LATER, provider=other_provider, now_dt=START)
    dispute(stale)
    assert (stale.start_at, stale.provider_id) == (LATER, other_provider.pk)
    assert stale.busy_interval_id == reloaded(session).busy_interval_id


def test_a_delivered_seat_is_cancelled_with_its_session(
    session: Session, delivered: Booking, user: Any
) -> None:
    cancel_session(session, reason="Ill", actor=user, now_dt=START)
    delivered.refresh_from_db()
    assert (delivered.status, delivered.cancelled_at) == ("CANCELLED", START)
    assert (delivered.cancelled_by, delivered.cancellation_reason) == (user, "Ill")
    event = delivered.events.latest("pk")
    assert (event.event_type, event.data["old_status"]) == ("CANCELLED", "DELIVERED")
    with refused(InvalidTransition):
        dispute(delivered)


def test_seats_that_are_over_outlive_their_session(
    session: Session, make_booking: MakeBooking
) -> None:
    attended = complete_booking(make_booking(session, "Ann"), now_dt=START)
    missed = mark_no_show(make_booking(session, "Bob"), now_dt=START)
    cancel_session(session, now_dt=START)
    for booking, status in ((attended, "COMPLETED"), (missed, "NO_SHOW")):
        booking.refresh_from_db()
        assert booking.status == status


@BOTH_WAYS
def test_a_seat_of_a_session_that_is_cancelled_is_not_taken_back(
    session: Session, delivered: Booking, regain: Callable[[Booking], Booking]
) -> None:
    # As if the seat had not been cancelled with its session.
    Session._base_manager.filter(pk=session.pk).update(status="CANCELLED", busy_interval=None)
    BusyInterval.objects.all().delete()
    with refused(SessionNotOpen, "session_cancelled"):
        regain(delivered)


@BOTH_WAYS
@pytest.mark.parametrize("name", ["start_at", "provider"])
def test_a_seat_at_another_time_than_its_session_is_not_taken_back(
    session: Session,
    delivered: Booking,
    other_provider: Any,
    regain: Callable[[Booking], Booking],
    name: str,
) -> None:
    other = {"start_at": START - HOUR, "provider": other_provider}
    damage(delivered, **{name: other[name]})
    delivered.refresh_from_db()
    with refused(StaleSession):
        regain(delivered)


@BOTH_WAYS
def test_the_seats_of_a_finished_session_take_its_time_again(
    session: Session,
    make_booking: MakeBooking,
    delivered: Booking,
    regain: Callable[[Booking], Booking],
) -> None:
    bob = deliver_booking(make_booking(session, "Bob"), now_dt=START)
    finish_session(session, now_dt=END)
    assert not BusyInterval.objects.exists()
    for booking in (delivered, bob):
        regain(booking)
        assert booking.is_in_session
        assert booking.busy_interval_id == reloaded(session).busy_interval_id
    interval = BusyInterval.objects.get()
    assert (interval.kind, interval.seats_taken, interval.capacity) == ("SESSION", 3, 3)
    complete_booking(delivered, now_dt=END)
    assert BusyInterval.objects.get().seats_taken == 1
    deliver_booking(bob, now_dt=END)
    assert not BusyInterval.objects.exists()
    assert reloaded(session).busy_interval_id is None


@BOTH_WAYS
def test_the_time_of_a_finished_session_may_be_taken_by_then(
    session: Session,
    delivered: Booking,
    service: Any,
    provider: Any,
    regain: Callable[[Booking], Booking],
) -> None:
    finish_session(session, now_dt=END)
    create_booking(
        service=service,
        provider=provider,
        start_at=START,
        client_name="Eve",
        allow_past=True,
        now_dt=END,
    )
    with refused(BookingConflict):
        regain(delivered)


def test_seats_that_others_have_taken_since_are_not_taken_back(
    session: Session, delivered: Booking, make_booking: MakeBooking
) -> None:
    update_session(session, start_at=LATER, now_dt=START)
    make_booking(session, "Bob", 2)
    with refused(CapacityExceeded):
        dispute(delivered)


def test_a_client_who_has_booked_the_moved_session_again_cannot_dispute(
    session: Session, delivered: Booking, make_booking: MakeBooking
) -> None:
    update_session(session, start_at=LATER, now_dt=START)
    make_booking(session, "Ann")
    with refused(AlreadyBooked):
        dispute(delivered)


@BOTH_WAYS
def test_a_booking_that_is_no_seat_joins_no_session(
    service: Any, provider: Any, regain: Callable[[Booking], Booking]
) -> None:
    booking = create_booking(
        service=service, provider=provider, start_at=START, client_name="Ann", now_dt=NOW
    )
    deliver_booking(booking, now_dt=START)
    create_session(
        service=service, provider=provider, start_at=START, allow_past=True, now_dt=START + HOUR
    )
    with refused(BookingConflict):
        regain(booking)


@BOTH_WAYS
def test_a_seat_of_a_service_with_shared_slots_is_in_its_session(
    make_service: Factory,
    make_session: MakeSession,
    make_booking: MakeBooking,
    regain: Callable[[Booking], Booking],
) -> None:
    service = make_service(allow_multiple_clients_per_slot=True, capacity=9)
    session = make_session(service=service)
    booking = deliver_booking(make_booking(session, "Ann", 2), now_dt=START)
    regain(booking)
    assert booking.busy_interval_id == reloaded(session).busy_interval_id
    assert reloaded(session).remaining_seats == 1


@pytest.mark.parametrize("finished", [False, True])
def test_a_seat_that_holds_time_of_its_own_is_put_into_its_session(
    session: Session, delivered: Booking, finished: bool
) -> None:
    dispute(delivered)
    later = 9 * HOUR
    if finished:
        later = 0 * HOUR
        finish_session(session, now_dt=END)
        Session._base_manager.filter(pk=session.pk).update(busy_interval=None)
        damage(delivered, busy_interval=None)
        BusyInterval.objects.all().delete()
    own = BusyInterval.objects.create(
        calendar=Calendar.objects.get(provider=session.provider_id),
        starts=int((START + later).timestamp()),
        ends=int((END + later).timestamp()),
        service_id=session.service_id,
        seats_taken=2,
        capacity=2,
    )
    damage(delivered, busy_interval=own)
    for _ in range(2):
        for problem in find_problems():
            repair(problem)
    delivered.refresh_from_db()
    assert delivered.busy_interval_id == reloaded(session).busy_interval_id
    assert BusyInterval.objects.count() == 1


# A seat that is reopened goes back to its session in the same way.


def reopen(booking: Booking) -> Booking:
    return reopen_booking(booking, now_dt=NOW)


def test_a_reopened_seat_is_taken_in_its_session_again(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session, "Ann", 2)
    cancel_booking(booking, now_dt=NOW)
    update_session(session, start_at=LATER, now_dt=NOW)
    Booking._base_manager.filter(pk=booking.pk).update(start_at=LATER, end_at=LATER + HOUR)

    reopen(booking)

    interval = BusyInterval.objects.get()
    assert (interval.kind, interval.seats_taken) == ("SESSION", 2)
    assert booking.busy_interval_id == reloaded(session).busy_interval_id


def test_a_seat_of_a_session_that_has_moved_since_is_not_reopened(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session, "Ann", 2)
    cancel_booking(booking, now_dt=NOW)
    update_session(session, start_at=LATER, now_dt=NOW)

    with refused(StaleSession):
        reopen(booking)


def test_a_seat_of_a_cancelled_session_is_not_reopened(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session, "Ann", 2)
    cancel_session(session, now_dt=NOW)

    with refused(SessionNotOpen, "session_cancelled"):
        reopen(booking)


def test_a_seat_that_somebody_else_has_by_now_is_not_reopened(
    make_session: MakeSession, make_booking: MakeBooking
) -> None:
    session = make_session(capacity=1)
    booking = make_booking(session, "Ann")
    cancel_booking(booking, now_dt=NOW)
    make_booking(session, "Ben")

    with refused(CapacityExceeded):
        reopen(booking)


def test_a_client_who_has_booked_the_session_again_is_not_reopened(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session, "Ann")
    cancel_booking(booking, now_dt=NOW)
    make_booking(session, "Ann")

    with refused(AlreadyBooked):
        reopen(booking)


def test_a_session_that_is_full_again_closes(
    make_session: MakeSession, make_booking: MakeBooking
) -> None:
    session = make_session(capacity=1)
    booking = make_booking(session, "Ann")
    cancel_booking(booking, now_dt=NOW)
    assert reloaded(session).status == Session.Status.SCHEDULED

    reopen(booking)

    assert reloaded(session).status == Session.Status.BOOKING_CLOSED
    with refused(CapacityExceeded):
        make_booking(session, "Ben")
