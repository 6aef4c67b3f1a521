"""Values of a wrong type, in the place of every argument of every service of payments."""

from __future__ import annotations

from typing import Any, Final

import pytest

from bookings.contrib.payments import services
from bookings.contrib.payments.models import (
    Payment,
    Refund,
    RefundDue,
    RefundPolicy,
    RefundTier,
)
from bookings.contrib.payments.refund_rules import Tier
from bookings.models import Booking, BookingEvent
from bookings.services import cancel_booking
from tests.contrib.payments.conftest import NOW, Book, Pay
from tests.invalid_arguments import (
    AMOUNT,
    FLAG,
    INSTANT,
    LIST,
    OBJECT,
    TEXTS,
    Table,
    find_faults,
    optional,
    parameters,
    rows_of,
)

OF_MONEY: Final = {
    "amount": AMOUNT,
    "external_id": TEXTS,
    "currency": optional(TEXTS),
    "processed_at": optional(INSTANT),
    "actor": optional(OBJECT),
    "now_dt": optional(INSTANT),
}
TABLES: Final[dict[str, Table]] = {
    "grant_refund": {
        "booking": OBJECT,
        "amount": optional(AMOUNT),
        "reason": TEXTS,
        "actor": optional(OBJECT),
        "now_dt": optional(INSTANT),
    },
    "waive_refund": {
        "booking": OBJECT,
        "amount": optional(AMOUNT),
        "reason": TEXTS,
        "actor": optional(OBJECT),
        "now_dt": optional(INSTANT),
    },
    "record_payment": {**OF_MONEY, "booking": OBJECT, "method": TEXTS, "status": TEXTS},
    "record_refund": {**OF_MONEY, "payment": OBJECT, "reason": TEXTS},
    "set_refund_policy": {
        "tiers": LIST,
        "service": optional(OBJECT),
        "tenant": optional(OBJECT),
        "no_show_refund_percent": AMOUNT,
        "no_show_fee_percent": AMOUNT,
        "count_from_first_start": FLAG,
    },
}
NO_SERVICES: Final = {"Outcome", "Receipt"}


@pytest.fixture
def given(name: str, book: Book, pay: Pay, service: Any) -> dict[str, Any]:
    """What a service takes without a word."""
    if name == "set_refund_policy":
        return {"tiers": [Tier(notice_minutes=0, refund_percent=50)], "service": service}  # type: ignore[arg-type]
    booking = book()
    if name == "record_payment":
        return {"booking": booking, "amount": 100, "external_id": "p-1", "now_dt": NOW}
    payment = pay(booking, 100).payment
    if name == "grant_refund":
        return {"booking": booking, "now_dt": NOW}
    if name == "waive_refund":
        cancel_booking(booking, now_dt=NOW)
        return {"booking": booking, "now_dt": NOW}
    return {"payment": payment, "amount": 100, "external_id": "r-1", "now_dt": NOW}


def stored() -> Any:
    return rows_of(Booking, BookingEvent, Payment, Refund, RefundDue, RefundPolicy, RefundTier)


def test_every_service_has_its_table() -> None:
    assert set(TABLES) == set(services.__all__) - NO_SERVICES


@pytest.mark.parametrize("name", TABLES)
def test_every_argument_has_its_kind(name: str, given: dict[str, Any]) -> None:
    service = getattr(services, name)

    assert set(TABLES[name]) == parameters(service)
    assert service(**given) is not None


@pytest.mark.parametrize(
    ("name", "argument"), [(name, argument) for name in TABLES for argument in TABLES[name]]
)
def test_a_value_of_a_wrong_type_is_refused(
    name: str, argument: str, given: dict[str, Any]
) -> None:
    service, kind = getattr(services, name), TABLES[name][argument]

    assert find_faults(service, given, argument, kind, stored) == ""
