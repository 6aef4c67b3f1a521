"""Whatever is told, in whatever order and however often: refunds never exceed payments."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from django.apps import apps
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bookings import services
from bookings.conf import app_settings
from bookings.contrib.payments.models import Payment, Refund, RefundDue
from bookings.contrib.payments.services import (
    grant_refund,
    record_payment,
    record_refund,
    waive_refund,
)
from bookings.exceptions import BookingError
from bookings.integrity import find_problems
from bookings.models import Booking
from tests.contrib.payments.audit import audit
from tests.contrib.payments.conftest import NOW, START
from tests.quick_run import sequences

AMOUNTS: Final = st.sampled_from(["100", "50", "33.33", "0.01", "99.99", "0", "-1", "0.001"])
IDS: Final = st.sampled_from(["one", "two", "three", "four"])
STATUSES: Final = st.sampled_from(["PAID", "PAID", "PAID", "PENDING", "FAILED"])
VERBS: Final[dict[str, Callable[..., Any]]] = {
    "cancel": services.cancel_booking,
    "confirm": services.confirm_booking,
    "decline": services.decline_booking,
    "deliver": services.deliver_booking,
    "complete": services.complete_booking,
    "no show": services.mark_no_show,
    "expire": services.expire_booking,
}
WATCHED: Final = (Booking, Payment, Refund, RefundDue)


def stored() -> list[list[dict[str, Any]]]:
    return [list(model._base_manager.order_by("pk").values()) for model in WATCHED]


class MoneyMachine(RuleBasedStateMachine):
    """A hold and a booking, whose payments and refunds come in as they please."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(transaction.atomic())
        self.stack.callback(transaction.set_rollback, True)
        self.now = NOW

    def teardown(self) -> None:
        self.stack.close()

    @initialize(price=st.sampled_from(["100", "66.67", "0.01"]))
    def open(self, price: str) -> None:
        service = apps.get_model(app_settings.SERVICE_MODEL)._default_manager.create(
            name="Massage", duration_minutes=60, price_amount=Decimal(price), currency="USD"
        )
        self.addon = apps.get_model(app_settings.ADDON_MODEL)._default_manager.create(
            name="Tea", price_amount=10, currency="USD"
        )
        provider = apps.get_model(app_settings.PROVIDER_MODEL)._default_manager.create(name="Ada")
        self.bookings = [
            services.create_booking(
                service=service,
                provider=provider,
                start_at=START + timedelta(hours=3 * number),
                client_name="Joan",
                addon_ids=[self.addon.pk],
                expires_at=None if number else NOW + timedelta(hours=1),
                now_dt=NOW,
            )
            for number in range(2)
        ]

    def all_or_nothing(self, do: Callable[[], Any]) -> bool:
        before = stored()
        try:
            do()
        except BookingError:
            assert stored() == before
            return False
        return True

    def twice(self, do: Callable[[], Any]) -> None:
        if self.all_or_nothing(do):
            once = stored()
            do()
            assert stored() == once

    @rule(
        which=st.integers(0, 1),
        amount=AMOUNTS,
        external_id=IDS,
        status=STATUSES,
        ago=st.sampled_from([0, 0, 0, 90]),
    )
    def pay(self, which: int, amount: str, external_id: str, status: str, ago: int) -> None:
        self.twice(
            lambda: record_payment(
                self.bookings[which],
                amount=Decimal(amount),
                external_id=external_id,
                status=status,
                processed_at=self.now - timedelta(minutes=ago),
                now_dt=self.now,
            )
        )

    @precondition(lambda self: Payment.objects.exists())
    @rule(which=st.integers(0, 3), amount=AMOUNTS, external_id=IDS)
    def refund(self, which: int, amount: str, external_id: str) -> None:
        payments = list(Payment.objects.order_by("pk"))
        payment = payments[which % len(payments)]
        self.twice(
            lambda: record_refund(
                payment, amount=Decimal(amount), external_id=external_id, now_dt=self.now
            )
        )

    @rule(which=st.integers(0, 1), amount=AMOUNTS | st.none())
    def grant(self, which: int, amount: str | None) -> None:
        self.all_or_nothing(
            lambda: grant_refund(
                self.bookings[which],
                amount=None if amount is None else Decimal(amount),
                now_dt=self.now,
            )
        )

    @rule(which=st.integers(0, 1), verb=st.sampled_from(sorted(VERBS)))
    def act(self, which: int, verb: str) -> None:
        self.all_or_nothing(lambda: VERBS[verb](self.bookings[which], now_dt=self.now))

    @rule(which=st.integers(0, 1), amount=st.sampled_from([None, "0.01", "10"]))
    def waive(self, which: int, amount: str | None) -> None:
        before = RefundDue.objects.filter(booking=self.bookings[which]).first()
        value = None if amount is None else Decimal(amount)
        self.all_or_nothing(
            lambda: waive_refund(self.bookings[which], amount=value, now_dt=self.now)
        )
        after = RefundDue.objects.filter(booking=self.bookings[which]).first()
        if before is not None and after is not None and before.outstanding != after.outstanding:
            assert before.outstanding - after.outstanding == (value or before.outstanding)

    @rule(which=st.integers(0, 1))
    def cancel_for_the_provider(self, which: int) -> None:
        self.all_or_nothing(
            lambda: services.cancel_booking(self.bookings[which], by="provider", now_dt=self.now)
        )

    @rule(
        which=st.integers(0, 1),
        hours=st.integers(0, 30),
        tea=st.booleans(),
        by=st.sampled_from(["client", "client", "client", "provider"]),
    )
    def move(self, which: int, hours: int, tea: bool, by: str) -> None:
        self.all_or_nothing(
            lambda: services.reschedule_booking(
                self.bookings[which],
                new_start_at=START + timedelta(hours=hours),
                addon_ids=[self.addon.pk] if tea else [],
                by=by,
                now_dt=self.now,
            )
        )

    @rule(hours=st.sampled_from([1, 10, 18, 24, 48]))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def sweep(self) -> None:
        services.expire_bookings(now_dt=self.now)
        services.auto_cancel_expired_bookings(now_dt=self.now)

    @invariant()
    def it_is_sound(self) -> None:
        assert audit() == []
        assert list(find_problems()) == []


@pytest.mark.django_db
def test_refunds_never_exceed_payments() -> None:
    run_state_machine_as_test(MoneyMachine, settings=sequences(steps=30))


@pytest.mark.django_db
def test_the_audit_finds_what_is_wrong() -> None:
    """The control: an audit that never finds anything proves nothing."""
    machine = MoneyMachine()
    try:
        machine.open("100")
        machine.pay(1, "100", "one", "PAID", 0)
        assert audit() == []
        for values in (
            {"amount_refunded": 5},
            {"status": "REFUNDED"},
            {"amount_refunded": 100, "status": "REFUNDED"},
            {"processed_at": None},
        ):
            with transaction.atomic():
                Payment.objects.update(**values)
                assert audit() != [], values
                transaction.set_rollback(True)
        services.cancel_booking(machine.bookings[1], now_dt=NOW)
        assert audit() == []
        for values in ({"outstanding": 1}, {"amount": 1}):
            with transaction.atomic():
                RefundDue.objects.update(**values)
                assert audit() != [], values
                transaction.set_rollback(True)
        RefundDue.objects.all().delete()
        assert audit() != []
    finally:
        machine.teardown()
