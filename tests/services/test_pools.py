from __future__ import annotations

from typing import Any

import pytest

from bookings.exceptions import (
    BookingConflict,
    IdempotencyKeyReused,
    InvalidBooking,
    LimitReached,
    MissingReference,
    NotAllowed,
    PoolExhausted,
    ResourceTaken,
)
from bookings.integrity import find_problems
from bookings.models import Booking
from bookings.pools import MAX_POOL_SIZE, AnyOf, Strategy
from bookings.services import cancel_booking, hold_booking, reschedule_booking
from bookings.services.resource_choice import match
from tests.services.clock import DAY, HOUR, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import nothing_done, stored


@pytest.fixture
def ana(make_provider: Make) -> Any:
    return make_provider(name="Ana")


@pytest.fixture
def ben(make_provider: Make) -> Any:
    return make_provider(name="Ben")


@pytest.fixture
def cleo(make_provider: Make) -> Any:
    return make_provider(name="Cleo")


def test_the_first_who_is_free_takes_the_booking(book: Book, ana: Any, ben: Any) -> None:
    pool = AnyOf([ana, ben])

    assert [book(provider=pool).provider for _number in range(2)] == [ana, ben]
    with nothing_done(), pytest.raises(PoolExhausted, match="None of 2") as caught:
        book(provider=pool)
    assert [(who, type(why)) for who, why in caught.value.refusals] == [
        (ana, BookingConflict),
        (ben, BookingConflict),
    ]
    assert "Ana: Booking conflicts" in str(caught.value)
    assert list(find_problems()) == []


def test_a_hold_may_be_with_anyone(service: Any, ana: Any, ben: Any, book: Book) -> None:
    book(provider=ana)

    hold = hold_booking(service=service, provider=AnyOf([ana, ben]), start_at=START, now_dt=NOW)

    assert (hold.provider, hold.status) == (ben, "PENDING")


def test_one_who_is_refused_by_a_rule_is_passed_over(
    book: Book, ana: Any, ben: Any, cleo: Any, make_provider: Make
) -> None:
    away = make_provider(name="Away", is_active=False)
    busy = make_provider(name="Busy", max_bookings_per_day=1)
    book(provider=busy, start_at=START + 3 * HOUR)

    assert book(provider=AnyOf([away, busy, ana])).provider == ana
    with pytest.raises(PoolExhausted) as caught:
        book(provider=AnyOf([away, busy, ana]), start_at=START + minutes(15))
    assert [type(why) for _who, why in caught.value.refusals] == [
        NotAllowed,
        LimitReached,
        BookingConflict,
    ]


def test_what_is_wrong_with_the_request_is_said_at_once(book: Book, ana: Any, ben: Any) -> None:
    with nothing_done(), pytest.raises(InvalidBooking, match="must be timezone-aware"):
        book(provider=AnyOf([ana, ben]), start_at=START.replace(tzinfo=None))
    with nothing_done(), pytest.raises(InvalidBooking):
        book(provider=AnyOf([ana, ben]), party_size=0)


def test_the_least_busy_on_that_day_comes_first(
    book: Book, make_service: Make, ana: Any, ben: Any, cleo: Any
) -> None:
    long = make_service(duration_minutes=180)
    book(provider=ana, start_at=START + 2 * HOUR)
    book(provider=ana, start_at=START + 4 * HOUR)
    book(provider=ben, service=long, start_at=START + 2 * HOUR)
    book(provider=cleo, service=long, start_at=START + DAY)
    pool = AnyOf([ben, ana, cleo], strategy="least_busy")

    assert book(provider=pool).provider == cleo
    assert book(provider=pool).provider == ana
    assert book(provider=pool).provider == ben


def test_of_equally_busy_ones_the_first_comes_first(book: Book, ana: Any, ben: Any) -> None:
    assert book(provider=AnyOf([ben, ana], strategy=Strategy.LEAST_BUSY)).provider == ben


def test_the_day_is_one_of_the_providers_zone(book: Book, make_provider: Make, ben: Any) -> None:
    # In Auckland, 13 hours ahead, the next day begins at 11:00 UTC.
    kim = make_provider(name="Kim")
    kim.timezone = "Pacific/Auckland"
    book(provider=kim, start_at=START - HOUR)
    book(provider=ben, start_at=START + 4 * HOUR)

    pool = AnyOf([kim, ben], strategy="least_busy")
    assert book(provider=pool, start_at=START + 3 * HOUR).provider == kim


def test_those_of_a_round_robin_take_turns(book: Book, ana: Any, ben: Any, cleo: Any) -> None:
    pool = AnyOf([ana, ben, cleo], strategy="round_robin")

    made = [
        book(provider=pool, start_at=START + number * DAY, now_dt=NOW + minutes(number))
        for number in range(4)
    ]
    assert [booking.provider for booking in made] == [ana, ben, cleo, ana]
    cancel_booking(made[-1], now_dt=NOW + minutes(5))
    again = book(provider=pool, start_at=START + 4 * DAY, now_dt=NOW + minutes(6))
    assert again.provider == ben


def test_rooms_take_turns_as_well(book: Book, ana: Any, ben: Any, provider: Any) -> None:
    pool = AnyOf([ana, ben], strategy="round_robin")

    made = [
        book(resources=[pool], start_at=START + number * DAY, now_dt=NOW + minutes(number))
        for number in range(3)
    ]
    assert [booking.resources.get().provider for booking in made] == [ana, ben, ana]


def test_moving_to_anyone(book: Book, ana: Any, ben: Any, cleo: Any) -> None:
    booking = book()
    book(provider=ana, start_at=START + DAY)

    reschedule_booking(
        booking, new_start_at=START + DAY, new_provider=AnyOf([ana, ben]), now_dt=NOW
    )
    assert stored(booking).provider == ben
    # Its own time is not in its way.
    reschedule_booking(
        booking, new_start_at=START + DAY + minutes(30), new_provider=AnyOf([ben]), now_dt=NOW
    )
    assert stored(booking).provider == ben
    book(provider=cleo, start_at=START)
    with nothing_done(), pytest.raises(PoolExhausted):
        reschedule_booking(booking, new_start_at=START, new_provider=AnyOf([cleo]), now_dt=NOW)


def test_moving_to_those_who_take_turns(book: Book, ana: Any, ben: Any) -> None:
    pool = AnyOf([ana, ben], strategy="round_robin")
    booking = book()

    for number, expected in enumerate([ana, ben, ana]):
        reschedule_booking(
            booking, new_start_at=START, new_provider=pool, now_dt=NOW + minutes(number)
        )
        assert stored(booking).provider == expected


def test_moving_with_fewer_addons_to_anyone(
    book: Book, ana: Any, make_addon: Make, service: Any
) -> None:
    addon = make_addon()
    booking = book(addon_ids=[addon.pk])
    book(provider=ana, start_at=START + HOUR)

    reschedule_booking(
        booking, new_start_at=START, new_provider=AnyOf([ana]), addon_ids=[], now_dt=NOW
    )

    assert stored(booking).end_at == START + HOUR


def test_a_shared_slot_of_anyone_is_joined(book: Book, group: Any, ana: Any, ben: Any) -> None:
    pool = AnyOf([ana, ben])

    made = [book(service=group, provider=pool, client_name=f"C{n}") for n in range(4)]

    assert [booking.provider for booking in made] == [ana, ana, ana, ben]
    booking = book(service=group, provider=ben, start_at=START + DAY)
    reschedule_booking(booking, new_start_at=START, new_provider=pool, now_dt=NOW)
    assert stored(booking).provider == ben


def test_a_repeated_request_finds_its_booking(book: Book, ana: Any, ben: Any) -> None:
    first = book(provider=AnyOf([ana, ben]), idempotency_key="a")

    assert book(provider=AnyOf([ben, ana]), idempotency_key="a") == first
    assert Booking.objects.count() == 1
    with pytest.raises(IdempotencyKeyReused):
        book(provider=AnyOf([ana]), idempotency_key="a")
    with pytest.raises(IdempotencyKeyReused):
        book(provider=ana, idempotency_key="a")


def test_a_booking_with_anyone_and_any_room(
    book: Book, ana: Any, ben: Any, make_provider: Make
) -> None:
    rooms = [make_provider(name=f"Room {number}") for number in (1, 2)]

    def make() -> Booking:
        return book(provider=AnyOf([ana, ben]), resources=[AnyOf(rooms)])

    first, second = make(), make()
    assert (first.provider, first.resources.get().provider) == (ana, rooms[0])
    assert (second.provider, second.resources.get().provider) == (ben, rooms[1])
    with nothing_done(), pytest.raises(PoolExhausted):
        make()
    assert list(find_problems()) == []


def test_anyone_without_a_room(book: Book, ana: Any, ben: Any, make_provider: Make) -> None:
    room = make_provider(name="Room 1")
    book(resources=[room])

    with nothing_done(), pytest.raises(PoolExhausted) as caught:
        book(provider=AnyOf([ana, ben]), resources=[room])
    assert {type(why) for _who, why in caught.value.refusals} == {ResourceTaken}


def test_the_provider_is_left_out_of_the_pool_of_its_resources(
    book: Book, ana: Any, ben: Any
) -> None:
    booking = book(provider=AnyOf([ana, ben]), resources=[AnyOf([ana, ben])])

    assert (booking.provider, booking.resources.get().provider) == (ana, ben)


def test_two_pools_that_overlap_get_two_rooms(book: Book, make_provider: Make) -> None:
    one, two = (make_provider(name=f"Room {number}") for number in (1, 2))

    booking = book(resources=[AnyOf([one, two]), AnyOf([one])])

    assert [each.provider for each in booking.resources.order_by("pk")] == [two, one]
    with nothing_done(), pytest.raises(PoolExhausted, match="None of 1"):
        book(resources=[AnyOf([one]), AnyOf([one])], start_at=START + DAY)


def test_a_message_names_a_few_and_the_error_all(book: Book, make_provider: Make) -> None:
    many = [make_provider(name=f"P{number}", is_active=False) for number in range(7)]

    with pytest.raises(PoolExhausted) as caught:
        book(provider=AnyOf(many))
    assert len(caught.value.refusals) == 7
    assert "P4" in str(caught.value)
    assert "P5" not in str(caught.value)
    assert str(caught.value).endswith("…")


def test_who_is_taken_costs_no_attempt(
    book: Book, make_provider: Make, django_assert_max_num_queries: Any
) -> None:
    many = [make_provider(name=f"P{number}") for number in range(30)]
    for one in many:
        book(provider=one)

    with django_assert_max_num_queries(5), pytest.raises(PoolExhausted):
        book(provider=AnyOf(many))


def test_an_expired_hold_does_not_keep_anyone(book: Book, ana: Any) -> None:
    book(provider=ana, expires_at=NOW + minutes(15))

    assert book(provider=AnyOf([ana]), now_dt=NOW + HOUR).provider == ana


@pytest.mark.parametrize(
    ("providers", "strategy", "code"),
    [
        ([], "first", "empty_pool"),
        (range(MAX_POOL_SIZE + 1), "first", "pool_too_large"),
        ("Ana", "first", "invalid"),
        (7, "first", "invalid"),
        ([1], "loudest", "invalid"),
    ],
)
def test_bad_pools_are_refused(providers: Any, strategy: str, code: str) -> None:
    with pytest.raises(InvalidBooking) as caught:
        AnyOf(providers, strategy=strategy)
    assert caught.value.code == code


def test_a_pool_of_other_things_is_refused(book: Book, ana: Any) -> None:
    booking = book(provider=ana)
    for wrong in ([ana, "Ben"], [ana, type(ana)(name="new")], [None]):
        with nothing_done(), pytest.raises(InvalidBooking):
            book(provider=AnyOf(wrong))
        with nothing_done(), pytest.raises(InvalidBooking):
            reschedule_booking(
                booking, new_start_at=START + DAY, new_provider=AnyOf(wrong), now_dt=NOW
            )


def test_a_pool_has_each_provider_once(ana: Any, ben: Any) -> None:
    pool = AnyOf(iter([ana, ben, ana]))

    assert (list(pool), len(pool)) == ([ana, ben], 2)
    assert repr(pool) == f"AnyOf({[ana, ben]!r}, strategy='first')"


def test_a_queryset_may_be_a_pool(book: Book, ana: Any, ben: Any) -> None:
    assert book(provider=AnyOf(type(ana)._default_manager.order_by("-pk"))).provider == ben


@pytest.mark.parametrize(
    ("options", "matched"),
    [
        ([], {}),
        ([[1, 2], [1]], {0: 2, 1: 1}),
        ([[1, 2], [1, 3], [1]], {0: 2, 1: 3, 2: 1}),
        ([[1], [1]], {0: 1}),
        ([[], [5]], {1: 5}),
        ([[1, 2], [2, 3], [3, 1]], {0: 1, 1: 2, 2: 3}),
    ],
)
def test_each_list_gets_one_of_its_own(options: Any, matched: Any) -> None:
    assert match(options) == matched


def test_one_that_has_been_deleted_is_passed_over(book: Book, ana: Any, ben: Any) -> None:
    moved = book(provider=ben)
    type(ana)._default_manager.filter(pk=ana.pk).delete()
    pool = AnyOf([ana, ben])

    assert book(provider=pool, start_at=START + DAY).provider == ben
    assert (
        reschedule_booking(moved, new_start_at=START + HOUR, new_provider=pool, now_dt=NOW).provider
        == ben
    )


def test_one_that_is_a_resource_is_passed_over(book: Book, ana: Any, ben: Any, cleo: Any) -> None:
    booking = book(provider=AnyOf([ana, ben]), resources=[ana])
    assert booking.provider == ben

    pool = AnyOf([ana, cleo])
    reschedule_booking(booking, new_start_at=START + DAY, new_provider=pool, now_dt=NOW)
    assert (booking.provider, booking.resources.get().provider) == (cleo, ana)


def test_one_that_gives_up_its_place_as_a_resource_is_free(book: Book, ana: Any, ben: Any) -> None:
    booking = book(provider=ana, resources=[ben])

    reschedule_booking(
        booking, new_start_at=START, new_provider=AnyOf([ben]), new_resources=[ana], now_dt=NOW
    )
    assert (booking.provider, booking.resources.get().provider) == (ben, ana)
    assert list(find_problems()) == []


def test_a_missing_room_is_no_reason_to_ask_the_next_one(
    book: Book, ana: Any, ben: Any, make_provider: Make
) -> None:
    room = make_provider(name="Room 1")
    type(room)._default_manager.filter(pk=room.pk).delete()

    with nothing_done(), pytest.raises(MissingReference, match="Room 1 does not exist"):
        book(provider=AnyOf([ana, ben]), resources=[room])


def test_the_old_providers_buffers_are_in_nobodys_way(
    book: Book, make_provider: Make, ben: Any
) -> None:
    slow = make_provider(name="Slow", buffer_after_minutes=30)
    booking = book(provider=slow)
    book(provider=ben, start_at=START + HOUR)

    reschedule_booking(booking, new_start_at=START, new_provider=AnyOf([ben]), now_dt=NOW)
    assert booking.provider == ben
