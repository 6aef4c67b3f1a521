"""The slots are exactly the starts that can be booked.

For generated schedules, services, limits and existing bookings, every tenth minute is booked for
real, and the booking is rolled back. With the slot engine, it succeeds exactly if the start is on
offer. Without it, for the starts that an empty calendar offers, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.test import override_settings
from hypothesis import HealthCheck, assume, event, example, given, settings
from hypothesis import strategies as st

from bookings.adapters import DefaultBookingAdapter
from bookings.conf import app_settings
from bookings.contrib.schedule.models import DateOverride
from bookings.contrib.schedule.selectors import Availability, list_available_slots
from bookings.exceptions import BookingError, NotAllowed
from bookings.models import Booking
from bookings.services import create_booking, reschedule_booking
from tests.contrib.schedule.slots.conftest import create_schedule, make_provider, make_service
from tests.quick_run import examples

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("validated")]

# A Sunday in Berlin, on which the clocks are put back at three.
NIGHT = date(2030, 10, 27)
FIRST = datetime.fromisoformat("2030-10-26T22:00+00:00")
GRID = timedelta(minutes=10)
CANDIDATES = [FIRST + GRID * number for number in range(6 * 7)]
NOW = FIRST - timedelta(hours=20)

HYPOTHESIS_SETTINGS = settings(
    max_examples=examples(4),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

STARTS = st.sampled_from(CANDIDATES)
MINUTES = st.sampled_from([0, 0, 10, 20])


@dataclass
class ExistingBooking:
    """A booking that is there before slots are asked for."""

    start: datetime
    is_yoga: bool
    party: int
    expires_in: int | None
    """Minutes from ``NOW``."""
    is_elsewhere: bool
    """Whether it is with another provider, where it only counts for the client."""
    is_longer: bool = False
    """Whether it has the add-on."""


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
    is_yoga: bool
    existing: list[ExistingBooking]
    now: datetime
    is_closed: bool
    most_of_provider: int | None
    most_of_client: int | None
    """The limits of a day."""
    no_overlap: bool
    adapter: str
    provider_before: int = 0
    provider_after: int = 0
    colleague_before: int = 0
    """The buffers of the provider, and of the colleague from whom bookings are moved."""
    is_concurrent: bool = False
    """Whether yoga has three mats, for clients who come and go."""
    days: int | None = None
    ends_at: str | None = None
    """How long everything lasts by the wall clock; ``None`` for minutes."""
    spans: bool = False
    """Whether it may last while the provider is closed."""


SHIFTS = [
    [("00:00", "05:00")],
    [("00:30", "02:30"), ("02:30", "04:10")],
    [("01:00", "02:00"), ("02:40", "03:40")],
    [("20:00", "03:00")],
    [("00:00", "24:00")],
]
EXISTING_BOOKINGS = st.builds(
    ExistingBooking,
    start=STARTS,
    is_yoga=st.booleans(),
    party=st.sampled_from([1, 1, 2]),
    expires_in=st.sampled_from([None, None, 10, 600]),
    is_elsewhere=st.sampled_from([False, False, True]),
)
CONCURRENT_BOOKINGS = st.builds(
    ExistingBooking,
    start=STARTS,
    is_yoga=st.sampled_from([True, True, True, True, False]),
    party=st.sampled_from([1, 1, 2]),
    expires_in=st.sampled_from([None, None, 10, 600]),
    is_elsewhere=st.just(False),
    is_longer=st.booleans(),
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
    is_yoga=st.booleans(),
    existing=st.lists(EXISTING_BOOKINGS, min_size=1, max_size=5),
    now=st.sampled_from([NOW, NOW + timedelta(minutes=10), FIRST + timedelta(minutes=65)]),
    is_closed=st.sampled_from([False] * 7 + [True]),
    most_of_provider=st.sampled_from([None, None, 1, 2]),
    most_of_client=st.sampled_from([None, None, 1, 2]),
    no_overlap=st.booleans(),
    adapter=st.sampled_from(["bookings.adapters.DefaultBookingAdapter", f"{__name__}.NotAtHalf"]),
    provider_before=MINUTES,
    provider_after=MINUTES,
    colleague_before=MINUTES,
)

CONCURRENT_CASES = st.tuples(
    CASES,
    st.lists(CONCURRENT_BOOKINGS, min_size=2, max_size=8),
    st.sampled_from([True] * 4 + [False]),
).map(lambda given: replace(given[0], existing=given[1], is_yoga=given[2], is_concurrent=True))


DAY_CASES = st.tuples(
    st.one_of(CASES, CONCURRENT_CASES),
    st.sampled_from(
        [(1, None), (2, None), (None, "02:30"), (None, "04:30"), (1, "02:30"), (1, "01:00")]
    ),
    st.booleans(),
    st.sampled_from([*SHIFTS, *[[("00:00", "24:00")]] * 3]),
).map(
    lambda given: replace(
        given[0], days=given[1][0], ends_at=given[1][1], spans=given[2], shifts=given[3]
    )
)


class NotAtHalf(DefaultBookingAdapter):
    """Nobody may start at half past."""

    def check_bookable(self, booking: Booking, *, override_policy: bool) -> None:
        super().check_bookable(booking, override_policy=override_policy)
        if booking.start_at.minute == 30:
            raise NotAllowed("Not at half past.")


class Host:
    """A host in which the case is true."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.provider = make_provider(
            buffer_before_minutes=case.provider_before, buffer_after_minutes=case.provider_after
        )
        self.colleague = make_provider("Grace", buffer_before_minutes=case.colleague_before)
        schedule = create_schedule(
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
        rules = {
            "buffer_before_minutes": case.before,
            "buffer_after_minutes": case.after,
            "duration_days": case.days,
            "ends_at_time": case.ends_at,
            "spans_closures": case.spans,
        }
        self.massage = make_service(duration_minutes=30, **rules)
        self.yoga = make_service(
            duration_minutes=40,
            allow_multiple_clients_per_slot=True,
            capacity=3,
            capacity_mode="CONCURRENT" if case.is_concurrent else "SLOT",
            **rules,
        )
        self.service = self.yoga if case.is_yoga else self.massage
        self.party = case.party if case.is_yoga else 1
        addon = apps.get_model(app_settings.ADDON_MODEL)
        self.addons = [addon.objects.create(name="More", extra_duration_minutes=case.extra)]
        self.existing = [
            booking for booking in map(self.hold, case.existing) if booking is not None
        ]

    def hold(self, existing: ExistingBooking) -> Booking | None:
        expires = (
            None if existing.expires_in is None else NOW + timedelta(minutes=existing.expires_in)
        )
        try:
            return create_booking(
                service=self.yoga if existing.is_yoga else self.massage,
                provider=self.colleague if existing.is_elsewhere else self.provider,
                start_at=existing.start,
                client_name="Joan",
                party_size=existing.party if existing.is_yoga else 1,
                expires_at=expires,
                addon_ids=[addon.pk for addon in self.addons] if existing.is_longer else [],
                now_dt=NOW,
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
            now_dt=self.case.now,
            **values,
        )


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back what is written in here."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def host_of(case: Case) -> Iterator[Host]:
    with rolled_back():
        host = Host(case)
        for service in (host.massage, host.yoga):
            service.max_bookings_per_client_per_day = case.most_of_client
            service.save()
        host.provider.max_bookings_per_day = case.most_of_provider
        host.provider.save()
        with override_settings(
            BOOKINGS_ADAPTER=case.adapter, BOOKINGS_PREVENT_CLIENT_OVERLAP=case.no_overlap
        ):
            yield host


def succeeds(do: Callable[..., Any], **values: Any) -> bool:
    with rolled_back():
        try:
            do(**values)
        except BookingError:
            return False
        return True


def assert_slots_match(slots: Availability, book_at: Callable[..., Any]) -> None:
    offered = {slot.start for slot in slots}
    without_busy_time = {
        datetime.fromtimestamp(start, UTC)
        for start in slots.search.starts_between(*slots.search.bounds, ignore_busy_time=True)
    }
    assert offered <= without_busy_time <= set(CANDIDATES)
    for start in CANDIDATES:
        is_offered = start in offered
        assert (start in slots) is is_offered
        assert (slots.why_not(start) is None) is is_offered
        assert succeeds(book_at, start=start) is is_offered, start
        if start in without_busy_time:
            alone = succeeds(book_at, start=start, skip_slot_validation=True)
            assert alone is is_offered, start
    is_less = len(offered) < len(without_busy_time)
    event("some" if offered and is_less else "none" if is_less else "as many as of an empty one")


@given(case=CASES)
@HYPOTHESIS_SETTINGS
def test_what_is_offered_can_be_booked_and_nothing_else(case: Case) -> None:
    check_what_is_offered(case)


@given(case=CONCURRENT_CASES)
@HYPOTHESIS_SETTINGS
def test_concurrent_bookings_fit_where_it_is_offered_and_nowhere_else(case: Case) -> None:
    check_what_is_offered(case)


@given(case=DAY_CASES)
@HYPOTHESIS_SETTINGS
def test_what_lasts_by_the_wall_clock_fits_where_it_is_offered_and_nowhere_else(
    case: Case,
) -> None:
    check_what_is_offered(case)


def check_what_is_offered(case: Case) -> None:
    with host_of(case) as host:

        def book_at(start: datetime, **values: Any) -> Booking:
            return create_booking(
                service=host.service,
                provider=host.provider,
                start_at=start,
                client_name="Joan",
                addon_ids=[addon.pk for addon in host.addons],
                party_size=host.party,
                now_dt=case.now,
                **values,
            )

        slots = host.find_slots(addons=host.addons, party_size=host.party, client_name="Joan")
        assert_slots_match(slots, book_at)
        for slot in slots if host.service == host.yoga else ():
            host.party = slot.remaining_capacity
            assert succeeds(book_at, start=slot.start)
            host.party += 1
            assert not succeeds(book_at, start=slot.start)


# Of the shared slot at 01:20, only the buffer before it is in the way of the start at 00:40.
@example(
    case=Case(
        shifts=[("00:00", "05:00")],
        step=10,
        alignment="OPENING",
        notice=0,
        advance=None,
        before=20,
        after=0,
        extra=0,
        party=1,
        is_yoga=True,
        existing=[
            ExistingBooking(FIRST + timedelta(minutes=minutes), True, 1, None, False)
            for minutes in (280, 200)
        ],
        now=NOW,
        is_closed=False,
        most_of_provider=None,
        most_of_client=None,
        no_overlap=False,
        adapter="bookings.adapters.DefaultBookingAdapter",
    )
)
@given(case=CASES)
@HYPOTHESIS_SETTINGS
def test_a_booking_can_be_moved_to_what_is_offered_and_nowhere_else(case: Case) -> None:
    check_where_it_can_be_moved(case)


@given(case=CONCURRENT_CASES)
@HYPOTHESIS_SETTINGS
def test_a_concurrent_booking_can_be_moved_to_what_is_offered(case: Case) -> None:
    check_where_it_can_be_moved(case)


@given(case=DAY_CASES)
@HYPOTHESIS_SETTINGS
def test_what_lasts_by_the_wall_clock_can_be_moved_to_what_is_offered(case: Case) -> None:
    check_where_it_can_be_moved(case)


def check_where_it_can_be_moved(case: Case) -> None:
    with host_of(case) as host:
        own = [row for row in host.existing if row.holds_time and row.provider == host.provider]
        # Slots say where a booking fits, and not that it may be moved: one that has begun may not.
        booking = next((row for row in own if row.start_at > case.now), None)
        assume(booking is not None)
        assume(booking.expires_at is None or booking.expires_at > case.now)

        def move_to(start: datetime, **values: Any) -> Booking:
            row = Booking.objects.get(pk=booking.pk)
            return reschedule_booking(row, new_start_at=start, now_dt=case.now, **values)

        assert_slots_match(host.find_slots(service=booking.service, booking=booking), move_to)


@given(case=CASES)
@HYPOTHESIS_SETTINGS
def test_a_booking_of_another_provider_can_be_moved_to_what_is_offered(case: Case) -> None:
    with host_of(case) as host:
        others = [row for row in host.existing if row.holds_time and row.provider != host.provider]
        booking = next((row for row in others if row.start_at > case.now), None)
        assume(booking is not None)
        assume(booking.expires_at is None or booking.expires_at > case.now)

        def move_to(start: datetime, **values: Any) -> Booking:
            row = Booking.objects.get(pk=booking.pk)
            return reschedule_booking(
                row, new_start_at=start, new_provider=host.provider, now_dt=case.now, **values
            )

        assert_slots_match(host.find_slots(service=booking.service, booking=booking), move_to)
