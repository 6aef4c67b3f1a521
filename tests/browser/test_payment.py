"""Cash at the desk: how many clicks and keys it takes to record it."""

from __future__ import annotations

from typing import Any

from bookings.contrib.payments.models import Payment
from tests.browser.jobs import assert_within_limits
from tests.browser.staff import CALENDAR, Clicks


def test_cash_is_recorded(staff: Clicks, salon: dict[str, Any]) -> None:
    staff.page.goto(f"{CALENDAR}?day={salon['booking'].start_at:%Y-%m-%d}")
    staff.click(".bookings-block:has-text('Kim Lee')")
    staff.click(".bookings-record-payment")
    staff.click("[type='submit'].default")
    staff.page.wait_for_selector(".messagelist .success")
    payment = Payment.objects.get()
    assert (payment.booking, payment.amount, payment.method) == (salon["booking"], 80, "cash")
    assert_within_limits("record cash, from the calendar", staff)
