"""``check_bookings`` finds what belongs to nobody, or to somebody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bookings import integrity
from bookings.integrity import find_problems, repair
from bookings.models import Booking
from bookings.services import create_booking
from tests.hosts.samples import Host, make_host

pytestmark = pytest.mark.django_db


@pytest.fixture
def host() -> Host:
    return make_host()


@pytest.fixture
def booking(host: Host) -> Booking:
    return create_booking(
        service=host.service,
        provider=host.provider,
        addon_ids=[host.addon.pk],
        tenant=host.tenant,
        start_at=timezone.now() + timedelta(days=1),
        client_name="Ada",
    )


def another_tenant(host: Host) -> Any:
    return type(host.tenant).objects.create(name="Another")


def messages() -> list[str]:
    return [problem.message for problem in find_problems()]


def test_tenants_that_agree_are_no_problem(booking: Booking) -> None:
    assert messages() == []


def test_a_booking_without_a_tenant(booking: Booking) -> None:
    Booking._base_manager.update(tenant=None)
    [problem] = [found for found in find_problems() if "no tenant" in found.message]
    assert problem.invariant == 7
    assert booking.reference in problem.message
    assert repair(problem) == "cannot be repaired automatically"


@pytest.mark.parametrize("name", ["service", "provider", "addon"])
def test_something_of_another_tenants(booking: Booking, host: Host, name: str) -> None:
    thing = getattr(host, name)
    type(thing).objects.filter(pk=thing.pk).update(tenant=another_tenant(host))
    [said] = messages()
    assert said.startswith(booking.reference)
    assert "another tenant" in said


def test_what_has_no_tenant_cannot_have_another(
    booking: Booking, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert integrity._has_tenant(Booking, "service")
    assert not integrity._has_tenant(Booking, "client_user")
    type(host.service).objects.update(tenant=another_tenant(host))
    assert messages() != []
    monkeypatch.setattr(integrity, "_has_tenant", lambda model, name: False)
    assert messages() == []
