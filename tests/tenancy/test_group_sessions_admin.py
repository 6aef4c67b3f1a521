"""The admin of sessions in a host with tenants."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings.contrib.group_sessions.admin import SessionAdmin
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import create_session
from bookings.contrib.schedule.services import create_schedule
from bookings.models import Booking
from tests.admin.page import errors_of, form_values, text_of
from tests.hosts.samples import Host, make_host

pytestmark = pytest.mark.django_db

LIST = "/admin/bookings_group_sessions/session/"
ADD = f"{LIST}add/"
DESK = "/desk/bookings_group_sessions/session/"


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


@pytest.fixture
def host() -> Host:
    return make_host()


@pytest.fixture
def other() -> Host:
    return make_host()


@pytest.fixture
def start() -> datetime:
    day = timezone.now() + timedelta(days=2)
    return day.replace(hour=10, minute=0, second=0, microsecond=0)


def publish(host: Host, start: datetime) -> Session:
    return create_session(
        service=host.service, provider=host.provider, tenant=host.tenant, start_at=start
    )


def add(boss: Client, host: Host, start: datetime, **values: Any) -> Any:
    given = {
        "tenant": host.tenant.pk,
        "service": host.service.pk,
        "provider": host.provider.pk,
        "start_at_0": f"{start:%Y-%m-%d}",
        "start_at_1": "10:00",
    }
    return boss.post(ADD, form_values(boss.get(ADD), "session_form") | given | values)


def test_a_session_is_published_for_its_tenant(boss: Client, host: Host, start: datetime) -> None:
    assert add(boss, host, start).status_code == 302
    assert Session.objects.get().tenant == host.tenant


def test_a_session_has_a_tenant(boss: Client, host: Host, start: datetime) -> None:
    assert list(errors_of(add(boss, host, start, tenant=""))) == ["tenant"]


def test_another_tenants_provider_is_refused(
    boss: Client, host: Host, other: Host, start: datetime
) -> None:
    assert list(errors_of(add(boss, host, start, provider=other.provider.pk))) == ["provider"]
    session = publish(host, start)
    url = f"{LIST}{session.pk}/change/"
    sent = form_values(boss.get(url), "session_form") | {"provider": other.provider.pk}
    assert "That belongs elsewhere (Clinic)." in text_of(boss.post(url, sent))
    assert Session.objects.get().provider == host.provider


def test_the_tenant_is_a_column_and_a_filter(
    boss: Client, host: Host, other: Host, start: datetime
) -> None:
    publish(host, start)
    theirs = publish(other, start)
    response = boss.get(LIST, {"tenant__id__exact": other.tenant.pk})
    assert list(response.context["cl"].result_list) == [theirs]
    assert 'class="field-tenant' in text_of(response)


def test_the_search_finds_the_objects_of_the_sessions_tenant(
    boss: Client, host: Host, start: datetime
) -> None:
    session = publish(host, start)
    page = text_of(boss.get(f"{DESK}{session.pk}/change/"))
    assert f"{DESK}search/?tenant={host.tenant.pk}" in page
    assert f'data-ajax--url="{DESK}search/"' in text_of(boss.get(f"{DESK}generate/"))


def test_sessions_are_generated_for_a_tenant(
    boss: Client, host: Host, other: Host, start: datetime
) -> None:
    create_schedule(provider=host.provider, hours={day: [("09:00", "12:00")] for day in range(7)})
    sent = {
        "service": host.service.pk,
        "provider": host.provider.pk,
        "start_date": f"{start:%Y-%m-%d}",
        "end_date": f"{start:%Y-%m-%d}",
        "slot_duration_minutes": 60,
        "capacity": 5,
    }
    for tenant, field in (("", "tenant"), (other.tenant.pk, "service")):
        response = boss.post(f"{LIST}generate/", sent | {"tenant": tenant})
        assert list(response.context["form"].errors) == [field]
    previewed = boss.post(f"{LIST}generate/", sent | {"tenant": host.tenant.pk})
    page = form_values(previewed, "generate_form")
    boss.post(f"{LIST}generate/", page | {"_generate": "1"})
    assert {session.tenant for session in Session.objects.all()} == {host.tenant}


def test_staff_of_one_tenant_reach_no_other_ones_pages(
    boss: Client, host: Host, other: Host, start: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = publish(host, start), publish(other, start)
    get_queryset = SessionAdmin.get_queryset

    def only_mine(self: SessionAdmin, request: Any) -> QuerySet[Any]:
        return get_queryset(self, request).filter(tenant=host.tenant)

    monkeypatch.setattr(SessionAdmin, "get_queryset", only_mine)
    assert list(boss.get(LIST).context["cl"].result_list) == [mine]
    for page in ("step/close", "step/cancel", "attendance", "waitlist/1/promote"):
        assert boss.post(f"{LIST}{theirs.pk}/{page}/").status_code == 404


def test_the_queries_of_the_list_do_not_grow_with_the_tenants(
    boss: Client, start: datetime
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert boss.get(LIST).status_code == 200
        return len(captured)

    publish(make_host(), start)
    few = queries()
    for _n in range(4):
        publish(make_host(), start)
    assert queries() == few


def test_a_seat_is_booked_and_moved_within_its_tenant(
    boss: Client, host: Host, other: Host, start: datetime
) -> None:
    here, later = publish(host, start), publish(host, start + timedelta(hours=3))
    theirs = publish(other, start + timedelta(hours=3))
    book = f"{LIST}{here.pk}/book/"
    client = {"client_name": "Ann", "party_size": 2}
    boss.post(book, form_values(boss.get(book), "session_question_form") | client)
    booking = Booking.objects.get()
    assert booking.tenant == host.tenant
    move = f"{LIST}{here.pk}/move/{booking.pk}/"
    assert f'<option value="{theirs.pk}"' not in text_of(boss.get(move))
    sent = form_values(boss.get(move), "session_question_form")
    assert boss.post(move, sent | {"to_session": theirs.pk}).status_code == 200
    assert boss.post(move, sent | {"to_session": later.pk}).status_code == 302
    assert Booking.objects.get().start_at == later.start_at
