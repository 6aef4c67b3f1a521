from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.contrib.schedule.services import create_schedule
from bookings.contrib.series.exceptions import InvalidRecurrence, SeriesConflict
from bookings.contrib.series.services import (
    add_occurrence,
    cancel_series,
    create_session_series,
    reschedule_series,
)
from bookings.exceptions import (
    IdempotencyKeyReused,
    InvalidBooking,
    PoolExhausted,
    ResourceTaken,
)
from bookings.integrity import find_problems
from bookings.models import Booking, BookingResource, BusyInterval
from bookings.pools import AnyOf
from bookings.services import create_booking, hold_booking, reschedule_booking
from bookings.services.bulk_creation import BulkCreation
from tests.contrib.series.conftest import BERLIN, FIRST, NOW, TUESDAYS, MakeSeries
from tests.services.conftest import Make
from tests.services.storage import nothing_done

WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)


@pytest.fixture
def rooms(db: None, make_provider: Make) -> list[Any]:
    return [make_provider(name=f"Room {number}") for number in (1, 2)]


def rooms_of(bookings: Any) -> list[Any]:
    return [booking.resources.get().provider for booking in bookings]


def busy(provider: Any) -> list[Any]:
    mine = BusyInterval.objects.filter(calendar__provider=provider)
    return [interval.start_at for interval in mine.order_by("starts")]


def assert_sound() -> None:
    assert list(find_problems()) == []


@pytest.fixture
def taken(service: Any, other_provider: Any, rooms: list[Any]) -> Booking:
    """A booking that takes the first room on the second Tuesday."""
    return create_booking(
        service=service,
        provider=other_provider,
        resources=[rooms[0]],
        start_at=TUESDAYS[1],
        client_name="Kim",
        now_dt=NOW,
    )


def test_every_booking_takes_a_free_room(
    make_series: MakeSeries, rooms: list[Any], taken: Booking
) -> None:
    result = make_series(resources=[AnyOf(rooms)])

    assert rooms_of(result.bookings) == [rooms[0], rooms[1], rooms[0], rooms[0]]
    assert [booking.resource_count for booking in result.bookings] == [1] * 4
    created = result.bookings[1].events.get()
    assert created.data["resources"] == [rooms[1].pk]
    assert_sound()


def test_a_room_that_is_taken_refuses_the_series(
    make_series: MakeSeries, rooms: list[Any], taken: Booking
) -> None:
    with nothing_done(), pytest.raises(SeriesConflict) as caught:
        make_series(resources=[rooms[0]])
    assert [item.start_at for item in caught.value.skipped] == [TUESDAYS[1]]
    assert isinstance(caught.value.skipped[0].error, ResourceTaken) or caught.value.skipped

    result = make_series(resources=[rooms[0]], on_conflict="skip")
    assert [booking.start_at for booking in result.bookings] == [
        TUESDAYS[0],
        TUESDAYS[2],
        TUESDAYS[3],
    ]
    assert_sound()


def test_a_lapsed_hold_does_not_keep_a_room(
    make_series: MakeSeries, rooms: list[Any], service: Any, other_provider: Any
) -> None:
    hold = hold_booking(
        service=service,
        provider=other_provider,
        resources=[rooms[0]],
        start_at=TUESDAYS[1],
        hold_minutes=5,
        now_dt=NOW - HOUR,
    )

    assert rooms_of(make_series(resources=[rooms[0]]).bookings) == [rooms[0]] * 4
    assert Booking.objects.get(pk=hold.pk).status == "CANCELLED"
    assert_sound()


def test_moving_a_series_keeps_rooms_that_are_free(
    make_series: MakeSeries, rooms: list[Any], service: Any, other_provider: Any
) -> None:
    result = make_series(resources=[AnyOf(rooms)])
    assert rooms_of(result.bookings) == [rooms[0]] * 4
    create_booking(
        service=service,
        provider=other_provider,
        resources=[rooms[0]],
        start_at=TUESDAYS[2] + 2 * HOUR,
        client_name="Kim",
        now_dt=NOW,
    )
    kept = BookingResource.objects.get(booking=result.bookings[0])

    moved = reschedule_series(
        result.bookings[0].occurrence,
        new_start_at=FIRST + 2 * HOUR,
        scope="all",
        now_dt=NOW,
    )

    assert rooms_of(moved.bookings) == [rooms[0], rooms[0], rooms[1], rooms[0]]
    assert BookingResource.objects.get(booking=result.bookings[0]) == kept
    event = moved.bookings[2].events.order_by("pk").last()
    assert event.data["new_resources"] == [rooms[1].pk]
    assert "new_resources" not in moved.bookings[0].events.order_by("pk").last().data
    assert_sound()


def test_moving_by_less_than_the_length_leaves_no_room_in_the_way(
    make_series: MakeSeries, rooms: list[Any]
) -> None:
    result = make_series(resources=[rooms[0]])

    reschedule_series(
        result.bookings[0].occurrence,
        new_start_at=FIRST + timedelta(minutes=30),
        scope="all",
        now_dt=NOW,
    )

    assert busy(rooms[0]) == [start + timedelta(minutes=30) for start in TUESDAYS]
    assert_sound()


def test_a_taken_room_refuses_the_move(
    make_series: MakeSeries, rooms: list[Any], service: Any, other_provider: Any
) -> None:
    result = make_series(resources=[rooms[0]])
    create_booking(
        service=service,
        provider=other_provider,
        resources=[rooms[0]],
        start_at=TUESDAYS[2] + 2 * HOUR,
        client_name="Kim",
        now_dt=NOW,
    )

    with nothing_done(), pytest.raises(SeriesConflict):
        reschedule_series(
            result.bookings[0].occurrence, new_start_at=FIRST + 2 * HOUR, scope="all", now_dt=NOW
        )
    with nothing_done(), pytest.raises(ResourceTaken):
        reschedule_series(
            result.bookings[2].occurrence,
            new_start_at=TUESDAYS[2] + 2 * HOUR,
            scope="one",
            now_dt=NOW,
        )


def test_cancelling_a_series_releases_the_rooms(make_series: MakeSeries, rooms: list[Any]) -> None:
    result = make_series(resources=[AnyOf(rooms)])

    cancel_series(result.bookings[0].occurrence, scope="all", now_dt=NOW)

    assert not BusyInterval.objects.exists()
    assert_sound()


def test_an_added_start_takes_a_room_of_the_same_pool(
    make_series: MakeSeries, rooms: list[Any], service: Any, other_provider: Any
) -> None:
    result = make_series(resources=[AnyOf(rooms, strategy="round_robin")])
    start = TUESDAYS[3] + WEEK
    create_booking(
        service=service,
        provider=other_provider,
        resources=[rooms[0]],
        start_at=start,
        client_name="Kim",
        now_dt=NOW,
    )

    added = add_occurrence(result.bookings[0].occurrence, start_at=start, now_dt=NOW)

    assert rooms_of(added.bookings) == [rooms[1]]
    assert_sound()


def test_the_same_key_with_other_rooms_is_another_request(
    make_series: MakeSeries, rooms: list[Any]
) -> None:
    first = make_series(resources=[AnyOf(rooms)], idempotency_key="a")

    again = make_series(resources=[AnyOf(rooms[::-1])], idempotency_key="a")
    assert again.series == first.series
    with pytest.raises(IdempotencyKeyReused):
        make_series(resources=[rooms[0]], idempotency_key="a")


def test_the_number_of_statements_does_not_depend_on_that_of_the_starts(
    make_series: MakeSeries, make_provider: Make
) -> None:
    counts = []
    # Of so many, the rows of the bookings still fit into one statement of SQLite.
    for count in (3, 15):
        person = make_provider(name=f"P{count}")
        rooms = [make_provider(name=f"Room {count}-{number}") for number in range(2)]
        # So that everybody has a calendar.
        make_series(rrule="FREQ=WEEKLY;COUNT=1", provider=person, resources=rooms)
        later = FIRST + HOUR
        with CaptureQueriesContext(connection) as queries:
            result = make_series(
                rrule=f"FREQ=WEEKLY;COUNT={count}",
                provider=person,
                resources=[AnyOf(rooms)],
                start_at=later,
            )
        counts.append(len(queries))
        with CaptureQueriesContext(connection) as queries:
            reschedule_series(
                result.bookings[0].occurrence, new_start_at=later + HOUR, scope="all", now_dt=NOW
            )
        counts.append(len(queries))
    assert counts[:2] == counts[2:]


def test_a_series_in_shared_slots_shares_the_rooms(
    make_series: MakeSeries, rooms: list[Any], group: Any, other_provider: Any
) -> None:
    first = make_series(service=group, resources=[AnyOf(rooms)])
    second = make_series(service=group, resources=[AnyOf(rooms[::-1])], client_name="Kim")
    third = make_series(
        service=group, provider=other_provider, resources=[AnyOf(rooms)], client_name="Lee"
    )

    assert rooms_of(first.bookings) == rooms_of(second.bookings) == [rooms[0]] * 4
    assert rooms_of(third.bookings) == [rooms[1]] * 4
    assert_sound()


def test_a_series_meets_a_move_that_came_between(
    make_series: MakeSeries, rooms: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The booking gets another room after the move was prepared: it is prepared again."""
    result = make_series(resources=[AnyOf(rooms)])
    from bookings.services.bulk_reschedule import BulkReschedule

    prepare = BulkReschedule.prepare
    calls = []

    def interfere(self: Any, *args: Any) -> None:
        prepare(self, *args)
        if not calls:
            reschedule_booking(
                Booking.objects.get(pk=result.bookings[1].pk),
                new_start_at=TUESDAYS[1],
                new_resources=[rooms[1]],
                now_dt=NOW,
            )
        calls.append(1)

    monkeypatch.setattr(BulkReschedule, "prepare", interfere)
    moved = reschedule_series(
        result.bookings[0].occurrence, new_start_at=FIRST + 2 * HOUR, scope="all", now_dt=NOW
    )

    assert len(calls) == 2
    assert rooms_of(moved.bookings)[1] == rooms[1]
    assert_sound()


def test_a_series_goes_to_the_first_who_can_take_all_of_it(
    make_series: MakeSeries,
    service: Any,
    provider: Any,
    other_provider: Any,
) -> None:
    create_booking(
        service=service, provider=provider, start_at=TUESDAYS[2], client_name="Kim", now_dt=NOW
    )
    pool = AnyOf([provider, other_provider])

    result = make_series(provider=pool, exdates=iter([TUESDAYS[3]]), idempotency_key="a")

    assert {booking.provider for booking in result.bookings} == {other_provider}
    assert len(result.bookings) == 3
    again = make_series(provider=pool, exdates=[TUESDAYS[3]], idempotency_key="a")
    assert again.series == result.series
    with pytest.raises(IdempotencyKeyReused):
        make_series(provider=provider, exdates=[TUESDAYS[3]], idempotency_key="a")
    with nothing_done(), pytest.raises(PoolExhausted) as caught:
        make_series(provider=pool)
    assert {type(why) for _who, why in caught.value.refusals} == {SeriesConflict}
    assert_sound()


def test_series_take_turns(make_series: MakeSeries, provider: Any, other_provider: Any) -> None:
    pool = AnyOf([provider, other_provider], strategy="round_robin")

    made = [
        make_series(
            provider=pool,
            start_at=FIRST + number * HOUR,
            now_dt=NOW + number * timedelta(minutes=1),
        )
        for number in range(3)
    ]

    assert [result.series.provider for result in made] == [provider, other_provider, provider]


@pytest.mark.parametrize("exdates", ["x", 7])
def test_what_is_wrong_with_a_series_of_a_pool_is_said_at_once(
    make_series: MakeSeries, provider: Any, exdates: Any
) -> None:
    with nothing_done(), pytest.raises(InvalidRecurrence):
        make_series(provider=AnyOf([provider]), exdates=exdates)
    with nothing_done(), pytest.raises(InvalidBooking):
        make_series(provider=AnyOf([provider, "Ben"]))


def test_a_room_that_is_taken_before_the_lock_refuses_its_start(
    make_series: MakeSeries,
    rooms: list[Any],
    service: Any,
    other_provider: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choose = BulkCreation.choose_resources

    def choose_and_be_late(self: Any, refuse: Any) -> None:
        choose(self, refuse)
        monkeypatch.setattr(BulkCreation, "choose_resources", choose)
        create_booking(
            service=service,
            provider=other_provider,
            resources=[rooms[0]],
            start_at=TUESDAYS[1],
            client_name="Kim",
            now_dt=NOW,
        )

    monkeypatch.setattr(BulkCreation, "choose_resources", choose_and_be_late)
    with pytest.raises(SeriesConflict) as caught:
        make_series(resources=[rooms[0]])
    assert [item.start_at for item in caught.value.skipped] == [TUESDAYS[1]]


def test_a_series_in_which_one_booking_has_no_room_is_moved(
    make_series: MakeSeries, rooms: list[Any]
) -> None:
    result = make_series(resources=[rooms[0]])
    reschedule_booking(result.bookings[1], new_start_at=TUESDAYS[1], new_resources=[], now_dt=NOW)

    moved = reschedule_series(
        result.bookings[0].occurrence, new_start_at=FIRST + HOUR, scope="all", now_dt=NOW
    )

    assert [booking.resource_count for booking in moved.bookings] == [1, 0, 1, 1]
    assert_sound()


def test_a_room_that_is_not_active_refuses_every_start(
    make_series: MakeSeries, rooms: list[Any]
) -> None:
    rooms[0].is_active = False

    with nothing_done(), pytest.raises(SeriesConflict) as caught:
        make_series(resources=[rooms[0]])
    assert len(caught.value.skipped) == 4


@pytest.fixture
def long_taken(db: None, service: Any, other_provider: Any, rooms: list[Any]) -> list[Booking]:
    """Both rooms are taken for three hours from the second Tuesday's start on."""
    return [
        create_booking(
            service=service,
            provider=one,
            start_at=TUESDAYS[1] + hour * HOUR,
            client_name="Kim",
            now_dt=NOW,
            skip_slot_validation=True,
        )
        for one in rooms
        for hour in range(3)
    ]


@pytest.mark.usefixtures("long_taken")
@pytest.mark.parametrize("has_engine", [False, True])
def test_alternatives_have_free_resources(
    make_series: MakeSeries, provider: Any, rooms: list[Any], settings: Any, has_engine: bool
) -> None:
    if has_engine:
        settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = (
            "bookings.contrib.schedule.selectors.list_available_slots"
        )
        hours = {day: [("00:00", "24:00")] for day in range(7)}
        create_schedule(provider=provider, timezone=BERLIN, hours=hours)
    for resources in ([rooms[0]], [AnyOf(rooms)]):
        with nothing_done(), pytest.raises(SeriesConflict) as caught:
            make_series(resources=resources, alternatives=1)
        [skipped] = caught.value.skipped
        assert skipped.alternatives == (TUESDAYS[1] + 3 * HOUR,)


@pytest.mark.usefixtures("long_taken")
def test_alternatives_of_sessions_have_what_the_service_needs(
    service: Any, provider: Any, rooms: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(service), "resources", [AnyOf(rooms)], raising=False)

    with nothing_done(), pytest.raises(SeriesConflict) as caught:
        create_session_series(
            rrule="FREQ=WEEKLY;COUNT=4",
            timezone=BERLIN,
            start_at=FIRST,
            service=service,
            provider=provider,
            now_dt=NOW,
            alternatives=2,
        )

    [skipped] = caught.value.skipped
    assert skipped.alternatives == tuple(TUESDAYS[1] + n * HOUR for n in (3, 4))
