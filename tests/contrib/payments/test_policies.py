"""Which refund policy applies to a booking, and that the booking keeps it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from bookings.contrib.payments.checks import check_refund_policies
from bookings.contrib.payments.exceptions import InvalidRefundPolicy
from bookings.contrib.payments.models import RefundPolicy, RefundTier
from bookings.contrib.payments.models.base import APP_LABEL
from bookings.contrib.payments.refund_rules import DEFAULT_RULES, Tier
from bookings.contrib.payments.refund_terms import agreed_rules
from bookings.contrib.payments.selectors import refund_due
from bookings.contrib.payments.services import set_refund_policy
from bookings.exceptions import InvalidBooking
from bookings.models import Booking
from tests.contrib.payments.conftest import START, Book, Make, Pay, before_start

pytestmark = pytest.mark.django_db


def tier(notice_minutes: int, refund: int, fee: int = 0) -> Tier:
    return Tier(
        notice_minutes=notice_minutes, refund_percent=Decimal(refund), fee_percent=Decimal(fee)
    )


def check() -> list[str]:
    return [str(message.id) for message in check_refund_policies(None, databases=["default"])]


def test_without_a_policy_the_default_rules_apply(booking: Booking) -> None:
    assert agreed_rules(booking) == DEFAULT_RULES
    assert booking.terms == {APP_LABEL: DEFAULT_RULES.to_json()}


def test_the_services_policy_comes_before_the_default(book: Book, service: Any) -> None:
    default = set_refund_policy([tier(60, 30)])
    assert agreed_rules(book()) == default.rules()
    own = set_refund_policy([tier(120, 70)], service=service)
    assert agreed_rules(book(start_at=START + timedelta(hours=2))) == own.rules()
    assert (str(own), own.owner()) == (str(service), service)
    assert (str(default), default.owner()) == ("Default", None)


def test_another_services_policy_does_not_apply(book: Book, make_service: Make) -> None:
    set_refund_policy([tier(60, 30)], service=make_service(name="Surgery"))
    assert agreed_rules(book()) == DEFAULT_RULES


def test_a_booking_keeps_the_policy_it_was_made_under(book: Book, pay: Pay) -> None:
    set_refund_policy([tier(0, 80)])
    booking = book()
    pay(booking)
    set_refund_policy([tier(0, 10)])
    assert refund_due(booking, now_dt=before_start(hours=1)) == 80


def test_a_booking_older_than_the_app_has_the_default_rules(booking: Booking) -> None:
    Booking._base_manager.update(terms=None)
    booking.refresh_from_db()
    set_refund_policy([tier(0, 10)])
    assert agreed_rules(booking) == DEFAULT_RULES


def test_a_policy_is_replaced_as_a_whole(service: Any) -> None:
    first = set_refund_policy([tier(600, 90), tier(60, 30)], service=service)
    second = set_refund_policy([tier(0, 40, 5)], service=service, no_show_fee_percent=50)
    assert first.pk == second.pk
    assert RefundPolicy.objects.count() == 1
    assert second.rules().tiers == (tier(0, 40, 5),)
    assert second.rules().no_show == tier(0, 0, 50)
    assert str(RefundTier.objects.get()) == "Notice: 0 minutes, refund: 40.00 %"


def test_tiers_are_ordered_by_notice_longest_first(service: Any) -> None:
    policy = RefundPolicy.objects.create(service=service)
    for notice, percent in ((60, 10), (600, 90), (120, 50)):
        policy.tiers.create(notice_minutes=notice, refund_percent=percent)
    assert [tier.notice_minutes for tier in policy.rules().tiers] == [600, 120, 60]


@pytest.mark.parametrize("number", [0, 1, 5])
def test_reading_the_policy_takes_one_query(book: Book, number: int) -> None:
    if number:
        set_refund_policy([tier(60 * (number - n), 50) for n in range(number)])
    book(start_at=START + timedelta(hours=5))
    with CaptureQueriesContext(connection) as captured:
        book()
    table = connection.ops.quote_name("bookings_payments")[:-1]
    reads = [query for query in captured if f"FROM {table}" in query["sql"]]
    assert len(reads) == 1


# Bad input


def test_tiers_out_of_order_are_refused_and_nothing_is_written(service: Any) -> None:
    set_refund_policy([tier(60, 30)], service=service)
    with pytest.raises(InvalidRefundPolicy):
        set_refund_policy([tier(60, 30), tier(600, 50)], service=service)
    assert RefundPolicy.objects.get().rules().tiers == (tier(60, 30),)


def test_a_policy_has_one_owner(service: Any) -> None:
    with pytest.raises(InvalidRefundPolicy, match="of a service or of a tenant"):
        set_refund_policy([], service=service, tenant=service)


def test_the_service_must_be_of_the_service_model(provider: Any) -> None:
    with pytest.raises(InvalidBooking, match="must be a"):
        set_refund_policy([], service=provider)


@pytest.mark.parametrize(("refund", "fee"), [(101, 0), (0, -1)])
def test_the_no_show_percentages_are_validated(refund: int, fee: int) -> None:
    with pytest.raises(InvalidRefundPolicy):
        set_refund_policy([], no_show_refund_percent=refund, no_show_fee_percent=fee)


def test_the_database_refuses_invalid_percentages() -> None:
    policy = set_refund_policy([tier(60, 30)])
    for rows, values in (
        (RefundTier.objects.all(), {"refund_percent": 101}),
        (RefundTier.objects.all(), {"fee_percent": -1}),
        (RefundPolicy.objects.all(), {"no_show_fee_percent": 101}),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**values)
    with pytest.raises(IntegrityError), transaction.atomic():
        policy.tiers.create(notice_minutes=60, refund_percent=10)


def test_the_database_refuses_a_second_default(service: Any) -> None:
    default, own = RefundPolicy.objects.create(), RefundPolicy.objects.create(service=service)
    with pytest.raises(IntegrityError), transaction.atomic():
        RefundPolicy.objects.create()
    for policy, is_default in ((default, None), (own, True)):
        with pytest.raises(IntegrityError), transaction.atomic():
            RefundPolicy.objects.filter(pk=policy.pk).update(is_default=is_default)


def test_a_policy_that_gets_an_owner_is_no_longer_the_default(service: Any) -> None:
    policy = RefundPolicy.objects.create()
    policy.service = service
    policy.save(update_fields=["service"])
    assert RefundPolicy.objects.create().owner() is None


def test_full_clean_names_the_invalid_field() -> None:
    policy = RefundPolicy(no_show_refund_percent=101)
    with pytest.raises(ValidationError) as caught:
        policy.full_clean()
    assert "no_show_refund_percent" in caught.value.message_dict


# System checks


def test_sound_policies_pass_the_check(service: Any) -> None:
    set_refund_policy([tier(60, 30)])
    set_refund_policy([tier(60, 30)], service=service)
    assert check() == []
    assert check_refund_policies(None) == []


def test_the_check_finds_stored_tiers_out_of_order(service: Any) -> None:
    policy = RefundPolicy.objects.create(service=service)
    policy.tiers.create(notice_minutes=60, refund_percent=10)
    policy.tiers.create(notice_minutes=10, refund_percent=90)
    [message] = check_refund_policies(None, databases=["default"])
    assert message.id == "bookings_payments.W001"
    assert "more would go back" in message.msg


def test_the_check_passes_before_the_tables_exist(monkeypatch: Any) -> None:
    monkeypatch.setattr(connection.introspection, "table_names", list)
    assert check() == []
