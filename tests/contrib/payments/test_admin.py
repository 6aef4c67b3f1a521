"""Staff see the money beside the booking, and lay down the refund policies."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bookings.contrib.payments.models import Payment, RefundDue, RefundPolicy
from bookings.contrib.payments.services import record_refund, set_refund_policy
from bookings.contrib.payments.tiers import Tier
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.contrib.payments.conftest import NOW, Book, Make, Pay, before_start

pytestmark = pytest.mark.django_db

ADMIN = "/admin/bookings_payments"


@pytest.fixture(autouse=True)
def _urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.admin.urls"


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


@pytest.fixture
def cancelled(booking: Booking, paid: Payment) -> Booking:
    cancel_booking(booking, now_dt=before_start(hours=10))
    record_refund(paid, amount=20, external_id="re_1", reason="Ill", now_dt=NOW)
    return booking


def text(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def tiers(*rows: tuple[Any, ...], **values: Any) -> dict[str, Any]:
    """A policy's form, as it is sent."""
    sent = {
        "service": "",
        "no_show_refund_percent": "0",
        "no_show_fee_percent": "0",
        "tiers-TOTAL_FORMS": len(rows),
        "tiers-INITIAL_FORMS": 0,
    }
    for number, (notice, refund, fee) in enumerate(rows):
        sent[f"tiers-{number}-notice_minutes"] = notice
        sent[f"tiers-{number}-refund_percent"] = refund
        sent[f"tiers-{number}-fee_percent"] = fee
    return sent | values


def test_the_booking_shows_its_money(boss: Client, cancelled: Booking) -> None:
    page = text(boss, f"/admin/bookings/booking/{cancelled.pk}/change/")
    assert "pay_1" in page
    assert "Partially refunded" in page
    assert all(amount in page for amount in ("100.00", "30.00"))
    assert ".000" not in page


def test_who_may_not_see_payments_sees_the_booking_without(cancelled: Booking) -> None:
    user = get_user_model().objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_booking"))
    client = Client()
    client.force_login(user)
    assert "pay_1" not in text(client, f"/admin/bookings/booking/{cancelled.pk}/change/")


def test_payments_and_their_refunds_are_read_only(
    boss: Client, cancelled: Booking, paid: Payment
) -> None:
    assert "pay_1" in text(boss, f"{ADMIN}/payment/?q={cancelled.reference}")
    page = text(boss, f"{ADMIN}/payment/{paid.pk}/change/")
    assert "re_1" in page
    assert "20.00" in page
    assert ".000" not in page
    assert ".000" not in text(boss, f"{ADMIN}/payment/")
    assert 'name="_save"' not in page
    assert boss.get(f"{ADMIN}/payment/add/").status_code == 403
    assert boss.post(f"{ADMIN}/payment/{paid.pk}/delete/").status_code == 403


@pytest.mark.parametrize(
    ("query", "number"), [("", 1), ("?outstanding=yes", 1), ("?outstanding=no", 0)]
)
def test_what_is_due_is_a_list(boss: Client, cancelled: Booking, query: str, number: int) -> None:
    page = text(boss, f"{ADMIN}/refunddue/{query}")
    assert page.count(cancelled.reference) == number
    assert ".000" not in page


@pytest.mark.parametrize(
    ("currency", "amount", "shown"), [("JPY", 9000, "9000"), ("KWD", "12.345", "12.345")]
)
def test_an_amount_has_the_decimals_of_its_currency(
    boss: Client, make_service: Make, book: Book, pay: Pay, currency: str, amount: Any, shown: str
) -> None:
    booking = book(service=make_service(currency=currency))
    payment = pay(booking, amount).payment
    cancel_booking(booking, now_dt=before_start(hours=30))
    due = booking.refund_due
    for page in (
        f"/admin/bookings/booking/{booking.pk}/change/",
        f"{ADMIN}/payment/",
        f"{ADMIN}/payment/{payment.pk}/change/",
        f"{ADMIN}/refunddue/",
        f"{ADMIN}/refunddue/{due.pk}/change/",
    ):
        amounts = re.findall(rf"\b{re.escape(shown[:3])}[.\d]*", text(boss, page))
        assert set(amounts) == {shown}, page
    assert str(Payment.objects.get()) == f"{shown} {currency} (pay_1)"
    assert f"{shown} {currency}" in str(RefundDue.objects.get())


def test_refunds_are_read_with_their_payment_at_once(
    boss: Client, paid: Payment, django_assert_num_queries: Any
) -> None:
    # What Django reads once in a process comes with the first page.
    text(boss, f"{ADMIN}/payment/{paid.pk}/change/")
    with CaptureQueriesContext(connection) as before:
        text(boss, f"{ADMIN}/payment/{paid.pk}/change/")
    for number in range(3):
        record_refund(paid, amount=20, external_id=f"re_{number}", now_dt=NOW)
    with django_assert_num_queries(len(before)):
        assert "re_2" in text(boss, f"{ADMIN}/payment/{paid.pk}/change/")


def test_a_policy_is_made_of_tiers(boss: Client, service: Any) -> None:
    assert "tenant" not in text(boss, f"{ADMIN}/refundpolicy/add/").lower()
    sent = tiers((0, 30, 10), (1440, 100, 0), service=service.pk)
    assert boss.post(f"{ADMIN}/refundpolicy/add/", sent).status_code == 302
    policy = RefundPolicy.objects.get()
    assert [tier.notice_minutes for tier in policy.rules().tiers] == [1440, 0]
    assert str(service) in text(boss, f"{ADMIN}/refundpolicy/")


def test_tiers_out_of_order_are_a_message_on_the_form(boss: Client) -> None:
    response = boss.post(f"{ADMIN}/refundpolicy/add/", tiers((60, 90, 0), (1440, 10, 0)))
    assert "more would go back" in response.content.decode()
    assert not RefundPolicy.objects.exists()


def test_a_wrong_tier_is_a_message_beside_it(boss: Client) -> None:
    response = boss.post(f"{ADMIN}/refundpolicy/add/", tiers((60, 101, 0)))
    assert "less than or equal to 100" in response.content.decode()


def test_a_tier_that_is_deleted_does_not_count(boss: Client) -> None:
    policy = set_refund_policy([Tier(notice_minutes=60, refund_percent=10)])  # type: ignore[arg-type]
    [row] = policy.tiers.all()
    sent = tiers((60, 10, 0), (30, 50, 0), **{"tiers-INITIAL_FORMS": 1})
    sent |= {
        "tiers-0-id": row.pk,
        "tiers-0-policy": policy.pk,
        "tiers-1-policy": policy.pk,
        "tiers-0-DELETE": "on",
    }
    response = boss.post(f"{ADMIN}/refundpolicy/{policy.pk}/change/", sent)
    assert response.status_code == 302
    assert [tier.notice_minutes for tier in policy.rules().tiers] == [30]


def test_an_empty_row_is_none(boss: Client) -> None:
    response = boss.post(f"{ADMIN}/refundpolicy/add/", tiers((60, 10, 0), ("", "", "0")))
    assert response.status_code == 302
    assert len(RefundPolicy.objects.get().rules().tiers) == 1


def test_there_is_one_default(boss: Client, make_service: Make) -> None:
    assert boss.post(f"{ADMIN}/refundpolicy/add/", tiers()).status_code == 302
    response = boss.post(f"{ADMIN}/refundpolicy/add/", tiers())
    assert "There is a default policy already" in response.content.decode()
    own = make_service(name="Surgery")
    assert boss.post(f"{ADMIN}/refundpolicy/add/", tiers(service=own.pk)).status_code == 302
    assert RefundPolicy.objects.count() == 2
    assert not RefundDue.objects.exists()
