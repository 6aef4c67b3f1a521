"""Damage what concurrent bookings take together, see it found, and see it counted anew."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bookings.integrity import find_problems, repair
from bookings.models import Booking, BusyInterval
from bookings.services import cancel_booking
from tests.hosts.samples import Host
from tests.integrity.conftest import Book, damage

Kind = BusyInterval.Kind


@pytest.fixture
def book_desk(host: Host, book: Book) -> Book:
    """Desks of the host, of which there are three."""
    host.service.capacity, host.service.capacity_mode = 3, "CONCURRENT"
    host.service.save()
    return book


@pytest.fixture
def bookings(book_desk: Book) -> list[Booking]:
    first = book_desk()
    half = timedelta(minutes=30)
    return [first, book_desk(start_at=first.start_at + half), book_desk(hours=5)]


def segments() -> list[tuple[int, int, int]]:
    rows = BusyInterval.objects.filter(kind=Kind.SEGMENT).order_by("starts")
    return list(rows.values_list("starts", "ends", "seats_taken"))


def repair_all() -> set[int]:
    """Repair what is found until nothing is; the invariants that did not hold."""
    found = set()
    for _attempt in range(4):
        problems = list(find_problems())
        found |= {problem.invariant for problem in problems}
        for problem in problems:
            repair(problem)
    assert list(find_problems()) == []
    return found


def test_a_healthy_database_has_no_problems(bookings: list[Booking]) -> None:
    cancel_booking(bookings[0])
    assert list(find_problems()) == []


@pytest.mark.parametrize("harm", ["fewer seats", "deleted", "longer", "added", "another capacity"])
def test_wrong_segments_are_counted_anew(bookings: list[Booking], harm: str) -> None:
    right = segments()
    rows = BusyInterval.objects.filter(kind=Kind.SEGMENT)
    first, last = rows.earliest("starts"), rows.latest("starts")
    if harm == "fewer seats":
        rows.filter(starts=right[1][0]).update(seats_taken=0)
    elif harm == "deleted":
        rows.filter(pk=last.pk).delete()
    elif harm == "longer":
        rows.filter(pk=last.pk).update(ends=last.ends + 60)
    elif harm == "added":
        first.pk, first.starts, first.ends = None, 60, 120
        first.save()
    else:
        rows.update(capacity=7)
        assert list(find_problems()) == []
        return
    [problem] = find_problems()
    assert problem.invariant == 4
    assert problem.message.startswith(
        f"{bookings[0].provider}: the seats of concurrent bookings are counted wrong ("
    )
    assert repair(problem) == "repaired"
    assert segments() == right
    assert set(rows.values_list("capacity", flat=True)) <= {1, 3}


def test_each_calendar_is_compared_by_itself(bookings: list[Booking], book_desk: Book) -> None:
    BusyInterval.objects.filter(kind=Kind.SEGMENT).update(seats_taken=0)
    assert len(list(find_problems())) == 1


def test_a_booking_that_has_lost_its_claim_gets_it_back(bookings: list[Booking]) -> None:
    right = segments()
    damage(bookings[0], busy_interval=None)
    BusyInterval.objects.filter(pk=bookings[0].busy_interval_id).delete()
    assert repair_all() == {3, 4}
    assert segments() == right


def test_it_gets_it_back_though_its_seats_are_counted_still(
    bookings: list[Booking], book_desk: Book
) -> None:
    book_desk(start_at=bookings[1].start_at)
    right = segments()
    assert right[1][2] == 3
    damage(bookings[0], busy_interval=None)
    BusyInterval.objects.filter(pk=bookings[0].busy_interval_id).delete()
    [lost, _counted] = find_problems()
    assert lost.invariant == 3
    assert repair(lost) == "repaired"
    assert segments() == right
    assert list(find_problems()) == []


def test_a_claim_in_the_wrong_place_is_moved(bookings: list[Booking]) -> None:
    hours = timedelta(hours=3)
    booking = bookings[0]
    damage(booking, start_at=booking.start_at + hours, end_at=booking.end_at + hours)
    [problem] = find_problems()
    assert problem.invariant == 3
    assert repair(problem) == "repaired"
    assert list(find_problems()) == []


def test_a_booking_that_is_over_loses_its_claim(bookings: list[Booking]) -> None:
    damage(bookings[0], status="CANCELLED", version=1)
    [problem] = find_problems()
    assert problem.invariant == 3
    assert repair(problem) == "repaired"
    assert [seats for _starts, _ends, seats in segments()] == [1, 1]


def test_a_claim_without_a_booking_is_deleted(bookings: list[Booking]) -> None:
    damage(bookings[0], status="CANCELLED", busy_interval=None, version=1)
    [problem] = find_problems()
    assert problem.invariant == 4
    assert repair(problem) == "repaired"
    assert [seats for _starts, _ends, seats in segments()] == [1, 1]


def test_another_party_size_is_counted(bookings: list[Booking]) -> None:
    damage(bookings[2], party_size=5)
    assert repair_all() == {4}
    assert [seats for _starts, _ends, seats in segments()] == [1, 2, 1, 5]


def test_what_holds_the_time_is_named_once(bookings: list[Booking], book_desk: Book) -> None:
    lost = bookings[0]
    damage(lost, party_size=3, busy_interval=None)
    BusyInterval.objects.filter(pk=lost.busy_interval_id).delete()
    problem = next(problem for problem in find_problems() if problem.invariant == 3)
    assert repair(problem).endswith(f"The time is held by: {bookings[1].reference}.")
