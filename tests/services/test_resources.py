from __future__ import annotations

from typing import Any

import pytest

from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import (
    BookingConflict,
    InvalidBooking,
    MissingReference,
    NotAllowed,
    ResourceTaken,
)
from bookings.integrity import find_problems
from bookings.models import Booking, BusyInterval
from bookings.pools import AnyOf
from bookings.services import (
    auto_cancel_expired_bookings,
    cancel_booking,
    complete_booking,
    confirm_booking,
    decline_booking,
    deliver_booking,
    dispute_booking,
    expire_booking,
    expire_bookings,
    extend_hold,
    mark_no_show,
    reschedule_booking,
)
from tests.services.clock import DAY, HOUR, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import history, intervals, last_event, nothing_done, stored


@pytest.fixture
def room(make_provider: Make) -> Any:
    return make_provider(name="Room 1")


@pytest.fixture
def rooms(make_provider: Make) -> list[Any]:
    return [make_provider(name=f"Room {number}") for number in (1, 2, 3)]


@pytest.fixture
def projector(make_provider: Make) -> Any:
    return make_provider(name="Projector")


class LongerAdapter(DefaultBookingAdapter):
    def resource_buffers(self, booking: Booking, resource: Any) -> tuple[int, int]:
        return 15, 0


def taken(provider: Any) -> list[tuple[Any, Any]]:
    """The busy time of a provider."""
    mine = BusyInterval.objects.filter(calendar__provider=provider).order_by("starts")
    return [(interval.start_at, interval.end_at) for interval in mine]


def chosen(booking: Booking) -> list[Any]:
    return [resource.provider for resource in booking.resources.order_by("pk")]


def assert_sound() -> None:
    assert list(find_problems()) == []


def test_a_booking_takes_the_time_of_its_resources(book: Book, room: Any, projector: Any) -> None:
    booking = book(resources=[room, projector])

    assert chosen(booking) == [room, projector]
    assert stored(booking).resource_count == 2
    assert taken(room) == taken(projector) == [(START, START + HOUR)]
    assert last_event(booking).data["resources"] == [room.pk, projector.pk]
    assert_sound()


def test_a_resource_takes_the_buffers_too(book: Book, make_service: Make, room: Any) -> None:
    service = make_service(buffer_before_minutes=5, buffer_after_minutes=10)

    book(service=service, resources=[room])

    assert taken(room) == [(START - minutes(5), START + HOUR + minutes(10))]


def test_the_adapter_may_give_a_resource_other_buffers(
    book: Book, room: Any, settings: Any
) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.LongerAdapter"
    booking = book(resources=[room])

    assert taken(room) == [(START - minutes(15), START + HOUR)]
    assert taken(booking.provider) == [(START, START + HOUR)]
    reschedule_booking(booking, new_start_at=START + HOUR, now_dt=NOW)
    assert taken(room) == [(START + minutes(45), START + 2 * HOUR)]
    assert_sound()


def test_a_taken_resource_refuses_the_booking(
    book: Book, room: Any, projector: Any, other_provider: Any
) -> None:
    book(resources=[room])

    with nothing_done(), pytest.raises(ResourceTaken, match="Room 1 is taken") as caught:
        book(provider=other_provider, resources=[projector, room], start_at=START + minutes(30))
    assert caught.value.resource == room
    assert (caught.value.code, caught.value.field) == ("resource_taken", "start_at")


def test_a_resource_is_taken_for_whoever_books_it(book: Book, room: Any) -> None:
    book(resources=[room])

    with pytest.raises(BookingConflict):
        book(provider=room)


def test_who_is_booked_is_no_free_resource(
    book: Book, room: Any, other_provider: Any, provider: Any
) -> None:
    book(provider=room)

    with nothing_done(), pytest.raises(ResourceTaken):
        book(provider=other_provider, resources=[room])


@pytest.mark.parametrize(
    "end",
    [
        lambda booking: cancel_booking(booking, now_dt=NOW),
        lambda booking: complete_booking(booking, now_dt=START + HOUR),
        lambda booking: mark_no_show(booking, now_dt=START + HOUR),
        lambda booking: booking.delete(),
        lambda booking: Booking.objects.filter(pk=booking.pk).delete(),
    ],
    ids=["cancel", "complete", "no_show", "delete", "delete_queryset"],
)
def test_what_ends_a_booking_releases_its_resources(
    book: Book, room: Any, projector: Any, end: Any
) -> None:
    booking = book(resources=[room, projector])

    end(booking)

    assert intervals() == []
    assert_sound()


def test_declining_releases_the_resources(book: Book, make_service: Make, room: Any) -> None:
    request = book(service=make_service(requires_approval=True), resources=[room])

    decline_booking(request, now_dt=NOW)

    assert intervals() == []
    assert chosen(request) == [room]


def test_a_hold_lapses_with_its_resources(
    book: Book, room: Any, projector: Any, other_provider: Any
) -> None:
    hold = book(resources=[room, projector], expires_at=NOW + minutes(15))
    lapses = {interval.lapses for interval in BusyInterval.objects.all()}
    assert lapses == {int((NOW + minutes(15)).timestamp())}

    extend_hold(hold, minutes=30, now_dt=NOW)
    lapses = {interval.lapses for interval in BusyInterval.objects.all()}
    assert lapses == {int((NOW + minutes(30)).timestamp())}

    later = NOW + HOUR
    second = book(provider=other_provider, resources=[room], now_dt=later)
    assert chosen(second) == [room]
    assert history(hold)[-1] == "EXPIRED"
    assert taken(projector) == []
    assert_sound()


def test_confirming_a_hold_keeps_its_resources(book: Book, room: Any) -> None:
    hold = book(resources=[room], expires_at=NOW + minutes(15))

    confirm_booking(hold, now_dt=NOW)

    assert {interval.lapses for interval in BusyInterval.objects.all()} == {None}
    assert taken(room) == [(START, START + HOUR)]


def test_an_expired_hold_releases_its_resources(book: Book, room: Any) -> None:
    hold = book(resources=[room], expires_at=NOW + minutes(15))

    expire_booking(hold, now_dt=NOW + HOUR)

    assert intervals() == []


def test_sweeps_release_the_resources(
    book: Book, room: Any, projector: Any, other_provider: Any
) -> None:
    book(resources=[room], expires_at=NOW + minutes(15))
    book(provider=other_provider, resources=[projector])
    plain = book(start_at=START + DAY, expires_at=NOW + minutes(15))

    assert expire_bookings(now_dt=NOW + HOUR) == 2
    assert stored(plain).status == "CANCELLED"
    assert len(intervals()) == 2
    assert auto_cancel_expired_bookings(now_dt=START + 2 * DAY) == 1
    assert intervals() == []
    assert_sound()


def test_a_dispute_takes_the_resources_again(book: Book, room: Any, projector: Any) -> None:
    booking = book(resources=[room, projector])
    deliver_booking(booking, now_dt=START + HOUR)
    assert intervals() == []

    dispute_booking(booking, reason="It was cold.", now_dt=START + HOUR)

    assert taken(room) == taken(projector) == [(START, START + HOUR)]
    assert_sound()


def test_a_dispute_fails_if_a_resource_is_taken_by_now(
    book: Book, room: Any, other_provider: Any
) -> None:
    booking = book(resources=[room])
    deliver_booking(booking, now_dt=START + HOUR)
    book(provider=other_provider, resources=[room])

    with nothing_done(), pytest.raises(BookingConflict):
        dispute_booking(booking, reason="It was cold.", now_dt=START + HOUR)


def test_moving_a_booking_moves_its_resources(book: Book, room: Any, projector: Any) -> None:
    booking = book(resources=[room, projector])

    reschedule_booking(booking, new_start_at=START + minutes(30), now_dt=NOW)

    moved = [(START + minutes(30), START + minutes(90))]
    assert taken(room) == taken(projector) == taken(booking.provider) == moved
    assert "new_resources" not in last_event(booking).data
    assert_sound()


def test_a_move_into_taken_time_of_a_resource_changes_nothing(
    book: Book, room: Any, other_provider: Any
) -> None:
    booking = book(resources=[room])
    book(provider=other_provider, resources=[room], start_at=START + DAY)

    with nothing_done(), pytest.raises(ResourceTaken):
        reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)


def test_a_move_keeps_what_is_free_and_takes_others_of_the_same_pool(
    book: Book, rooms: list[Any], projector: Any, other_provider: Any
) -> None:
    booking = book(resources=[AnyOf(rooms), projector])
    assert chosen(booking) == [rooms[0], projector]
    kept = booking.resources.get(provider=projector)
    book(provider=other_provider, resources=[rooms[0]], start_at=START + DAY)

    reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)

    assert chosen(booking) == [projector, rooms[1]]
    assert booking.resources.get(provider=projector) == kept
    event = last_event(booking).data
    assert event["old_resources"] == sorted([rooms[0].pk, projector.pk])
    assert event["new_resources"] == sorted([rooms[1].pk, projector.pk])
    # The pool is remembered, and the current room is the first choice.
    reschedule_booking(booking, new_start_at=START + 2 * DAY, now_dt=NOW)
    assert rooms[1] in chosen(booking)
    assert_sound()


def test_a_move_may_ask_for_other_resources(book: Book, rooms: list[Any], projector: Any) -> None:
    booking = book(resources=[rooms[0]])

    reschedule_booking(booking, new_start_at=START, new_resources=[rooms[1], projector], now_dt=NOW)
    assert chosen(booking) == [rooms[1], projector]
    assert history(booking)[-1] == "RESCHEDULED"
    reschedule_booking(booking, new_start_at=START, new_resources=[], now_dt=NOW)
    assert chosen(booking) == []
    assert stored(booking).resource_count == 0
    assert len(intervals()) == 1
    version = stored(booking).version
    reschedule_booking(booking, new_start_at=START, now_dt=NOW)
    assert stored(booking).version == version
    assert_sound()


def test_a_move_to_another_provider_keeps_the_resources(
    book: Book, room: Any, other_provider: Any
) -> None:
    booking = book(resources=[room])

    reschedule_booking(booking, new_start_at=START, new_provider=other_provider, now_dt=NOW)

    assert taken(other_provider) == taken(room) == [(START, START + HOUR)]


def test_a_booking_cannot_move_to_its_own_resource(book: Book, room: Any) -> None:
    booking = book(resources=[room])

    with nothing_done(), pytest.raises(InvalidBooking, match="its own booking"):
        reschedule_booking(booking, new_start_at=START, new_provider=room, now_dt=NOW)


def test_saving_another_time_moves_the_resources(book: Book, room: Any) -> None:
    booking = book(resources=[room])

    booking.start_at, booking.end_at = START + DAY, START + DAY + HOUR
    booking.save()

    assert taken(room) == [(START + DAY, START + DAY + HOUR)]
    assert_sound()


def test_saving_cannot_move_into_taken_time_of_a_resource(
    book: Book, room: Any, other_provider: Any
) -> None:
    booking = book(resources=[room])
    book(provider=other_provider, resources=[room], start_at=START + DAY)

    booking.start_at, booking.end_at = START + DAY, START + DAY + HOUR
    with nothing_done(), pytest.raises(ResourceTaken):
        booking.save()


def test_what_a_service_needs_is_taken_always(
    book: Book, service: Any, rooms: list[Any], projector: Any
) -> None:
    service.resources = [AnyOf(rooms), projector]

    assert chosen(book()) == [rooms[0], projector]


def test_a_relation_names_what_a_service_needs(
    book: Book, service: Any, make_provider: Make
) -> None:
    room = make_provider(name="Room 1")
    service.resources = type(room)._default_manager.filter(pk=room.pk)

    assert chosen(book()) == [room]


def test_the_caller_chooses_within_the_pool_of_the_service(
    book: Book, service: Any, rooms: list[Any], projector: Any
) -> None:
    service.resources = [AnyOf(rooms)]

    assert chosen(book(resources=[rooms[2]])) == [rooms[2]]
    later = book(resources=[projector], start_at=START + DAY)
    assert chosen(later) == [rooms[0], projector]
    assert chosen(book(resources=[AnyOf(rooms[1:])], start_at=START + 2 * DAY)) == [rooms[1]]


def test_saving_a_new_booking_takes_what_the_service_needs(
    service: Any, provider: Any, rooms: list[Any]
) -> None:
    service.resources = [AnyOf(rooms)]
    booking = Booking(
        service=service,
        provider=provider,
        start_at=START,
        end_at=START + HOUR,
        client_name="Mary",
        status="CONFIRMED",
    )

    booking.save()

    assert chosen(booking) == [rooms[0]]
    assert last_event(booking).data["resources"] == [rooms[0].pk]
    assert_sound()


@pytest.mark.parametrize(
    ("resources", "code"),
    [
        (lambda room, _provider: [room, room], "duplicate_resource"),
        (lambda _room, provider: [provider], "resource_is_provider"),
        (lambda _room, provider: [AnyOf([provider])], "resource_is_provider"),
        (lambda room, _provider: [type(room)(name="new")], "unsaved"),
        (lambda room, _provider: [room] * 51, "too_many_resources"),
        (lambda _room, _provider: ["Room 1"], "invalid"),
        (lambda _room, _provider: "Room 1", "invalid"),
        (lambda room, _provider: room, "invalid"),
        (lambda room, _provider: AnyOf([room]), "invalid"),
    ],
)
def test_bad_resources_are_refused(
    book: Book, room: Any, provider: Any, resources: Any, code: str
) -> None:
    with nothing_done(), pytest.raises(InvalidBooking) as caught:
        book(resources=resources(room, provider))
    assert caught.value.code == code


def test_a_resource_that_is_not_active_is_refused(book: Book, make_provider: Make) -> None:
    closed = make_provider(name="Room 1", is_active=False)

    with nothing_done(), pytest.raises(NotAllowed, match="Room 1 is not active"):
        book(resources=[closed])
    assert chosen(book(resources=[closed], override_policy=True)) == [closed]


def test_the_same_key_with_other_resources_is_another_request(book: Book, rooms: list[Any]) -> None:
    first = book(resources=[rooms[0]], idempotency_key="a")

    assert book(resources=[rooms[0]], idempotency_key="a") == first
    with pytest.raises(InvalidBooking.__mro__[1], match="idempotency key"):
        book(resources=[rooms[1]], idempotency_key="a")


def test_clients_of_a_shared_slot_share_its_resources(
    book: Book, group: Any, rooms: list[Any], other_provider: Any
) -> None:
    first = book(service=group, resources=[AnyOf(rooms)])
    second = book(service=group, resources=[AnyOf(rooms[::-1])])

    assert chosen(first) == chosen(second) == [rooms[0]]
    assert taken(rooms[0]) == [(START, START + HOUR)]
    assert_sound()
    with pytest.raises(ResourceTaken):
        book(provider=other_provider, resources=[rooms[0]])
    cancel_booking(first, now_dt=NOW)
    assert taken(rooms[0]) == [(START, START + HOUR)]
    assert_sound()
    cancel_booking(second, now_dt=NOW)
    assert intervals() == []


def test_a_booking_without_resources_makes_no_query_for_them(
    booking: Booking, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        from bookings.ledger import resource_claims

        assert resource_claims.read([booking], using="default") == []


def test_the_number_of_statements_does_not_depend_on_that_of_the_resources(
    book: Book, make_provider: Make, django_assert_max_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    many = [make_provider(name=f"Thing {number}") for number in range(10)]
    pools = [AnyOf([make_provider(name=f"P{number}{n}") for n in (1, 2)]) for number in range(5)]
    book(resources=[*many, *pools])
    counts = []
    for day, resources in ((1, [many[0], pools[0]]), (2, [*many, *pools])):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            booking = book(resources=resources, start_at=START + day * DAY)
        counts.append(len(queries))
        with CaptureQueriesContext(connection) as queries:
            cancel_booking(booking, now_dt=NOW)
        counts.append(len(queries))
    assert counts[:2] == counts[2:]


def test_provider_and_resource_change_places(
    book: Book, provider: Any, other_provider: Any
) -> None:
    booking = book(resources=[other_provider])

    reschedule_booking(
        booking,
        new_start_at=START,
        new_provider=other_provider,
        new_resources=[provider],
        now_dt=NOW,
    )

    assert (booking.provider, chosen(booking)) == (other_provider, [provider])
    assert_sound()


def test_who_moves_to_its_room_of_a_pool_gets_another_room(book: Book, rooms: list[Any]) -> None:
    booking = book(resources=[AnyOf(rooms)])

    reschedule_booking(booking, new_start_at=START, new_provider=rooms[0], now_dt=NOW)

    assert (booking.provider, chosen(booking)) == (rooms[0], [rooms[1]])
    assert_sound()


@pytest.mark.parametrize("later", [0 * DAY, DAY])
def test_saving_cannot_make_a_resource_the_provider(book: Book, room: Any, later: Any) -> None:
    booking = book(resources=[room])

    booking.provider = room
    booking.start_at, booking.end_at = START + later, START + later + HOUR
    with nothing_done(), pytest.raises(InvalidBooking, match="its own booking"):
        booking.save()


def test_who_is_alone_in_a_shared_slot_takes_another_room(
    book: Book, group: Any, rooms: list[Any]
) -> None:
    booking = book(service=group, resources=[rooms[0]])

    reschedule_booking(booking, new_start_at=START, new_resources=[rooms[1]], now_dt=NOW)
    assert chosen(booking) == [rooms[1]]
    reschedule_booking(booking, new_start_at=START, new_resources=[], now_dt=NOW)
    assert chosen(booking) == []
    assert_sound()


def test_who_shares_a_slot_keeps_its_room(book: Book, group: Any, rooms: list[Any]) -> None:
    booking = book(service=group, resources=[rooms[0]])
    book(service=group, resources=[rooms[0]], client_name="Kim")

    with nothing_done(), pytest.raises(BookingConflict) as caught:
        reschedule_booking(booking, new_start_at=START, new_resources=[rooms[1]], now_dt=NOW)
    assert caught.value.code == "other_resources"


def test_the_callers_resource_is_the_one_that_the_service_needs(
    book: Book, service: Any, rooms: list[Any]
) -> None:
    service.resources = [AnyOf(rooms[:2]), rooms[0]]

    assert chosen(book(resources=[rooms[0]])) == [rooms[1], rooms[0]]


def test_a_service_that_needs_a_pool_as_such_is_refused(
    book: Book, service: Any, rooms: list[Any]
) -> None:
    service.resources = AnyOf(rooms)

    with nothing_done(), pytest.raises(InvalidBooking, match="must be a list, not AnyOf"):
        book()


class NonsenseAdapter(DefaultBookingAdapter):
    answer: Any = None

    def resource_buffers(self, booking: Booking, resource: Any) -> Any:
        return self.answer


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize(
    "answer",
    [
        None,
        5,
        "ab",
        (),
        (1,),
        (1, 2, 3),
        (-1, 0),
        (0, -1),
        (None, 0),
        (0, "x"),
        (1.5, 0),
        (10**9, 0),
    ],
)
def test_buffers_that_are_none_are_refused(
    book: Book,
    room: Any,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
    *,
    pooled: bool,
) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.NonsenseAdapter"
    monkeypatch.setattr(NonsenseAdapter, "answer", answer)

    with nothing_done(), pytest.raises(InvalidBooking, match=r"resource_buffers\(\)"):
        book(resources=[AnyOf([room]) if pooled else room])


def test_a_resource_that_has_been_deleted_is_named(book: Book, room: Any) -> None:
    type(room)._default_manager.filter(pk=room.pk).delete()

    with nothing_done(), pytest.raises(MissingReference, match="Room 1 does not exist") as caught:
        book(resources=[room])
    assert caught.value.field == "resources"


def test_of_a_pool_one_that_has_been_deleted_is_passed_over(book: Book, rooms: list[Any]) -> None:
    type(rooms[0])._default_manager.filter(pk=rooms[0].pk).delete()

    assert chosen(book(resources=[AnyOf(rooms)])) == [rooms[1]]
    assert_sound()


def test_a_provider_that_has_been_deleted_is_no_resource(
    book: Book, provider: Any, room: Any
) -> None:
    type(provider)._default_manager.filter(pk=provider.pk).delete()

    with nothing_done(), pytest.raises(MissingReference, match="The provider does not exist"):
        book(resources=[room])
