"""A week of equal hours: how many clicks and keys it takes."""

from __future__ import annotations

from typing import Any

import pytest

from bookings.contrib.schedule.models import Schedule
from tests.browser.jobs import assert_within_limits
from tests.browser.staff import Clicks

CLOSES = "#monday-group [name$='-close_time']:visible"
COPY = "[name='_copy_hours'][value='weekdays']"


def weekly_hours(schedule: Schedule) -> list[tuple[int, str, str]]:
    rows = schedule.hours.order_by("day_of_week")
    return [(row.day_of_week, f"{row.open_time:%H:%M}", f"{row.close_time:%H:%M}") for row in rows]


@pytest.mark.parametrize("has_script", [True, False])
def test_a_week_of_equal_hours_takes_ten_keys(
    open_context: Any, salon: dict[str, Any], has_script: bool
) -> None:
    schedule = Schedule.objects.get(provider=salon["ana"])
    schedule.hours.all().delete()
    page = open_context(java_script_enabled=has_script).new_page()
    page.goto(f"/admin/bookings_schedule/schedule/{schedule.pk}/change/")
    staff = Clicks(page)
    if has_script:
        staff.click("#monday-group .add-row a")
    staff.type("#monday-group [name$='-open_time']:visible", "9")
    staff.type(CLOSES, "17")
    staff.click(COPY)
    assert page.input_value(CLOSES.replace("monday", "friday")) == "17"
    assert "Monday's hours are copied." in page.inner_text("#container")
    page.locator(CLOSES).first.focus()
    # Enter saves, although the buttons that copy come first.
    staff.press("Enter")
    page.wait_for_selector(".messagelist .success")
    assert weekly_hours(schedule) == [(day, "09:00", "17:00") for day in range(5)]
    assert_within_limits("enter a week of equal hours", staff)


def test_a_copy_takes_the_place_of_what_was_there(open_context: Any, salon: dict[str, Any]) -> None:
    """Monday has one shift now, and the second one of each other day goes."""
    schedule = Schedule.objects.get(provider=salon["ana"])
    page = open_context(390, 844).new_page()
    page.goto(f"/admin/bookings_schedule/schedule/{schedule.pk}/change/")
    page.check("[name='monday-1-DELETE']")
    page.click("[name='_copy_hours'][value='every_day']")
    page.click("[name='_save']:visible")
    page.wait_for_selector(".messagelist .success")
    assert weekly_hours(schedule) == [(day, "09:00", "12:00") for day in range(7)]
