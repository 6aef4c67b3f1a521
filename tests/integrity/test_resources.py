from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bookings.integrity import Problem, find_problems, repair
from bookings.models import Booking, BookingResource, BusyInterval, Calendar
from bookings.services import cancel_booking, create_booking
from tests.hosts.samples import make

NOW = datetime(2030, 1, 7, 9, 0, tzinfo=UTC)
START = NOW + timedelta(days=1)
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def room() -> Any:
    return make("PROVIDER_MODEL")


@pytest.fixture
def booking(room: Any) -> Booking:
    return create_booking(
        service=make("SERVICE_MODEL"),
        provider=make("PROVIDER_MODEL"),
        resources=[room],
        start_at=START,
        client_name="Kim",
        now_dt=NOW,
    )


def resource_of(booking: Booking) -> Any:
    return BookingResource.objects.filter(booking=booking)


def only_problem() -> Problem:
    [problem] = find_problems()
    return problem


def assert_repaired(problem: Problem) -> None:
    assert repair(problem) == "repaired"
    assert list(find_problems()) == []


def test_a_resource_without_its_time_claims_it_again(booking: Booking) -> None:
    key = resource_of(booking).get().busy_interval_id
    resource_of(booking).update(busy_interval=None)
    BusyInterval.objects.filter(pk=key).delete()

    problem = only_problem()
    assert "holds no time of its resource" in problem.message
    assert_repaired(problem)
    # Once it is right, the repair does nothing.
    assert repair(problem) == "repaired"


def test_a_resource_with_other_time_moves_it(booking: Booking) -> None:
    BusyInterval.objects.filter(kind="RESOURCE").update(starts=1000, ends=2000)

    problem = only_problem()
    assert "holds other time of its resource" in problem.message
    assert_repaired(problem)


def test_a_resource_with_the_time_of_another_calendar(booking: Booking) -> None:
    other = Calendar.objects.create(provider=make("PROVIDER_MODEL"))
    BusyInterval.objects.filter(kind="RESOURCE").update(calendar=other)

    assert_repaired(only_problem())


def test_a_resource_whose_time_is_taken_says_by_whom(booking: Booking, room: Any) -> None:
    resource_of(booking).update(busy_interval=None)
    BusyInterval.objects.filter(kind="RESOURCE").delete()
    other = create_booking(
        service=booking.service,
        provider=make("PROVIDER_MODEL"),
        resources=[room],
        start_at=START,
        client_name="Lee",
        now_dt=NOW,
    )

    outcome = repair(only_problem())

    assert "could not be repaired" in outcome
    assert str(other) in outcome


def test_a_cancelled_booking_that_holds_a_room_releases_it(booking: Booking) -> None:
    key = resource_of(booking).get().busy_interval_id
    interval = BusyInterval.objects.get(pk=key)
    cancel_booking(booking, now_dt=NOW)
    interval.save(force_insert=True)
    resource_of(booking).update(busy_interval=interval)

    problem = only_problem()
    assert "still holds the time of" in problem.message
    assert_repaired(problem)


def test_a_number_that_is_wrong_is_counted(booking: Booking) -> None:
    Booking._base_manager.filter(pk=booking.pk).update(resource_count=5)

    problem = only_problem()
    assert "number of resources: 5, of those stored: 1" in problem.message
    assert_repaired(problem)


def test_seats_of_a_resource_are_counted(booking: Booking) -> None:
    BusyInterval.objects.filter(kind="RESOURCE").update(seats_taken=3, capacity=5)

    assert_repaired(only_problem())


def test_time_of_no_booking_is_released(booking: Booking, room: Any) -> None:
    BusyInterval.objects.create(
        calendar=Calendar.objects.get(provider=room), starts=1, ends=2, kind="RESOURCE"
    )

    problem = only_problem()
    assert "belongs to no booking" in problem.message
    assert_repaired(problem)


def test_a_repair_finds_that_the_booking_is_over_by_now(booking: Booking) -> None:
    resource_of(booking).update(busy_interval=None)
    BusyInterval.objects.filter(kind="RESOURCE").delete()
    problem = only_problem()
    cancel_booking(booking, now_dt=NOW)

    assert_repaired(problem)


def test_a_release_finds_that_the_booking_is_active_by_now(booking: Booking) -> None:
    from bookings.services.integrity_repairs import release

    release(booking, "default")()

    assert list(find_problems()) == []
