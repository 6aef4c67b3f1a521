"""A booking on the phone: how many clicks and keys it takes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bookings.models import Booking
from tests.browser.jobs import assert_within_limits
from tests.browser.staff import CALENDAR, Clicks


def test_a_booking_on_the_phone_takes_six_clicks_and_thirty_keys(
    staff: Clicks, salon: dict[str, Any], day: datetime
) -> None:
    """From the calendar: a free hour, the service, the client, the start, save."""
    staff.page.goto(f"{CALENDAR.replace('admin', 'desk', 1)}?day={day:%Y-%m-%d}")
    staff.click(f"[data-provider='{salon['ana'].pk}'] .bookings-free >> nth=1")
    staff.page.wait_for_load_state("networkidle")
    staff.click(".field-service .select2-selection")
    staff.click(".select2-results__option:has-text('Massage')")
    staff.type("[name='client_name']", "kim")
    staff.page.locator("[name='client_name']").dispatch_event("input")
    staff.click(".field-client_name .bookings-choices button")
    assert staff.page.input_value("[name='client_phone']") == "+49 30 1234567"
    staff.click(".field-start_at .bookings-choices button:text-is('1 p.m.')")
    staff.click("[name='_save']")
    staff.page.wait_for_selector(".messagelist .success")
    made = Booking.objects.get(start_at=day + timedelta(hours=13), client_name="Kim Lee")
    assert made.client_email == "kim@example.org"
    assert_within_limits("take a booking on the phone", staff)
