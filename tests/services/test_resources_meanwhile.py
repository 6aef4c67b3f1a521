"""What another call does between the choice of the resources and the lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bookings.exceptions import (
    BookingConflict,
    MissingReference,
    PoolExhausted,
    ResourceTaken,
    StaleBooking,
)
from bookings.integrity import find_problems
from bookings.ledger import locks, resource_claims
from bookings.models import Booking, BookingResource
from bookings.pools import AnyOf
from bookings.services import (
    booking_change,
    booking_creation,
    cancel_booking,
    expire_bookings,
    provider_choice,
    reschedule,
    reschedule_booking,
    resource_choice,
)
from bookings.services.resource_choice import ResourceChoice
from tests.services.clock import DAY, HOUR, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import nothing_done, stored


@pytest.fixture
def rooms(make_provider: Make) -> list[Any]:
    return [make_provider(name=f"Room {number}") for number in (1, 2)]


def once_after(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, interfere: Callable[[], Any]
) -> list[Any]:
    """Let ``interfere`` run once after the first call of a function; return its calls."""
    original = getattr(owner, name)
    calls: list[Any] = []

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        calls.append(result)
        if len(calls) == 1:
            interfere()
        return result

    monkeypatch.setattr(owner, name, wrapped)
    return calls


def room_of(booking: Booking) -> Any:
    return booking.resources.get().provider


def test_a_room_that_is_taken_meanwhile_is_left_out_of_the_next_choice(
    book: Book, rooms: list[Any], other_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = once_after(
        monkeypatch,
        ResourceChoice,
        "choose",
        lambda: book(provider=other_provider, resources=[rooms[0]]),
    )

    assert room_of(book(resources=[AnyOf(rooms)])) == rooms[1]
    assert len(calls) == 3
    assert list(find_problems()) == []


def test_a_pool_of_which_all_are_taken_meanwhile_is_exhausted(
    book: Book, rooms: list[Any], other_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    once_after(
        monkeypatch,
        ResourceChoice,
        "choose",
        lambda: book(provider=other_provider, resources=rooms),
    )

    with pytest.raises(PoolExhausted) as caught:
        book(resources=[AnyOf(rooms)])
    assert {type(why) for _who, why in caught.value.refusals} == {ResourceTaken}


def test_who_joins_a_slot_meanwhile_chooses_the_same_room(
    book: Book, group: Any, rooms: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    once_after(
        monkeypatch,
        ResourceChoice,
        "choose",
        lambda: book(service=group, resources=[rooms[1]], client_name="Kim"),
    )

    assert room_of(book(service=group, resources=[AnyOf(rooms)])) == rooms[1]
    assert list(find_problems()) == []


def test_a_slot_that_keeps_changing_is_given_up(
    book: Book, group: Any, rooms: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    book(service=group, resources=[rooms[1]], client_name="Kim")
    monkeypatch.setattr(ResourceChoice, "_resources_of_slot", lambda _self: set())

    # Without that look, the room of the others is taken and another one is chosen.
    with nothing_done(), pytest.raises(BookingConflict, match="changing this slot"):
        book(service=group, resources=[AnyOf(rooms)])


def test_a_move_meets_other_resources_than_it_was_prepared_for(
    book: Book, rooms: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = book(resources=[AnyOf(rooms)])
    once_after(
        monkeypatch,
        reschedule,
        "needs_of_moved",
        lambda: reschedule_booking(
            Booking.objects.get(pk=booking.pk),
            new_start_at=START + HOUR,
            new_resources=[rooms[1]],
            now_dt=NOW,
        ),
    )

    reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)

    assert room_of(booking) == rooms[1]
    assert stored(booking).version == 3
    assert list(find_problems()) == []


def test_a_move_of_what_others_keep_changing_is_given_up(
    book: Book, rooms: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = book(resources=[rooms[0]])
    monkeypatch.setattr(reschedule.resource_claims, "read", lambda *_args, **_kwargs: [])

    with nothing_done(), pytest.raises(StaleBooking):
        reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)


def test_a_sweep_leaves_a_booking_whose_resources_have_changed(
    book: Book, rooms: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = book(resources=[rooms[0]], expires_at=NOW + minutes(15))

    def give_another_room() -> None:
        BookingResource.objects.filter(booking=hold).update(provider=rooms[1])

    from bookings.services.chunked_changes import ChunkedRun

    once_after(monkeypatch, ChunkedRun, "_providers_of", give_another_room)
    assert expire_bookings(now_dt=NOW + HOUR) == 0
    assert stored(hold).status == "PENDING"


def test_a_sweep_in_a_transaction_locks_the_rooms_at_once(
    book: Book, rooms: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bookings.ledger import locks

    book(resources=rooms, expires_at=NOW + minutes(15))
    locked = once_after(monkeypatch, locks, "lock_calendars", lambda: None)

    assert expire_bookings(now_dt=NOW + HOUR) == 1
    assert {room.pk for room in rooms} <= locked[0].keys()


def test_a_deletion_meets_other_resources(
    book: Book, rooms: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bookings.ledger import locks

    booking = book(resources=[rooms[0]])

    def give_another_room() -> None:
        reschedule_booking(
            Booking.objects.get(pk=booking.pk),
            new_start_at=START,
            new_resources=[rooms[1]],
            now_dt=NOW,
        )

    once_after(monkeypatch, locks, "lock_calendars", give_another_room)
    booking.delete()

    assert not Booking.objects.exists()
    assert list(find_problems()) == []


def test_a_verb_meets_other_resources(
    book: Book, rooms: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = book(resources=[rooms[0]])
    once_after(
        monkeypatch,
        booking_change,
        "provider_ids",
        lambda: reschedule_booking(
            Booking.objects.get(pk=booking.pk),
            new_start_at=START,
            new_resources=[rooms[1]],
            now_dt=NOW,
        ),
    )

    cancel_booking(booking, now_dt=NOW)

    assert stored(booking).status == "CANCELLED"
    assert list(find_problems()) == []


def test_another_call_with_the_same_key_takes_the_last_of_a_pool(
    book: Book, rooms: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = AnyOf(rooms[:1])
    made: list[Booking] = []
    once_after(
        monkeypatch,
        provider_choice,
        "_rank_providers",
        lambda: made.append(book(provider=pool, idempotency_key="a")),
    )

    booking = book(provider=pool, idempotency_key="a")

    assert [booking] == made
    assert Booking.objects.count() == 1


def test_a_provider_that_was_deleted_cannot_be_saved_with(service: Any, provider: Any) -> None:
    booking = Booking(
        service=service,
        provider_id=provider.pk + 1000,
        start_at=START,
        end_at=START + HOUR,
        client_name="Mary",
    )

    with pytest.raises(MissingReference, match="provider does not exist"):
        booking.save()


def test_the_choice_of_a_move_counts_a_shared_interval(
    book: Book, group: Any, rooms: list[Any]
) -> None:
    """The others stay in the room, so it is not free for a move that overlaps its old time."""
    booking = book(service=group, resources=[rooms[0]])
    book(service=group, resources=[rooms[0]], client_name="Kim")

    with nothing_done(), pytest.raises(BookingConflict):
        reschedule_booking(booking, new_start_at=START + minutes(30), now_dt=NOW)


def test_taking_resources_checks_the_database_too(
    book: Book, rooms: list[Any], other_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the look, the constraint refuses the room, where there is one."""
    from django.db import connection

    if connection.vendor == "mysql":
        pytest.skip("MySQL and MariaDB have no constraint on ranges.")
    book(resources=[rooms[0]])
    monkeypatch.setattr(resource_claims, "_check_free", lambda *_args: None)

    with nothing_done(), pytest.raises(BookingConflict):
        book(provider=other_provider, resources=[rooms[0]])


def test_a_lapsed_hold_in_a_shared_slot_leaves_its_room(
    book: Book, group: Any, rooms: list[Any], other_provider: Any, service: Any
) -> None:
    book(service=group, resources=[rooms[0]], expires_at=NOW + minutes(15))
    later = NOW + HOUR

    booking = book(provider=other_provider, resources=[rooms[0]], now_dt=later)

    assert room_of(booking) == rooms[0]


def test_a_rank_without_a_strategy_keeps_the_order(rooms: list[Any]) -> None:
    assert resource_choice.rank(rooms[::-1], None, {}, (0, 0), using="default") == rooms[::-1]


def test_a_booking_that_is_made_while_others_are_deleted_keeps_its_room(
    book: Book, rooms: list[Any], other_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(resources=[rooms[0]])
    made = []
    original = locks.lock_calendars

    def book_before_the_lock(*args: Any, **kwargs: Any) -> Any:
        if not made:
            made.append(None)
            made[0] = book(provider=other_provider, resources=[rooms[0]], start_at=START + DAY)
        return original(*args, **kwargs)

    monkeypatch.setattr(locks, "lock_calendars", book_before_the_lock)
    Booking.objects.all().delete()

    assert list(Booking.objects.all()) == made
    assert list(find_problems()) == []


def test_another_call_with_the_same_key_is_found_when_all_are_taken(
    book: Book, rooms: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = AnyOf(rooms[:1])
    made: list[Booking] = []
    once_after(
        monkeypatch,
        booking_creation,
        "_shortest_window",
        lambda: made.append(book(provider=pool, idempotency_key="a")),
    )

    assert [book(provider=pool, idempotency_key="a")] == made
