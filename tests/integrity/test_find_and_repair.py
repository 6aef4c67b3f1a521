"""Damage each invariant, see it found, and see what can be repaired repaired."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DEFAULT_DB_ALIAS, connection

from bookings.exceptions import BookingConflict
from bookings.integrity import Problem, find_problems, repair
from bookings.models import Booking, BookingEvent, BusyInterval, Calendar
from bookings.services import cancel_booking
from bookings.services.integrity_repairs import name_holders
from bookings.testing import assert_bookings_are_sound
from tests.hosts.samples import Host, make
from tests.integrity.conftest import (
    Book,
    any_number_of_seats,
    damage,
    damage_interval,
    overlaps_allowed,
)


def the_only_problem() -> Problem:
    [problem] = find_problems()
    return problem


def test_a_healthy_database_has_no_problems(book: Book) -> None:
    book()
    cancel_booking(book(hours=3))
    assert list(find_problems()) == []
    assert list(find_problems(DEFAULT_DB_ALIAS)) == []
    assert_bookings_are_sound()


def test_an_overlap_is_found_and_left_to_people(book: Book) -> None:
    first, second = book(), book(hours=5)
    with overlaps_allowed():
        damage_interval(second.busy_interval_id, starts=first.busy_interval.starts + 60)
        problems = list(find_problems())
    [overlap] = [problem for problem in problems if problem.invariant == 1]
    assert f"Busy interval {second.busy_interval_id} overlaps" in overlap.message
    assert repair(overlap) == "cannot be repaired automatically"


def test_an_overlap_with_a_long_one_before_the_previous_is_found(book: Book) -> None:
    long, short, inside = book(), book(hours=5), book(hours=9)
    with overlaps_allowed():
        damage_interval(long.busy_interval_id, ends=inside.busy_interval.ends)
        found = {problem.message.split()[2] for problem in find_problems()}
    assert found == {str(short.busy_interval_id), str(inside.busy_interval_id)}


@pytest.mark.django_db(transaction=connection.vendor == "mysql")
def test_more_seats_than_capacity_are_found(book: Book) -> None:
    booking = book()
    with any_number_of_seats():
        damage_interval(booking.busy_interval_id, seats_taken=4)
        assert {problem.invariant for problem in find_problems()} == {2, 4}


def test_an_active_booking_without_time_gets_it_back(book: Book) -> None:
    booking = book()
    damage(booking, busy_interval=None)
    BusyInterval.objects.all().delete()
    problem = the_only_problem()
    assert problem == Problem(
        3, f"{booking.reference} is CONFIRMED and holds no time.", problem.repair
    )
    assert repair(problem) == "repaired"
    assert list(find_problems()) == []


def test_time_that_somebody_else_has_by_now_is_not_given_back(book: Book) -> None:
    robbed = book()
    damage(robbed, busy_interval=None)
    BusyInterval.objects.all().delete()
    other = book()
    said = repair(the_only_problem())
    assert said == (
        "could not be repaired: Booking conflicts with an existing booking. "
        f"The time is held by: {other.reference}."
    )
    assert the_only_problem().invariant == 3


def test_everything_that_holds_the_time_is_named(book: Book, host: Host) -> None:
    long = book()
    damage(long, busy_interval=None, end_at=long.end_at + timedelta(hours=2))
    BusyInterval.objects.all().delete()
    others = [book(), book(2)]
    calendar = Calendar.objects.get()
    begins = int(others[0].end_at.timestamp())
    BusyInterval.objects.create(
        calendar=calendar, starts=begins, ends=begins + 60, kind=BusyInterval.Kind.EXTERNAL
    )
    said = repair(next(problem for problem in find_problems() if problem.invariant == 3))
    first, second = (other.reference for other in others)
    assert f"The time is held by: {first}, External " in said
    assert said.endswith(f", {second}.")


@pytest.mark.django_db
def test_a_conflict_with_nothing_that_is_there_any_more_is_told_as_it_is() -> None:
    def write() -> None:
        raise BookingConflict("Taken.")

    run = name_holders(write, 1, (0, 1), own=None, using="default")
    with pytest.raises(BookingConflict, match=r"^Taken\.$"):
        run()


def test_a_claim_in_the_wrong_place_is_moved(book: Book) -> None:
    booking = book()
    damage(
        booking,
        start_at=booking.start_at + timedelta(hours=2),
        end_at=booking.end_at + timedelta(hours=2),
    )
    problem = the_only_problem()
    assert "holds other time than its own" in problem.message
    assert repair(problem) == "repaired"
    assert list(find_problems()) == []
    booking.refresh_from_db()
    assert booking.busy_interval.start_at == booking.start_at


def test_a_claim_on_another_providers_time_is_moved(book: Book, host: Host) -> None:
    booking = book()
    other = Calendar.objects.create(provider=make("PROVIDER_MODEL"))
    damage_interval(booking.busy_interval_id, calendar=other)
    problem = the_only_problem()
    assert "holds another provider's time" in problem.message
    assert repair(problem) == "repaired"
    booking.refresh_from_db()
    assert booking.busy_interval.calendar.provider == host.provider
    assert list(find_problems()) == []


def test_a_finished_booking_lets_go(book: Book) -> None:
    booking = book()
    damage(booking, status=Booking.Status.CANCELLED)
    problem = the_only_problem()
    assert "is CANCELLED and still holds time" in problem.message
    assert repair(problem) == "repaired"
    assert not BusyInterval.objects.exists()
    assert list(find_problems()) == []


def test_a_repair_that_is_no_longer_needed_does_nothing(book: Book) -> None:
    idle, robbed = book(), book(hours=4)
    claim = idle.busy_interval_id
    damage(idle, status=Booking.Status.CANCELLED)
    kept = robbed.busy_interval_id
    damage(robbed, busy_interval=None)
    problems = [problem for problem in find_problems() if problem.invariant == 3]
    damage(idle, status=Booking.Status.CONFIRMED)
    damage(robbed, busy_interval=kept)
    assert [repair(problem) for problem in problems] == ["repaired", "repaired"]
    assert set(BusyInterval.objects.values_list("pk", flat=True)) == {claim, kept}
    assert list(find_problems()) == []


def test_a_leaked_claim_goes(book: Book) -> None:
    booking = book()
    damage(booking, busy_interval=None, status=Booking.Status.CANCELLED)
    problem = the_only_problem()
    assert problem.message == f"Busy interval {booking.busy_interval_id} belongs to no booking."
    assert repair(problem) == "repaired"
    assert repair(problem) == "repaired"
    assert not BusyInterval.objects.exists()


def test_what_another_calendar_says_belongs_to_no_booking_and_is_no_leak(book: Book) -> None:
    booking = book()
    interval = booking.busy_interval
    BusyInterval.objects.create(
        calendar=interval.calendar,
        starts=interval.ends,
        ends=interval.ends + 3600,
        kind=BusyInterval.Kind.EXTERNAL,
    )
    assert list(find_problems()) == []


def test_a_drifted_counter_is_set_right(book: Book, host: Host) -> None:
    host.service.allow_multiple_clients_per_slot, host.service.capacity = True, 5
    host.service.save()
    first, second = book(party_size=2), book(client_name="Bob")
    assert first.busy_interval_id == second.busy_interval_id
    damage_interval(first.busy_interval_id, seats_taken=5)
    problem = the_only_problem()
    assert problem.message.endswith("seats taken: 5, of its bookings: 3.")
    assert repair(problem) == "repaired"
    assert BusyInterval.objects.get().seats_taken == 3


def test_a_missing_event_is_found(book: Book) -> None:
    booking = book()
    BookingEvent.objects.filter(booking=booking)._raw_delete(DEFAULT_DB_ALIAS)
    assert the_only_problem().message == f"{booking.reference}: number of changes: 1, of events: 0."


def test_a_hosts_own_tests_fail_with_what_is_wrong(book: Book) -> None:
    booking = book()
    damage(booking, status=Booking.Status.CANCELLED)
    with pytest.raises(AssertionError, match=f"{booking.reference} is CANCELLED and still holds"):
        assert_bookings_are_sound()
