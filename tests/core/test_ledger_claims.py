"""Taking and moving time, each by the database's own judgement and by MySQL's locking read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.exceptions import BookingConflict, BookingError, CapacityExceeded, NotAllowed
from bookings.ledger import entries
from bookings.ledger.claims import Claim
from bookings.ledger.transactions import atomic_with_retry
from bookings.models import Booking, BusyInterval, Calendar
from bookings.rules.service_rules import ServiceRules
from tests.core.conftest import Take
from tests.core.moments import at, second
from tests.core.test_service_rules import rules

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vendor")]

GROUP = {"capacity": 3, "shared": True}


def state(*columns: str) -> list[tuple[Any, ...]]:
    return list(BusyInterval.objects.order_by("calendar", "starts").values_list(*columns))


def taken() -> list[tuple[int, int]]:
    return state("starts", "ends")  # type: ignore[return-value]


def take(calendar: Calendar, starts: int, ends: int, **values: Any) -> int:
    claim = Claim(starts=starts, ends=ends, **values)
    return atomic_with_retry(
        lambda: entries.add(calendar.pk, claim, using="default"), using="default"
    )


def move(
    interval: BusyInterval | None,
    calendar: Calendar,
    starts: int,
    ends: int,
    *,
    held: int = 1,
    **values: Any,
) -> int:
    claim = Claim(starts=starts, ends=ends, **values)
    key = None if interval is None else interval.pk
    return atomic_with_retry(
        lambda: entries.move(key, held, calendar.pk, claim, using="default"), using="default"
    )


def claim_of(service: ServiceRules, **values: Any) -> Claim:
    defaults = {"start_at": at(10), "end_at": at(11), "service_id": 7}
    return Claim.of(Booking(**(defaults | values)), service)


def test_a_booking_claims_its_time_with_its_buffers() -> None:
    claim = claim_of(rules(), buffer_before_minutes=15, buffer_after_minutes=30)
    assert claim == Claim(starts=second(9, 45), ends=second(11, 30), service_id=7)


def test_a_hold_s_claim_lapses_with_it() -> None:
    expires = at(9) + timedelta(microseconds=1)
    assert claim_of(rules(), expires_at=expires).lapses == second(9) + 1
    assert claim_of(rules()).lapses is None
    assert claim_of(rules(), expires_at=expires, status=Booking.Status.CONFIRMED).lapses is None


def test_a_shared_slot_does_not_lapse_with_one_of_its_holds() -> None:
    service = rules(allow_multiple_clients_per_slot=True, capacity=3)
    claim = claim_of(service, expires_at=at(9), party_size=2)
    assert (claim.shared, claim.capacity, claim.seats, claim.lapses) == (True, 3, 2, None)


def test_a_claim_is_stored_as_it_is(calendar: Calendar, service: Any) -> None:
    kind = BusyInterval.Kind.TIME_OFF
    key = take(calendar, 100, 200, service_id=service.pk, seats=2, capacity=5, lapses=9, kind=kind)
    names = ["pk", "calendar_id", "service_id", "seats_taken", "capacity", "lapses", "kind"]
    assert state(*names) == [(key, calendar.pk, service.pk, 2, 5, 9, kind)]


@pytest.mark.parametrize(("starts", "ends"), [(100, 200), (0, 101), (199, 300), (120, 130)])
def test_time_is_taken_once(calendar: Calendar, starts: int, ends: int) -> None:
    take(calendar, 100, 200)
    with pytest.raises(BookingConflict):
        take(calendar, starts, ends)
    assert taken() == [(100, 200)]


def test_claims_may_touch_and_calendars_are_independent(
    calendar: Calendar, other_calendar: Calendar
) -> None:
    take(calendar, 100, 200)
    take(calendar, 200, 300)
    take(calendar, 0, 100)
    take(other_calendar, 50, 250)
    assert taken() == [(0, 100), (100, 200), (200, 300), (50, 250)]


def test_a_party_joins_its_service_s_slot(calendar: Calendar, group_service: Any) -> None:
    slot = {"service_id": group_service.pk, **GROUP}
    first, second_ = (take(calendar, 100, 200, seats=seats, **slot) for seats in (1, 2))
    assert first == second_
    assert state("seats_taken", "capacity") == [(3, 3)]


def test_a_slot_that_is_full_says_how_many_seats_are_left(
    calendar: Calendar, group_service: Any
) -> None:
    slot = {"service_id": group_service.pk, **GROUP}
    take(calendar, 100, 200, seats=2, **slot)
    with pytest.raises(CapacityExceeded, match="2 asked for, 1 free") as caught:
        take(calendar, 100, 200, seats=2, **slot)
    assert (caught.value.params["asked"], caught.value.remaining) == (2, 1)
    assert state("seats_taken") == [(2,)]


def test_a_slot_has_the_seats_that_the_service_has_today(
    calendar: Calendar, group_service: Any
) -> None:
    slot = {"service_id": group_service.pk, "shared": True}
    take(calendar, 100, 200, capacity=3, seats=3, **slot)
    with pytest.raises(CapacityExceeded) as caught:
        take(calendar, 100, 200, capacity=2, **slot)
    assert (caught.value.params["asked"], caught.value.remaining) == (1, 0)
    take(calendar, 100, 200, capacity=5, seats=2, **slot)
    assert state("seats_taken", "capacity") == [(5, 5)]


@pytest.mark.parametrize(
    "other",
    [
        {"starts": 150, "ends": 250},
        {"starts": 100, "ends": 250},
        {"service_id": None},
        {"kind": BusyInterval.Kind.SESSION},
    ],
    ids=str,
)
def test_a_slot_is_joined_by_its_own_kind_only(
    calendar: Calendar, group_service: Any, other: dict[str, Any]
) -> None:
    slot = {"starts": 100, "ends": 200, "service_id": group_service.pk, **GROUP}
    take(calendar, **slot)
    with pytest.raises(BookingConflict):
        take(calendar, **(slot | other))
    assert state("starts", "ends", "seats_taken") == [(100, 200, 1)]


def test_a_claim_that_is_not_shared_joins_nobody(calendar: Calendar, group_service: Any) -> None:
    take(calendar, 100, 200, service_id=group_service.pk, **GROUP)
    with pytest.raises(BookingConflict):
        take(calendar, 100, 200, service_id=group_service.pk)


@pytest.fixture
def mine(calendar: Calendar, take: Take) -> BusyInterval:
    return take(100, 200, lapses=50)


@pytest.mark.parametrize(("starts", "ends"), [(300, 400), (150, 250), (100, 200), (120, 130)])
def test_a_claim_moves_also_onto_itself(
    calendar: Calendar, mine: BusyInterval, starts: int, ends: int
) -> None:
    assert move(mine, calendar, starts, ends) == mine.pk
    assert state("starts", "ends", "lapses", "seats_taken") == [(starts, ends, None, 1)]


def test_a_claim_moves_to_another_calendar(
    mine: BusyInterval, other_calendar: Calendar, service: Any
) -> None:
    assert move(mine, other_calendar, 100, 200, service_id=service.pk) == mine.pk
    assert state("calendar_id", "service_id") == [(other_calendar.pk, service.pk)]


@pytest.mark.parametrize("ends", [301, 500])
def test_a_claim_does_not_move_onto_another(
    calendar: Calendar, mine: BusyInterval, ends: int
) -> None:
    take(calendar, 300, 400)
    with pytest.raises(BookingConflict):
        move(mine, calendar, 150, ends)
    assert taken() == [(100, 200), (300, 400)]


def test_a_booking_without_a_claim_takes_one(calendar: Calendar) -> None:
    key = move(None, calendar, 100, 200)
    assert state("pk") == [(key,)]


@pytest.fixture
def slot(calendar: Calendar, group_service: Any, take: Take) -> BusyInterval:
    """A shared slot with two of three seats taken, by two parties."""
    take(100, 200, service_id=group_service.pk, **GROUP)
    return take(100, 200, service_id=group_service.pk, **GROUP)


def test_who_leaves_a_shared_slot_takes_a_new_one(calendar: Calendar, slot: BusyInterval) -> None:
    key = move(slot, calendar, 300, 400, service_id=slot.service_id, **GROUP)
    assert key != slot.pk
    assert state("starts", "seats_taken") == [(100, 2), (300, 1)]


def test_who_leaves_a_shared_slot_cannot_take_what_the_others_keep(
    calendar: Calendar, slot: BusyInterval
) -> None:
    with pytest.raises(BookingConflict):
        move(slot, calendar, 150, 250, service_id=slot.service_id, **GROUP)
    assert taken() == [(100, 200)]


def test_the_last_in_a_shared_slot_takes_it_along(calendar: Calendar, slot: BusyInterval) -> None:
    assert move(slot, calendar, 150, 250, held=2, seats=2, service_id=slot.service_id, **GROUP) == (
        slot.pk
    )
    assert state("starts", "seats_taken") == [(150, 2)]


def test_who_moves_into_a_shared_slot_joins_it(
    calendar: Calendar, slot: BusyInterval, take: Take
) -> None:
    alone = take(300, 400, service_id=slot.service_id, **GROUP)
    assert move(alone, calendar, 100, 200, service_id=slot.service_id, **GROUP) == slot.pk
    assert state("starts", "seats_taken") == [(100, 3), (300, 1)]


def test_who_finds_no_seat_stays_where_they_were(
    calendar: Calendar, slot: BusyInterval, take: Take
) -> None:
    pair = take(300, 400, seats=2, service_id=slot.service_id, **GROUP)
    with pytest.raises(CapacityExceeded, match="2 asked for, 1 free"):
        move(pair, calendar, 100, 200, held=2, seats=2, service_id=slot.service_id, **GROUP)
    assert state("starts", "seats_taken") == [(100, 2), (300, 2)]


def test_a_party_grows_within_its_slot(calendar: Calendar, slot: BusyInterval) -> None:
    assert move(slot, calendar, 100, 200, seats=2, service_id=slot.service_id, **GROUP) == slot.pk
    assert state("seats_taken", "capacity") == [(3, 3)]
    with pytest.raises(CapacityExceeded, match="3 asked for, 2 free") as caught:
        move(slot, calendar, 100, 200, held=2, seats=3, service_id=slot.service_id, **GROUP)
    assert (caught.value.params["asked"], caught.value.remaining) == (3, 2)


def test_a_party_shrinks_in_a_slot_whose_service_has_fewer_seats_now(
    calendar: Calendar, slot: BusyInterval, take: Take
) -> None:
    take(100, 200, service_id=slot.service_id, **GROUP)
    smaller = {"service_id": slot.service_id, "shared": True, "capacity": 1}
    assert move(slot, calendar, 100, 200, held=2, seats=1, **smaller) == slot.pk
    assert state("seats_taken", "capacity") == [(2, 3)]


def test_who_shares_a_slot_cannot_turn_it_into_another_service_s(
    calendar: Calendar, slot: BusyInterval, service: Any
) -> None:
    with pytest.raises(BookingError):
        move(slot, calendar, 100, 200, service_id=service.pk)
    assert state("service_id", "seats_taken") == [(slot.service_id, 2)]


def test_a_party_that_has_its_slot_to_itself_sets_its_size(
    calendar: Calendar, mine: BusyInterval
) -> None:
    move(mine, calendar, 100, 200, seats=4, capacity=4)
    assert state("seats_taken", "capacity") == [(4, 4)]
    move(mine, calendar, 100, 200, held=4, seats=2, capacity=2)
    assert state("seats_taken", "capacity") == [(2, 2)]


def test_mysql_reads_what_overlaps_with_a_lock(calendar: Calendar, vendor: str) -> None:
    """Elsewhere the constraint judges, and the read is spared."""
    with CaptureQueriesContext(connection) as captured:
        entries.add(calendar.pk, Claim(starts=100, ends=200), using="default")
    statements = [query["sql"].split()[0] for query in captured]
    assert statements == (["SELECT", "INSERT"] if vendor == "mysql" else ["INSERT"])
    if connection.features.has_select_for_update and vendor == "mysql":
        assert captured[0]["sql"].endswith("FOR UPDATE")


def test_a_claim_that_is_gone_is_taken_anew(calendar: Calendar) -> None:
    move(BusyInterval(pk=10**6), calendar, 0, 3600)
    assert taken() == [(0, 3600)]


@pytest.mark.parametrize(("starts", "ends"), [(300, 400), (100, 250)])
def test_a_seat_of_a_session_does_not_leave_the_session_s_time(
    calendar: Calendar, service: Any, take: Take, starts: int, ends: int
) -> None:
    session = take(
        100, 200, kind=BusyInterval.Kind.SESSION, capacity=3, seats=1, service_id=service.pk
    )
    with pytest.raises(NotAllowed) as caught:
        move(session, calendar, starts, ends, service_id=service.pk)
    assert caught.value.code == "in_session"
    assert state("starts", "ends", "seats_taken") == [(100, 200, 1)]
