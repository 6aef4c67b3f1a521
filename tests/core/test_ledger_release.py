"""Giving time back, and keeping what a hold has claimed."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.ledger import bulk, entries
from bookings.models import BusyInterval
from tests.core.conftest import Book, Take
from tests.core.moments import NOW, at

pytestmark = pytest.mark.django_db

OF_BOOKINGS = (
    *bulk.KINDS_OF_BOOKINGS,
    BusyInterval.Kind.CONCURRENT,
    BusyInterval.Kind.SEGMENT,
)
KEPT = [kind for kind in BusyInterval.Kind if kind not in OF_BOOKINGS]


def seats() -> list[int]:
    return list(BusyInterval.objects.values_list("seats_taken", flat=True))


def test_the_last_seat_gives_the_time_back(take: Take) -> None:
    entries.release(take(100, 200, seats=2, capacity=3).pk, 2, using="default")
    assert seats() == []


def test_who_leaves_first_gives_a_seat_back(take: Take) -> None:
    entries.release(take(100, 200, seats=3, capacity=3).pk, 1, using="default")
    assert seats() == [2]


@pytest.mark.parametrize("kind", KEPT)
def test_what_no_booking_made_stays_when_the_last_one_leaves(take: Take, kind: str) -> None:
    entries.release(take(100, 200, kind=kind).pk, 1, using="default")
    assert seats() == [0]


def test_many_are_released_each_by_its_seats(take: Take) -> None:
    alone, shared, kept = (
        take(100, 200),
        take(200, 300, seats=3, capacity=3),
        take(300, 400, kind=BusyInterval.Kind.SESSION),
    )
    untouched = take(400, 500)
    bulk.release_many({alone.pk: 1, shared.pk: 2, kept.pk: 1}, using="default")
    assert list(BusyInterval.objects.values_list("pk", "seats_taken")) == [
        (shared.pk, 1),
        (kept.pk, 0),
        (untouched.pk, 1),
    ]


def test_nothing_is_released_from_nothing(take: Take) -> None:
    take(100, 200)
    bulk.release_many({}, using="default")
    assert seats() == [1]


def test_many_are_released_with_the_same_number_of_queries(take: Take) -> None:
    def queries(count: int) -> int:
        alone = [take(10 * number, 10 * number + 5) for number in range(count)]
        shared = [
            take(10 * number + 5, 10 * number + 10, seats=2, capacity=2) for number in range(count)
        ]
        with CaptureQueriesContext(connection) as captured:
            bulk.release_many({row.pk: 1 for row in alone + shared}, using="default")
        BusyInterval.objects.all().delete()
        return sum(1 for query in captured if "SAVEPOINT" not in query["sql"])

    assert queries(2) == queries(20) == 3


def test_a_hold_s_claim_that_is_kept_does_not_lapse(book: Book) -> None:
    hold, other = (book(at(hour), expires_at=at(9)) for hour in (10, 12))
    hold.expires_at = None
    entries.update_lapse(hold, using="default")
    for booking in (hold, other):
        booking.busy_interval.refresh_from_db()
    assert hold.busy_interval.lapses is None
    assert other.busy_interval.lapses == at(9).timestamp()


@pytest.fixture
def party(book: Book, group_service: Any) -> BusyInterval:
    """A slot of three seats, with a party of two in it."""
    return book(service=group_service, party_size=2, now_dt=NOW).busy_interval


@pytest.mark.parametrize(("wrong", "capacity"), [(1, 3), (3, 3)])
def test_seats_are_counted_from_the_bookings(
    party: BusyInterval, wrong: int, capacity: int
) -> None:
    BusyInterval.objects.update(seats_taken=wrong)
    entries.recount(party.pk, using="default")
    party.refresh_from_db()
    assert (party.seats_taken, party.capacity) == (2, capacity)


def test_a_slot_has_seats_for_all_who_are_in_it(party: BusyInterval) -> None:
    BusyInterval.objects.update(seats_taken=1, capacity=1)
    entries.recount(party.pk, using="default")
    party.refresh_from_db()
    assert (party.seats_taken, party.capacity) == (2, 2)


def test_a_slot_that_nobody_is_in_goes(take: Take) -> None:
    entries.recount(take(100, 200).pk, using="default")
    assert seats() == []


@pytest.mark.parametrize("kind", KEPT)
def test_what_no_booking_made_stays_when_nobody_is_in_it(take: Take, kind: str) -> None:
    entries.recount(take(100, 200, kind=kind).pk, using="default")
    assert seats() == [0]


def test_a_slot_that_is_gone_is_not_counted(take: Take) -> None:
    gone = take(100, 200).pk
    BusyInterval.objects.all().delete()
    entries.recount(gone, using="default")
    assert seats() == []
