"""Refund policies and refunds due of several tenants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.test import Client

from bookings.contrib.payments.models import RefundPolicy
from bookings.contrib.payments.refund_rules import DEFAULT_RULES, Tier
from bookings.contrib.payments.refund_terms import agreed_rules
from bookings.contrib.payments.selectors import list_refunds_due
from bookings.contrib.payments.services import record_payment, set_refund_policy
from bookings.models import Booking
from bookings.services import cancel_booking, create_booking
from tests.hosts.samples import Host, make, make_host

pytestmark = pytest.mark.django_db

NOW = datetime(2131, 3, 5, 8, 0, tzinfo=UTC)


def tiers(percent: int) -> list[Tier]:
    return [Tier(notice_minutes=0, refund_percent=Decimal(percent))]


@pytest.fixture
def host() -> Host:
    return make_host()


def book(host: Host, hour: int = 0) -> Booking:
    return create_booking(
        service=host.service,
        provider=host.provider,
        tenant=host.tenant,
        start_at=NOW + timedelta(hours=hour + 1),
        client_name="Joan",
        now_dt=NOW,
    )


def test_the_services_policy_comes_before_the_tenants_and_that_before_the_default(
    host: Host,
) -> None:
    assert agreed_rules(book(host)) == DEFAULT_RULES
    default = set_refund_policy(tiers(10))
    assert agreed_rules(book(host, 2)) == default.rules()
    tenants = set_refund_policy(tiers(20), tenant=host.tenant)
    assert agreed_rules(book(host, 4)) == tenants.rules()
    own = set_refund_policy(tiers(30), service=host.service)
    assert agreed_rules(book(host, 6)) == own.rules()
    assert (str(tenants), tenants.owner()) == (str(host.tenant), host.tenant)
    assert RefundPolicy.objects.count() == 3


def test_another_tenants_policy_does_not_apply(host: Host) -> None:
    set_refund_policy(tiers(20), tenant=make("TENANT_MODEL"))
    assert agreed_rules(book(host)) == DEFAULT_RULES


def test_refunds_due_are_listed_by_tenant(host: Host) -> None:
    set_refund_policy(tiers(100))
    booking = book(host)
    record_payment(booking, amount=50, external_id="pay_1", now_dt=NOW)
    cancel_booking(booking, now_dt=NOW)
    assert [due.booking for due in list_refunds_due(tenant=host.tenant)] == [booking]
    assert not list_refunds_due(tenant=make("TENANT_MODEL"))


def test_the_database_refuses_a_policy_with_two_owners(host: Host) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        RefundPolicy.objects.create(service=host.service, tenant=host.tenant)


def test_staff_choose_the_tenant_of_a_policy(host: Host) -> None:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("boss"))
    form = {
        "service": "",
        "tenant": host.tenant.pk,
        "no_show_refund_percent": "0",
        "no_show_fee_percent": "0",
        "tiers-TOTAL_FORMS": 0,
        "tiers-INITIAL_FORMS": 0,
    }
    path = "/admin/bookings_payments/refundpolicy/add/"
    both = client.post(path, form | {"service": host.service.pk})
    assert "A policy is of a service or of a tenant" in both.content.decode()
    assert client.post(path, form).status_code == 302
    assert RefundPolicy.objects.get().tenant == host.tenant
