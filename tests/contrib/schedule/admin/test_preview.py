"""The preview of the next two weeks on a schedule's page."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bookings.contrib.schedule.admin.preview import PreviewDay, preview
from bookings.contrib.schedule.models import DateOverride, Schedule
from bookings.contrib.schedule.services import add_closures, create_schedule, take_time_off
from bookings.services import create_booking
from tests.admin.page import text_of
from tests.contrib.schedule.admin.conftest import NINE_TO_FIVE, Make, open_form, page_of

MONDAY = datetime(2131, 3, 5, 8, 0, tzinfo=UTC)
TUESDAY = date(2131, 3, 6)


def spans_by_day(days: list[PreviewDay]) -> dict[int, tuple[str, str | None]]:
    """Return the openings and the free time by the day of the month."""
    return {
        day.date.day: (
            ", ".join(map(str, day.openings)),
            None if day.free is None else ", ".join(map(str, day.free)),
        )
        for day in days
    }


@pytest.fixture
def schedule(provider: Any) -> Schedule:
    """Open on weekdays, with a break."""
    day = [("09:00", "12:00"), ("13:00", "17:00")]
    return create_schedule(provider=provider, timezone="UTC", hours=dict.fromkeys(range(5), day))


@pytest.fixture
def booked(schedule: Schedule, provider: Any, make_service: Make) -> Schedule:
    """On Tuesday from ten to eleven, with a buffer of half an hour before."""
    create_booking(
        service=make_service(buffer_before_minutes=30),
        provider=provider,
        start_at=MONDAY + timedelta(days=1, hours=2),
        client_name="Mary",
        now_dt=MONDAY,
    )
    return schedule


def test_it_begins_today_and_lasts_two_weeks(schedule: Schedule) -> None:
    days = preview(schedule, MONDAY)
    assert [days[0].date, days[-1].date, len(days)] == [date(2131, 3, 5), date(2131, 3, 18), 14]
    assert spans_by_day(days)[5] == ("09:00–12:00, 13:00–17:00", "09:00–12:00, 13:00–17:00")
    assert spans_by_day(days)[10] == ("", "")


def test_busy_time_is_not_free(booked: Schedule) -> None:
    assert spans_by_day(preview(booked, MONDAY))[6] == (
        "09:00–12:00, 13:00–17:00",
        "09:00–09:30, 11:00–12:00, 13:00–17:00",
    )


def test_time_off_may_take_all_of_it(booked: Schedule, provider: Any) -> None:
    take_time_off(
        provider=provider,
        start_at=MONDAY.replace(day=7, hour=0),
        end_at=MONDAY.replace(day=8, hour=9, minute=30),
        now_dt=MONDAY,
    )
    days = spans_by_day(preview(booked, MONDAY))
    assert days[7] == ("09:00–12:00, 13:00–17:00", "")
    assert days[8] == ("09:00–12:00, 13:00–17:00", "09:30–12:00, 13:00–17:00")


def test_a_closed_day_shows_its_reason(schedule: Schedule) -> None:
    add_closures(schedules=[schedule], first_date=TUESDAY, reason="Painting")
    day = preview(schedule, MONDAY)[1]
    assert (day.date, day.openings, day.free, day.reason) == (TUESDAY, [], [], "Painting")


def test_a_schedule_without_a_provider_has_no_free_time() -> None:
    default = create_schedule(timezone="UTC", hours={0: [NINE_TO_FIVE]})
    assert spans_by_day(preview(default, MONDAY))[5] == ("09:00–17:00", None)


def test_a_night_is_shown_on_both_of_its_days(provider: Any) -> None:
    night = create_schedule(
        provider=provider, timezone="UTC", hours={0: [("22:00", "02:00", True)]}
    )
    DateOverride.objects.create(schedule=night, date=TUESDAY, is_closed=True, reason="Painting")
    days = preview(night, MONDAY)
    assert spans_by_day(days)[5] == ("22:00–24:00", "22:00–24:00")
    assert spans_by_day(days)[6] == ("00:00–02:00", "00:00–02:00")
    assert days[1].reason == "Painting"


def test_positions_are_percentages_of_the_day(provider: Any) -> None:
    """Of one that has 23 hours, too: elapsed time, as the clock goes."""
    hours = {6: [("06:00", "18:00")]}
    berlin = create_schedule(provider=provider, timezone="Europe/Berlin", hours=hours)
    clocks_go_forward = datetime(2030, 3, 31, 0, 30, tzinfo=UTC)
    (span,) = preview(berlin, clocks_go_forward)[0].openings
    assert str(span) == "06:00–18:00"
    assert (span.left, span.width) == (f"{500 / 23:.3f}", f"{1200 / 23:.3f}")


def test_today_is_that_of_the_schedules_zone(provider: Any) -> None:
    tokyo = create_schedule(provider=provider, timezone="Asia/Tokyo")
    assert preview(tokyo, MONDAY.replace(hour=16))[0].date == TUESDAY


def test_it_takes_three_queries_whatever_is_stored(
    booked: Schedule, provider: Any, make_service: Make
) -> None:
    service = make_service()
    add_closures(schedules=[booked], first_date=date(2131, 3, 12), last_date=date(2131, 3, 15))
    for hour in (13, 14, 15):
        create_booking(
            service=service,
            provider=provider,
            start_at=MONDAY.replace(hour=hour),
            client_name="Mary",
            now_dt=MONDAY,
        )
    with CaptureQueriesContext(connection) as captured:
        preview(booked, MONDAY)
    assert len(captured) == 3


def test_it_is_on_the_page(
    planner: Client, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bookings.contrib.schedule.admin import schedule as module

    real = module.preview
    monkeypatch.setattr(module, "preview", lambda schedule, now: real(schedule, MONDAY))
    add_closures(schedules=[schedule], first_date=TUESDAY, reason="Painting")
    page = text_of(planner.get(page_of(schedule)))
    for text in ("The next two weeks", "09:00–12:00, 13:00–17:00", "Closed: Painting", "Free"):
        assert text in page
    assert 'x="37.500%" width="12.500%"' in page
    default = create_schedule(timezone="UTC")
    assert "Taken" not in text_of(planner.get(page_of(default)))


def test_it_shows_what_is_stored_although_the_form_says_otherwise(
    planner: Client, schedule: Schedule
) -> None:
    sent = open_form(planner, page_of(schedule)) | {
        "timezone": "Asia/Tokyo",
        "slot_step_minutes": "0",
    }
    response = planner.post(page_of(schedule), sent)
    assert response.context["stored"].timezone == "UTC"
    assert "As it is saved now. Time zone: UTC." in text_of(response)
