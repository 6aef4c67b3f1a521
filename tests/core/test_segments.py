"""What concurrent bookings take together, by each database's judgement and by MySQL's read."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings.exceptions import BookingConflict, CapacityExceeded
from bookings.ledger import bulk, entries, segments
from bookings.ledger.bulk_claims import BulkClaims
from bookings.ledger.claims import Claim
from bookings.ledger.transactions import RetryTransaction, atomic_with_retry
from bookings.models import BusyInterval, Calendar
from bookings.models.calendar import BusyInterval as Stored
from tests.quick_run import examples

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vendor")]

Kind = BusyInterval.Kind


def claim(starts: int, ends: int, **values: Any) -> Claim:
    given: dict[str, Any] = {
        "starts": starts,
        "ends": ends,
        "capacity": 3,
        "kind": Kind.CONCURRENT,
    }
    return Claim(**(given | values))


def take(calendar: Calendar, starts: int, ends: int, **values: Any) -> int:
    wanted = claim(starts, ends, **values)
    return atomic_with_retry(
        lambda: entries.add(calendar.pk, wanted, using="default"), using="default"
    )


def move(key: int, calendar: Calendar, starts: int, ends: int, **values: Any) -> int:
    held = BusyInterval.objects.get(pk=key).seats_taken
    wanted = claim(starts, ends, **({"seats": held} | values))
    return atomic_with_retry(
        lambda: entries.move(key, held, calendar.pk, wanted, using="default"), using="default"
    )


def release(key: int, seats: int = 1) -> None:
    with transaction.atomic():
        entries.release(key, seats, using="default")


def steps(calendar: Calendar | None = None) -> list[tuple[int, int, int]]:
    rows = BusyInterval.objects.filter(kind=Kind.SEGMENT)
    if calendar is not None:
        rows = rows.filter(calendar=calendar)
    return list(rows.order_by("starts").values_list("starts", "ends", "seats_taken"))


def test_a_claim_is_stored_and_counted(calendar: Calendar, make_service: Any) -> None:
    service = make_service()
    key = take(calendar, 100, 200, seats=2, service_id=service.pk, lapses=150)
    stored = BusyInterval.objects.get(pk=key)
    assert (stored.kind, stored.capacity, stored.seats_taken, stored.lapses) == (
        Kind.CONCURRENT, 2, 2, 150,
    )  # fmt: skip
    segment = BusyInterval.objects.get(kind=Kind.SEGMENT)
    assert (segment.service_id, segment.capacity, segment.seats_taken, segment.lapses) == (
        service.pk, 3, 2, None,
    )  # fmt: skip


def test_claims_that_overlap_are_added_up(calendar: Calendar) -> None:
    take(calendar, 100, 200)
    take(calendar, 150, 300)
    take(calendar, 120, 130)
    take(calendar, 50, 400, seats=1)
    assert steps() == [
        (50, 100, 1), (100, 120, 2), (120, 130, 3), (130, 150, 2), (150, 200, 3), (200, 300, 2),
        (300, 400, 1),
    ]  # fmt: skip


def test_no_instant_has_more_seats_than_there_are(calendar: Calendar) -> None:
    take(calendar, 100, 200, seats=2)
    take(calendar, 200, 300, seats=3)
    before = steps()
    with pytest.raises(CapacityExceeded) as refused:
        take(calendar, 190, 201)
    assert refused.value.remaining == 0
    with pytest.raises(CapacityExceeded) as refused:
        take(calendar, 100, 150, seats=2)
    assert refused.value.remaining == 1
    assert steps() == before
    take(calendar, 100, 200)


def test_the_gap_between_two_claims_is_filled(calendar: Calendar) -> None:
    take(calendar, 100, 200)
    take(calendar, 300, 400)
    take(calendar, 150, 350)
    assert steps() == [(100, 150, 1), (150, 200, 2), (200, 300, 1), (300, 350, 2), (350, 400, 1)]


@pytest.mark.parametrize("kind", [Kind.BOOKING, Kind.SESSION, Kind.TIME_OFF, Kind.EXTERNAL])
def test_all_else_is_in_the_way(calendar: Calendar, kind: str) -> None:
    Stored.objects.create(calendar=calendar, starts=150, ends=160, kind=kind, capacity=3)
    with pytest.raises(BookingConflict):
        take(calendar, 100, 200)
    take(calendar, 100, 150)
    take(calendar, 160, 200)


def test_it_is_in_the_way_of_all_else(calendar: Calendar) -> None:
    take(calendar, 100, 200)
    for shared in (False, True):
        with pytest.raises(BookingConflict):
            take(calendar, 150, 160, kind=Kind.BOOKING, shared=shared)
    take(calendar, 200, 300, kind=Kind.BOOKING)


def test_another_service_is_in_the_way(calendar: Calendar, make_service: Any) -> None:
    take(calendar, 100, 200, service_id=make_service().pk)
    with pytest.raises(BookingConflict):
        take(calendar, 150, 160, service_id=make_service().pk)


def test_another_calendar_has_seats_of_its_own(
    calendar: Calendar, other_calendar: Calendar
) -> None:
    take(calendar, 100, 200, seats=3)
    take(other_calendar, 100, 200, seats=3)


def test_what_is_released_is_joined_again(calendar: Calendar) -> None:
    take(calendar, 100, 400)
    inner = take(calendar, 200, 300)
    other = take(calendar, 150, 350)
    release(inner)
    assert steps() == [(100, 150, 1), (150, 350, 2), (350, 400, 1)]
    release(other)
    assert steps() == [(100, 400, 1)]


def test_segments_of_another_capacity_are_not_joined(calendar: Calendar) -> None:
    take(calendar, 100, 200)
    take(calendar, 200, 300, capacity=5)
    assert steps() == [(100, 200, 1), (200, 300, 1)]
    release(take(calendar, 150, 250, capacity=5))
    assert steps() == [(100, 150, 1), (150, 300, 1)]


def test_one_statement_releases_no_more_than_was_taken(calendar: Calendar) -> None:
    key = take(calendar, 100, 200)
    BusyInterval.objects.filter(kind=Kind.SEGMENT).update(seats_taken=0)
    release(key)
    assert list(BusyInterval.objects.all()) == []


def test_what_something_else_has_by_now_is_not_given_back(calendar: Calendar) -> None:
    key = take(calendar, 100, 200)
    BusyInterval.objects.filter(kind=Kind.SEGMENT).delete()
    session = take(calendar, 100, 150, kind=Kind.SESSION)
    release(key)
    assert BusyInterval.objects.get().pk == session
    assert BusyInterval.objects.get().seats_taken == 1


def test_a_claim_is_not_in_the_way_of_its_own_move(calendar: Calendar) -> None:
    key = take(calendar, 100, 200, seats=3)
    assert move(key, calendar, 150, 250) == key
    assert steps() == [(150, 250, 3)]
    stored = BusyInterval.objects.get(pk=key)
    assert (stored.starts, stored.ends, stored.seats_taken) == (150, 250, 3)


def test_a_move_that_does_not_fit_changes_nothing(calendar: Calendar) -> None:
    key = take(calendar, 100, 200)
    take(calendar, 300, 400, seats=3)
    before = list(BusyInterval.objects.order_by("pk").values())
    with pytest.raises(CapacityExceeded):
        move(key, calendar, 250, 350)
    assert list(BusyInterval.objects.order_by("pk").values()) == before


def test_a_claim_moves_to_another_calendar(calendar: Calendar, other_calendar: Calendar) -> None:
    key = take(calendar, 100, 200)
    take(other_calendar, 150, 300)
    move(key, other_calendar, 100, 200)
    assert (steps(calendar), steps(other_calendar)) == (
        [], [(100, 150, 1), (150, 200, 2), (200, 300, 1)],
    )  # fmt: skip


@pytest.mark.parametrize("seats", [1, 2])
def test_more_seats_and_fewer(calendar: Calendar, seats: int) -> None:
    take(calendar, 100, 200)
    key = take(calendar, 150, 250, seats=2)
    with pytest.raises(CapacityExceeded):
        move(key, calendar, 150, 250, seats=3)
    for shared in (True, False):
        if BusyInterval.objects.get(pk=key).seats_taken > 1:
            entries.release_some_seats(key, 1, is_shared=shared, using="default")
    assert steps() == [(100, 150, 1), (150, 200, 2), (200, 250, 1)]
    stored = BusyInterval.objects.get(pk=key)
    assert (stored.seats_taken, stored.capacity) == (1, 1)
    move(key, calendar, 150, 250, seats=seats)
    assert steps()[1] == (150, 200, 1 + seats)


def test_the_capacity_is_the_one_that_the_claim_says(calendar: Calendar) -> None:
    key = take(calendar, 100, 200, seats=3)
    with pytest.raises(CapacityExceeded):
        take(calendar, 100, 200)
    take(calendar, 150, 200, seats=2, capacity=5)
    with pytest.raises(CapacityExceeded):
        take(calendar, 100, 120, capacity=2)
    assert list(
        BusyInterval.objects.filter(kind=Kind.SEGMENT)
        .order_by("starts")
        .values_list("seats_taken", "capacity")
    ) == [(3, 3), (5, 5)]  # fmt: skip
    release(key, 3)
    assert steps() == [(150, 200, 2)]


class TestWhenTheModeOfTheServiceChanges:
    def test_an_exclusive_booking_becomes_concurrent(self, calendar: Calendar) -> None:
        key = take(calendar, 100, 200, kind=Kind.BOOKING, capacity=1)
        assert move(key, calendar, 150, 250) == key
        assert steps() == [(150, 250, 1)]
        assert BusyInterval.objects.get(pk=key).kind == Kind.CONCURRENT

    def test_a_concurrent_booking_becomes_exclusive(self, calendar: Calendar) -> None:
        key = take(calendar, 100, 200)
        assert move(key, calendar, 150, 250, kind=Kind.BOOKING, capacity=1) == key
        assert steps() == []
        assert BusyInterval.objects.get(pk=key).kind == Kind.BOOKING

    def test_not_where_others_are(self, calendar: Calendar) -> None:
        key = take(calendar, 100, 200)
        take(calendar, 150, 300)
        with pytest.raises(BookingConflict):
            move(key, calendar, 200, 250, kind=Kind.BOOKING, capacity=1)
        move(key, calendar, 300, 350, kind=Kind.BOOKING, capacity=1)
        assert steps() == [(150, 300, 1)]

    def test_a_seat_of_a_shared_slot_goes_elsewhere(self, calendar: Calendar) -> None:
        key = take(calendar, 100, 200, seats=2, kind=Kind.BOOKING, shared=True)
        wanted = claim(200, 300)
        with transaction.atomic():
            other = entries.move(key, 1, calendar.pk, wanted, using="default")
            entries.release(key, 1, using="default")
        assert other != key
        assert BusyInterval.objects.get(pk=key).seats_taken == 1
        assert steps() == [(200, 300, 1)]

    def test_a_concurrent_booking_joins_a_shared_slot(self, calendar: Calendar) -> None:
        key = take(calendar, 100, 200)
        slot = take(calendar, 200, 300, kind=Kind.BOOKING, shared=True)
        with transaction.atomic():
            wanted = claim(200, 300, kind=Kind.BOOKING, shared=True)
            assert entries.move(key, 1, calendar.pk, wanted, using="default") == slot
            entries.release(key, 1, using="default")
        assert steps() == []
        assert BusyInterval.objects.get().seats_taken == 2


def test_a_service_cannot_be_deleted_from_under_its_segments(calendar: Calendar) -> None:
    """Nobody deletes what bookings take as if it were a session or time off."""
    take(calendar, 100, 200)
    entries.delete(BusyInterval.objects.values_list("pk", flat=True), using="default")
    assert BusyInterval.objects.count() == 2


def test_what_is_gone_is_not_released(calendar: Calendar) -> None:
    key = take(calendar, 100, 200)
    release(key)
    release(key)
    entries.release_some_seats(key, 1, is_shared=False, using="default")
    assert not BusyInterval.objects.exists()


def test_many_are_released_together(calendar: Calendar, other_calendar: Calendar) -> None:
    kept = take(calendar, 100, 300)
    keys = [take(calendar, 150, 200), take(calendar, 160, 250), take(other_calendar, 100, 200)]
    alone = take(calendar, 300, 400, kind=Kind.BOOKING, capacity=1)
    shared = take(calendar, 400, 500, seats=2, kind=Kind.BOOKING, shared=True)
    with transaction.atomic():
        bulk.release_many(dict.fromkeys([*keys, alone, shared], 1), using="default")
    assert steps() == [(100, 300, 1)]
    assert set(BusyInterval.objects.values_list("pk", "kind")) >= {
        (kept, Kind.CONCURRENT), (shared, Kind.BOOKING),
    }  # fmt: skip
    assert BusyInterval.objects.count() == 3


def test_generated_sessions_meet_segments_and_no_claims(calendar: Calendar) -> None:
    take(calendar, 100, 200)
    wanted = [claim(starts, starts + 50, kind=Kind.SESSION) for starts in (50, 100, 180, 200)]
    with transaction.atomic():
        free, refused = bulk.partition_free(calendar.pk, wanted, using="default")
    assert [each.starts for each in free] == [50, 200]
    assert {kind for _claim, kind in refused} == {Kind.SEGMENT}


class TestManyAtOnce:
    def test_they_count_for_each_other(self, calendar: Calendar) -> None:
        wanted = [claim(100, 200), claim(150, 250), claim(160, 170), claim(165, 300)]
        with transaction.atomic():
            claims = BulkClaims(using="default")
            claims.read([(calendar.pk, each) for each in wanted])
            added = [claims.add(calendar.pk, each) for each in wanted[:3]]
            with pytest.raises(CapacityExceeded):
                claims.add(calendar.pk, wanted[3])
            with pytest.raises(BookingConflict):
                claims.add(calendar.pk, claim(240, 260, kind=Kind.BOOKING))
            claims.write()
        assert steps() == [
            (100, 150, 1), (150, 160, 2), (160, 170, 3), (170, 200, 2), (200, 250, 1),
        ]  # fmt: skip
        stored = BusyInterval.objects.in_bulk(each.pk for each in added)
        assert [(row.starts, row.ends, row.kind) for row in stored.values()] == [
            (100, 200, Kind.CONCURRENT), (150, 250, Kind.CONCURRENT), (160, 170, Kind.CONCURRENT),
        ]  # fmt: skip

    def test_they_move_together(self, calendar: Calendar) -> None:
        kept = take(calendar, 100, 400)
        keys = [take(calendar, 100, 200), take(calendar, 200, 300)]
        wanted = [claim(150, 250), claim(250, 350)]
        with transaction.atomic():
            claims = BulkClaims(using="default")
            claims.read([(calendar.pk, each) for each in wanted], interval_ids=keys)
            assert claims.kind_of(keys[0]) == Kind.CONCURRENT
            for key in keys:
                claims.release(key, 1)
            for each in wanted:
                claims.add(calendar.pk, each)
            claims.write()
        assert steps() == [(100, 150, 1), (150, 350, 2), (350, 400, 1)]
        assert BusyInterval.objects.filter(kind=Kind.CONCURRENT).count() == 3
        assert BusyInterval.objects.filter(pk=kept).exists()

    def test_a_second_run_writes_the_same(self, calendar: Calendar) -> None:
        """A transaction that has failed runs again with the claims that were checked."""
        take(calendar, 100, 200)
        released = take(calendar, 200, 300)
        claims = BulkClaims(using="default")
        claims.read([(calendar.pk, claim(200, 400))], interval_ids=[released])
        claims.release(released, 1)
        claims.add(calendar.pk, claim(200, 400))
        with transaction.atomic():
            claims.write()
            transaction.set_rollback(True)
        with transaction.atomic():
            claims.write()
        assert steps() == [(100, 400, 1)]


@pytest.mark.parametrize("column", ["ends", "pk"])
def test_what_somebody_has_written_without_the_lock_is_read_again(
    calendar: Calendar, column: str
) -> None:
    for wanted in (claim(150, 160), claim(100, 200), claim(150, 400)):
        with transaction.atomic():
            key = take(calendar, 100, 200)
            found = segments.read_segments({calendar.pk: [wanted.window]}, using="default")
            found.take(calendar.pk, wanted)
            changed = BusyInterval.objects.filter(kind=Kind.SEGMENT)
            if column == "ends":
                changed.update(ends=180)
            else:
                changed.delete()
            with pytest.raises(RetryTransaction):
                found.write()
            transaction.set_rollback(True)
            assert key


def test_a_segment_that_is_gone_is_not_deleted_unseen(calendar: Calendar) -> None:
    key = take(calendar, 100, 200)
    interval = BusyInterval.objects.get(pk=key)
    found = segments.read_segments({calendar.pk: [(100, 200)]}, using="default")
    found.give_back(interval, 1)
    BusyInterval.objects.filter(kind=Kind.SEGMENT).delete()
    with pytest.raises(RetryTransaction):
        found.write()


def test_the_number_of_statements_depends_on_nothing(calendar: Calendar) -> None:
    def cost(act: Any, *args: Any, **values: Any) -> int:
        with transaction.atomic(), CaptureQueriesContext(connection) as captured:
            act(*args, **values)
        return sum("SAVEPOINT" not in query["sql"] for query in captured)

    capacity = 50
    for number in range(20):
        take(calendar, 1000 + 10 * number, 1500 + 20 * number, capacity=capacity)
    # Read; move two ends, insert, add seats; the claim itself.
    assert cost(take, calendar, 1005, 1755, capacity=capacity) <= 6
    assert cost(take, calendar, 5000, 6000, capacity=capacity) <= 4
    key = take(calendar, 1007, 1777, capacity=capacity)
    with CaptureQueriesContext(connection) as captured:
        move(key, calendar, 1008, 1790, capacity=capacity)
    assert sum("SAVEPOINT" not in query["sql"] for query in captured) <= 9
    # Delete and update as of a slot; read the claim and the segments; delete, move, take seats.
    assert cost(release, key) <= 9


class TestRebuilding:
    def test_the_seats_are_counted_anew(self, calendar: Calendar) -> None:
        take(calendar, 100, 200)
        take(calendar, 150, 300, seats=2)
        right = list(BusyInterval.objects.order_by("starts", "ends").values_list(
            "starts", "ends", "seats_taken", "capacity", "kind"
        ))  # fmt: skip
        BusyInterval.objects.filter(kind=Kind.SEGMENT, starts=150).update(seats_taken=1)
        BusyInterval.objects.filter(kind=Kind.SEGMENT, starts=200).update(ends=1000)
        segments.rebuild(calendar.pk, using="default")
        assert right == list(BusyInterval.objects.order_by("starts", "ends").values_list(
            "starts", "ends", "seats_taken", "capacity", "kind"
        ))  # fmt: skip

    def test_what_is_sold_too_often_is_counted_too(self, calendar: Calendar) -> None:
        take(calendar, 100, 200)
        BusyInterval.objects.filter(kind=Kind.CONCURRENT).update(seats_taken=9, capacity=9)
        segments.rebuild(calendar.pk, using="default")
        assert steps() == [(100, 200, 9)]

    def test_without_claims_nothing_is_left(self, calendar: Calendar) -> None:
        take(calendar, 100, 200)
        BusyInterval.objects.filter(kind=Kind.CONCURRENT).delete()
        segments.rebuild(calendar.pk, using="default")
        assert not BusyInterval.objects.exists()


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["take", "take", "take", "move", "release", "many"]),
        st.integers(0, 10),
        st.integers(0, 14),
        st.integers(1, 8),
        st.integers(1, 2),
    ),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(operations=OPERATIONS)
def test_the_segments_are_the_sum_of_the_claims_whatever_happens(
    calendar: Calendar, operations: list[tuple[str, int, int, int, int]]
) -> None:
    """Compared with counting second by second: what fits is taken, and nothing else."""
    BusyInterval.objects.all().delete()
    held: dict[int, tuple[int, int, int]] = {}

    def count(stretches: Any) -> Counter[int]:
        return Counter(
            second
            for starts, ends, seats in stretches
            for second in range(starts, ends)
            for _seat in range(seats)
        )

    for verb, number, starts, length, seats in operations:
        ends = starts + length
        key = list(held)[number % len(held)] if held else None
        others = [claimed for each, claimed in held.items() if verb != "move" or each != key]
        new = (starts, ends, held[key][2] if verb == "move" and key else seats)
        fits = max(count([*others, new]).values()) <= 3
        try:
            if verb == "take":
                held[take(calendar, starts, ends, seats=seats)] = new
            elif verb == "move" and key is not None:
                move(key, calendar, starts, ends)
                held[key] = new
            elif verb == "release" and key is not None:
                release(key, held.pop(key)[2])
                fits = True
            elif verb == "many":
                keys = list(held)[:2]
                with transaction.atomic():
                    bulk.release_many({each: held.pop(each)[2] for each in keys}, using="default")
                fits = True
            else:
                continue
        except CapacityExceeded:
            assert not fits
        else:
            assert fits
        stored = steps()
        assert count(stored) == count(held.values())
        for (_s, end, before), (start, _e, after) in pairwise(stored):
            assert end < start or before != after
