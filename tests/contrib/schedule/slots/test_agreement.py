"""What is offered can be booked at that moment, and what can be booked is offered.

Whatever the schedule, the service, and what the calendar holds by then: every start of a grid of
ten minutes is tried for real, and the booking taken back. Held to the slots, it can be booked if it
is offered; held to the ledger alone, if it is offered or if it is not even offered by an empty
calendar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from bookings.conf import app_settings
from bookings.contrib.schedule.models import DateOverride
from bookings.contrib.schedule.selectors import Availability, list_available_slots
from bookings.exceptions import BookingError
from bookings.models import Booking
from bookings.services import create_booking, reschedule_booking
from tests.contrib.schedule.slots.conftest import make_provider, make_schedule, make_service
from tests.effort import examples

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("validated")]

# A Sunday in Berlin, on which the clocks are put back at three.
NIGHT = date(2030, 10, 27)
FIRST = datetime.fromisoformat("2030-10-26T22:00+00:00")
GRID = timedelta(minutes=10)
TRIED = [FIRST + GRID * number for number in range(6 * 7)]
NOW = FIRST - timedelta(hours=20)

EFFORT = settings(
    max_examples=examples(12),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

STARTS = st.sampled_from(TRIED)
MINUTES = st.sampled_from([0, 0, 10, 20])


@dataclass
class Held:
    """What somebody has booked already."""

    start: datetime
    is_yoga: bool
    party: int
    runs_out: int | None
    """Minutes from ``NOW``."""


@dataclass
class Case:
    shifts: list[tuple[str, str]]
    step: int
    alignment: str
    notice: int
    advance: int | None
    before: int
    after: int
    extra: int
    party: int
    wants_yoga: bool
    held: list[Held]
    now: datetime
    is_closed: bool


SHIFTS = [
    [("00:00", "05:00")],
    [("00:30", "02:30"), ("02:30", "04:10")],
    [("01:00", "02:00"), ("02:40", "03:40")],
    [("20:00", "03:00")],
    [("00:00", "24:00")],
]
HELD = st.builds(
    Held,
    start=STARTS,
    is_yoga=st.booleans(),
    party=st.sampled_from([1, 1, 2]),
    runs_out=st.sampled_from([None, None, 10, 600]),
)
CASES = st.builds(
    Case,
    shifts=st.sampled_from(SHIFTS),
    step=st.sampled_from([10, 20, 30, 50]),
    alignment=st.sampled_from(["OPENING", "CLOCK"]),
    notice=st.sampled_from([0, 0, 0, 22 * 60]),
    advance=st.sampled_from([None, None, None, 1]),
    before=MINUTES,
    after=MINUTES,
    extra=MINUTES,
    party=st.sampled_from([1, 1, 2]),
    wants_yoga=st.booleans(),
    held=st.lists(HELD, min_size=1, max_size=5),
    now=st.sampled_from([NOW, NOW + timedelta(minutes=10), FIRST + timedelta(minutes=65)]),
    is_closed=st.sampled_from([False] * 7 + [True]),
)


class World:
    """A host in which the case is true."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.provider = make_provider()
        schedule = make_schedule(
            *case.shifts,
            provider=self.provider,
            timezone="Europe/Berlin",
            slot_step_minutes=case.step,
            alignment=case.alignment,
            minimum_notice_minutes=case.notice,
            maximum_advance_days=case.advance,
        )
        if case.is_closed:
            DateOverride.objects.create(schedule=schedule, date=NIGHT, is_closed=True)
        buffers = {"buffer_before_minutes": case.before, "buffer_after_minutes": case.after}
        self.massage = make_service(duration_minutes=30, **buffers)
        self.yoga = make_service(
            duration_minutes=40, allow_multiple_clients_per_slot=True, capacity=3, **buffers
        )
        self.service = self.yoga if case.wants_yoga else self.massage
        self.party = case.party if case.wants_yoga else 1
        addon = apps.get_model(app_settings.ADDON_MODEL)
        self.addons = [addon.objects.create(name="More", extra_duration_minutes=case.extra)]
        self.held = [booking for booking in map(self.hold, case.held) if booking is not None]

    def hold(self, held: Held) -> Booking | None:
        expires = None if held.runs_out is None else NOW + timedelta(minutes=held.runs_out)
        try:
            return create_booking(
                service=self.yoga if held.is_yoga else self.massage,
                provider=self.provider,
                start_at=held.start,
                client_name="Joan",
                party_size=held.party if held.is_yoga else 1,
                expires_at=expires,
                now_dt=NOW,
                skip_slot_validation=True,
            )
        except BookingError:
            return None

    def offer(self, **values: Any) -> Availability:
        return list_available_slots(
            values.pop("service", self.service),
            self.provider,
            TRIED[0],
            TRIED[-1] + GRID,
            now_dt=self.case.now,
            **values,
        )


@contextmanager
def only_tried() -> Iterator[None]:
    """Whatever is written in here is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def succeeds(do: Callable[..., Any], **values: Any) -> bool:
    with only_tried():
        try:
            do(**values)
        except BookingError:
            return False
        return True


def agree(offer: Availability, book_at: Callable[..., Any]) -> None:
    offered = {slot.start for slot in offer}
    by_an_empty_calendar = {
        datetime.fromtimestamp(start, UTC)
        for start in offer.starts_between(*offer.bounds, although_taken=True)
    }
    assert offered <= by_an_empty_calendar <= set(TRIED)
    for start in TRIED:
        is_offered = start in offered
        assert (start in offer) is is_offered
        assert (offer.why_not(start) is None) is is_offered
        assert succeeds(book_at, start=start) is is_offered, start
        if start in by_an_empty_calendar:
            alone = succeeds(book_at, start=start, skip_slot_validation=True)
            assert alone is is_offered, start
    is_less = len(offered) < len(by_an_empty_calendar)
    event("some" if offered and is_less else "none" if is_less else "as many as of an empty one")


@given(case=CASES)
@EFFORT
def test_what_is_offered_can_be_booked_and_nothing_else(case: Case) -> None:
    with only_tried():
        world = World(case)

        def book_at(start: datetime, **values: Any) -> Booking:
            return create_booking(
                service=world.service,
                provider=world.provider,
                start_at=start,
                client_name="Joan",
                addon_ids=[addon.pk for addon in world.addons],
                party_size=world.party,
                now_dt=case.now,
                **values,
            )

        agree(world.offer(addons=world.addons, party_size=world.party), book_at)


@given(case=CASES)
@EFFORT
def test_a_booking_can_be_moved_to_what_is_offered_and_nowhere_else(case: Case) -> None:
    with only_tried():
        world = World(case)
        booking = next((row for row in world.held if row.holds_time), None)
        assume(booking is not None)
        assume(booking.expires_at is None or booking.expires_at > case.now)

        def move_to(start: datetime, **values: Any) -> Booking:
            row = Booking.objects.get(pk=booking.pk)
            return reschedule_booking(row, new_start_at=start, now_dt=case.now, **values)

        agree(world.offer(service=booking.service, booking=booking), move_to)
