"""What ``Booking.save()`` refuses, so that no database has to."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bookings.exceptions import (
    BookingError,
    CapacityExceeded,
    InvalidBooking,
    MissingReference,
    TenantMismatch,
)
from bookings.models import Booking, Tenant
from tests.services.clock import HOUR, START
from tests.services.conftest import Book
from tests.services.storage import nothing_written, stored

BAD: dict[str, tuple[dict[str, Any], type[BookingError]]] = {
    "naive start": ({"start_at": datetime(2030, 1, 8, 9)}, InvalidBooking),  # noqa: DTZ001
    "naive end": ({"end_at": datetime(2030, 1, 8, 10)}, InvalidBooking),  # noqa: DTZ001
    "naive expiry": ({"expires_at": datetime(2030, 1, 8)}, InvalidBooking),  # noqa: DTZ001
    "start as text": ({"start_at": "2030-01-08"}, InvalidBooking),
    "no start": ({"start_at": None}, InvalidBooking),
    "no end": ({"end_at": None}, InvalidBooking),
    "end at the start": ({"end_at": START}, InvalidBooking),
    "end before the start": ({"end_at": START - HOUR}, InvalidBooking),
    "start in 1969": ({"start_at": datetime(1969, 1, 1, tzinfo=UTC)}, InvalidBooking),
    "end in the year 9999": ({"end_at": datetime(9999, 1, 1, tzinfo=UTC)}, InvalidBooking),
    "no service": ({"service_id": None}, InvalidBooking),
    "no provider": ({"provider_id": None}, InvalidBooking),
    "unknown service": ({"service_id": 10**6}, MissingReference),
    "unknown provider": ({"provider_id": 10**6}, MissingReference),
    "negative buffer": ({"buffer_before_minutes": -1}, InvalidBooking),
    "buffer that overflows": ({"buffer_after_minutes": 10**12}, InvalidBooking),
    "negative notice": ({"cancellation_notice_minutes": -1}, InvalidBooking),
    "party of 0": ({"party_size": 0}, InvalidBooking),
    "party of -1": ({"party_size": -1}, InvalidBooking),
    "party of two where clients do not share": ({"party_size": 2}, InvalidBooking),
    "blank name": ({"client_name": " "}, InvalidBooking),
    "name of None": ({"client_name": None}, InvalidBooking),
    "name of 256 characters": ({"client_name": "x" * 256}, InvalidBooking),
    "name with NUL": ({"client_name": "\x00"}, InvalidBooking),
    "notes with a lone surrogate": ({"notes_internal": "\ud800"}, InvalidBooking),
    "e-mail of None": ({"client_email": None}, InvalidBooking),
    "metadata with NaN": ({"metadata": {"x": float("nan")}}, InvalidBooking),
    "metadata as text": ({"metadata": "{}"}, InvalidBooking),
    "infinite price": ({"price_amount": Decimal("Infinity")}, InvalidBooking),
    "price with too many digits": ({"price_amount": Decimal(123456789)}, InvalidBooking),
    "currency of four letters": ({"currency": "EURO"}, InvalidBooking),
    "currency that is a sign": ({"currency": "$"}, InvalidBooking),
    "currency of None": ({"currency": None}, InvalidBooking),
    "currency of nothing": ({"currency": ""}, InvalidBooking),
    "unit price that no column holds": ({"unit_price": Decimal(10**12)}, InvalidBooking),
    "unit price below zero": ({"unit_price": -1}, InvalidBooking),
    "fewer than no days": ({"duration_days": -1}, InvalidBooking),
    "days as text": ({"duration_days": "two"}, InvalidBooking),
    "time of day as text": ({"ends_at_time": "noon"}, InvalidBooking),
    "approval of None": ({"requires_approval": None}, InvalidBooking),
    "naive completion": ({"completed_at": datetime(2030, 1, 8)}, InvalidBooking),  # noqa: DTZ001
    "reference of 33 characters": ({"reference": "x" * 33}, InvalidBooking),
}


@pytest.fixture(autouse=True)
def _on_any_day(settings: Any) -> None:
    """``save()`` asks the clock, which may have passed ``START``."""
    settings.BOOKINGS_ALLOW_PAST_START = True


@pytest.mark.parametrize(("values", "expected"), BAD.values(), ids=BAD)
def test_a_new_booking_is_refused_with(
    service: Any, provider: Any, values: dict[str, Any], expected: type[BookingError]
) -> None:
    good: dict[str, Any] = {
        "service_id": service.pk,
        "provider_id": provider.pk,
        "client_name": "Mary",
        "start_at": START,
        "end_at": START + HOUR,
    }

    with nothing_written(), pytest.raises(expected) as refused:
        Booking(**(good | values)).save()

    assert refused.value.code
    assert str(refused.value)


def test_a_new_booking_by_nobody_who_is_known_is_refused(service: Any, provider: Any) -> None:
    values = {"service": service, "provider": provider, "start_at": START, "end_at": START + HOUR}

    with nothing_written(), pytest.raises(MissingReference):
        Booking(client_name="Mary", created_by_id=10**6, **values).save()


@pytest.mark.parametrize(("values", "expected"), BAD.values(), ids=BAD)
def test_a_change_is_refused_with(
    booking: Booking, values: dict[str, Any], expected: type[BookingError]
) -> None:
    for name, value in values.items():
        setattr(booking, name, value)

    with nothing_written(), pytest.raises(expected):
        booking.save()


def test_a_party_over_the_capacity_is_refused(book: Book, group: Any) -> None:
    booking = book(service=group)
    booking.party_size = 4

    with nothing_written(), pytest.raises(CapacityExceeded):
        booking.save()


def test_what_was_stored_before_does_not_have_to_be_mended_first(booking: Booking) -> None:
    Booking._base_manager.update(client_name="")
    booking = stored(booking)
    booking.client_phone = "0123"

    booking.save()

    assert stored(booking).client_phone == "0123"


def test_a_reference_that_is_taken_is_refused(book: Book, booking: Booking) -> None:
    other = book(start_at=START + 2 * HOUR)
    other.reference = booking.reference

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        other.save()

    assert refused.value.code == "not_unique"


def test_an_idempotency_key_that_is_taken_is_refused(book: Book, settings: Any) -> None:
    settings.BOOKINGS_TENANT_MODEL = "bookings.Tenant"
    tenant = Tenant.objects.create()
    book(idempotency_key="order-1", tenant=tenant)
    other = book(start_at=START + 2 * HOUR, tenant=tenant)
    other.idempotency_key = "order-1"

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        other.save()

    assert refused.value.code == "not_unique"


def test_a_booking_without_tenant_is_refused_where_there_are_tenants(
    booking: Booking, settings: Any
) -> None:
    settings.BOOKINGS_TENANT_MODEL = "bookings.Tenant"
    booking.client_name = "Marie"

    with nothing_written(), pytest.raises(TenantMismatch):
        booking.save()


def test_a_booking_of_another_tenants_service_is_refused(
    book: Book, service: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BOOKINGS_TENANT_MODEL = "bookings.Tenant"
    own, other = Tenant.objects.create(), Tenant.objects.create()
    booking = book(tenant=own)
    monkeypatch.setattr(type(service), "tenant_id", other.pk, raising=False)
    booking.client_name = "Marie"

    with nothing_written(), pytest.raises(TenantMismatch):
        booking.save()


NONSENSE = ("x", -1, [], 10**12, float("nan"), "\0", None, object(), datetime(2030, 1, 8))  # noqa: DTZ001
# The key is the caller's, and the status cannot be set.
FIELDS = [field for field in Booking._meta.concrete_fields if field.name not in {"id", "status"}]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_nonsense_in_any_field_is_refused_or_can_be_read(booking: Booking, field: Any) -> None:
    for value in NONSENSE:
        if field.is_relation and value == -1:
            # A key that may exist: the commit tells, and here there is none.
            continue
        changed = stored(booking)
        setattr(changed, field.attname, value)
        with suppress(BookingError):
            changed.save()
        assert stored(booking).pk
