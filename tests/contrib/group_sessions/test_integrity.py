"""``check_bookings`` finds and repairs damaged sessions, seats and waitlists."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import F

from bookings.contrib.group_sessions.exceptions import SessionNotOpen
from bookings.contrib.group_sessions.models import Seat, Session, WaitlistEntry
from bookings.contrib.group_sessions.seat_claims import seat_claim
from bookings.contrib.group_sessions.services import cancel_session, close_session
from bookings.exceptions import BookingError
from bookings.integrity import Problem, find_problems, repair
from bookings.models import Booking, BusyInterval, Calendar
from bookings.services import create_booking
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    MakeBooking,
    MakeEntry,
    MakeSession,
    booked_clients,
    reloaded,
)
from tests.integrity.conftest import damage, damage_interval

pytestmark = pytest.mark.django_db


def the_only_problem() -> Problem:
    [problem] = find_problems()
    return problem


def damage_session(session: Session, **values: Any) -> None:
    Session._base_manager.filter(pk=session.pk).update(**values)


def test_healthy_sessions_have_no_problems(
    full_session: Session,
    make_entry: MakeEntry,
    make_booking: MakeBooking,
    make_session: MakeSession,
) -> None:
    make_entry(full_session, "Bob")
    cancel_session(make_session(start_at=START + HOUR), now_dt=NOW)
    make_booking(make_session(start_at=START + 2 * HOUR), "Cid")
    assert list(find_problems()) == []


def free_seats_without_promotion(session: Session, number: int) -> None:
    """Raise the capacity by a direct write."""
    Session._base_manager.filter(pk=session.pk).update(capacity=F("capacity") + number)
    BusyInterval.objects.filter(group_session=session).update(capacity=F("capacity") + number)


def test_a_missed_promotion_is_found_unless_the_entry_was_refused(
    full_session: Session, make_entry: MakeEntry
) -> None:
    entry = make_entry(full_session, "Bob")
    free_seats_without_promotion(full_session, 1)
    assert "Bob waits for" in the_only_problem().message
    WaitlistEntry.objects.filter(pk=entry.pk).update(refusal="limit_reached")
    assert list(find_problems()) == []


@pytest.mark.parametrize("order", ["strict", "best_fit"])
def test_in_strict_order_an_entry_behind_a_large_party_is_no_problem(
    full_session: Session, make_entry: MakeEntry, settings: Any, order: str
) -> None:
    settings.BOOKINGS_WAITLIST_ORDER = order
    make_entry(full_session, "Bob", 2)
    make_entry(full_session, "Cid")
    free_seats_without_promotion(full_session, 1)
    said = [problem.message.split()[0] for problem in find_problems()]
    assert said == ([] if order == "strict" else ["Cid"])


@pytest.mark.parametrize(
    "values",
    [{"end_at": START + 2 * HOUR}, {"capacity": 5}],
    ids=lambda values: next(iter(values)),
)
def test_a_session_s_time_follows_the_session(session: Session, values: dict[str, Any]) -> None:
    damage_session(session, **values)
    problem = the_only_problem()
    assert "holds other time or seats than its own" in problem.message
    assert repair(problem) == "repaired"
    assert list(find_problems()) == []
    interval = BusyInterval.objects.get()
    assert (interval.end_at, interval.capacity) == (
        reloaded(session).end_at,
        reloaded(session).capacity,
    )


def test_a_session_cannot_be_repaired_where_its_time_is_taken(
    session: Session, service: Any, provider: Any
) -> None:
    other = create_booking(
        service=service, provider=provider, start_at=START + HOUR, client_name="Eve", now_dt=NOW
    )
    damage_session(session, end_at=START + 2 * HOUR)
    said = repair(the_only_problem())
    assert said == (
        "could not be repaired: Booking conflicts with an existing booking. "
        f"The time is held by: {other.reference}."
    )


def test_session_time_on_another_calendar_is_moved_back(
    session: Session, provider: Any, other_provider: Any
) -> None:
    other = Calendar.objects.create(provider=other_provider)
    damage_interval(session.busy_interval_id, calendar=other)
    assert repair(the_only_problem()) == "repaired"
    assert BusyInterval.objects.get().calendar.provider == provider


def test_time_without_a_session_is_deleted_unless_bookings_use_it(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session)
    damage_session(session, status="CANCELLED", busy_interval=None)
    problems = {problem.message: problem for problem in find_problems()}
    [leak] = [text for text in problems if "belongs to no session" in text]
    assert repair(problems[leak]) == "repaired"
    assert BusyInterval.objects.exists()
    damage(booking, status="CANCELLED", busy_interval=None)
    for problem in find_problems():
        repair(problem)
    assert not BusyInterval.objects.exists()
    assert list(find_problems()) == []


def test_a_booking_that_lost_its_seat_gets_it_back(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session, seats=2)
    damage(booking, busy_interval=None)
    for problem in find_problems():
        repair(problem)
    assert list(find_problems()) == []
    booking.refresh_from_db()
    assert booking.busy_interval_id == session.busy_interval_id
    assert reloaded(session).remaining_seats == 1


def test_a_booking_at_another_time_than_its_session_is_not_repaired(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session)
    damage(booking, start_at=START + 5 * HOUR, end_at=START + 6 * HOUR)
    said = [repair(problem) for problem in find_problems()]
    assert [text.partition(". ")[0] for text in said] == [
        "could not be repaired: The booking's times are not those of its session"
    ]
    booking.refresh_from_db()
    with pytest.raises(BookingError):
        seat_claim(booking, "default")


def test_a_booking_of_a_cancelled_session_has_no_claim(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session)
    cancel_session(session, now_dt=NOW)
    with pytest.raises(SessionNotOpen):
        seat_claim(booking, "default")


def test_a_booking_without_a_seat_claims_its_own_time(service: Any, provider: Any) -> None:
    plain = create_booking(
        service=service, provider=provider, start_at=START, client_name="Eve", now_dt=NOW
    )
    assert seat_claim(plain, "default") is None
    damage(plain, busy_interval=None)
    BusyInterval.objects.all().delete()
    assert repair(the_only_problem()) == "repaired"


@pytest.mark.parametrize("ended", [False, True])
def test_a_wrong_client_key_is_repaired(
    session: Session, make_booking: MakeBooking, ended: bool
) -> None:
    booking = make_booking(session)
    key = booking.seat.client_key
    if ended:
        damage(booking, status="CANCELLED", busy_interval=None)
        damage_interval(session.busy_interval_id, seats_taken=0)
    else:
        Seat.objects.update(client_key=None)
    problem = the_only_problem()
    assert "has a wrong client key" in problem.message
    assert repair(problem) == "repaired"
    assert Seat.objects.get().client_key == (None if ended else key)
    assert list(find_problems()) == []


def test_a_seat_in_other_time_than_its_session_s_is_found(
    session: Session, make_session: MakeSession, make_booking: MakeBooking, other_provider: Any
) -> None:
    booking = make_booking(session)
    other = make_session(provider=other_provider)
    damage(booking, busy_interval=other.busy_interval_id)
    found = [problem.message for problem in find_problems()]
    assert any("does not hold the time of its session" in text for text in found)
    for _ in range(2):
        for problem in find_problems():
            repair(problem)
    assert list(find_problems()) == []


def test_a_missed_promotion_is_repaired(full_session: Session, make_entry: MakeEntry) -> None:
    make_entry(full_session, "Bob", 2), make_entry(full_session, "Cid", 2)
    booking = Booking.objects.get()
    damage(booking, status="CANCELLED", busy_interval=None)
    damage_interval(full_session.busy_interval_id, seats_taken=0)
    Seat.objects.update(client_key=None)
    problem = the_only_problem()
    assert problem.message.startswith("Bob waits for")
    assert repair(problem) == "repaired"
    assert booked_clients(full_session) == {"Bob": (2, "CONFIRMED")}
    assert WaitlistEntry.objects.waiting().get().client_name == "Cid"
    assert list(find_problems()) == []


def test_waiting_for_a_closed_session_is_no_problem(
    full_session: Session, make_entry: MakeEntry
) -> None:
    make_entry(full_session, "Bob")
    close_session(full_session, now_dt=NOW)
    Booking.objects.all().delete()
    assert list(find_problems()) == []
