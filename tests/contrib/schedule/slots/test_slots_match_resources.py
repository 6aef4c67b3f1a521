"""The slots are exactly the starts at which the provider and the resources can be booked.

As in ``test_slots_match_bookings.py``, every tenth minute is booked for real.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.schedule.selectors import Availability, list_available_slots
from bookings.exceptions import BookingError, NotAllowed
from bookings.integrity import find_problems
from bookings.models import Booking
from bookings.pools import AnyOf
from bookings.services import create_booking, reschedule_booking
from tests.contrib.schedule.slots.conftest import create_schedule, make_provider, make_service
from tests.contrib.schedule.slots.test_slots_match_bookings import rolled_back, succeeds
from tests.quick_run import examples

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("validated")]

MIDNIGHT = datetime(2030, 1, 8, tzinfo=UTC)
NOW = MIDNIGHT - timedelta(days=1)
GRID = timedelta(minutes=10)
CANDIDATES = [MIDNIGHT + GRID * number for number in range(5 * 6)]

HYPOTHESIS_SETTINGS = settings(
    max_examples=examples(5),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

ROOMS = 3
SPECS = st.one_of(
    st.integers(0, ROOMS - 1),
    st.lists(st.integers(0, ROOMS - 1), min_size=1, max_size=3, unique=True),
)
HOURS = st.sampled_from(
    [None, None, [("00:30", "03:00")], [("00:00", "01:10"), ("02:00", "04:00")]]
)


class LongerInRooms(DefaultBookingAdapter):
    """A room is taken longer than the provider, and none at half past."""

    def resource_buffers(self, booking: Booking, resource: Any) -> tuple[int, int]:
        return 10, 20

    def check_resource(self, booking: Booking, resource: Any, *, override_policy: bool) -> None:
        super().check_resource(booking, resource, override_policy=override_policy)
        if booking.start_at.minute == 30 and str(resource) == "Room 0":
            raise NotAllowed("Not at half past.")


@dataclass
class Existing:
    start: datetime
    room: int | None
    """``None`` for a booking of the provider without a room."""
    is_with_colleague: bool
    is_shared: bool
    expires_in: int | None


@dataclass
class Case:
    hours: list[Any]
    closed_room: int | None
    needs: list[Any]
    is_shared: bool
    before: int
    existing: list[Existing]
    adapter: str


CASES = st.builds(
    Case,
    hours=st.lists(HOURS, min_size=ROOMS, max_size=ROOMS),
    closed_room=st.sampled_from([None, None, 0, 1]),
    needs=st.lists(SPECS, min_size=1, max_size=3),
    is_shared=st.booleans(),
    before=st.sampled_from([0, 0, 10]),
    existing=st.lists(
        st.builds(
            Existing,
            start=st.sampled_from(CANDIDATES),
            room=st.sampled_from([None, 0, 0, 1, 2]),
            is_with_colleague=st.booleans(),
            is_shared=st.booleans(),
            expires_in=st.sampled_from([None, None, 10, 6000]),
        ),
        max_size=6,
    ),
    adapter=st.sampled_from(
        ["bookings.adapters.DefaultBookingAdapter", f"{__name__}.LongerInRooms"]
    ),
)


class Host:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.rooms = [make_provider(f"Room {number}") for number in range(ROOMS)]
        for room, hours in zip(self.rooms, case.hours, strict=True):
            if hours is not None:
                create_schedule(*hours, provider=room)
        if case.closed_room is not None:
            self.rooms[case.closed_room].is_active = False
            self.rooms[case.closed_room].save()
        self.provider, self.colleague = make_provider("Ada"), make_provider("Grace")
        create_schedule(("00:00", "05:00"), provider=self.provider, slot_step_minutes=10)
        self.massage = make_service(duration_minutes=30, buffer_before_minutes=case.before)
        self.yoga = make_service(
            duration_minutes=40, allow_multiple_clients_per_slot=True, capacity=2
        )
        self.service = self.yoga if case.is_shared else self.massage
        self.existing = [booking for each in case.existing if (booking := self._store(each))]

    @property
    def needs(self) -> list[Any]:
        return [
            self.rooms[spec]
            if isinstance(spec, int)
            else AnyOf([self.rooms[number] for number in spec])
            for spec in self.case.needs
        ]

    def _store(self, existing: Existing) -> Booking | None:
        expires = existing.expires_in
        try:
            return create_booking(
                service=self.yoga if existing.is_shared else self.massage,
                provider=self.colleague if existing.is_with_colleague else self.provider,
                resources=[] if existing.room is None else [self.rooms[existing.room]],
                start_at=existing.start,
                client_name="Joan",
                expires_at=None if expires is None else NOW + timedelta(minutes=expires),
                now_dt=NOW,
                override_policy=True,
                skip_slot_validation=True,
            )
        except BookingError:
            return None

    def find_slots(self, **values: Any) -> Availability:
        return list_available_slots(
            values.pop("service", self.service),
            self.provider,
            CANDIDATES[0],
            CANDIDATES[-1] + GRID,
            now_dt=NOW + timedelta(hours=1),
            **values,
        )


def assert_slots_match(slots: Availability, book_at: Callable[..., Any]) -> None:
    offered = {slot.start for slot in slots}
    for start in CANDIDATES:
        is_offered = start in offered
        assert (start in slots) is is_offered
        assert (slots.why_not(start) is None) is is_offered
        assert succeeds(book_at, start=start) is is_offered, start
    event("none" if not offered else "all" if len(offered) > 25 else "some")
    assert list(find_problems()) == []


@given(case=CASES)
@HYPOTHESIS_SETTINGS
def test_what_is_offered_can_be_booked_and_nothing_else(case: Case) -> None:
    certain = [spec for spec in case.needs if isinstance(spec, int)]
    assume(len(set(certain)) == len(certain))
    with rolled_back(), override_settings(BOOKINGS_ADAPTER=case.adapter):
        host = Host(case)

        def book_at(start: datetime) -> Booking:
            return create_booking(
                service=host.service,
                provider=host.provider,
                resources=host.needs,
                start_at=start,
                client_name="Kim",
                now_dt=NOW + timedelta(hours=1),
            )

        assert_slots_match(host.find_slots(resources=host.needs), book_at)


@given(case=CASES)
@HYPOTHESIS_SETTINGS
def test_a_booking_moves_with_its_resources_to_what_is_offered(case: Case) -> None:
    with rolled_back(), override_settings(BOOKINGS_ADAPTER=case.adapter):
        host = Host(case)
        now = NOW + timedelta(hours=1)
        own = [
            row
            for row in host.existing
            if row.provider == host.provider
            and (row.expires_at is None or row.expires_at > now)
            and row.resource_count
        ]
        assume(own)

        def move_to(start: datetime) -> Booking:
            row = Booking.objects.get(pk=own[0].pk)
            return reschedule_booking(row, new_start_at=start, now_dt=now)

        assert_slots_match(host.find_slots(service=own[0].service, booking=own[0]), move_to)
