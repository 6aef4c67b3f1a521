"""A form that was refused leads to its first error, with a script and without one."""

from __future__ import annotations

from typing import Any

import pytest

from bookings.contrib.schedule.models import Schedule
from bookings.models import Booking
from tests.browser.staff import Clicks


@pytest.mark.parametrize(
    ("address", "values", "field"),
    [
        ("/admin/bookings/booking/add/", {"service": "{service}"}, "provider"),
        ("/desk/bookings/booking/add/", {}, "service"),
        ("/admin/bookings/booking/add/?service={service}&provider={provider}", {}, "start_at"),
        ("/admin/bookings_group_sessions/session/add/", {"capacity": "0"}, "service"),
        ("/admin/bookings_payments/refundpolicy/add/", {"no_show_fee_percent": "101"}, None),
        ("/admin/bookings_series/series/publish/", {"start_at_0": "x"}, "service"),
    ],
)
def test_the_first_error_has_the_focus(
    staff: Clicks, salon: dict[str, Any], address: str, values: dict[str, str], field: str | None
) -> None:
    page, booking = staff.page, salon["booking"]
    page.goto(address.format(service=booking.service_id, provider=booking.provider_id))
    for name, value in values.items():
        page.fill(f"[name='{name}']", value.format(service=booking.service_id))
    page.evaluate("document.querySelector('.submit-row [type=submit]').click()")
    page.wait_for_selector(".bookings-first-error")
    page.wait_for_function("document.activeElement !== document.body")
    row = page.evaluate("document.activeElement.closest('.form-row').className")
    assert f"field-{field or 'no_show_fee_percent'}" in row


def test_the_first_error_of_a_row_and_one_of_no_field(staff: Clicks, salon: dict[str, Any]) -> None:
    page = staff.page
    schedule = Schedule.objects.get(provider=salon["ana"])
    page.goto(f"/admin/bookings_schedule/schedule/{schedule.pk}/change/")
    page.fill("[name='tuesday-1-open_time']", "noon")
    page.press("[name='tuesday-1-open_time']", "Enter")
    page.wait_for_function("document.activeElement?.name === 'tuesday-1-open_time'")
    booking = salon["booking"]
    Booking.objects.filter(pk=booking.pk).update(cancellation_allowed=False)
    page.goto(f"/admin/bookings/booking/{booking.pk}/step/cancel/")
    page.click("[type='submit'].default")
    page.wait_for_function("document.activeElement?.matches('.errorlist.nonfield')")


def test_without_a_script_a_link_leads_there(open_context: Any, salon: dict[str, Any]) -> None:
    page = open_context(java_script_enabled=False).new_page()
    page.goto("/admin/bookings/booking/add/")
    page.click("[name='_save']")
    page.click(".bookings-first-error a")
    assert page.url.endswith("#id_service")
