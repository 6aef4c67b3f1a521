"""The reference page has whatever is public, and the how-to does what it says."""

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
    for value in vars(exceptions).values()
    if inspect.isclass(value) and value.__module__ == exceptions.__name__
]


def section(title: str) -> str:
    return re.split(r"^#{2,3} ", PAGE.partition(f"# {title}\n")[2], flags=re.MULTILINE)[0]


def test_every_service_is_described() -> None:
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
def test_every_field_is_in_the_section_of_its_model(name: str) -> None:
    fields = {field.name for field in getattr(models, name)._meta.concrete_fields}
    assert fields == rows(section(name)).keys()


def test_every_signal_has_its_row() -> None:
    sent = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert rows(section("Signals")).keys() == sent


def test_every_error_has_its_row_with_its_code() -> None:
    assert all(issubclass(error, core.BookingError) for error in ERRORS)
    told = rows(section("Errors"))
    for error in ERRORS:
        assert told[error.__name__][0] == f"`{error.default_code}`"


def test_every_finer_code_has_its_row() -> None:
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


def test_every_check_has_its_row() -> None:
    raised = re.findall(r'id="(bookings_payments\.\w+)"', (SOURCE / "checks.py").read_text())
    assert rows(section("System checks")).keys() == set(raised)


# The how-to


def defined(name: str, **provided: Any) -> Callable[..., Any]:
    """A function of the how-to, with what the page leaves to the reader."""
    [block] = [text for _indent, text in BLOCK.findall(HOW_TO) if f"def {name}(" in text]
    namespace: dict[str, Any] = {"Booking": Booking, **provided}
    exec(compile(block, name, "exec"), namespace)  # noqa: S102
    function: Callable[..., Any] = namespace[name]
    return function


@pytest.mark.django_db
def test_the_webhook_records_and_confirms(hold: Booking) -> None:
    told = SimpleNamespace(
        reference=str(hold.uuid),
        amount="100.00",
        currency="USD",
        id="pay_1",
        status="PAID",
        processed_at=timezone.now(),
    )
    alarmed: list[Any] = []
    webhook = defined("payment_webhook", tell_staff=lambda *said: alarmed.append(said))
    webhook(told)
    webhook(told)
    assert Booking.objects.get().status == Booking.Status.CONFIRMED
    assert not alarmed


@pytest.mark.django_db
def test_the_job_sends_back_what_is_due_once(booking: Booking, pay: Pay) -> None:
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

    job = defined("send_refunds", provider_refund=provider_refund)
    with pytest.raises(ConnectionError):
        job()
    for _ in range(2):
        job()
    assert sorted(sent.values()) == [("pay_1", 30), ("pay_2", 20)]
    assert [refund.amount for refund in Refund.objects.all()] == [30, 20]
    assert refund_due(booking) == RefundDue.objects.get().outstanding == 0


@pytest.mark.django_db
def test_two_jobs_at_once_send_it_back_once(book: Book, pay: Pay) -> None:
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

    job = defined("send_refunds", provider_refund=provider_refund)
    jobs.append(job)
    job()
    assert list(sent.values()) == [50, 50]
    assert [refund.amount for refund in Refund.objects.all()] == [50, 50]
