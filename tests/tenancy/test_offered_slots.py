"""Whose schedule counts, and whose slots are told to whom, with tenancy on."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bookings.adapters import get_adapter
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.schedule_rules import find_schedules
from bookings.contrib.schedule.selectors import (
    any_provider,
    availability_etag,
    list_available_slots,
    slots_by_date,
)
from bookings.exceptions import SlotUnavailable, TenantMismatch
from bookings.services import create_booking
from tests.contrib.schedule.slots.conftest import ENGINE_PATH, create_schedule, start_times
from tests.core.moments import NOW, at
from tests.hosts.samples import Host, make_host, without_tenant

pytestmark = pytest.mark.django_db
DAY = date(2131, 3, 6)


@pytest.fixture
def host() -> Host:
    return make_host()


@pytest.fixture
def other() -> Host:
    return make_host()


def starts(host: Host, **values: Any) -> list[str]:
    return start_times(
        list_available_slots(
            host.service, host.provider, start_date=DAY, end_date=DAY, now_dt=NOW, **values
        )
    )


def test_a_provider_follows_its_own_schedule_else_its_tenant_s_else_the_project_s(
    host: Host, other: Host
) -> None:
    with pytest.raises(SlotUnavailable):
        starts(host)
    create_schedule(("09:00", "10:00"))
    create_schedule(("11:00", "12:00"), tenant=host.tenant)
    assert (starts(host), starts(other)) == (["11:00"], ["09:00"])
    create_schedule(("13:00", "14:00"), provider=host.provider, tenant=host.tenant)
    assert starts(host) == starts(host, tenant=host.tenant) == ["13:00"]


def test_the_tenant_that_is_asked_for_counts_for_a_provider_who_belongs_to_none(
    host: Host, other: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = create_schedule(("11:00", "12:00"), tenant=host.tenant)
    anybody_s = without_tenant(host.provider, monkeypatch)
    assert find_schedules([anybody_s], host.tenant.pk) == {host.provider.pk: schedule}
    assert find_schedules([anybody_s], other.tenant.pk) == {}
    assert find_schedules([anybody_s], None) == {}


def test_the_service_s_tenant_counts_for_a_provider_who_belongs_to_none(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it will when the slot is booked, which takes the tenant."""
    create_schedule(("09:00", "10:00"))
    create_schedule(("11:00", "12:00"), tenant=host.tenant)
    anybody_s = without_tenant(host.provider, monkeypatch)
    asked = {"start_date": DAY, "end_date": DAY, "now_dt": NOW}
    for tenant in (None, host.tenant):
        slots = list_available_slots(host.service, anybody_s, tenant=tenant, **asked)
        assert start_times(slots) == ["11:00"]


@pytest.mark.parametrize("name", ["service", "provider", "tenant"])
def test_what_belongs_to_another_tenant_is_refused(host: Host, other: Host, name: str) -> None:
    create_schedule(("09:00", "10:00"))
    asked = {"service": host.service, "provider": host.provider, "tenant": host.tenant}
    asked[name] = getattr(other, name)
    with pytest.raises(TenantMismatch):
        list_available_slots(**asked, start_dt=at(0), end_dt=at(12), now_dt=NOW)


def test_a_pool_is_of_one_tenant(host: Host, other: Host) -> None:
    create_schedule(("09:00", "10:00"))
    with pytest.raises(TenantMismatch):
        any_provider(host.service, at(9), [host.provider, other.provider], now_dt=NOW)
    with pytest.raises(TenantMismatch):
        slots_by_date(host.service, other.provider, DAY, now_dt=NOW)


def test_the_entity_tag_knows_the_tenant_s_schedule(host: Host) -> None:
    def etag() -> str:
        return availability_etag(host.service, host.provider, now_dt=NOW, tenant=host.tenant)

    create_schedule(("09:00", "10:00"))
    before = etag()
    create_schedule(("09:00", "10:00"), tenant=host.tenant)
    after = etag()
    assert before != after
    Schedule.objects.filter(tenant=host.tenant).update(slot_step_minutes=5)
    assert etag() not in {before, after}


def test_bookings_are_held_to_it(host: Host, settings: Any) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = ENGINE_PATH
    create_schedule(("09:00", "10:00"), tenant=host.tenant)

    def book(hour: int) -> Any:
        return create_booking(
            service=host.service,
            provider=host.provider,
            tenant=host.tenant,
            start_at=at(hour),
            client_name="Joan",
            now_dt=NOW,
        )

    with pytest.raises(SlotUnavailable) as caught:
        book(10)
    assert caught.value.booking_code == "outside_hours"
    assert book(9).pk


def test_a_client_s_bookings_with_another_tenant_do_not_count(
    host: Host, other: Host, settings: Any
) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 1
    create_schedule(("09:00", "10:00"))
    for tenant_of, offered in ((other, ["09:00"]), (host, [])):
        create_booking(
            service=tenant_of.service,
            provider=tenant_of.provider,
            tenant=tenant_of.tenant,
            start_at=at(10, day=8),
            client_name="Ada",
            now_dt=NOW,
        )
        assert starts(host, client_name="Ada") == offered


def test_by_default_the_active_providers_of_its_tenant_offer_a_service(
    host: Host, other: Host
) -> None:
    adapter = get_adapter()

    assert list(adapter.providers_of(host.service)) == [host.provider]
    assert list(adapter.providers_of(other.service)) == [other.provider]
