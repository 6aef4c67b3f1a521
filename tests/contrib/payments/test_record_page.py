"""Staff record what a client has paid at the desk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from bookings.contrib.payments.models import Payment
from bookings.contrib.payments.services import set_refund_policy
from bookings.models import Booking
from bookings.services import mark_no_show
from tests.admin.page import form_values, messages_of, text_of
from tests.contrib.payments.conftest import Book, Make
from tests.contrib.payments.test_record_payment import RefusingToRecord, adapter

pytestmark = pytest.mark.django_db

FORM = "payment_question_form"


def page_of(booking: Booking) -> str:
    return f"/admin/bookings/booking/{booking.pk}/change/"


def record_of(booking: Any) -> str:
    return f"/admin/bookings_payments/payment/record/{getattr(booking, 'pk', booking)}/"


def clerk(*permissions: str) -> Client:
    user = get_user_model().objects.create_user(f"clerk {permissions}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def cashier() -> Client:
    return clerk("view_booking", "change_booking", "add_payment")


def test_what_is_to_be_paid_is_preset_with_cash(cashier: Client, booking: Booking) -> None:
    page = text_of(cashier.get(page_of(booking)))
    assert "To be paid: 100.00 USD" in page
    assert record_of(booking) in page
    sent = form_values(cashier.get(record_of(booking)), FORM)
    assert (sent["amount"], sent["method"]) == (["100.00"], ["cash"])
    for _click in range(2):
        response = cashier.post(record_of(booking), sent)
        assert response.url == page_of(booking)
    payment = Payment.objects.get()
    assert (payment.amount, payment.method, payment.booking) == (100, "cash", booking)
    assert payment.recorded_by.username.startswith("clerk")
    assert LogEntry.objects.filter(object_id=payment.pk).count() == 1
    shown = cashier.get(page_of(booking))
    assert "Recorded: 100.00 USD. All is paid." in messages_of(shown)
    assert record_of(booking) not in text_of(shown)
    again = form_values(cashier.get(record_of(booking)), FORM)
    assert again["amount"] == [""], "Nothing is left to be preset."


def test_a_part_is_recorded_and_the_rest_is_said(cashier: Client, booking: Booking) -> None:
    sent = form_values(cashier.get(record_of(booking)), FORM) | {"amount": "30", "method": "card"}
    cashier.post(record_of(booking), sent)
    shown = cashier.get(page_of(booking))
    assert messages_of(shown) == ["Recorded: 30.00 USD. Still to be paid: 70.00 USD."]
    refused = cashier.post(record_of(booking), sent | {"amount": "31"})
    assert "has recorded a payment before" in refused.context["form"].non_field_errors()[0]
    refused = cashier.post(record_of(booking), sent | {"amount": "0"})
    assert refused.context["form"].errors == {"amount": ["Enter more than zero."]}
    assert Payment.objects.count() == 1


def test_too_much_is_to_be_refunded(cashier: Client, booking: Booking) -> None:
    sent = form_values(cashier.get(record_of(booking)), FORM) | {"amount": "120"}
    asked = cashier.post(record_of(booking), sent)
    assert asked.context["form"].errors == {
        "anyway": ["That is more than is still to be paid: 100.00 USD."]
    }
    assert not Payment.objects.exists()
    sure = form_values(asked, FORM) | {"anyway": "on"}
    assert cashier.post(record_of(booking), sure).status_code == 302
    shown = cashier.get(page_of(booking))
    assert messages_of(shown) == ["Recorded: 120.00 USD. To be refunded: 20.00 USD."]


def test_two_at_the_desk_record_the_same_money_only_if_they_mean_it(
    cashier: Client, booking: Booking
) -> None:
    mine, other = (form_values(cashier.get(record_of(booking)), FORM) for _each in range(2))
    cashier.post(record_of(booking), mine | {"amount": "30"})
    asked = cashier.post(record_of(booking), other | {"amount": "70"})
    assert asked.context["form"].errors == {
        "anyway": ["What is still to be paid has changed since this page was opened: 70.00 USD."]
    }
    assert "Record it all the same" in text_of(asked)
    assert Payment.objects.count() == 1
    cashier.post(record_of(booking), form_values(asked, FORM) | {"anyway": "on"})
    assert sorted(payment.amount for payment in Payment.objects.all()) == [30, 70]


def test_why_a_payment_is_refused_is_said(cashier: Client, booking: Booking, settings: Any) -> None:
    sent = form_values(cashier.get(record_of(booking)), FORM)
    settings.BOOKINGS_ADAPTER = adapter(RefusingToRecord)
    assert cashier.post(record_of(booking), sent).context["form"].non_field_errors()
    assert not LogEntry.objects.exists()


def test_the_fee_of_a_no_show_is_preset(cashier: Client, book: Book, service: Any) -> None:
    set_refund_policy([], service=service, no_show_fee_percent=50)
    booking = book()
    mark_no_show(booking, now_dt=booking.end_at)
    sent = form_values(cashier.get(record_of(booking)), FORM)
    assert sent["amount"] == ["50.00"]


def test_what_a_payment_cannot_confirm_is_said(
    cashier: Client, book: Book, make_service: Make
) -> None:
    request = book(service=make_service(requires_approval=True))
    cashier.post(record_of(request), form_values(cashier.get(record_of(request)), FORM))
    shown = cashier.get(page_of(request))
    assert messages_of(shown) == [
        "Recorded: 100.00 USD. All is paid. The booking waits for approval."
    ]
    expires_at = timezone.now() + timedelta(minutes=15)
    hold = book(client_name="", expires_at=expires_at, start_at=request.end_at, now_dt=None)
    cashier.post(record_of(hold), form_values(cashier.get(record_of(hold)), FORM))
    recorded, refusal = messages_of(cashier.get(page_of(hold)))
    assert recorded.endswith("All is paid, but the booking could not be confirmed.")
    assert refusal.endswith("Enter the client's name first.")


def test_only_who_may_add_payments_records_them(booking: Booking) -> None:
    viewer = clerk("view_booking", "view_payment")
    assert record_of(booking) not in text_of(viewer.get(page_of(booking)))
    assert viewer.get(record_of(booking)).status_code == 403
    blind = clerk("add_payment")
    assert blind.get(record_of(booking)).status_code == 404
    assert clerk("view_booking", "add_payment").get(record_of("x")).status_code == 404
