"""Cash at the desk: how many clicks and keys it takes to record it."""

from __future__ import annotations

from typing import Any

from bookings.contrib.payments.models import Payment
from tests.browser.staff import Clicks


def test_cash_is_recorded_with_two_clicks(staff: Clicks, salon: dict[str, Any]) -> None:
    """From the page of the booking; from the calendar it is one click more."""
    staff.page.goto(f"/admin/bookings/booking/{salon['booking'].pk}/change/")
    staff.click(".bookings-record-payment")
    staff.click("[type='submit'].default")
    staff.page.wait_for_selector(".messagelist .success")
    payment = Payment.objects.get()
    assert (payment.booking, payment.amount, payment.method) == (salon["booking"], 80, "cash")
    assert (staff.clicks, staff.keys) == (2, 0)
