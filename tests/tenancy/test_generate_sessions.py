"""Whose sessions are generated, and by whose hours, with tenancy on."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.selectors import available_sessions
from bookings.contrib.group_sessions.services import Generated, generate_sessions
from bookings.contrib.schedule.services import make_schedule
from bookings.exceptions import TenantMismatch
from bookings.integrity import find_problems
from bookings.models import BusyInterval
from tests.hosts.samples import Host, make_host

pytestmark = pytest.mark.django_db


@pytest.fixture
def host() -> Host:
    return make_host()


@pytest.fixture
def other() -> Host:
    return make_host()


@pytest.fixture
def tomorrow() -> date:
    return timezone.now().date() + timedelta(1)


def open_from(opens: str, closes: str, **whose: Any) -> None:
    make_schedule(timezone="UTC", hours={day: [(opens, closes)] for day in range(7)}, **whose)


def generate(host: Host, day: date, **values: Any) -> Generated:
    given = {
        "provider": host.provider,
        "service": host.service,
        "tenant": host.tenant,
        "start_date": day,
        "end_date": day,
        "slot_duration_minutes": 60,
        "capacity": 3,
    }
    return generate_sessions(**(given | values))


def test_the_tenant_s_hours_count_and_the_sessions_are_the_tenant_s(
    host: Host, other: Host, tomorrow: date
) -> None:
    open_from("09:00", "10:00", tenant=host.tenant)
    open_from("09:00", "12:00", tenant=other.tenant)
    assert (generate(host, tomorrow).created, generate(other, tomorrow).created) == (1, 3)
    assert Session.objects.get(provider=host.provider).tenant == host.tenant
    assert list(find_problems()) == []
    [sessions] = available_sessions(
        host.provider, tomorrow, tomorrow, service=host.service
    ).values()
    assert [session.tenant_id for session in sessions] == [host.tenant.pk]


@pytest.mark.parametrize("name", ["service", "provider", "tenant"])
def test_another_tenant_s_are_refused_and_nothing_is_written(
    host: Host, other: Host, tomorrow: date, name: str
) -> None:
    open_from("09:00", "12:00")
    for value in (getattr(other, name), *([None] if name == "tenant" else [])):
        with pytest.raises(TenantMismatch):
            generate(host, tomorrow, **{name: value})
    assert not Session.objects.exists()
    assert not BusyInterval.objects.exists()


def test_all_providers_are_those_of_the_service_s_tenant(host: Host, other: Host) -> None:
    open_from("09:00", "12:00")
    out = io.StringIO()
    options = ["--service", str(host.service.pk), "--capacity", "3", "--all-providers"]
    call_command("generate_sessions", *options, "--days", "2", stdout=out)
    assert {row.provider_id for row in Session.objects.all()} == {host.provider.pk}
    assert {row.tenant_id for row in Session.objects.all()} == {host.tenant.pk}


def test_a_tenant_that_is_named(host: Host, other: Host, capsys: Any) -> None:
    open_from("09:00", "12:00")
    options = ["--service", str(host.service.pk), "--capacity", "3"]
    with pytest.raises(SystemExit):
        call_command(
            "generate_sessions",
            *options,
            "--provider",
            str(host.provider.pk),
            "--tenant",
            str(other.tenant.pk),
        )
    assert "belongs to another tenant" in capsys.readouterr().err
    with pytest.raises(CommandError, match="There is no tenant 0"):
        call_command("generate_sessions", *options, "--all-providers", "--tenant", "0")
    assert not Session.objects.exists()
