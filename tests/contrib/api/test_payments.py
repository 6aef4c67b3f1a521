"""What was paid for a booking, over HTTP."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bookings.contrib.payments.models import Payment
from bookings.contrib.payments.services import record_refund
from tests.contrib.api.conftest import API, As, send
from tests.core.conftest import Book
from tests.core.moments import at

pytestmark = pytest.mark.django_db


def test_a_payment_confirms_a_booking_once(
    as_: As, book: Book, make_service: Any, people: Any
) -> None:
    asked = book(
        at(10),
        service=make_service(price_amount=50),
        expires_at=at(9),
        client_user=people["client"],
    )
    address = f"bookings/{asked.uuid}/payments/"
    paid = {"amount": "50.00", "external_id": "pay_1", "method": "card"}
    assert send(as_("client"), address, paid).json()["code"] == "permission_denied"
    receipt = send(as_("staff"), address, paid)
    assert receipt.status_code == 201, receipt.json()
    assert receipt.json()["payment"]["amount"] == "50.000"
    assert (receipt.json()["outcome"], receipt.json()["refund_due"]) == ("PAID", "0.000")
    # Told again by another request, it is the same payment.
    again = send(as_("staff"), address, paid).json()
    assert again["payment"]["id"] == receipt.json()["payment"]["id"]
    assert Payment.objects.count() == 1
    for role in ("client", "provider", "staff"):
        [shown] = as_(role).get(f"{API}{address}").json()["results"]
        assert shown["external_id"] == "pay_1"
    assert as_("other").get(f"{API}{address}").status_code == 404
    other_amount = send(as_("staff"), address, paid | {"amount": "60"})
    assert (other_amount.status_code, other_amount.json()["code"]) == (409, "external_id_reused")


def test_refunds_are_listed(as_: As, book: Book, make_service: Any, people: Any) -> None:
    booked = book(service=make_service(price_amount=50), client_user=people["client"])
    address = f"bookings/{booked.uuid}/payments/"
    send(as_("staff"), address, {"amount": "50", "external_id": "pay_1"})
    record_refund(Payment.objects.get(), amount=Decimal(20), external_id="ref_1", reason="late")
    [refund] = as_("client").get(f"{API}bookings/{booked.uuid}/refunds/").json()["results"]
    assert (refund["amount"], refund["reason"]) == ("20.000", "late")
