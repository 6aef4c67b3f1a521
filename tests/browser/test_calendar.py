"""What staff do in the calendar, with how many clicks and keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings.models import Booking
from tests.browser.jobs import assert_within_limits
from tests.browser.staff import CALENDAR, Clicks

KIM = ".bookings-block:has-text('Kim Lee')"


@pytest.fixture
def calendar(staff: Clicks, day: datetime) -> Clicks:
    staff.page.goto(f"{CALENDAR}?day={day:%Y-%m-%d}")
    return staff


def hour_height(staff: Clicks) -> int:
    return int(staff.page.locator(".bookings-day").get_attribute("data-hour") or 0)


def test_a_booking_is_dragged_to_another_time(
    calendar: Clicks, salon: dict[str, Any], day: datetime
) -> None:
    calendar.drag(KIM, down=3 * hour_height(calendar))
    calendar.page.wait_for_selector(".messagelist .success")
    assert "Kim Lee was moved to:" in calendar.text(".messagelist")
    assert Booking.objects.get(pk=salon["booking"].pk).start_at == day + timedelta(hours=13)
    assert_within_limits("move a booking by dragging", calendar)


def test_a_booking_is_moved_without_dragging(
    calendar: Clicks, salon: dict[str, Any], day: datetime
) -> None:
    calendar.click(KIM)
    calendar.type("[name='start_at_1']", "13:00")
    calendar.click("[name='_save']")
    calendar.page.wait_for_selector(".messagelist .success")
    assert Booking.objects.get(pk=salon["booking"].pk).start_at == day + timedelta(hours=13)
    assert_within_limits("move a booking without dragging", calendar)


def test_a_booking_is_dragged_to_another_provider(calendar: Clicks, salon: dict[str, Any]) -> None:
    ana, ben = (calendar.box(f"[data-provider='{salon[name].pk}']") for name in ("ana", "ben"))
    calendar.drag(KIM, right=ben["x"] - ana["x"])
    calendar.page.wait_for_selector(".messagelist .success")
    assert Booking.objects.get(pk=salon["booking"].pk).provider == salon["ben"]


def test_a_refused_move_says_why_and_may_be_made_all_the_same(
    calendar: Clicks, salon: dict[str, Any], day: datetime
) -> None:
    calendar.drag(KIM, down=2 * hour_height(calendar))
    calendar.page.wait_for_selector("dialog[open]")
    assert "does not fit into the hours" in calendar.text("dialog p")
    calendar.page.evaluate("window.isOld = true")
    calendar.press("Escape")
    calendar.page.wait_for_function("!window.isOld && document.readyState === 'complete'")
    assert Booking.objects.get(pk=salon["booking"].pk).start_at == day + timedelta(hours=10)
    calendar.drag(KIM, down=2 * hour_height(calendar))
    calendar.page.wait_for_selector("dialog[open]")
    calendar.click("dialog button[value='override']")
    calendar.page.wait_for_selector(".messagelist .success")
    assert Booking.objects.get(pk=salon["booking"].pk).start_at == day + timedelta(hours=12)


def test_a_taken_time_cannot_be_overridden(
    calendar: Clicks, salon: dict[str, Any], day: datetime
) -> None:
    calendar.drag(KIM, down=hour_height(calendar))
    calendar.page.wait_for_selector("dialog[open]")
    calendar.click("dialog button[value='override']")
    calendar.page.wait_for_function(
        "document.querySelector('dialog[open] [value=override]')?.hidden"
    )
    assert "11 a.m. · Lou" in calendar.text("dialog p"), "It is named what is in the way."
    assert Booking.objects.get(pk=salon["booking"].pk).start_at == day + timedelta(hours=10)


def test_a_length_that_is_not_for_choice_is_refused(calendar: Clicks) -> None:
    calendar.drag(KIM, down=hour_height(calendar) / 2, by_the_edge=True)
    calendar.page.wait_for_selector("dialog[open]")
    assert "lasts 1 hour" in calendar.text("dialog p")


def test_a_click_is_no_drag(calendar: Clicks, salon: dict[str, Any]) -> None:
    calendar.click(KIM)
    assert f"/{salon['booking'].pk}/change/" in calendar.page.url


def test_a_no_show_takes_two_clicks(staff: Clicks, salon: dict[str, Any]) -> None:
    past = salon["past"]
    staff.page.goto(f"{CALENDAR}?day={past.start_at:%Y-%m-%d}")
    staff.click(".bookings-block:has-text('Max')")
    staff.click("button:has-text('No-show')")
    past.refresh_from_db()
    assert past.status == "NO_SHOW"
    assert_within_limits("mark a no-show, from the calendar", staff)


def test_a_free_hour_leads_to_the_form(
    calendar: Clicks, salon: dict[str, Any], day: datetime
) -> None:
    calendar.click(".bookings-free")
    assert f"provider={salon['ana'].pk}" in calendar.page.url
    assert calendar.page.input_value("[name='start_at_0']") == f"{day:%Y-%m-%d}"
    assert calendar.page.input_value("[name='start_at_1']").startswith("09:00")


def test_keys_turn_the_pages(calendar: Clicks, day: datetime) -> None:
    calendar.press("ArrowRight")
    calendar.page.wait_for_url(f"**/?day={day + timedelta(days=1):%Y-%m-%d}")
    calendar.press("ArrowLeft")
    calendar.page.wait_for_url(f"**/?day={day:%Y-%m-%d}")
    calendar.press("w")
    calendar.page.wait_for_url(f"**/?view=week&day={day:%Y-%m-%d}")
    calendar.press("/")
    assert calendar.page.evaluate("document.activeElement.type") == "date"
    calendar.press("n")
    assert "/add/" not in calendar.page.url, "Who writes in a field presses no shortcut."
    calendar.page.locator("h1").click()
    calendar.press("n")
    calendar.page.wait_for_url("**/add/")


def test_a_short_booking_can_be_read_and_names_stay_in_sight(calendar: Clicks) -> None:
    assert calendar.text(".bookings-block:has-text('Lou')") == "11 a.m. Lou"
    assert calendar.box(".bookings-block:has-text('Lou')")["height"] >= 16
    name = calendar.box(".bookings-column .bookings-column-name")["y"]
    calendar.page.locator(".bookings-day").evaluate("day => day.scrollTop = 300")
    assert calendar.box(".bookings-column .bookings-column-name")["y"] == name


def test_the_calendar_works_without_a_script(
    open_context: Any, salon: dict[str, Any], day: datetime
) -> None:
    page = open_context(java_script_enabled=False).new_page()
    page.goto(f"{CALENDAR}?day={day:%Y-%m-%d}")
    assert "Yoga for all" in page.content()
    page.locator("select[name='provider']").select_option(label="Ben")
    page.locator("input[value='Show']").click()
    assert page.locator(".bookings-column").count() == 1
    page.locator("a:has-text('Week')").first.click()
    assert page.locator(".bookings-column").count() == 7


def test_in_arabic_the_first_provider_is_on_the_right(
    open_context: Any, salon: dict[str, Any], day: datetime
) -> None:
    page = open_context(locale="ar").new_page()
    page.goto(f"{CALENDAR}?day={day:%Y-%m-%d}")
    assert page.evaluate("document.documentElement.dir") == "rtl"
    boxes = [
        page.locator(f"[data-provider='{salon[name].pk}']").bounding_box()["x"]
        for name in ("ana", "ben")
    ]
    assert boxes[0] > boxes[1]
    column, label = (
        page.locator(selector).first.bounding_box()
        for selector in (".bookings-hours", ".bookings-hours text")
    )
    assert column["x"] <= label["x"] < label["x"] + label["width"] <= column["x"] + column["width"]


@pytest.mark.parametrize(
    "written", ["030/123 45 67", "+49 (30) 1234567", "0049301234567", "123.4567"]
)
def test_staff_find_a_client_by_the_phone_number(
    staff: Clicks, salon: dict[str, Any], written: str
) -> None:
    staff.page.goto("/admin/bookings/booking/")
    staff.type("#searchbar", written)
    staff.press("Enter")
    staff.page.wait_for_url("**q=**")
    assert salon["booking"].reference in staff.text("#result_list")
    assert_within_limits("find a client by the phone number", staff)


def test_it_is_printed_as_wide_as_the_page(calendar: Clicks) -> None:
    calendar.page.emulate_media(media="print")
    assert calendar.box(".bookings-day")["width"] == 1440
    assert not calendar.page.locator("#header, .bookings-free, .addlink").first.is_visible()
