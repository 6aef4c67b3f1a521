"""The dates on a schedule's page that have hours of their own."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from bookings.contrib.schedule.admin.formsets import MAX_OVERRIDES
from bookings.contrib.schedule.models import DateOverride, Schedule
from bookings.contrib.schedule.services import add_closures
from tests.admin.page import text_of
from tests.contrib.schedule.admin.conftest import (
    dates_of,
    in_days,
    open_form,
    page_of,
    revision_of,
    row,
    row_errors,
)


@pytest.fixture
def closed(schedule: Schedule) -> Schedule:
    """Closed in three and in four days."""
    add_closures(
        schedules=[schedule], first_date=in_days(3), last_date=in_days(4), reason="Painting"
    )
    return schedule


def test_dates_to_come_are_changed_added_and_deleted(planner: Client, closed: Schedule) -> None:
    page = open_form(planner, page_of(closed))
    assert page["dates-0-date"] == [f"{in_days(3)}"]
    assert page["dates-0-is_closed"] == ["on"]
    sent = (
        page
        | {"dates-0-reason": "Plumber", "dates-1-DELETE": "on"}
        | row("dates", 2, date=in_days(5), open_time="20", close_time="24", reason="Open night")
    )
    assert planner.post(page_of(closed), sent).status_code == 302
    assert dates_of(closed) == [
        f"{in_days(3)} closed Plumber",
        f"{in_days(5)} 20:00–24:00 Open night",
    ]


def test_two_dates_can_be_swapped(planner: Client, closed: Schedule) -> None:
    DateOverride.objects.filter(date=in_days(4)).update(
        is_closed=False, open_time="09:00", close_time="10:00"
    )
    page = open_form(planner, page_of(closed))
    swapped = {"dates-0-date": f"{in_days(4)}", "dates-1-date": f"{in_days(3)}"}
    assert planner.post(page_of(closed), page | swapped).status_code == 302
    assert dates_of(closed) == [
        f"{in_days(3)} 09:00–10:00 Painting",
        f"{in_days(4)} closed Painting",
    ]


def test_the_past_is_neither_shown_nor_touched(planner: Client, closed: Schedule) -> None:
    past = DateOverride.objects.create(schedule=closed, date=in_days(-3), is_closed=True)
    page = open_form(planner, page_of(closed))
    # The last one is blank.
    assert page["dates-TOTAL_FORMS"] == ["3"]
    sent = page | {"dates-0-DELETE": "on", "dates-1-id": past.pk, "dates-1-DELETE": "on"}
    assert planner.post(page_of(closed), sent).status_code == 302
    assert dates_of(closed) == [f"{in_days(-3)} closed", f"{in_days(4)} closed Painting"]


def test_a_day_that_has_passed_is_not_added(planner: Client, closed: Schedule) -> None:
    page = open_form(planner, page_of(closed))
    late = row("dates", 2, date=in_days(-1), is_closed="on")
    refused = planner.post(page_of(closed), page | late)
    assert row_errors(refused) == {"dates-2-date": ["That day has passed. Choose a later one."]}


def test_a_day_that_has_passed_since_the_page_was_opened_stays(
    planner: Client, closed: Schedule
) -> None:
    page = open_form(planner, page_of(closed))
    first = DateOverride.objects.earliest("date")
    DateOverride.objects.filter(pk=first.pk).update(date=in_days(-1))
    sent = page | {
        "dates-0-date": f"{in_days(-1)}",
        "expected_revision": revision_of(closed),
        "monday-0-open_time": "8",
    }
    assert planner.post(page_of(closed), sent).status_code == 302
    assert DateOverride.objects.get(pk=first.pk).date == in_days(-1)


def test_shifts_of_a_date_do_not_overlap(planner: Client, closed: Schedule) -> None:
    page = open_form(planner, page_of(closed))
    day = in_days(9)
    sent = (
        page
        | row("dates", 2, date=day, open_time="9", close_time="12")
        | row("dates", 3, date=day, open_time="11", close_time="15")
        | row("dates", 4, date=in_days(10), open_time="11", close_time="15")
    )
    refused = planner.post(page_of(closed), sent)
    said = "The shifts 09:00–12:00 and 11:00–15:00 overlap. Join them, or move one."
    assert row_errors(refused) == {"dates-3-open_time": [said]}
    assert planner.post(page_of(closed), sent | {"dates-3-open_time": "12"}).status_code == 302
    assert len(dates_of(closed)) == 5


def test_a_date_is_needed(planner: Client, closed: Schedule) -> None:
    page = open_form(planner, page_of(closed))
    refused = planner.post(page_of(closed), page | row("dates", 2, is_closed="on"))
    assert row_errors(refused) == {"dates-2-date": ["This field is required."]}


def test_more_dates_than_a_form_can_hold_stay_as_they_are(
    planner: Client, schedule: Schedule
) -> None:
    last = in_days(MAX_OVERRIDES + 29)
    add_closures(schedules=[schedule], first_date=in_days(0), last_date=last)
    page = open_form(planner, page_of(schedule))
    assert page["dates-TOTAL_FORMS"] == [f"{MAX_OVERRIDES + 1}"]
    assert "30 later dates are not listed here until their turn comes." in text_of(
        planner.get(page_of(schedule))
    )
    sent = page | {"dates-0-DELETE": "on"}
    refused = planner.post(page_of(schedule), sent | {"dates-1-date": ""})
    assert "later dates" not in text_of(refused)
    assert planner.post(page_of(schedule), sent).status_code == 302
    assert len(dates_of(schedule)) == MAX_OVERRIDES + 29


def test_a_date_that_is_not_on_the_page_may_overlap(planner: Client, schedule: Schedule) -> None:
    add_closures(schedules=[schedule], first_date=in_days(0), last_date=in_days(MAX_OVERRIDES))
    far = in_days(MAX_OVERRIDES + 9)
    unseen: dict[str, Any] = {"schedule": schedule, "date": far}
    DateOverride.objects.create(**unseen, open_time="09:00", close_time="12:00")
    page = open_form(planner, page_of(schedule))
    late = row("dates", MAX_OVERRIDES, date=far, open_time="11", close_time="15")
    refused = planner.post(page_of(schedule), page | late)
    assert list(row_errors(refused)) == [f"dates-{MAX_OVERRIDES}-open_time"]
    late |= {f"dates-{MAX_OVERRIDES}-open_time": "13"}
    assert planner.post(page_of(schedule), page | late).status_code == 302
    assert [f"{row.hours}" for row in DateOverride.objects.filter(date=far)] == [
        "09:00–12:00",
        "13:00–15:00",
    ]


def test_a_double_click_adds_a_date_once(planner: Client, closed: Schedule) -> None:
    page = open_form(planner, page_of(closed))
    sent = page | {"dates-0-DELETE": "on"} | row("dates", 2, date=in_days(9), is_closed="on")
    for _click in range(2):
        assert planner.post(page_of(closed), sent).status_code == 302
    assert dates_of(closed) == [f"{in_days(4)} closed Painting", f"{in_days(9)} closed"]
