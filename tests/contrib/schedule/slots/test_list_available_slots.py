"""The slots of one provider: which, in whose zone, and as what kind of sequence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.selectors import Availability, Slot, list_available_slots
from bookings.exceptions import InvalidBooking, SlotUnavailable, TooFarAhead
from bookings.services import create_booking
from tests.contrib.schedule.slots.conftest import create_schedule, make_service, start_times
from tests.core.moments import NOW, at

pytestmark = pytest.mark.django_db
Book = Callable[..., Any]
FindSlots = Callable[..., Availability]
TOKYO = ZoneInfo("Asia/Tokyo")
DAY = date(2131, 3, 6)
ALL_DAY = ["09:00", "10:00", "11:00", "12:00", "13:00", "14:00", "15:00", "16:00"]


def refusal_of_start(slots: Availability, start_at: datetime) -> str | None:
    error = slots.why_not(start_at)
    return None if error is None else error.booking_code


def test_a_day_s_slots_lie_within_its_hours(schedule: Schedule, find_slots: FindSlots) -> None:
    assert start_times(find_slots()) == ALL_DAY


def test_a_slot_says_when_with_whom_and_how_many_seats(
    schedule: Schedule, find_slots: FindSlots, provider: Any
) -> None:
    assert find_slots()[0] == Slot(at(9), at(10), 1, provider)


def test_the_range_is_half_open(schedule: Schedule, find_slots: FindSlots) -> None:
    assert start_times(find_slots(start_dt=at(10), end_dt=at(12))) == ["10:00", "11:00"]
    moment = timedelta(microseconds=1)
    assert start_times(find_slots(start_dt=at(10) + moment, end_dt=at(12) + moment)) == [
        "11:00",
        "12:00",
    ]
    assert start_times(find_slots(start_dt=at(10), end_dt=at(10))) == []


def test_a_range_of_days_has_both_of_them(schedule: Schedule, find_slots: FindSlots) -> None:
    days = find_slots(start_dt=None, end_dt=None, start_date=DAY, end_date=date(2131, 3, 7))
    assert start_times(days) == ALL_DAY * 2


def test_days_are_those_of_the_viewer_s_zone(schedule: Schedule, find_slots: FindSlots) -> None:
    asked = {"start_dt": None, "end_dt": None, "start_date": DAY, "end_date": DAY}
    slots = find_slots(**asked, tz=TOKYO)
    assert slots[0].start == at(15, day=5)
    assert {slot.start.tzinfo for slot in slots} == {TOKYO}
    assert (
        {slot.start.date() for slot in slots} == {slot.end.date() for slot in slots[:-2]} == {DAY}
    )
    with timezone.override(TOKYO):
        assert list(find_slots(**asked)) == list(slots)


def test_the_schedule_s_zone_decides_the_hours(provider: Any, find_slots: FindSlots) -> None:
    create_schedule(("09:00", "12:00"), provider=provider, timezone="Asia/Tokyo")
    assert start_times(find_slots()) == ["00:00", "01:00", "02:00"]
    assert start_times(find_slots(tz=TOKYO)) == ["09:00", "10:00", "11:00"]


def test_an_hour_that_the_zone_repeats_is_offered_twice(provider: Any, service: Any) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    create_schedule(("01:00", "04:00"), provider=provider, timezone="Europe/Berlin")
    night = date(2030, 10, 27)
    slots = list_available_slots(
        service,
        provider,
        start_date=night,
        end_date=night,
        tz=berlin,
        now_dt=NOW.replace(year=2030),
    )
    assert [(f"{slot.start:%H:%M}", slot.start.fold) for slot in slots] == [
        ("01:00", 0),
        ("02:00", 0),
        ("02:00", 1),
        ("03:00", 0),
    ]
    assert all(
        slot.end.astimezone(UTC) - slot.start.astimezone(UTC) == timedelta(hours=1)
        for slot in slots
    )
    assert all(slot in slots and slot.start in slots for slot in slots)
    assert len({*slots}) == 4
    assert [slots.index(slot) for slot in slots] == [0, 1, 2, 3]


def test_the_step_and_the_alignment_are_the_schedule_s(
    provider: Any, find_slots: FindSlots
) -> None:
    schedule = create_schedule(("09:10", "11:00"), provider=provider, slot_step_minutes=30)
    assert start_times(find_slots()) == ["09:10", "09:40"]
    Schedule.objects.filter(pk=schedule.pk).update(alignment=Schedule.Alignment.CLOCK)
    assert start_times(find_slots()) == ["09:30", "10:00"]


def test_an_add_on_makes_it_longer(provider: Any, find_slots: FindSlots, addon: Any) -> None:
    create_schedule(("09:00", "11:00"), provider=provider, slot_step_minutes=15)
    assert start_times(find_slots(addons=[addon]))[-1] == "09:45"
    assert find_slots(addons=[addon])[0].end == at(10, 15)


def test_a_booking_that_is_moved_may_get_other_add_ons(
    provider: Any, find_slots: FindSlots, book: Book, addon: Any
) -> None:
    create_schedule(("09:00", "11:00"), provider=provider, slot_step_minutes=15)
    plain, long = book(at(14)), book(at(15), addon_ids=[addon.pk])
    type(addon).objects.update(extra_duration_minutes=30)
    addon.refresh_from_db()

    assert start_times(find_slots(booking=plain))[-1] == "10:00"
    assert start_times(find_slots(booking=plain, addons=[addon]))[-1] == "09:30"
    # What it keeps lasts as long as it was booked for.
    assert start_times(find_slots(booking=long, addons=[addon]))[-1] == "09:45"
    assert start_times(find_slots(booking=long, addons=[]))[-1] == "10:00"


def test_a_booking_that_is_moved_keeps_its_seats(
    schedule: Schedule, find_slots: FindSlots, book: Book
) -> None:
    with pytest.raises(TypeError, match="its own"):
        find_slots(booking=book(at(9)), party_size=2)


def test_notice_and_advance_are_the_stricter_of_the_schedule_s_and_the_service_s(
    schedule: Schedule, find_slots: FindSlots
) -> None:
    def ask(
        schedule_limits: tuple[int, int | None], service_limits: tuple[int, int | None]
    ) -> list[str]:
        notice, advance = schedule_limits
        Schedule.objects.update(minimum_notice_minutes=notice, maximum_advance_days=advance)
        notice, advance = service_limits
        service = make_service(minimum_notice_minutes=notice, maximum_advance_days=advance)
        return start_times(find_slots(service=service, now_dt=at(13, day=5)))

    assert ask((0, None), (0, None)) == ALL_DAY
    assert ask((22 * 60, None), (60, None)) == ALL_DAY[2:]
    assert ask((60, None), (22 * 60, None)) == ALL_DAY[2:]
    assert ask((0, 1), (0, None)) == ask((0, None), (0, 1)) == ask((0, 30), (0, 1)) == ALL_DAY
    assert ask((0, 0), (0, None)) == ask((0, None), (0, 0)) == ask((0, 30), (0, 0)) == []


@pytest.mark.parametrize("hour", [0, 9, 23])
def test_the_last_day_ahead_is_offered_entirely(
    schedule: Schedule, find_slots: FindSlots, hour: int
) -> None:
    """And so is today, of which there is something left."""
    asked = {"start_dt": None, "end_dt": None, "start_date": DAY, "end_date": date(2131, 3, 20)}
    Schedule.objects.update(maximum_advance_days=7)
    slots = find_slots(**asked, now_dt=at(hour, day=5))
    assert start_times(slots) == ALL_DAY * 7
    assert slots[-1].start == at(16, day=12)
    Schedule.objects.update(maximum_advance_days=0)
    assert start_times(find_slots(now_dt=at(0))) == ALL_DAY
    assert start_times(find_slots(now_dt=at(hour, day=5))) == []


@pytest.mark.usefixtures("validated")
def test_the_days_ahead_are_those_of_the_schedule(provider: Any, find_slots: FindSlots) -> None:
    """In Brisbane it is ten hours later. What is offered can be booked, and nothing else."""
    create_schedule(("00:00", "24:00"), provider=provider, timezone="Australia/Brisbane")
    service = make_service(maximum_advance_days=1)
    now = at(13, 59, day=5)
    slots = find_slots(service=service, start_dt=at(12, day=6), end_dt=at(18, day=6), now_dt=now)
    assert [slot.start for slot in slots] == [at(12, day=6), at(13, day=6)]
    assert refusal_of_start(slots, at(14, day=6)) == "too_far_ahead"
    values = {"service": service, "provider": provider, "client_name": "Joan", "now_dt": now}
    assert create_booking(start_at=at(13, day=6), **values).pk
    with pytest.raises(TooFarAhead):
        create_booking(start_at=at(14, day=6), **values)
    assert create_booking(start_at=at(14, day=6), **(values | {"now_dt": at(14, day=5)})).pk


def test_what_has_passed_is_not_offered(schedule: Schedule, find_slots: FindSlots) -> None:
    assert start_times(find_slots(now_dt=at(14))) == ALL_DAY[5:]
    assert start_times(find_slots(now_dt=at(14) + timedelta(microseconds=1))) == ALL_DAY[6:]


def test_staff_may_look_beyond_notice_and_advance(
    schedule: Schedule, find_slots: FindSlots
) -> None:
    Schedule.objects.update(minimum_notice_minutes=60, maximum_advance_days=0)
    assert start_times(find_slots(now_dt=at(14))) == ALL_DAY[6:]
    assert start_times(find_slots(now_dt=at(14), override_policy=True)) == ALL_DAY
    assert start_times(find_slots(now_dt=at(14, day=5))) == []
    assert start_times(find_slots(now_dt=at(14, day=5), override_policy=True)) == ALL_DAY


@pytest.mark.parametrize("name", ["service", "provider"])
def test_what_is_inactive_is_not_offered_but_to_staff(
    schedule: Schedule, find_slots: FindSlots, request: pytest.FixtureRequest, name: str
) -> None:
    request.getfixturevalue(name).is_active = False
    assert list(find_slots()) == []
    assert start_times(find_slots(override_policy=True)) == ALL_DAY


def test_the_answer_is_a_sequence(schedule: Schedule, find_slots: FindSlots) -> None:
    slots = find_slots()
    assert len(slots) == 8
    assert slots[-1].start == at(16)
    assert start_times(slots[1:3]) == ["10:00", "11:00"]
    assert start_times(reversed(slots)) == ALL_DAY[::-1]
    assert start_times(slots) == ALL_DAY
    with pytest.raises(IndexError):
        slots[8]


def test_an_answer_with_nothing_in_it_is_false(schedule: Schedule, find_slots: FindSlots) -> None:
    assert find_slots()
    assert not find_slots(now_dt=at(20))


def test_the_answer_knows_what_is_in_it(
    schedule: Schedule, find_slots: FindSlots, provider: Any
) -> None:
    slots = find_slots()
    assert at(10) in slots
    assert at(10).astimezone(TOKYO) in slots
    assert at(10) + timedelta(microseconds=1) not in slots
    assert at(10, 30) not in slots
    assert at(8) not in slots
    assert at(10, day=8) not in slots
    assert Slot(at(10), at(11), 1, provider) in slots
    assert Slot(at(10), at(11), 1, None) not in slots  # type: ignore[arg-type]
    assert "10:00" not in slots


def test_a_night_shift_belongs_to_the_day_that_it_begins_on(
    provider: Any, find_slots: FindSlots
) -> None:
    create_schedule(("22:00", "02:00"), provider=provider)
    assert start_times(find_slots()) == ["00:00", "01:00", "22:00", "23:00"]


BAD = {
    "naive_datetime": {"start_dt": at(0).replace(tzinfo=None)},
    "range_reversed": {"start_dt": at(10), "end_dt": at(9)},
    "range_too_long": {"end_dt": at(0) + timedelta(days=3653)},
    "out_of_range": {"end_dt": datetime(9999, 12, 31, tzinfo=UTC)},
    "invalid": {"start_dt": DAY},
}


@pytest.mark.parametrize(("code", "asked"), BAD.items(), ids=BAD)
def test_a_range_that_makes_no_sense_is_refused(
    schedule: Schedule, find_slots: FindSlots, code: str, asked: dict[str, Any]
) -> None:
    with pytest.raises(InvalidBooking) as caught:
        find_slots(**asked)
    assert caught.value.code == code


BAD_DAYS = {
    "range_reversed": (DAY, date(2131, 3, 5)),
    "range_too_long": (DAY, date(2132, 4, 12)),
    "out_of_range": (date.max, date.max),
    "before all": (date.min, date.min),
    "invalid_date": (NOW, NOW),
}


@pytest.mark.parametrize(("code", "asked"), BAD_DAYS.items(), ids=BAD_DAYS)
def test_days_that_make_no_sense_are_refused(
    schedule: Schedule, find_slots: FindSlots, code: str, asked: tuple[date, date]
) -> None:
    with pytest.raises(InvalidBooking) as caught:
        find_slots(start_dt=None, end_dt=None, start_date=asked[0], end_date=asked[1], tz=TOKYO)
    assert caught.value.code == ("out_of_range" if code == "before all" else code)


def test_four_hundred_days_can_be_asked_for(schedule: Schedule, find_slots: FindSlots) -> None:
    days = {"start_date": DAY, "end_date": DAY + timedelta(days=399)}
    slots = find_slots(start_dt=None, end_dt=None, **days)
    assert len(slots) == 8 * 400


def test_half_a_range_is_no_range(service: Any, provider: Any) -> None:
    with pytest.raises(TypeError, match="start_dt and end_dt, or start_date and end_date"):
        list_available_slots(service, provider, at(0), end_date=DAY)


def test_a_provider_without_any_schedule_is_an_error(find_slots: FindSlots) -> None:
    with pytest.raises(SlotUnavailable, match="Ada has no schedule") as caught:
        find_slots()
    assert caught.value.code == "no_schedule"


@pytest.mark.parametrize(
    "asked", [{"party_size": 0}, {"party_size": 2}, {"party_size": "1"}], ids=str
)
def test_a_party_that_cannot_be_booked_is_refused(
    schedule: Schedule, find_slots: FindSlots, asked: dict[str, Any]
) -> None:
    with pytest.raises(InvalidBooking):
        find_slots(**asked)


def test_reading_does_not_write(schedule: Schedule, find_slots: FindSlots) -> None:
    with CaptureQueriesContext(connection) as captured:
        list(find_slots())
    assert {query["sql"].split()[0] for query in captured} == {"SELECT"}
