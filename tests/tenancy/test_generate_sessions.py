"""Generate and list sessions with tenancy on."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import QuerySet
from django.utils import timezone

from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.selectors import available_sessions
from bookings.contrib.group_sessions.services import Generated, cancel_session, generate_sessions
from bookings.contrib.schedule.services import create_schedule
from bookings.exceptions import TenantMismatch
from bookings.integrity import find_problems
from bookings.models import BusyInterval
from tests.hosts.samples import Host, make_host, without_tenant

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
    create_schedule(timezone="UTC", hours={day: [(opens, closes)] for day in range(7)}, **whose)


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


def give_to(other: Host) -> None:
    """As if the service and the provider belonged to no tenant."""
    QuerySet(Session).update(tenant=other.tenant)


def test_sessions_of_another_tenant_are_conflicts(host: Host, other: Host, tomorrow: date) -> None:
    open_from("09:00", "11:00")
    generate(host, tomorrow)
    give_to(other)
    made = generate(host, tomorrow)
    assert (made.created, made.existing) == (0, 0)
    assert [conflict.kind for conflict in made.conflicts] == ["SESSION"] * 2
    cancel_session(Session.objects.earliest("start_at"))
    made = generate(host, tomorrow)
    assert (made.created, made.existing, len(made.conflicts)) == (1, 0, 1)


def test_a_tenant_s_sessions_are_available(host: Host, other: Host, tomorrow: date) -> None:
    open_from("09:00", "10:00")
    generate(host, tomorrow)

    def number(**whose: Any) -> int:
        [found] = available_sessions(host.provider, tomorrow, tomorrow, **whose).values()
        return len(found)

    given = ({"tenant": host.tenant}, {"service": host.service}, {})
    assert [number(**whose) for whose in given] == [1, 1, 1]
    give_to(other)
    assert [number(**whose) for whose in given] == [0, 0, 0]
    for whose in ({"tenant": other.tenant}, {"service": other.service}):
        with pytest.raises(TenantMismatch):
            number(**whose)


def test_available_sessions_need_a_tenant(
    host: Host, tomorrow: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody_s = without_tenant(host.provider, monkeypatch)
    with pytest.raises(TenantMismatch, match="Tenant is required"):
        available_sessions(everybody_s, tomorrow, tomorrow)
    found = available_sessions(everybody_s, tomorrow, tomorrow, tenant=host.tenant)
    assert found == {tomorrow: []}


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
