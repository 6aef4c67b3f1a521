"""Bookings that sit in a session: its time is taken once, and is not theirs to move."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from bookings import extensions, integrity
from bookings.exceptions import BookingConflict, CapacityExceeded, InvalidBooking, NotAllowed
from bookings.ledger import entries
from bookings.ledger.claims import Claim
from bookings.ledger.transactions import atomic_with_retry
from bookings.models import Booking, BookingEvent, BusyInterval
from bookings.rules.service_rules import ServiceRules, Zone
from bookings.services import cancel_booking, direct_save, reschedule_booking
from bookings.services.booking_creation import save_new_booking as store
from tests.core.conftest import Take
from tests.core.moments import NOW, at, second
from tests.extensions import extension, unregister_all
from tests.stateful.audit import audit

pytestmark = pytest.mark.django_db

Sit = Callable[..., Booking]


class Seats:
    """The smallest session_time: an hour in a busy interval that is there."""

    def __init__(self, interval: BusyInterval) -> None:
        self.interval = interval

    @property
    def key(self) -> Any:
        return self.interval.pk

    def apply_to(self, booking: Booking, rules: ServiceRules, zone: Zone) -> None:
        booking.end_at = self.interval.end_at

    def claim(self, booking: Booking) -> Claim:
        claim = Claim.of_seats(booking)
        return Claim(
            starts=claim.starts,
            ends=claim.ends,
            service_id=claim.service_id,
            seats=claim.seats,
            kind=claim.kind,
            interval_id=self.interval.pk,
        )

    def check_open(self, booking: Booking, *, now: datetime, using: str) -> None: ...

    def record(self, booking: Booking, *, using: str) -> None: ...


@pytest.fixture
def session(take: Take, service: Any) -> BusyInterval:
    """Three seats from ten to eleven."""
    return take(
        second(10),
        second(11),
        kind=BusyInterval.Kind.SESSION,
        seats=0,
        capacity=3,
        service_id=service.pk,
    )


@pytest.fixture
def sit(service: Any, provider: Any, session: BusyInterval) -> Sit:
    def make(party_size: int = 1, **values: Any) -> Booking:
        booking = Booking(
            service=service,
            provider=provider,
            start_at=at(10),
            client_name="Joan",
            party_size=party_size,
            capacity_consumed=party_size,
            **values,
        )
        return store(booking, addon_ids=None, now=NOW, using="default", session_time=Seats(session))

    return make


def taken() -> list[tuple[str, int]]:
    return list(BusyInterval.objects.order_by("starts").values_list("kind", "seats_taken"))


def test_seats_are_taken_until_there_are_none(sit: Sit) -> None:
    first, second_one = sit(2), sit(1)
    assert first.is_in_session
    assert first.busy_interval == second_one.busy_interval
    with pytest.raises(CapacityExceeded) as refusal:
        sit(1)
    assert (refusal.value.params["asked"], refusal.value.remaining) == (1, 0)
    assert taken() == [("SESSION", 3)]
    assert audit() == []


@pytest.mark.parametrize("size", [0, -1, 1.5, True, None])
def test_a_party_is_a_whole_number(sit: Sit, size: Any) -> None:
    with pytest.raises(InvalidBooking):
        sit(size)


def test_a_session_s_time_is_nobody_else_s(session: BusyInterval, book: Any) -> None:
    with pytest.raises(BookingConflict):
        book(at(10))


def test_a_session_that_is_empty_again_stays(sit: Sit) -> None:
    booking = cancel_booking(sit(2), now_dt=NOW)
    assert taken() == [("SESSION", 0)]
    assert not booking.is_in_session
    assert list(integrity.find_problems()) == []


def test_a_seat_is_not_rescheduled(sit: Sit, other_provider: Any) -> None:
    booking = sit(2)
    for values in ({"new_start_at": at(12)}, {"new_start_at": at(10), "addon_ids": []}):
        with pytest.raises(NotAllowed) as refusal:
            reschedule_booking(booking, now_dt=NOW, **values)
        assert refusal.value.code == "in_session"
    assert taken() == [("SESSION", 2)]


@pytest.mark.parametrize(
    "values",
    [
        {"start_at": at(12), "end_at": at(13)},
        {"end_at": at(10) + timedelta(minutes=30)},
        {"buffer_after_minutes": 5},
        {"service": "group_service"},
        {"provider": "other_provider"},
    ],
    ids="+".join,
)
def test_a_seat_is_not_moved_by_hand(
    sit: Sit, values: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    booking = sit()
    before = list(Booking.objects.values()), list(BusyInterval.objects.values())
    for name, value in values.items():
        there = request.getfixturevalue(value) if isinstance(value, str) else value
        setattr(booking, name, there)
    with pytest.raises(NotAllowed) as refusal:
        booking.save()
    assert refusal.value.code == "in_session"
    assert (list(Booking.objects.values()), list(BusyInterval.objects.values())) == before


def test_a_party_grows_and_shrinks_within_the_session(sit: Sit) -> None:
    booking, _other = sit(), sit()
    booking.party_size = 2
    booking.save()
    assert taken() == [("SESSION", 3)]
    booking.party_size = 3
    with pytest.raises(CapacityExceeded) as refusal:
        booking.save()
    assert (refusal.value.params["asked"], refusal.value.remaining) == (1, 0)
    booking.party_size = 1
    booking.save()
    assert taken() == [("SESSION", 2)]
    assert audit() == []
    assert booking.events.count() == booking.version == 3


def test_a_detail_changes_and_the_seat_stays(sit: Sit) -> None:
    booking = sit(2)
    booking.client_name = "Mary"
    booking.save()
    assert taken() == [("SESSION", 2)]


def test_a_form_takes_a_party_in_a_session(sit: Sit, draft: Booking) -> None:
    sit(2).full_clean()
    draft.client_name, draft.party_size = "Joan", 2
    with pytest.raises(ValidationError, match="Party size must be 1"):
        draft.full_clean(exclude=["reference"])


def test_a_copy_in_a_session_does_not_keep_its_seat(sit: Sit) -> None:
    booking = sit()
    copy = Booking(
        service_id=booking.service_id,
        provider_id=booking.provider_id,
        start_at=at(10),
        end_at=at(11),
        client_name="Ann",
        busy_interval_id=booking.busy_interval_id,
    )
    with pytest.raises(BookingConflict):
        direct_save.save_booking(copy)


def test_deleted_seats_are_free_and_somebody_is_told(
    sit: Sit, session: BusyInterval, monkeypatch: pytest.MonkeyPatch
) -> None:
    unregister_all(monkeypatch)
    told: list[tuple[list[int], int]] = []

    def witness(interval_ids: Any, *, using: str) -> None:
        told.append((interval_ids, BusyInterval.objects.using(using).get().seats_taken))

    extensions.register(extension("witness", after_deletion=witness))
    sit(2).delete()
    assert told == [([session.pk], 0)]


# The ledger's part in changing a session


def reshape(interval: BusyInterval, **values: Any) -> None:
    given = {
        "starts": interval.starts,
        "ends": interval.ends,
        "service_id": interval.service_id,
        "capacity": interval.capacity,
        "kind": BusyInterval.Kind.SESSION,
    }
    claim = Claim(**(given | values))
    atomic_with_retry(
        lambda: entries.resize(interval.pk, interval.calendar_id, claim, using="default"),
        using="default",
    )


@pytest.mark.usefixtures("vendor")
def test_a_session_s_time_is_moved_around_its_seats(sit: Sit, session: BusyInterval) -> None:
    sit(2)
    reshape(session, starts=second(12), ends=second(14), capacity=2)
    session.refresh_from_db()
    assert (session.starts, session.ends) == (second(12), second(14))
    assert (session.capacity, session.seats_taken) == (2, 2)


@pytest.mark.usefixtures("vendor")
def test_a_session_s_time_is_not_moved_onto_another(session: BusyInterval, take: Take) -> None:
    take(second(12), second(13))
    with pytest.raises(BookingConflict):
        reshape(session, ends=second(13))


def test_a_session_keeps_the_seats_that_are_taken(sit: Sit, session: BusyInterval) -> None:
    sit(2)
    with pytest.raises(CapacityExceeded) as refusal:
        reshape(session, capacity=1)
    assert refusal.value.code == "seats_taken"
    session.refresh_from_db()
    assert session.capacity == 3


# Repairs


def test_a_lost_seat_is_put_back_where_its_app_says(
    sit: Sit, session: BusyInterval, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = sit(2)
    unregister_all(monkeypatch)
    extensions.register(extension("other"))
    extensions.register(
        extension("sessions", claim=lambda booking, *, using: Seats(session).claim(booking))
    )
    Booking._base_manager.update(busy_interval=None)
    held, counted = integrity.find_problems()
    assert (held.invariant, counted.invariant) == (3, 4)
    assert [integrity.repair(problem) for problem in (counted, held)] == ["repaired"] * 2
    booking.refresh_from_db()
    assert booking.busy_interval == session
    assert taken() == [("SESSION", 2)]
    assert audit() == []


def test_seats_that_nobody_sits_in_are_found(session: BusyInterval) -> None:
    BusyInterval.objects.update(seats_taken=2)
    [problem] = integrity.find_problems()
    assert problem.message.endswith("seats taken: 2, of its bookings: 0.")
    assert integrity.repair(problem) == "repaired"
    assert taken() == [("SESSION", 0)]


def test_a_change_of_a_seat_is_one_event(sit: Sit) -> None:
    booking = sit()
    booking.party_size = 2
    booking.save()
    events = booking.events.order_by("id").values_list("event_type", flat=True)
    assert list(events) == [BookingEvent.EventType.CREATED, BookingEvent.EventType.UPDATED]
