"""The reference page lists whatever is public, and the code of the how-to works."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from django.dispatch import Signal
from django.utils import timezone

from bookings import exceptions as core
from bookings.contrib import payments
from bookings.contrib.payments import exceptions, models, selectors, services, signals
from bookings.contrib.payments.models import Refund, RefundDue
from bookings.contrib.payments.selectors import refund_due
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.contrib.payments.conftest import START, Book, Pay, before_start
from tests.docs.test_reference_is_complete import rows
from tests.docs.test_snippets import BLOCK

ROOT: Final = Path(__file__).resolve().parents[3]
PAGE: Final = (ROOT / "docs/reference/payments.md").read_text(encoding="utf-8")
HOW_TO: Final = (ROOT / "docs/how-to/payments.md").read_text(encoding="utf-8")
SOURCE: Final = Path(payments.__file__).parent
ERRORS: Final = [
    value
    for name, value in vars(exceptions).items()
    if inspect.isclass(value) and value.__module__ == exceptions.__name__ and name[0] != "_"
]


def section(title: str) -> str:
    return re.split(r"^#{2,3} ", PAGE.partition(f"# {title}\n")[2], flags=re.MULTILINE)[0]


def test_every_service_is_documented() -> None:
    for name in services.__all__:
        assert re.search(
            rf"auto(function|class):: bookings\.contrib\.payments\.services\.{name}$",
            PAGE,
            re.MULTILINE,
        )


def test_every_selector_has_a_docstring() -> None:
    for name, function in inspect.getmembers(selectors, inspect.isfunction):
        assert name.startswith("_") or function.__doc__


@pytest.mark.parametrize("name", models.__all__)
def test_every_field_is_in_the_table_of_its_model(name: str) -> None:
    fields = {field.name for field in getattr(models, name)._meta.concrete_fields}
    assert fields == rows(section(name)).keys()


def test_every_signal_has_a_row() -> None:
    sent = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert rows(section("Signals")).keys() == sent


def test_every_error_has_a_row_with_its_code() -> None:
    assert all(issubclass(error, core.BookingError) for error in ERRORS)
    documented = rows(section("Errors"))
    for error in ERRORS:
        assert documented[error.__name__][0] == f"`{error.default_code}`"


def test_every_code_has_a_row() -> None:
    used = {
        argument.value
        for file in SOURCE.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in {error.__name__ for error in ERRORS}
        for argument in call.args[1:2]
        if isinstance(argument, ast.Constant)
    }
    assert used
    assert used <= rows(section("Errors")).keys()


def test_every_check_has_a_row() -> None:
    raised = re.findall(r'id="(bookings_payments\.\w+)"', (SOURCE / "checks.py").read_text())
    assert rows(section("System checks")).keys() == set(raised)


# The how-to


def function_of_the_how_to(name: str, **provided: Any) -> Callable[..., Any]:
    """Return a function of the how-to, given the names that the page leaves to the reader."""
    [block] = [text for _indent, text in BLOCK.findall(HOW_TO) if f"def {name}(" in text]
    namespace: dict[str, Any] = {"Booking": Booking, **provided}
    exec(compile(block, name, "exec"), namespace)  # noqa: S102
    function: Callable[..., Any] = namespace[name]
    return function


@pytest.mark.django_db
def test_the_webhook_confirms_the_hold(hold: Booking) -> None:
    event = SimpleNamespace(
        reference=str(hold.uuid),
        amount="100.00",
        currency="USD",
        id="pay_1",
        status="PAID",
        processed_at=timezone.now(),
    )
    alerts: list[Any] = []
    webhook = function_of_the_how_to(
        "payment_webhook", alert_staff=lambda *details: alerts.append(details)
    )
    webhook(event)
    webhook(event)
    assert Booking.objects.get().status == Booking.Status.CONFIRMED
    assert not alerts


@pytest.mark.django_db
def test_the_job_sends_each_refund_once(booking: Booking, pay: Pay) -> None:
    pay(booking, 30, "pay_1")
    pay(booking, 70, "pay_2")
    cancel_booking(booking, now_dt=before_start(hours=10))
    sent: dict[str, tuple[str, Decimal]] = {}
    dies = [True]

    def provider_refund(external_id: str, amount: Decimal, *, idempotency_key: str) -> Any:
        sent.setdefault(idempotency_key, (external_id, amount))
        assert sent[idempotency_key] == (external_id, amount)
        if dies.pop() if dies else False:
            raise ConnectionError
        return SimpleNamespace(id=f"re_{idempotency_key}")

    job = function_of_the_how_to("send_refunds", provider_refund=provider_refund)
    with pytest.raises(ConnectionError):
        job()
    for _ in range(2):
        job()
    assert sorted(sent.values()) == [("pay_1", 30), ("pay_2", 20)]
    assert [refund.amount for refund in Refund.objects.all()] == [30, 20]
    assert refund_due(booking) == RefundDue.objects.get().outstanding == 0


@pytest.mark.django_db
def test_the_job_leaves_cash_to_staff(booking: Booking, pay: Pay) -> None:
    pay(booking, 30, "till-1", method="cash")
    pay(booking, 70, "pay_1")
    cancel_booking(booking, by="provider", now_dt=before_start(hours=10))
    sent: list[tuple[str, Decimal]] = []

    def provider_refund(external_id: str, amount: Decimal, *, idempotency_key: str) -> Any:
        sent.append((external_id, amount))
        return SimpleNamespace(id="re_1")

    function_of_the_how_to("send_refunds", provider_refund=provider_refund)()
    assert sent == [("pay_1", 70)]
    assert RefundDue.objects.get().outstanding == 30


@pytest.mark.django_db
def test_two_jobs_at_the_same_time_send_each_refund_once(book: Book, pay: Pay) -> None:
    for number in range(2):
        booking = book(start_at=START + timedelta(hours=number))
        pay(booking, 100, f"pay_{number}")
        cancel_booking(booking, now_dt=booking.start_at - timedelta(hours=10))
    sent: dict[str, Decimal] = {}
    jobs: list[Callable[[], None]] = []

    def provider_refund(external_id: str, amount: Decimal, *, idempotency_key: str) -> Any:
        sent.setdefault(f"{external_id} {idempotency_key}", amount)
        if jobs:
            jobs.pop()()
        return SimpleNamespace(id=f"re_{idempotency_key}")

    job = function_of_the_how_to("send_refunds", provider_refund=provider_refund)
    jobs.append(job)
    job()
    assert list(sent.values()) == [50, 50]
    assert [refund.amount for refund in Refund.objects.all()] == [50, 50]
