"""Staff see the money beside the booking, grant and waive refunds, and lay down refund policies."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bookings.admin import BookingAdmin
from bookings.contrib.payments.admin import RefundDueAdmin
from bookings.contrib.payments.models import Payment, RefundDue, RefundPolicy
from bookings.contrib.payments.refund_rules import Tier
from bookings.contrib.payments.services import record_refund, set_refund_policy
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.contrib.payments.conftest import NOW, Book, Make, Pay, before_start

pytestmark = pytest.mark.django_db

ADMIN = "/admin/bookings_payments"


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


def test_the_booking_shows_its_payments_and_refund_due(boss: Client, cancelled: Booking) -> None:
    page = text(boss, f"/admin/bookings/booking/{cancelled.pk}/change/")
    assert "pay_1" in page
    assert "Partially refunded" in page
    assert all(amount in page for amount in ("100.00", "30.00"))
    assert ".000" not in page
    payment, due = Payment.objects.get(), RefundDue.objects.get()
    for row, path in ((payment, "payment"), (due, "refunddue")):
        assert f'class="viewlink" href="{ADMIN}/{path}/{row.pk}/change/">View<' in page
    assert (
        f'<td class="field-external_id" data-label="External ID">{payment.external_id}</td>' in page
    )


def test_the_rows_link_to_no_pages_that_the_site_does_not_have(
    boss: Client, cancelled: Booking
) -> None:
    """That of payments is registered in one of the two sites."""
    page = text(boss, f"/desk/bookings/booking/{cancelled.pk}/change/")
    assert "pay_1" in page
    assert "field-page" not in page


def test_a_user_who_may_not_see_payments_sees_the_booking_without_them(cancelled: Booking) -> None:
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
def test_refunds_due_are_listed(boss: Client, cancelled: Booking, query: str, number: int) -> None:
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


def test_an_empty_row_is_ignored(boss: Client) -> None:
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


GRANT = {"amount": "80", "reason": "Our fault", "_answered": "1"}


def page_of_due(booking: Booking) -> str:
    return f"{ADMIN}/refunddue/{booking.refund_due.pk}"


def send(client: Client, path: str, **values: Any) -> str:
    """Open a page with a question, and send its form with other values; return what is shown."""
    page = text(client, path)
    version = re.search(r'name="version" value="([^"]*)"', page)
    assert version is not None
    response = client.post(path, {"version": version[1], **values}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def clerk(*permissions: str) -> Client:
    user = get_user_model().objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def test_staff_waive_a_part_of_what_is_due(boss: Client, cancelled: Booking) -> None:
    due = page_of_due(cancelled)
    assert f'href="{due}/waive/">Waive the refund…' in text(boss, f"{due}/change/")
    asked = text(boss, f"{due}/waive/")
    assert 'value="30.00"' in asked
    assert "At most what is still to be refunded: 30.00 USD." in asked
    shown = send(boss, f"{due}/waive/", amount="10", reason="Takes a voucher")
    assert "Waived: 10.00 USD. Still to be refunded: 20.00 USD." in shown
    row = RefundDue.objects.get()
    assert (row.waived, row.outstanding, row.reason) == (10, 20, "Takes a voucher")
    assert "Waived: 10.00 USD" in text(boss, f"{due}/history/")
    send(boss, f"{due}/waive/", amount="20", reason="")
    assert "/waive/" not in text(boss, f"{due}/change/")
    assert RefundDue.objects.get().reason == "Takes a voucher"


def test_staff_grant_more_than_is_due(boss: Client, cancelled: Booking) -> None:
    due = page_of_due(cancelled)
    assert f'href="{due}/grant/">Grant a refund…' in text(boss, f"{due}/change/")
    asked = text(boss, f"{due}/grant/")
    assert 'value="100.00"' in asked
    assert "At most what was paid: 100.00 USD." in asked
    shown = send(boss, f"{due}/grant/", amount="80", reason="Our fault")
    assert "Granted: 80.00 USD. Still to be refunded: 60.00 USD." in shown
    row = RefundDue.objects.get()
    assert (row.granted, row.outstanding, row.reason) == (80, 60, "Our fault")


def test_staff_grant_a_refund_of_which_nothing_was_due(
    boss: Client, booking: Booking, paid: Payment
) -> None:
    path = f"{ADMIN}/payment/{paid.pk}"
    assert f'href="{path}/grant/">Grant a refund…' in text(boss, f"{path}/change/")
    shown = send(boss, f"{path}/grant/", amount="25.50", reason="Sorry")
    assert "Granted: 25.50 USD. Still to be refunded: 25.50 USD." in shown
    assert f"{page_of_due(booking)}/change/" in text(
        boss, f"/admin/bookings/booking/{booking.pk}/change/"
    )
    assert "Granted: 25.50 USD" in text(boss, f"{page_of_due(booking)}/history/")


def test_of_a_payment_that_was_not_made_nothing_is_granted(
    boss: Client, booking: Booking, pay: Pay
) -> None:
    pending = pay(booking, status="PENDING").payment
    path = f"{ADMIN}/payment/{pending.pk}"
    assert "/grant/" not in text(boss, f"{path}/change/")
    assert "Nothing was paid for this booking" in send(boss, f"{path}/grant/", amount="1")
    assert not RefundDue.objects.exists()


@pytest.mark.parametrize(
    ("page", "amount", "message"),
    [
        ("waive", "31", "Only 30.00 USD are still to be refunded."),
        ("waive", "0", "amount must be above zero"),
        ("waive", "", "This field is required."),
        ("waive", "x", "Enter a number."),
        ("waive", "1.005", "no more than 2 decimal places"),
        ("waive", "1e30", "no more than"),
        ("grant", "101", "Only 100.00 USD were paid."),
        ("grant", "-1", "amount must be above zero"),
    ],
)
def test_a_wrong_amount_is_a_message_beside_it(
    boss: Client, cancelled: Booking, page: str, amount: str, message: str
) -> None:
    before = RefundDue.objects.values().get()
    shown = send(boss, f"{page_of_due(cancelled)}/{page}/", amount=amount, reason="Because")
    field = shown[shown.index("field-amount") :]
    assert message in field[: field.index("field-reason")]
    assert "Because" in shown
    assert RefundDue.objects.values().get() == before


def test_an_amount_has_the_decimals_of_its_currency_in_the_form(
    boss: Client, make_service: Make, book: Book, pay: Pay
) -> None:
    booking = book(service=make_service(currency="JPY"))
    pay(booking, 9000)
    cancel_booking(booking, now_dt=before_start(hours=30))
    assert 'value="9000"' in text(boss, f"{page_of_due(booking)}/waive/")
    assert "no more than 0 decimal places" in send(
        boss, f"{page_of_due(booking)}/waive/", amount="1.5"
    )


def test_a_second_click_waives_nothing_more(boss: Client, cancelled: Booking) -> None:
    path = f"{page_of_due(cancelled)}/waive/"
    version = "0.00 0.00 30.00"
    assert f'value="{version}"' in text(boss, path)
    sent = {"version": version, "amount": "10", "reason": ""}
    assert boss.post(path, sent).status_code == 302
    assert "Somebody has changed this booking" in boss.post(path, sent).content.decode()
    assert RefundDue.objects.get().waived == 10


def test_the_adapter_may_refuse_it(boss: Client, cancelled: Booking, settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = "tests.contrib.payments.test_waive_refund.RefusingToWaive"
    shown = send(boss, f"{page_of_due(cancelled)}/waive/", amount="1", reason="")
    assert "errornote" in shown or "errorlist nonfield" in shown
    assert RefundDue.objects.get().waived == 0


@pytest.mark.parametrize(
    "permissions",
    [(), ("view_refunddue", "view_payment"), ("change_booking", "change_payment")],
)
def test_who_may_not_change_what_is_due_has_no_pages_for_it(
    cancelled: Booking, paid: Payment, permissions: tuple[str, ...]
) -> None:
    client = clerk(*permissions)
    due, payment = page_of_due(cancelled), f"{ADMIN}/payment/{paid.pk}"
    for page in (f"{due}/change/", f"{payment}/change/"):
        shown = client.get(page).content.decode()
        assert "/waive/" not in shown
        assert "/grant/" not in shown
    for path in (f"{due}/waive/", f"{due}/grant/", f"{payment}/grant/"):
        assert client.get(path).status_code == 403
        assert client.post(path, GRANT | {"version": ""}).status_code == 403
    assert RefundDue.objects.get().granted == 0


def test_who_may_change_what_is_due_may_grant_and_waive(cancelled: Booking) -> None:
    client = clerk("change_refunddue")
    due = page_of_due(cancelled)
    assert 'name="_save"' not in text(client, f"{due}/change/")
    assert "Waived: 5.00 USD" in send(client, f"{due}/waive/", amount="5", reason="")


@pytest.mark.parametrize("hidden", [RefundDueAdmin, BookingAdmin])
def test_what_the_admin_of_what_is_due_or_of_bookings_hides_is_not_changed(
    boss: Client, cancelled: Booking, paid: Payment, monkeypatch: pytest.MonkeyPatch, hidden: Any
) -> None:
    own = hidden.get_queryset
    monkeypatch.setattr(hidden, "get_queryset", lambda *args: own(*args).none())
    payment = f"{ADMIN}/payment/{paid.pk}"
    assert "/grant/" not in text(boss, f"{payment}/change/")
    assert boss.get(f"{payment}/grant/").status_code == 403
    hidden_status = 404 if hidden is RefundDueAdmin else 403
    for page in ("waive", "grant"):
        answer = boss.post(f"{page_of_due(cancelled)}/{page}/", GRANT | {"version": ""})
        assert answer.status_code == hidden_status
    assert boss.get(f"{ADMIN}/payment/0/grant/").status_code == 404


def test_the_page_of_what_is_due_takes_nothing_that_is_sent(
    boss: Client, cancelled: Booking
) -> None:
    before = RefundDue.objects.values().get()
    sent = {"outstanding": "1", "granted": "70", "reason": "Forged"}
    assert boss.post(f"{page_of_due(cancelled)}/change/", sent).status_code == 302
    assert RefundDue.objects.values().get() == before
    assert boss.get(f"{ADMIN}/refunddue/add/").status_code == 403
    assert boss.post(f"{page_of_due(cancelled)}/delete/").status_code == 403


def test_the_pages_take_the_same_queries_for_any_number_of_payments(
    boss: Client, cancelled: Booking, pay: Pay, django_assert_num_queries: Any
) -> None:
    paths = [f"{page_of_due(cancelled)}/{page}/" for page in ("change", "grant", "waive")]
    numbers = []
    for path in paths:
        text(boss, path)
        with CaptureQueriesContext(connection) as queries:
            text(boss, path)
        numbers.append(len(queries))
    for number in range(3):
        pay(cancelled, 10, f"pay_{number + 2}", now_dt=before_start(hours=1))
    for path, number in zip(paths, numbers, strict=True):
        with django_assert_num_queries(number):
            text(boss, path)


def test_cancelling_says_beforehand_what_goes_back_and_what_is_owed(
    boss: Client, booking: Booking, pay: Pay, service: Any, book: Book
) -> None:
    page = f"/admin/bookings/booking/{booking.pk}/step/cancel/"
    assert "would be" not in text(boss, page), "Nothing is paid, and there is no policy."
    pay(booking, 40)
    assert "40.00 USD of the 40.00 USD paid would be refunded." in text(boss, page)
    other = Client()
    user = get_user_model().objects.create_user("desk", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["view_booking", "change_booking"])
    )
    other.force_login(user)
    assert "would be" not in text(other, page), "who may not see payments"
    cancel_booking(booking, by="provider")
    assert "would be" not in text(boss, page), "It is cancelled already."
    set_refund_policy([Tier(notice_minutes=0, refund_percent=100, fee_percent=20)], service=service)
    late = book()
    page = f"/admin/bookings/booking/{late.pk}/step/cancel/"
    assert "A fee of 20.00 USD would be due." in text(boss, page)
