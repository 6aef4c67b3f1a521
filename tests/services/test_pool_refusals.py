"""What refuses all providers of a pool is found out once, and not once for each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import BookingConflict, BookingError, PoolExhausted, ResourceTaken
from bookings.models import Booking
from bookings.pools import AnyOf
from bookings.services import reschedule_booking
from tests.services.clock import DAY, HOUR, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import nothing_done

SMALL, LARGE = 3, 12


class OtherAdapter(DefaultBookingAdapter):
    """A room needs a quarter of an hour before each booking."""

    def resource_buffers(self, booking: Booking, resource: Any) -> tuple[int, int]:
        return 15, 0


@pytest.fixture
def room(make_provider: Make) -> Any:
    return make_provider(name="Room 1")


@pytest.fixture
def make_pool(make_provider: Make) -> Callable[..., AnyOf]:
    def make(size: int, name: str = "P", **values: Any) -> AnyOf:
        return AnyOf([make_provider(name=f"{name}{number}", **values) for number in range(size)])

    return make


MakePool = Callable[..., AnyOf]


def statements(call: Callable[[], Any], error: type[BookingError] = PoolExhausted) -> int:
    with (
        CaptureQueriesContext(
            connection,
        ) as queries,
        nothing_done(),
        pytest.raises(error),
    ):
        call()
    return len(queries)


def assert_constant(call: Callable[[AnyOf], Any], make_pool: MakePool) -> PoolExhausted:
    """Assert that a pool of any size is refused with as many statements; return the error."""
    small, large = make_pool(SMALL), make_pool(LARGE)
    caught: list[PoolExhausted] = []

    def refused(pool: AnyOf) -> None:
        try:
            call(pool)
        except PoolExhausted as error:
            caught.append(error)
            raise

    # The first call also fills caches, such as that of the content types.
    statements(lambda: refused(small))
    assert statements(lambda: refused(large)) <= statements(lambda: refused(small))
    assert len(caught[1].refusals) == LARGE
    return caught[1]


def kinds(error: PoolExhausted) -> set[type[BookingError]]:
    return {type(why) for _who, why in error.refusals}


@pytest.mark.parametrize("strategy", ["first", "least_busy", "round_robin"])
def test_a_certain_room_that_is_taken_refuses_every_provider_at_once(
    book: Book, room: Any, make_pool: MakePool, strategy: str
) -> None:
    book(resources=[room])

    error = assert_constant(
        lambda pool: book(provider=AnyOf(pool, strategy), resources=[room]), make_pool
    )
    assert kinds(error) == {ResourceTaken}
    assert [str(who) for who, _why in error.refusals] == [f"P{n}" for n in range(LARGE)]


def test_one_pool_of_rooms_that_is_exhausted_refuses_every_provider_at_once(
    book: Book, make_pool: MakePool, make_provider: Make
) -> None:
    rooms, others = make_pool(3, "Room "), make_pool(3, "Other ")
    for number, one in enumerate(rooms):
        book(provider=make_provider(), resources=[one], client_name=f"C{number}")

    error = assert_constant(lambda pool: book(provider=pool, resources=[others, rooms]), make_pool)
    assert kinds(error) == {PoolExhausted}


def test_two_pools_with_one_room_between_them_refuse_at_once(
    book: Book, room: Any, make_pool: MakePool
) -> None:
    assert_constant(
        lambda pool: book(provider=pool, resources=[AnyOf([room]), AnyOf([room])]), make_pool
    )


def test_the_providers_own_buffers_are_counted(book: Book, make_pool: MakePool) -> None:
    def call(pool: AnyOf) -> Booking:
        return book(provider=pool, start_at=START + HOUR)

    small, large = (make_pool(size, buffer_before_minutes=15) for size in (SMALL, LARGE))
    for one in [*small, *large]:
        book(provider=one)

    few = statements(lambda: call(small))
    assert statements(lambda: call(large)) <= few


def test_the_time_of_addons_is_counted(
    book: Book, room: Any, make_pool: MakePool, make_addon: Make
) -> None:
    addon = make_addon()
    book(resources=[room], start_at=START + HOUR)

    assert_constant(
        lambda pool: book(provider=pool, resources=[room], addon_ids=[addon.pk]), make_pool
    )


def test_an_adapter_is_asked_about_each(
    book: Book, room: Any, make_pool: MakePool, settings: Any
) -> None:
    book(resources=[room])
    settings.BOOKINGS_ADAPTER = f"{__name__}.OtherAdapter"

    # Only the buffer that the adapter adds is in the way.
    assert_constant(
        lambda pool: book(provider=pool, resources=[room], start_at=START + HOUR), make_pool
    )


def test_a_move_to_anyone_without_a_room(
    book: Book, room: Any, make_pool: MakePool, make_provider: Make
) -> None:
    booking = book(resources=[room])
    book(provider=make_provider(), resources=[room], start_at=START + DAY)

    def move(pool: AnyOf, **values: Any) -> Booking:
        return reschedule_booking(
            booking, new_start_at=START + DAY, new_provider=pool, now_dt=NOW, **values
        )

    error = assert_constant(move, make_pool)
    assert kinds(error) == {ResourceTaken}
    assert_constant(lambda pool: move(pool, addon_ids=[]), make_pool)


def test_a_shared_slot_with_other_rooms_refuses_at_once(
    book: Book, room: Any, make_pool: MakePool, group: Any
) -> None:
    book(resources=[room])

    assert_constant(lambda pool: book(provider=pool, service=group, resources=[room]), make_pool)


def test_a_shared_slot_that_has_the_room_is_joined(
    book: Book, room: Any, group: Any, make_provider: Make
) -> None:
    inactive, other, ana = (
        make_provider(name="Inactive", is_active=False),
        make_provider(name="Other"),
        make_provider(name="Ana"),
    )
    book(provider=ana, service=group, resources=[room])

    joined = book(
        provider=AnyOf([inactive, other, ana]), service=group, resources=[room], client_name="Kim"
    )
    assert joined.provider == ana


def test_a_slot_with_other_bounds_is_not_joined(
    book: Book, room: Any, group: Any, make_provider: Make
) -> None:
    inactive, ana, ben = (
        make_provider(name="Inactive", is_active=False),
        make_provider(name="Ana", buffer_before_minutes=15),
        make_provider(name="Ben"),
    )
    group.duration_minutes = 75
    book(provider=ben, service=group, resources=[room], start_at=START - minutes(15))
    group.duration_minutes = 60

    with nothing_done(), pytest.raises(PoolExhausted) as caught:
        book(provider=AnyOf([inactive, ana, ben]), service=group, resources=[room])
    assert [type(why) for _who, why in caught.value.refusals][1:] == [ResourceTaken] * 2


def test_who_is_the_only_room_of_a_pool_is_passed_over(book: Book, make_provider: Make) -> None:
    inactive, ana, ben = (
        make_provider(name="Inactive", is_active=False),
        make_provider(name="Ana"),
        make_provider(name="Ben"),
    )

    booking = book(provider=AnyOf([inactive, ana, ben]), resources=[AnyOf([ana])])
    assert (booking.provider, booking.resources.get().provider) == (ben, ana)
    again = book(
        provider=AnyOf([inactive, ana, ben]), resources=[AnyOf([ana, ben])], start_at=START + DAY
    )
    assert (again.provider, again.resources.get().provider) == (ana, ben)


def test_a_pool_of_rooms_does_not_make_a_taken_provider_dear(
    book: Book, make_pool: MakePool
) -> None:
    small, large = make_pool(SMALL, "Room "), make_pool(LARGE, "Room ")
    book()

    few = statements(lambda: book(resources=[small]), BookingConflict)
    assert statements(lambda: book(resources=[large]), BookingConflict) <= few


def test_a_pool_of_rooms_that_is_taken_is_refused_at_once(
    book: Book, make_pool: MakePool, make_provider: Make, room: Any
) -> None:
    small, large = make_pool(SMALL, "Room "), make_pool(LARGE, "Room ")
    for one in [*small, *large, room]:
        book(provider=one)

    few = statements(lambda: book(resources=[small]))
    assert statements(lambda: book(resources=[large])) <= few
    few = statements(lambda: book(resources=[small, room]), BookingConflict)
    assert statements(lambda: book(resources=[large, room]), BookingConflict) <= few


def test_a_provider_with_a_bad_buffer_is_refused_as_before(
    book: Book, make_provider: Make, room: Any
) -> None:
    book(resources=[room])
    good, bad = make_provider(name="Good", is_active=False), make_provider(name="Bad")
    bad.buffer_before_minutes = "soon"

    with nothing_done(), pytest.raises(BookingError, match="buffer_before_minutes"):
        book(provider=AnyOf([good, bad]), resources=[room])


def test_the_taken_room_is_read_with_what_a_move_gives_up(
    book: Book, make_provider: Make, room: Any
) -> None:
    booking = book(resources=[room])
    inactive, ana = make_provider(name="Inactive", is_active=False), make_provider(name="Ana")

    reschedule_booking(
        booking,
        new_start_at=START + minutes(30),
        new_provider=AnyOf([inactive, ana]),
        now_dt=NOW,
    )
    assert (booking.provider, booking.resources.get().provider) == (ana, room)
