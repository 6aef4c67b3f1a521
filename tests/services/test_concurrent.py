"""Desks: clients come and go, and at no instant are there more of them than desks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.exceptions import (
    BookingConflict,
    CapacityExceeded,
    InvalidBooking,
    ResourceTaken,
)
from bookings.models import Booking, BusyInterval
from bookings.pools import AnyOf
from bookings.selectors import get_busy_intervals, get_busy_seconds, get_joinable_starts
from bookings.services import (
    auto_cancel_expired_bookings,
    cancel_booking,
    change_party_size,
    complete_booking,
    confirm_booking,
    create_booking,
    decline_booking,
    deliver_booking,
    dispute_booking,
    expire_booking,
    expire_bookings,
    extend_hold,
    hold_booking,
    mark_no_show,
    reopen_booking,
    reschedule_booking,
    submit_hold,
)
from bookings.testing import assert_bookings_are_sound
from tests.services.clock import DAY, HOUR, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import nothing_written

BookDesk = Callable[..., Booking]
Kind = BusyInterval.Kind


@pytest.fixture
def desks(make_service: Make) -> Any:
    """Three desks, by the hour."""
    return make_service(name="Desk", capacity=3, capacity_mode="CONCURRENT")


@pytest.fixture
def longer(make_addon: Make) -> Any:
    """An hour more."""
    return make_addon(extra_duration_minutes=60)


@pytest.fixture
def book_desk(desks: Any, provider: Any, longer: Any) -> BookDesk:
    """Book a desk ``after`` ``START``, for an hour, or for two."""

    def create(after: Any = 0, *, two_hours: bool = False, **values: Any) -> Booking:
        given = {
            "service": desks,
            "provider": provider,
            "start_at": START + minutes(after),
            "client_name": "Mary",
            "addon_ids": [longer.pk] if two_hours else [],
            "now_dt": NOW,
        }
        return create_booking(**(given | values))

    return create


@pytest.fixture(autouse=True)
def _sound(_database: None) -> Any:
    """Whatever a test has done, the seats are those of the bookings."""
    yield
    assert_bookings_are_sound()


def taken() -> list[tuple[int, int, int]]:
    """How many desks are taken, from which minute after ``START`` to which."""
    first = int(START.timestamp())
    rows = BusyInterval.objects.filter(kind=Kind.SEGMENT).order_by("starts")
    return [((row.starts - first) // 60, (row.ends - first) // 60, row.seats_taken) for row in rows]


def test_clients_with_different_starts_and_lengths_share_the_time(book_desk: BookDesk) -> None:
    book_desk(0, two_hours=True)
    book_desk(30)
    book_desk(60)
    assert taken() == [(0, 30, 1), (30, 60, 2), (60, 90, 3), (90, 120, 2)]
    with nothing_written(), pytest.raises(CapacityExceeded) as refused:
        book_desk(75)
    assert (refused.value.remaining, refused.value.params["asked"]) == (0, 1)
    book_desk(90)
    assert taken()[-2:] == [(60, 120, 3), (120, 150, 1)]


def test_a_party_takes_several_desks(book_desk: BookDesk) -> None:
    made = book_desk(party_size=2)
    assert (made.party_size, made.busy_interval.kind) == (2, Kind.CONCURRENT)
    with pytest.raises(CapacityExceeded) as refused:
        book_desk(30, party_size=2)
    assert refused.value.remaining == 1
    with pytest.raises(CapacityExceeded) as refused:
        book_desk(300, party_size=4)
    assert refused.value.remaining == 3


def test_buffers_are_part_of_the_time(book_desk: BookDesk, make_service: Make) -> None:
    cleaned = make_service(
        capacity=1, capacity_mode="CONCURRENT", buffer_before_minutes=5, buffer_after_minutes=10
    )
    book_desk(service=cleaned)
    assert taken() == [(-5, 70, 1)]
    with pytest.raises(CapacityExceeded):
        book_desk(74, service=cleaned)
    book_desk(75, service=cleaned)


def test_other_services_of_the_provider_keep_away(
    book_desk: BookDesk, service: Any, group: Any, make_service: Make, other_provider: Any
) -> None:
    twin = make_service(capacity=3, capacity_mode="CONCURRENT")
    book_desk()
    for other in (service, group, twin):
        with nothing_written(), pytest.raises(BookingConflict):
            book_desk(30, service=other)
        book_desk(30, service=other, provider=other_provider, start_at=START + DAY * other.pk)
    book_desk(120, service=service)
    with nothing_written(), pytest.raises(BookingConflict):
        book_desk(90)


def test_without_a_capacity_no_desk_is_sold(book_desk: BookDesk, make_service: Make) -> None:
    with nothing_written(), pytest.raises(InvalidBooking, match="needs a capacity"):
        book_desk(service=make_service(capacity_mode="CONCURRENT"))


class TestWhatEndsABooking:
    """Each ends the second of three bookings, whose hour begins at half past."""

    @pytest.fixture
    def second(self, book_desk: BookDesk) -> Booking:
        book_desk(0, two_hours=True)
        second = book_desk(30)
        book_desk(60, two_hours=True)
        assert taken() == [(0, 30, 1), (30, 60, 2), (60, 90, 3), (90, 120, 2), (120, 180, 1)]
        return second

    @pytest.mark.parametrize(
        "end",
        [
            lambda row: cancel_booking(row, now_dt=NOW),
            lambda row: row.delete(),
            lambda row: Booking.objects.filter(pk=row.pk).delete(),
            lambda row: complete_booking(row, now_dt=START + DAY),
            lambda row: mark_no_show(row, now_dt=START + DAY),
            lambda row: deliver_booking(row, now_dt=START + DAY),
        ],
        ids=["cancel", "delete", "delete in bulk", "complete", "no-show", "deliver"],
    )
    def test_its_desk_is_free(
        self, second: Booking, end: Callable[[Booking], Any], book_desk: BookDesk
    ) -> None:
        end(second)
        assert taken() == [(0, 60, 1), (60, 120, 2), (120, 180, 1)]
        assert book_desk(30).holds_time

    def test_many_end_at_once(self, second: Booking, settings: Any) -> None:
        settings.BOOKINGS_AUTO_CANCEL_ENABLED = True
        with CaptureQueriesContext(connection) as captured:
            auto_cancel_expired_bookings(now_dt=START + 7 * DAY)
        assert taken() == []
        assert not BusyInterval.objects.exists()
        assert len(captured) < 40

    def test_a_dispute_takes_it_again(self, second: Booking, book_desk: BookDesk) -> None:
        second.refresh_from_db()
        deliver_booking(second, now_dt=START + DAY)
        other = book_desk(30)
        with pytest.raises(CapacityExceeded):
            dispute_booking(second, reason="Not done.", now_dt=START + DAY)
        cancel_booking(other, now_dt=NOW)
        dispute_booking(second, reason="Not done.", now_dt=START + DAY)
        assert taken()[1:3] == [(30, 60, 2), (60, 90, 3)]

    def test_it_is_reopened_if_a_desk_is_free(self, second: Booking, book_desk: BookDesk) -> None:
        cancel_booking(second, now_dt=NOW)
        other = book_desk(30)
        with pytest.raises(CapacityExceeded):
            reopen_booking(second, now_dt=NOW)
        cancel_booking(other, now_dt=NOW)
        reopen_booking(second, now_dt=NOW)
        assert taken()[1:3] == [(30, 60, 2), (60, 90, 3)]


class TestRequestsAndHolds:
    def test_a_hold_keeps_a_desk_until_it_lapses(self, book_desk: BookDesk, provider: Any) -> None:
        hold = book_desk(30, expires_at=NOW + minutes(10), party_size=2)
        book_desk(0, party_size=1)
        with pytest.raises(CapacityExceeded):
            book_desk(60, party_size=2)
        # The one that needs the time expires it.
        book_desk(60, party_size=2, now_dt=NOW + minutes(11))
        hold.refresh_from_db()
        assert hold.status == Booking.Status.CANCELLED
        assert taken() == [(0, 60, 1), (60, 120, 2)]

    def test_an_earlier_hold_that_lapses_is_found(self, book_desk: BookDesk) -> None:
        """Its claim begins before the time that is needed, and in another segment."""
        book_desk(60, two_hours=True, party_size=1)
        book_desk(-30, two_hours=True, expires_at=NOW + minutes(10), party_size=2)
        book_desk(75, party_size=2, now_dt=NOW + minutes(11))
        assert Booking.objects.filter(status=Booking.Status.CANCELLED).count() == 1

    def test_a_lapsed_hold_is_not_busy(
        self, book_desk: BookDesk, provider: Any, desks: Any, monkeypatch: Any
    ) -> None:
        book_desk(0, expires_at=NOW + minutes(10), party_size=3)
        book_desk(60)
        window = (START - HOUR, START + 3 * HOUR)
        monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
        held, booked = (START, START + HOUR), (START + HOUR, START + 2 * HOUR)
        assert get_busy_intervals(provider, *window) == [held, booked]
        assert get_busy_intervals(provider, *window, service=desks) == [held]
        monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + minutes(10))
        assert get_busy_intervals(provider, *window) == [booked]
        assert get_busy_intervals(provider, *window, service=desks) == []

    def test_expiry_by_the_sweep_and_by_hand(self, book_desk: BookDesk) -> None:
        book_desk(0)
        holds = [book_desk(30, expires_at=NOW + minutes(10)) for _number in range(2)]
        expire_booking(holds[0], now_dt=NOW + minutes(10))
        assert taken() == [(0, 30, 1), (30, 60, 2), (60, 90, 1)]
        assert expire_bookings(now_dt=NOW + minutes(10)) == 1
        assert taken() == [(0, 60, 1)]

    def test_a_hold_becomes_a_booking(self, desks: Any, provider: Any) -> None:
        hold = hold_booking(service=desks, provider=provider, start_at=START, now_dt=NOW)
        extend_hold(hold, minutes=30, now_dt=NOW)
        submit_hold(hold, client_name="Mary", now_dt=NOW)
        row = Booking.objects.select_related("busy_interval").get()
        assert (row.status, row.busy_interval.lapses) == (Booking.Status.CONFIRMED, None)

    @pytest.mark.parametrize("answer", [confirm_booking, decline_booking])
    def test_a_request_is_answered(
        self, book_desk: BookDesk, make_service: Make, answer: Any
    ) -> None:
        asked = make_service(requires_approval=True, capacity=3, capacity_mode="CONCURRENT")
        request = book_desk(service=asked)
        answer(request, now_dt=NOW)
        assert taken() == ([(0, 60, 1)] if answer is confirm_booking else [])


class TestMoves:
    def test_a_booking_is_not_in_its_own_way(self, book_desk: BookDesk) -> None:
        row = book_desk(0, party_size=3)
        claim = row.busy_interval_id
        reschedule_booking(row, new_start_at=START + minutes(30), now_dt=NOW)
        assert taken() == [(30, 90, 3)]
        assert row.busy_interval_id == claim

    def test_others_are(self, book_desk: BookDesk) -> None:
        row = book_desk(0)
        book_desk(90, party_size=3)
        with nothing_written(), pytest.raises(CapacityExceeded):
            reschedule_booking(row, new_start_at=START + minutes(31), now_dt=NOW)
        reschedule_booking(row, new_start_at=START + minutes(30), now_dt=NOW)

    def test_to_another_provider(
        self, book_desk: BookDesk, other_provider: Any, provider: Any
    ) -> None:
        book_desk(0)
        row = book_desk(30)
        book_desk(0, provider=other_provider, party_size=2)
        reschedule_booking(
            row, new_start_at=START + minutes(30), new_provider=other_provider, now_dt=NOW
        )
        first, end = START - HOUR, START + 3 * HOUR
        assert get_busy_seconds([provider.pk], first, end) == {
            provider.pk: [(int(START.timestamp()), int((START + HOUR).timestamp()))]
        }
        assert len(get_busy_seconds([other_provider.pk], first, end)[other_provider.pk]) == 3

    def test_with_other_addons(self, book_desk: BookDesk, longer: Any) -> None:
        row = book_desk(0)
        reschedule_booking(row, new_start_at=START, addon_ids=[longer.pk], now_dt=NOW)
        assert taken() == [(0, 120, 1)]

    def test_an_expired_hold_gives_way(self, book_desk: BookDesk) -> None:
        row = book_desk(0)
        book_desk(60, party_size=3, expires_at=NOW + minutes(10))
        reschedule_booking(row, new_start_at=START + minutes(30), now_dt=NOW + minutes(11))
        assert taken() == [(30, 90, 1)]


class TestPartySize:
    def test_more_and_fewer(self, book_desk: BookDesk) -> None:
        book_desk(30)
        row = book_desk(0)
        change_party_size(row, 2, now_dt=NOW)
        assert taken() == [(0, 30, 2), (30, 60, 3), (60, 90, 1)]
        with nothing_written(), pytest.raises(CapacityExceeded):
            change_party_size(row, 3, now_dt=NOW)
        change_party_size(row, 1, now_dt=NOW)
        assert taken() == [(0, 30, 1), (30, 60, 2), (60, 90, 1)]

    def test_fewer_once_the_service_has_less(self, book_desk: BookDesk, desks: Any) -> None:
        row = book_desk(0, party_size=3)
        desks.capacity = 1
        desks.save()
        row = Booking.objects.get()
        change_party_size(row, 2, now_dt=NOW)
        assert taken() == [(0, 60, 2)]
        with pytest.raises(CapacityExceeded):
            change_party_size(row, 3, now_dt=NOW)
        cancel_booking(row, now_dt=NOW)

    def test_fewer_desks_than_are_taken_take_nobody(self, book_desk: BookDesk, desks: Any) -> None:
        book_desk(0, party_size=3)
        desks.capacity = 2
        desks.save()
        with pytest.raises(CapacityExceeded) as refused:
            book_desk(30)
        assert refused.value.remaining == 0
        desks.capacity = 5
        desks.save()
        book_desk(30, party_size=2)
        assert taken() == [(0, 30, 3), (30, 60, 5), (60, 90, 2)]


class TestDirectSave:
    def test_times_and_party(self, book_desk: BookDesk, provider: Any, desks: Any) -> None:
        row = Booking(
            service=desks,
            provider=provider,
            start_at=START,
            end_at=START + 2 * HOUR,
            client_name="Mary",
            party_size=2,
        )
        row.save()
        assert taken() == [(0, 120, 2)]
        row.start_at += HOUR
        row.party_size = 3
        row.save()
        assert taken() == [(60, 120, 3)]
        row.party_size = 1
        row.save(update_fields=["party_size"])
        assert taken() == [(60, 120, 1)]
        book_desk(60, party_size=2)
        row.party_size = 2
        with nothing_written(), pytest.raises(CapacityExceeded):
            row.save()

    def test_another_service(self, book_desk: BookDesk, desks: Any, service: Any) -> None:
        row = book_desk(0)
        row.service = service
        row.save()
        assert taken() == []
        with pytest.raises(BookingConflict):
            book_desk(30)
        row.service = desks
        row.save()
        assert taken() == [(0, 60, 1)]
        book_desk(30)
        row.service = service
        with nothing_written(), pytest.raises(BookingConflict):
            row.save()


def test_a_service_may_change_its_mode(book_desk: BookDesk, desks: Any) -> None:
    row = book_desk(0)
    desks.capacity_mode = "SLOT"
    desks.save()
    with pytest.raises(BookingConflict):
        book_desk(30)
    exclusive = book_desk(60)
    desks.capacity_mode = "CONCURRENT"
    desks.save()
    book_desk(30, start_at=START - minutes(30))
    with pytest.raises(BookingConflict):
        book_desk(90)
    row = Booking.objects.get(pk=exclusive.pk)
    reschedule_booking(row, new_start_at=START + minutes(90), now_dt=NOW)
    book_desk(90)
    assert taken()[-1] == (90, 150, 2)


class TestSelectors:
    @pytest.fixture(autouse=True)
    def _booked(self, book_desk: BookDesk) -> None:
        book_desk(0, two_hours=True, party_size=2)
        book_desk(60)

    def busy(self, provider: Any, **values: Any) -> list[tuple[int, int]]:
        found = get_busy_intervals(provider, START - HOUR, START + 4 * HOUR, **values)
        return [
            ((starts - START) // minutes(1), (ends - START) // minutes(1)) for starts, ends in found
        ]

    def test_any_desk_is_busy_time(self, provider: Any, service: Any, make_service: Make) -> None:
        other = make_service(capacity=3, capacity_mode="CONCURRENT")
        for each in (None, service, other):
            assert self.busy(provider, service=each) == [(0, 60), (60, 120)]

    def test_a_desk_is_free_until_all_are_taken(self, provider: Any, desks: Any) -> None:
        assert self.busy(provider, service=desks) == [(60, 120)]
        assert self.busy(provider, service=desks, party_size=2) == [(0, 60), (60, 120)]

    def test_it_is_not_the_slots_that_are_joined(self, provider: Any, desks: Any) -> None:
        window = (START - HOUR, START + 4 * HOUR)
        assert get_joinable_starts(desks, provider, *window) == []

    def test_a_booking_may_be_left_out(self, provider: Any, desks: Any) -> None:
        row = Booking.objects.get(party_size=2)
        ignored = {"ignored_interval_id": row.busy_interval_id}
        assert self.busy(provider, **ignored) == [(60, 120)]
        assert self.busy(provider, service=desks, party_size=3, **ignored) == [(60, 120)]
        assert self.busy(provider, service=desks, party_size=2, **ignored) == []

    def test_in_one_query(self, provider: Any, desks: Any) -> None:
        for values in ({}, {"service": desks}):
            with CaptureQueriesContext(connection) as captured:
                self.busy(provider, **values)
            assert len(captured) == 1


class TestPools:
    """A desk on any of two floors."""

    @pytest.fixture
    def floors(self, provider: Any, other_provider: Any) -> list[Any]:
        return [provider, other_provider]

    def test_the_next_floor_is_taken_once_one_is_full(
        self, book_desk: BookDesk, floors: list[Any]
    ) -> None:
        made = [book_desk(30 * number, provider=AnyOf(floors)).provider for number in range(2)]
        made.append(book_desk(15, provider=AnyOf(floors), party_size=2).provider)
        made.append(book_desk(45, provider=AnyOf(floors)).provider)
        assert made == [floors[0], floors[0], floors[1], floors[0]]

    def test_the_least_busy_floor_counts_no_hold_that_has_lapsed(
        self, book_desk: BookDesk, floors: list[Any]
    ) -> None:
        pool = AnyOf(floors, strategy="least_busy")
        book_desk(0, provider=floors[0], expires_at=NOW + minutes(10), two_hours=True)
        assert book_desk(0, provider=pool).provider == floors[1]
        later = {"now_dt": NOW + minutes(11), "provider": pool}
        assert book_desk(60, **later).provider == floors[0]

    def test_a_booking_moves_to_any_floor(self, book_desk: BookDesk, floors: list[Any]) -> None:
        row = book_desk(0, provider=floors[0], party_size=3)
        book_desk(90, provider=floors[0])
        reschedule_booking(
            row, new_start_at=START + minutes(30), new_provider=AnyOf(floors), now_dt=NOW
        )
        assert row.provider == floors[0]
        reschedule_booking(
            row, new_start_at=START + minutes(60), new_provider=AnyOf(floors), now_dt=NOW
        )
        assert row.provider == floors[1]

    def test_an_exclusive_booking_takes_a_floor_without_clients(
        self, book_desk: BookDesk, book: Book, floors: list[Any]
    ) -> None:
        book_desk(30, provider=floors[0])
        assert book(provider=AnyOf(floors)).provider == floors[1]

    def test_a_room_beside_the_desk_is_taken_alone(
        self, book_desk: BookDesk, other_provider: Any
    ) -> None:
        row = book_desk(0, resources=[other_provider])
        with pytest.raises(ResourceTaken):
            book_desk(30, resources=[other_provider])
        cancel_booking(row, now_dt=NOW)
        book_desk(30, resources=[other_provider])


def test_a_form_may_ask_for_several_desks(desks: Any, service: Any, provider: Any) -> None:
    values = {"provider": provider, "start_at": START, "end_at": START + HOUR, "party_size": 2}
    row = Booking(client_name="Mary", capacity_consumed=2, **values)
    row.service = desks
    row.clean()
    row.service = service
    with pytest.raises(ValidationError, match="Party size must be 1"):
        row.clean()


def test_the_cost_does_not_grow_with_the_history(book_desk: BookDesk) -> None:
    def cost(after: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            book_desk(after)
        return sum("SAVEPOINT" not in query["sql"] for query in captured)

    cost(0)
    first, *others = [cost(600 * number) for number in range(1, 10)]
    assert set(others) == {first}
