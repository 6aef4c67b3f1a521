"""Everything that belongs to a tenant belongs to the booking's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bookings.exceptions import BookingConflict, InvalidBooking, MissingReference, TenantMismatch
from bookings.models import Tenant
from bookings.services import reschedule_booking
from tests.services.clock import DAY, NOW, START
from tests.services.conftest import Book, Make
from tests.services.storage import nothing_written, stored


@pytest.fixture(autouse=True)
def tenancy(settings: Any) -> None:
    """The core's own tenant model, which stands in for a host's."""
    settings.BOOKINGS_TENANT_MODEL = "bookings.Tenant"


@pytest.fixture
def own() -> Tenant:
    return Tenant.objects.create()


@pytest.fixture
def other() -> Tenant:
    return Tenant.objects.create()


@pytest.fixture
def assign_tenant(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, Tenant], None]:
    """Give all objects of a model to a tenant, as a host's column would."""

    def give(belonging: Any, tenant: Tenant) -> None:
        monkeypatch.setattr(type(belonging), "tenant_id", tenant.pk, raising=False)

    return give


def test_a_booking_belongs_to_its_tenant(book: Book, own: Tenant) -> None:
    assert stored(book(tenant=own)).tenant == own


def test_a_tenant_is_required(book: Book) -> None:
    with nothing_written(), pytest.raises(TenantMismatch) as refused:
        book()

    assert refused.value.messages == ["Tenant is required when tenancy is enabled."]
    assert refused.value.code == "tenant_mismatch"


@pytest.mark.parametrize("tenant", [1, "own", Tenant(), Tenant(pk=1)])
def test_a_tenant_has_to_be_a_stored_one(book: Book, own: Tenant, tenant: Any) -> None:
    with nothing_written(), pytest.raises(InvalidBooking):
        book(tenant=tenant)


@pytest.mark.parametrize("name", ["service", "provider"])
def test_what_belongs_to_another_tenant_is_refused(
    book: Book,
    own: Tenant,
    other: Tenant,
    assign_tenant: Callable[..., None],
    request: pytest.FixtureRequest,
    name: str,
) -> None:
    assign_tenant(request.getfixturevalue(name), other)

    with nothing_written(), pytest.raises(TenantMismatch) as refused:
        book(tenant=own)

    assert refused.value.messages == [
        f"The {name} belongs to another tenant. Choose one of the booking's tenant."
    ]
    assert book(tenant=other).tenant == other


def test_another_tenants_add_on_is_refused(
    book: Book, own: Tenant, other: Tenant, make_addon: Make, assign_tenant: Callable[..., None]
) -> None:
    addon = make_addon()
    assign_tenant(addon, other)

    with nothing_written(), pytest.raises(TenantMismatch):
        book(tenant=own, addon_ids=[addon.pk])


def test_a_booking_cannot_be_moved_to_another_tenants_provider(
    book: Book, own: Tenant, other: Tenant, other_provider: Any, assign_tenant: Callable[..., None]
) -> None:
    booking = book(tenant=own)
    assign_tenant(other_provider, other)

    with nothing_written(), pytest.raises(TenantMismatch):
        reschedule_booking(booking, new_start_at=START, new_provider=other_provider, now_dt=NOW)


def test_a_provider_of_several_tenants_can_be_in_one_place_only(
    book: Book, own: Tenant, other: Tenant
) -> None:
    book(tenant=own)

    with nothing_written(), pytest.raises(BookingConflict):
        book(tenant=other)


def test_a_booking_of_an_unknown_service_cannot_be_saved(book: Book, own: Tenant) -> None:
    booking = book(tenant=own)
    booking.service_id += 1000

    with nothing_written(), pytest.raises(MissingReference):
        booking.save()


def test_a_tenants_booking_can_be_moved(book: Book, own: Tenant) -> None:
    booking = reschedule_booking(book(tenant=own), new_start_at=START + DAY, now_dt=NOW)

    assert booking.start_at == START + DAY
