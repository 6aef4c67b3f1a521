"""Money comes in, becomes due to go back, and goes back."""

from __future__ import annotations

from typing import Final

from bookings.contrib.payments.models import Payment
from bookings.contrib.payments.services import record_payment, record_refund
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.faults.scenarios import HostRows, Scenario, book, hold, stale_hold
from tests.services.clock import NOW


def pay(booking: Booking) -> Payment:
    return record_payment(booking, amount=100, external_id="pay_1", now_dt=NOW).payment


def paid(host_rows: HostRows) -> Booking:
    return pay(book(host_rows)).booking


def refund_due(host_rows: HostRows) -> Payment:
    payment = pay(book(host_rows))
    cancel_booking(payment.booking, now_dt=NOW)
    return payment


ALL: Final = (
    Scenario("record a payment, which confirms a hold", hold, lambda _, booking: pay(booking)),
    Scenario("record a payment for a stale hold", stale_hold, lambda _, booking: pay(booking)),
    Scenario(
        "cancel what is paid for", paid, lambda _, booking: cancel_booking(booking, now_dt=NOW)
    ),
    Scenario(
        "record a refund",
        refund_due,
        lambda _, payment: record_refund(payment, amount=100, external_id="re_1", now_dt=NOW),
    ),
)
