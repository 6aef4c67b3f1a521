"""What the tables and the model itself keep, when everything belongs to a tenant."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from bookings.conf import app_settings
from bookings.models import Booking, Tenant
from bookings.services import create_booking
from tests.hosts.samples import Host, make_host

pytestmark = pytest.mark.django_db

START = timezone.now().replace(minute=0, second=0, microsecond=0) + datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def host() -> Host:
    return make_host()


@pytest.fixture
def other() -> Host:
    return make_host()


def draft(host: Host, **changes: Any) -> Booking:
    details = {
        "service": host.service,
        "provider": host.provider,
        "tenant": host.tenant,
        "start_at": START,
        "end_at": START + HOUR,
        "client_name": "Ada",
    }
    return Booking(**(details | changes))


def test_the_tenant_is_the_host_s_model(host: Host) -> None:
    assert Booking._meta.get_field("tenant").related_model is type(host.tenant)
    assert app_settings.model_label("TENANT_MODEL") == "clinics.Clinic"


def test_our_own_tenant_table_is_there_and_empty() -> None:
    assert not Tenant.objects.exists()


def test_a_booking_of_one_tenant_is_sound(host: Host) -> None:
    draft(host).full_clean()


@pytest.mark.parametrize("name", ["service", "provider"])
def test_what_is_another_tenant_s_is_told_by_its_field(host: Host, other: Host, name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        draft(host, **{name: getattr(other, name)}).full_clean()
    assert caught.value.message_dict == {
        name: ["Tenant mismatch between booking and related object."]
    }


@pytest.mark.parametrize("name", ["service", "provider"])
def test_what_is_missing_is_no_mismatch(host: Host, name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        draft(host, **{name: None}).full_clean()
    assert caught.value.message_dict == {name: ["This field cannot be null."]}


def test_a_tenant_with_bookings_is_protected(host: Host) -> None:
    draft(host).save()
    with pytest.raises(ProtectedError):
        host.tenant.delete()


def test_a_tenant_s_bookings_are_listed_from_its_side(host: Host, other: Host) -> None:
    ours, theirs = draft(host), draft(other)
    ours.save()
    theirs.save()
    assert list(host.tenant.bookings.upcoming()) == [ours]
    assert list(Booking.objects.for_tenant(other.tenant.pk)) == [theirs]


def test_the_database_keeps_a_tenant_s_idempotency_keys_apart(host: Host, other: Host) -> None:
    def book(host: Host, start_at: datetime.datetime, key: str) -> Booking:
        return create_booking(
            service=host.service,
            provider=host.provider,
            tenant=host.tenant,
            start_at=start_at,
            client_name="Ada",
            idempotency_key=key,
        )

    book(host, START, "order-1")
    book(other, START, "order-1")
    second = book(host, START + HOUR, "order-2")
    with pytest.raises(IntegrityError), transaction.atomic():
        Booking.objects.filter(pk=second.pk).update(idempotency_key="order-1")
