"""Why a start is not on offer, as a message and a code, and that booking raises the same error."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation

from bookings.contrib.schedule.exceptions import StartNotOffered
from bookings.contrib.schedule.models import BusinessHours, DateOverride, Schedule
from bookings.contrib.schedule.selectors import Availability
from bookings.exceptions import BookingError, NotAllowed, SlotUnavailable
from bookings.models import Booking
from bookings.services import create_booking, reschedule_booking
from tests.contrib.schedule.slots.conftest import NINE_TO_FIVE, create_schedule, make_service
from tests.core.moments import NOW, at

pytestmark = pytest.mark.django_db
FindSlots = Callable[..., Availability]
Book = Callable[..., Booking]
DAY = date(2131, 3, 6)
MOMENT = timedelta(microseconds=1)


def refusal_of(slots: Availability, start_at: datetime) -> tuple[str, str]:
    error = slots.why_not(start_at)
    assert isinstance(error, StartNotOffered)
    assert error.start_at == start_at
    return error.booking_code, str(error)


def test_nothing_is_said_of_a_start_on_offer(schedule: Schedule, find_slots: FindSlots) -> None:
    assert find_slots().why_not(at(10)) is None


def test_a_day_without_hours_is_closed(schedule: Schedule, find_slots: FindSlots) -> None:
    BusinessHours.objects.filter(day_of_week=DAY.weekday()).delete()
    code, text = refusal_of(find_slots(), at(10))
    assert code == "closed"
    assert text == "Closed on March 6, 2131. Choose another day."


def test_a_closed_day_has_its_reason(schedule: Schedule, find_slots: FindSlots) -> None:
    DateOverride.objects.create(schedule=schedule, date=DAY, is_closed=True, reason="Stocktaking")
    error = find_slots().why_not(at(10))
    assert isinstance(error, StartNotOffered)
    assert error.booking_code == "closed"
    assert error.reason == "Stocktaking"
    assert str(error) == "Closed on March 6, 2131: Stocktaking. Choose another day."


def test_the_date_is_the_schedule_s(provider: Any, find_slots: FindSlots) -> None:
    schedule = create_schedule(NINE_TO_FIVE, provider=provider, timezone="Asia/Tokyo")
    DateOverride.objects.create(schedule=schedule, date=date(2131, 3, 7), is_closed=True)
    code, text = refusal_of(find_slots(), at(23))
    assert (code, "March 7" in text) == ("closed", True)


@pytest.mark.parametrize(
    "start", [at(8), at(8, 59), at(16, 1), at(17), at(20)], ids=lambda start: f"{start:%H:%M}"
)
def test_outside_the_hours_they_are_named(
    schedule: Schedule, find_slots: FindSlots, start: datetime
) -> None:
    code, text = refusal_of(find_slots(), start)
    assert code == "outside_hours"
    assert "the hours of March 6, 2131 (9 a.m.–5 p.m.)" in text


def test_every_shift_of_the_day_is_named(provider: Any, find_slots: FindSlots) -> None:
    create_schedule(("09:00", "12:00"), ("13:30", "24:00"), provider=provider)
    assert "9 a.m.–noon, 1:30 p.m.–24:00" in refusal_of(find_slots(), at(11, 30))[1]


def test_the_end_of_a_night_shift_is_a_time_of_day(provider: Any, find_slots: FindSlots) -> None:
    create_schedule(("22:00", "02:00"), provider=provider)
    assert "10 p.m.–2 a.m." in refusal_of(find_slots(), at(12))[1]


def test_a_start_that_has_passed_is_too_soon(schedule: Schedule, find_slots: FindSlots) -> None:
    assert refusal_of(find_slots(now_dt=at(14) + MOMENT), at(14)) == (
        "too_soon",
        "That start has passed. Choose a later one.",
    )


def test_the_notice_that_was_not_given_is_named(schedule: Schedule, find_slots: FindSlots) -> None:
    Schedule.objects.update(minimum_notice_minutes=60)
    assert refusal_of(find_slots(now_dt=at(13) + MOMENT), at(14)) == (
        "too_soon",
        "It must be booked at least 1 hour ahead. Choose a later start.",
    )
    assert find_slots(now_dt=at(13)).why_not(at(14)) is None


def test_the_limit_of_days_is_named(schedule: Schedule, find_slots: FindSlots) -> None:
    Schedule.objects.update(maximum_advance_days=1)
    assert find_slots(now_dt=at(0, day=5)).why_not(at(14)) is None
    assert refusal_of(find_slots(now_dt=at(23, day=4)), at(9)) == (
        "too_far_ahead",
        "It can be booked at most 1 day ahead. Choose an earlier start.",
    )
    Schedule.objects.update(maximum_advance_days=0)
    assert find_slots(now_dt=at(0)).why_not(at(14)) is None
    assert refusal_of(find_slots(now_dt=at(23, day=5)), at(9)) == (
        "too_far_ahead",
        "It can only be booked for today. Choose a start today.",
    )


def test_more_days_than_python_counts_are_no_limit(
    schedule: Schedule, find_slots: FindSlots
) -> None:
    Schedule.objects.update(maximum_advance_days=2**31 - 1)
    assert find_slots().why_not(at(10)) is None
    assert refusal_of(find_slots(), at(10, 30))[0] == "off_grid"


@pytest.mark.parametrize(
    ("start", "nearest"),
    [
        (at(10, 15), "10 a.m., 11 a.m."),
        (at(10) + MOMENT, "10 a.m., 11 a.m."),
        (at(15, 59), "3 p.m., 4 p.m."),
    ],
    ids=["between two", "an instant late", "before the last"],
)
def test_between_two_steps_the_nearest_starts_are_named(
    schedule: Schedule, find_slots: FindSlots, start: datetime, nearest: str
) -> None:
    assert refusal_of(find_slots(), start) == (
        "off_grid",
        f"Starts are 1 hour apart ({nearest}). Choose one that is free.",
    )


def test_the_nearest_start_of_another_day_has_its_date(
    provider: Any, find_slots: FindSlots
) -> None:
    create_schedule(("09:00", "24:00"), provider=provider, slot_step_minutes=1440)
    assert refusal_of(find_slots(), at(12))[1].startswith(
        "Starts are 1 day apart (9 a.m., March 7, 2131, 9 a.m.)."
    )


def test_a_start_that_is_too_soon_or_too_far_ahead_is_not_named(
    schedule: Schedule, find_slots: FindSlots
) -> None:
    Schedule.objects.update(minimum_notice_minutes=60)
    assert "(11 a.m.)" in refusal_of(find_slots(now_dt=at(9, 15)), at(10, 15))[1]
    Schedule.objects.update(minimum_notice_minutes=0, maximum_advance_days=1)
    BusinessHours.objects.update(open_time="00:00", close_time="00:00", closes_next_day=True)
    assert "(11 p.m.)" in refusal_of(find_slots(now_dt=at(10, 30, day=5)), at(23, 15))[1]


def test_hours_without_any_start_say_so(provider: Any, find_slots: FindSlots) -> None:
    create_schedule(("09:05", "10:30"), provider=provider, slot_step_minutes=720, alignment="CLOCK")
    assert refusal_of(find_slots(), at(9, 15)) == (
        "off_grid",
        "No booking of this length can start near that time. Choose another day.",
    )


@pytest.mark.parametrize("start", [at(9), at(10), at(11)], ids=["before", "at", "after"])
def test_what_is_taken_is_called_so(
    schedule: Schedule, find_slots: FindSlots, book: Book, start: datetime
) -> None:
    book(at(9, 30))
    book(at(11), service=make_service(duration_minutes=15))
    assert refusal_of(find_slots(), start) == ("taken", "That time is taken. Choose another.")


def test_too_few_seats_are_counted(
    schedule: Schedule, find_slots: FindSlots, book: Book, yoga: Any
) -> None:
    book(at(10), service=yoga, party_size=2)
    error = find_slots(service=yoga, party_size=2).why_not(at(10))
    assert isinstance(error, StartNotOffered)
    assert (error.booking_code, error.start_at, error.remaining) == ("taken", at(10), 1)
    assert str(error) == "1 seat is left at that time. Choose another, or fewer seats."
    book(at(10), service=yoga)
    error = find_slots(service=yoga).why_not(at(10))
    assert isinstance(error, StartNotOffered)
    assert error.remaining is None
    assert str(error) == "That time is taken. Choose another."


def test_a_refusal_can_be_pickled(schedule: Schedule, find_slots: FindSlots) -> None:
    DateOverride.objects.create(schedule=schedule, date=DAY, is_closed=True, reason="Stocktaking")
    error = find_slots().why_not(at(10))
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (copy.start_at, copy.reason, copy.messages) == (at(10), "Stocktaking", error.messages)


def test_a_start_that_was_not_asked_about_is_not_judged(
    schedule: Schedule, find_slots: FindSlots
) -> None:
    assert refusal_of(find_slots(), at(10, day=7))[0] == "outside_range"


def test_it_is_not_judged_by_rules_that_were_not_read(
    schedule: Schedule, provider: Any, find_slots: FindSlots
) -> None:
    """Whose hours begin later are not known to be open then."""
    BusinessHours.objects.update(valid_from=date(2131, 6, 1))
    assert refusal_of(find_slots(), at(10) + timedelta(days=100))[0] == "outside_range"
    for far in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)):
        error = find_slots().why_not(far)
        assert error is not None
        assert error.booking_code == "outside_range"


def test_a_night_that_is_closed_has_the_reason_of_the_day_it_begins_on(
    provider: Any, find_slots: FindSlots
) -> None:
    schedule = create_schedule(("22:00", "02:00"), provider=provider)
    for day, reason in ((date(2131, 3, 5), "Party"), (DAY, "Hangover")):
        DateOverride.objects.create(schedule=schedule, date=day, is_closed=True, reason=reason)
    assert refusal_of(find_slots(), at(1)) == (
        "closed",
        "Closed on March 5, 2131: Party. Choose another day.",
    )
    assert "Hangover" in refusal_of(find_slots(), at(23))[1]
    assert "March 6, 2131: Hangover" in refusal_of(find_slots(), at(12))[1]


def test_any_notice_that_a_column_takes_is_too_long_to_keep(
    schedule: Schedule, find_slots: FindSlots
) -> None:
    slots = find_slots()
    slots.search.rules.schedule.minimum_notice_minutes = 2**32 - 1  # as much as MySQL's takes
    search = replace(slots.search, now=datetime(3000, 1, 1, tzinfo=UTC), first=0, last=2**36)
    late = replace(slots, search=search)
    assert refusal_of(late, datetime(3000, 1, 1, 9, tzinfo=UTC))[0] == "too_soon"


@pytest.mark.parametrize("name", ["service", "provider"])
def test_what_is_inactive_is_called_so(
    schedule: Schedule, find_slots: FindSlots, request: pytest.FixtureRequest, name: str
) -> None:
    request.getfixturevalue(name).is_active = False
    error = find_slots().why_not(at(10))
    assert isinstance(error, NotAllowed)
    assert error.field == name


def test_staff_are_told_of_the_hours_but_not_of_the_window(
    schedule: Schedule, find_slots: FindSlots
) -> None:
    staff = find_slots(now_dt=at(14), override_policy=True)
    assert staff.why_not(at(10)) is None
    assert refusal_of(staff, at(10, 15))[0] == "off_grid"
    assert refusal_of(staff, at(8))[0] == "outside_hours"


def test_it_is_said_in_the_reader_s_language(schedule: Schedule, find_slots: FindSlots) -> None:
    with translation.override("de"):
        assert "(09:00–17:00)" in refusal_of(find_slots(), at(8))[1]


@pytest.mark.usefixtures("validated")
class TestBookingsAreHeldToIt:
    def make(self, service: Any, provider: Any, start_at: datetime, **values: Any) -> Booking:
        return create_booking(
            service=service,
            provider=provider,
            start_at=start_at,
            client_name="Joan",
            **({"now_dt": NOW} | values),
        )

    def refusal(self, *args: Any, **values: Any) -> str:
        with pytest.raises(BookingError) as caught:
            self.make(*args, **values)
        assert not Booking.objects.exists()
        return caught.value.booking_code

    def test_a_start_on_offer_is_booked(
        self, schedule: Schedule, service: Any, provider: Any
    ) -> None:
        assert self.make(service, provider, at(10)).start_at == at(10)

    def test_the_reason_is_the_error_s(
        self, schedule: Schedule, service: Any, provider: Any
    ) -> None:
        DateOverride.objects.create(schedule=schedule, date=date(2131, 3, 7), is_closed=True)
        Schedule.objects.update(maximum_advance_days=10, minimum_notice_minutes=180)
        reasons = {
            self.refusal(service, provider, start_at)
            for start_at in (
                at(10, day=7),
                at(7),
                at(10, 30),
                at(10, day=5),
                at(10, day=25),
            )
        }
        assert reasons == {"closed", "outside_hours", "off_grid", "too_soon", "too_far_ahead"}

    def test_without_a_schedule_nothing_can_be_booked(self, service: Any, provider: Any) -> None:
        assert self.refusal(service, provider, at(10)) == "no_schedule"

    def test_add_ons_count(
        self, schedule: Schedule, service: Any, provider: Any, addon: Any
    ) -> None:
        assert self.refusal(service, provider, at(16), addon_ids=[addon.pk]) == "outside_hours"

    def test_staff_lift_the_schedule_s_window_with_the_service_s(
        self, schedule: Schedule, service: Any, provider: Any
    ) -> None:
        Schedule.objects.update(minimum_notice_minutes=7 * 1440)
        assert self.refusal(service, provider, at(10)) == "too_soon"
        assert self.make(service, provider, at(10), override_policy=True).pk

    def test_a_past_start_may_be_allowed(
        self, schedule: Schedule, service: Any, provider: Any
    ) -> None:
        assert self.make(service, provider, at(10, day=4), allow_past=True).pk

    def test_a_booking_moves_to_a_start_that_its_own_time_is_in_the_way_of(
        self, schedule: Schedule, service: Any, provider: Any
    ) -> None:
        Schedule.objects.update(slot_step_minutes=30)
        booking = self.make(service, provider, at(10))
        reschedule_booking(booking, new_start_at=at(10, 30), now_dt=NOW)
        assert Booking.objects.get().start_at == at(10, 30)

    def test_a_booking_that_is_moved_hears_why_not(
        self, schedule: Schedule, service: Any, provider: Any, addon: Any
    ) -> None:
        self.make(service, provider, at(12))
        booking = self.make(service, provider, at(10))
        for new_start_at, code in ((at(12), "taken"), (at(10, 30), "off_grid")):
            with pytest.raises(SlotUnavailable) as caught:
                reschedule_booking(booking, new_start_at=new_start_at, now_dt=NOW)
            assert caught.value.booking_code == code
