"""Damage what a session stands on, see it found, and see it repaired."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import F

from bookings.contrib.group_sessions.exceptions import SessionNotOpen
from bookings.contrib.group_sessions.integrity import place_in_session
from bookings.contrib.group_sessions.models import Seat, Session, WaitlistEntry
from bookings.contrib.group_sessions.services import cancel_session, close_booking
from bookings.exceptions import BookingError
from bookings.integrity import Problem, find_problems, repair
from bookings.models import Booking, BusyInterval, Calendar
from bookings.services import create_booking
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    Schedule,
    Sit,
    Wait,
    again,
    guests,
)
from tests.integrity.conftest import damage, damage_interval

pytestmark = pytest.mark.django_db


def the_only_problem() -> Problem:
    [problem] = find_problems()
    return problem


def damage_session(session: Session, **values: Any) -> None:
    Session._base_manager.filter(pk=session.pk).update(**values)


def test_healthy_sessions_have_no_problems(
    full: Session, wait: Wait, sit: Sit, schedule: Schedule
) -> None:
    wait(full, "Bob")
    cancel_session(schedule(start_at=START + HOUR), now_dt=NOW)
    sit(schedule(start_at=START + 2 * HOUR), "Cid")
    assert list(find_problems()) == []


def let_seats_be_free(session: Session, number: int) -> None:
    """As if they had been freed, and nobody been given them."""
    Session._base_manager.filter(pk=session.pk).update(capacity=F("capacity") + number)
    BusyInterval.objects.filter(group_session=session).update(capacity=F("capacity") + number)


def test_who_fits_does_not_wait_unless_refused(full: Session, wait: Wait) -> None:
    entry = wait(full, "Bob")
    let_seats_be_free(full, 1)
    assert "Bob waits for" in the_only_problem().message
    WaitlistEntry.objects.filter(pk=entry.pk).update(refusal="limit_reached")
    assert list(find_problems()) == []


@pytest.mark.parametrize("order", ["strict", "best_fit"])
def test_who_fits_waits_in_strict_order_for_who_does_not(
    full: Session, wait: Wait, settings: Any, order: str
) -> None:
    settings.BOOKINGS_WAITLIST_ORDER = order
    wait(full, "Bob", 2)
    wait(full, "Cid")
    let_seats_be_free(full, 1)
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
    assert (interval.end_at, interval.capacity) == (again(session).end_at, again(session).capacity)


def test_a_session_takes_no_time_that_is_another_s_by_now(
    session: Session, service: Any, provider: Any
) -> None:
    create_booking(
        service=service, provider=provider, start_at=START + HOUR, client_name="Eve", now_dt=NOW
    )
    damage_session(session, end_at=START + 2 * HOUR)
    said = repair(the_only_problem())
    assert said == "could not be repaired: Booking conflicts with an existing booking."


def test_a_session_s_time_on_another_s_calendar_comes_back(
    session: Session, provider: Any, other_provider: Any
) -> None:
    other = Calendar.objects.create(provider=other_provider)
    damage_interval(session.busy_interval_id, calendar=other)
    assert repair(the_only_problem()) == "repaired"
    assert BusyInterval.objects.get().calendar.provider == provider


def test_time_of_no_session_goes_unless_somebody_sits_in_it(session: Session, sit: Sit) -> None:
    booking = sit(session)
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


def test_a_booking_that_lost_its_seat_gets_it_back(session: Session, sit: Sit) -> None:
    booking = sit(session, seats=2)
    damage(booking, busy_interval=None)
    for problem in find_problems():
        repair(problem)
    assert list(find_problems()) == []
    booking.refresh_from_db()
    assert booking.busy_interval_id == session.busy_interval_id
    assert again(session).remaining_seats == 1


def test_a_booking_at_another_time_than_its_session_is_left_to_people(
    session: Session, sit: Sit
) -> None:
    booking = sit(session)
    damage(booking, start_at=START + 5 * HOUR, end_at=START + 6 * HOUR)
    said = [repair(problem) for problem in find_problems()]
    assert [text.partition(". ")[0] for text in said] == [
        "could not be repaired: The booking's times are not those of its session"
    ]
    booking.refresh_from_db()
    with pytest.raises(BookingError):
        place_in_session(booking, "default")


def test_a_booking_of_a_cancelled_session_has_no_place(session: Session, sit: Sit) -> None:
    booking = sit(session)
    cancel_session(session, now_dt=NOW)
    with pytest.raises(SessionNotOpen):
        place_in_session(booking, "default")


def test_a_booking_without_a_seat_has_a_place_of_its_own(service: Any, provider: Any) -> None:
    plain = create_booking(
        service=service, provider=provider, start_at=START, client_name="Eve", now_dt=NOW
    )
    assert place_in_session(plain, "default") is None
    damage(plain, busy_interval=None)
    BusyInterval.objects.all().delete()
    assert repair(the_only_problem()) == "repaired"


@pytest.mark.parametrize("ended", [False, True])
def test_a_client_who_is_not_known_is_named_again(session: Session, sit: Sit, ended: bool) -> None:
    booking = sit(session)
    key = booking.seat.client_key
    if ended:
        damage(booking, status="CANCELLED", busy_interval=None)
        damage_interval(session.busy_interval_id, seats_taken=0)
    else:
        Seat.objects.update(client_key=None)
    problem = the_only_problem()
    assert "is not known by its client" in problem.message
    assert repair(problem) == "repaired"
    assert Seat.objects.get().client_key == (None if ended else key)
    assert list(find_problems()) == []


def test_a_seat_in_other_time_than_its_session_s_is_found(
    session: Session, schedule: Schedule, sit: Sit, other_provider: Any
) -> None:
    booking = sit(session)
    other = schedule(provider=other_provider)
    damage(booking, busy_interval=other.busy_interval_id)
    found = [problem.message for problem in find_problems()]
    assert any("does not hold the time of its session" in text for text in found)
    for _ in range(2):
        for problem in find_problems():
            repair(problem)
    assert list(find_problems()) == []


def test_who_waits_for_free_seats_gets_them(full: Session, wait: Wait) -> None:
    wait(full, "Bob", 2), wait(full, "Cid", 2)
    booking = Booking.objects.get()
    damage(booking, status="CANCELLED", busy_interval=None)
    damage_interval(full.busy_interval_id, seats_taken=0)
    Seat.objects.update(client_key=None)
    problem = the_only_problem()
    assert problem.message.startswith("Bob waits for")
    assert repair(problem) == "repaired"
    assert guests(full) == {"Bob": (2, "CONFIRMED")}
    assert WaitlistEntry.objects.waiting().get().client_name == "Cid"
    assert list(find_problems()) == []


def test_who_waits_where_booking_is_closed_is_no_problem(full: Session, wait: Wait) -> None:
    wait(full, "Bob")
    close_booking(full, now_dt=NOW)
    Booking.objects.all().delete()
    assert list(find_problems()) == []
