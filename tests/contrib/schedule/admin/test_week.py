"""The week is edited as one form."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.test import Client

from bookings.contrib.schedule.models import BusinessHours, Schedule
from tests.admin.page import told
from tests.contrib.schedule.admin.conftest import (
    hours_of,
    page_of,
    revision_of,
    row,
    sheet,
)

MONDAY_AND_TUESDAY = ["Monday 09:00–12:00", "Monday 13:00–17:00", "Tuesday 09:00–17:00"]


def test_every_day_has_its_title_and_its_rows(planner: Client, schedule: Schedule) -> None:
    response = planner.get(page_of(schedule))
    titles = [
        str(inline.opts.verbose_name_plural) for inline in response.context["inline_admin_formsets"]
    ]
    assert titles[:3] == ["Monday", "Tuesday", "Wednesday"]
    assert len(titles) == 8
    page = sheet(planner, page_of(schedule))
    assert (page["monday-0-open_time"], page["monday-0-close_time"]) == (["09:00"], ["12:00"])
    assert (page["monday-1-open_time"], page["monday-1-close_time"]) == (["13:00"], ["17:00"])
    assert page["wednesday-TOTAL_FORMS"] == ["0"]


def test_a_page_that_is_saved_as_it_is_changes_nothing(planner: Client, schedule: Schedule) -> None:
    keys = set(BusinessHours.objects.values_list("pk", flat=True))
    before = revision_of(schedule)
    assert planner.post(page_of(schedule), sheet(planner, page_of(schedule))).status_code == 302
    assert set(BusinessHours.objects.values_list("pk", flat=True)) == keys
    assert revision_of(schedule) == before


def test_hours_are_changed_added_and_deleted(planner: Client, schedule: Schedule) -> None:
    page = sheet(planner, page_of(schedule))
    sent = (
        page
        | {"monday-0-open_time": "8", "monday-1-DELETE": "on"}
        | row("sunday", 0, open_time="10.30", close_time="14:00:30")
    )
    response = planner.post(page_of(schedule), sent, follow=True)
    assert "was changed successfully" in told(response)[0]
    assert hours_of(schedule) == [
        "Monday 08:00–12:00",
        "Tuesday 09:00–17:00",
        "Sunday 10:30–14:00:30",
    ]
    said = LogEntry.objects.get().get_change_message()
    assert "Sunday 10:30–14:00:30" in said
    assert "Monday 13:00–17:00" in said


def test_two_rows_can_swap_their_times(planner: Client, schedule: Schedule) -> None:
    page = sheet(planner, page_of(schedule))
    swapped = {
        "monday-0-open_time": "13:00",
        "monday-0-close_time": "17:00",
        "monday-1-open_time": "09:00",
        "monday-1-close_time": "12:30",
    }
    assert planner.post(page_of(schedule), page | swapped).status_code == 302
    assert hours_of(schedule)[:2] == ["Monday 09:00–12:30", "Monday 13:00–17:00"]


def test_a_row_can_take_the_place_of_one_that_is_deleted(
    planner: Client, schedule: Schedule
) -> None:
    page = sheet(planner, page_of(schedule))
    sent = page | {"tuesday-0-DELETE": "on"} | row("tuesday", 1, open_time="9", close_time="18")
    assert planner.post(page_of(schedule), sent).status_code == 302
    assert hours_of(schedule)[-1] == "Tuesday 09:00–18:00"
