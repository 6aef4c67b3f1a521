"""``set_week`` sets the weekly hours in one call."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.contrib.schedule.exceptions import InvalidSchedule
from bookings.contrib.schedule.hours import Hours
from bookings.contrib.schedule.models import BusinessHours, Schedule
from bookings.contrib.schedule.services import set_week
from bookings.exceptions import MissingReference
from tests.contrib.schedule.hours.conftest import revision_of, weekly_hours_of

pytestmark = pytest.mark.django_db

NINE_TO_FIVE = [("09:00", "17:00")]


def test_it_replaces_the_whole_week(schedule: Schedule) -> None:
    answer = set_week(
        schedule=schedule, hours={4: [Hours("22:00", "02:00", True), ("09:00", "24:00")][:1]}
    )

    assert answer is schedule
    assert weekly_hours_of(schedule) == ["Friday 22:00–02:00 (+1) –"]


def test_with_merge_the_days_that_are_not_given_stay(schedule: Schedule) -> None:
    set_week(schedule=schedule, hours={1: [], 2: [("10:00", "12:00")]}, merge=True)

    assert weekly_hours_of(schedule) == ["Monday 09:00–17:00 –", "Wednesday 10:00–12:00 –"]


def test_an_empty_week_is_closed(schedule: Schedule) -> None:
    set_week(schedule=schedule, hours={})

    assert weekly_hours_of(schedule) == []


def test_hours_from_a_day_on_end_the_ones_before(schedule: Schedule) -> None:
    set_week(schedule=schedule, hours={0: [("10:00", "18:00")]}, valid_from=date(2131, 7, 1))

    assert weekly_hours_of(schedule) == [
        "Monday 09:00–17:00 –2131-06-30",
        "Monday 10:00–18:00 2131-07-01–",
        "Tuesday 09:00–17:00 –2131-06-30",
    ]


def test_hours_of_a_season_interrupt_the_ones_around_it(schedule: Schedule) -> None:
    set_week(
        schedule=schedule,
        hours={0: [("07:00", "13:00")]},
        merge=True,
        valid_from=date(2131, 7, 1),
        valid_until=date(2131, 8, 31),
    )

    assert weekly_hours_of(schedule) == [
        "Monday 09:00–17:00 –2131-06-30",
        "Monday 07:00–13:00 2131-07-01–2131-08-31",
        "Monday 09:00–17:00 2131-09-01–",
        "Tuesday 09:00–17:00 –",
    ]


def test_hours_until_a_day_begin_the_ones_after(schedule: Schedule) -> None:
    set_week(schedule=schedule, hours={}, valid_until=date(2131, 3, 31))

    assert weekly_hours_of(schedule) == [
        "Monday 09:00–17:00 2131-04-01–",
        "Tuesday 09:00–17:00 2131-04-01–",
    ]


def test_a_season_that_lies_within_another_is_gone_when_that_is_set(schedule: Schedule) -> None:
    season = {"valid_from": date(2131, 7, 1), "valid_until": date(2131, 8, 31)}
    set_week(schedule=schedule, hours={0: [("07:00", "13:00")]}, **season)
    set_week(schedule=schedule, hours={0: NINE_TO_FIVE})

    assert weekly_hours_of(schedule) == ["Monday 09:00–17:00 –"]


def test_what_ended_before_and_what_begins_later_stays_as_it_is(schedule: Schedule) -> None:
    BusinessHours.objects.all().delete()
    for bounds in [(None, date(2131, 6, 30)), (date(2131, 9, 1), None)]:
        set_week(
            schedule=schedule,
            hours={0: NINE_TO_FIVE},
            valid_from=bounds[0],
            valid_until=bounds[1],
        )
    before = set(BusinessHours.objects.values_list("pk", flat=True))

    set_week(
        schedule=schedule,
        hours={0: [("07:00", "13:00")]},
        valid_from=date(2131, 7, 1),
        valid_until=date(2131, 8, 31),
    )

    assert before < set(BusinessHours.objects.values_list("pk", flat=True))
    assert len(weekly_hours_of(schedule)) == 3


def test_a_closed_day_keeps_being_closed_outside_of_the_season(schedule: Schedule) -> None:
    BusinessHours.objects.create(schedule=schedule, day_of_week=6, is_closed=True)

    set_week(schedule=schedule, hours={6: NINE_TO_FIVE}, valid_from=date(2131, 7, 1), merge=True)

    assert weekly_hours_of(schedule)[-2:] == [
        "Sunday closed –2131-06-30",
        "Sunday 09:00–17:00 2131-07-01–",
    ]


def test_it_counts_as_a_change_of_the_schedule(schedule: Schedule) -> None:
    before = schedule.revision

    set_week(schedule=schedule, hours={0: NINE_TO_FIVE})

    assert schedule.revision == revision_of(schedule) == before + 1


def test_another_schedule_is_not_touched(schedule: Schedule) -> None:
    other = Schedule.objects.create()
    set_week(schedule=other, hours={0: NINE_TO_FIVE, 3: NINE_TO_FIVE})
    before = other.revision

    set_week(schedule=schedule, hours={})

    assert len(weekly_hours_of(other)) == 2
    assert revision_of(other) == before


def test_a_full_week_takes_as_many_queries_as_an_empty_one(schedule: Schedule) -> None:
    full = {day: [("09:00", "12:00"), ("13:00", "17:00")] for day in range(7)}
    set_week(schedule=schedule, hours=full)
    with CaptureQueriesContext(
        connection,
    ) as few:
        set_week(schedule=schedule, hours={0: NINE_TO_FIVE})
    with CaptureQueriesContext(connection) as many:
        set_week(schedule=schedule, hours=full)

    assert len(many) == len(few)


@pytest.mark.parametrize(
    ("hours", "code"),
    [
        ([("09:00", "17:00")], "invalid_schedule"),
        ({7: NINE_TO_FIVE}, "invalid_day"),
        ({-1: NINE_TO_FIVE}, "invalid_day"),
        ({True: NINE_TO_FIVE}, "invalid_day"),
        ({"monday": NINE_TO_FIVE}, "invalid_day"),
        ({0: "09:00"}, "invalid_time"),
        ({0: [("17:00", "09:00")]}, "close_before_open"),
        ({0: [("09:00", "12:00"), ("11:00", "13:00")]}, "overlapping_hours"),
    ],
)
def test_a_mistake_changes_nothing(schedule: Schedule, hours: Any, code: str) -> None:
    before = weekly_hours_of(schedule), schedule.revision

    with pytest.raises(InvalidSchedule) as refused:
        set_week(schedule=schedule, hours=hours)

    assert refused.value.code == code
    assert (weekly_hours_of(schedule), revision_of(schedule)) == before


def test_the_first_and_the_last_date_there_are_set_no_limit(schedule: Schedule) -> None:
    for bounds in ((date.min, date(2131, 6, 30)), (date(2131, 7, 1), date.max)):
        set_week(
            schedule=schedule,
            hours={0: [("12:00", "13:00")]},
            valid_from=bounds[0],
            valid_until=bounds[1],
        )
    assert weekly_hours_of(schedule) == [
        "Monday 12:00–13:00 0001-01-01–2131-06-30",
        "Monday 12:00–13:00 2131-07-01–9999-12-31",
    ]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"valid_from": date(2131, 7, 2), "valid_until": date(2131, 7, 1)}, "range_reversed"),
        ({"valid_from": "2131-07-01"}, "invalid_date"),
        ({"valid_until": datetime(2131, 7, 1)}, "invalid_date"),  # noqa: DTZ001
    ],
)
def test_the_validity_is_two_dates_in_order(
    schedule: Schedule, values: dict[str, Any], code: str
) -> None:
    with pytest.raises(InvalidSchedule) as refused:
        set_week(schedule=schedule, hours={}, **values)
    assert refused.value.code == code


def test_a_schedule_that_is_gone_is_no_schedule(schedule: Schedule) -> None:
    Schedule.objects.all().delete()
    for gone in (schedule, Schedule(), "Monday"):
        with pytest.raises(MissingReference, match="not saved, or has been deleted"):
            set_week(schedule=gone, hours={})  # type: ignore[arg-type]
