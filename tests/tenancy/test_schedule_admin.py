"""The admin of schedules in a host with tenants."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.services import create_schedule
from tests.admin.page import errors_of, form_values, text_of
from tests.hosts.samples import Host, make_host

pytestmark = pytest.mark.django_db

LIST = "/admin/bookings_schedule/schedule/"
DESK = "/desk/bookings_schedule/"


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
    found = make_host()
    found.tenant.name = "Elsewhere"
    found.tenant.save()
    return found


def add(boss: Client, **values: Any) -> Any:
    page = form_values(boss.get(f"{LIST}add/"), "schedule_form")
    return boss.post(f"{LIST}add/", page | values)


def test_a_schedule_belongs_to_its_providers_tenant(boss: Client, host: Host) -> None:
    assert add(boss, provider=host.provider.pk).status_code == 302
    assert Schedule.objects.get().tenant == host.tenant


def test_each_tenant_has_a_default_and_so_has_the_project(boss: Client, host: Host) -> None:
    for values in ({"tenant": host.tenant.pk}, {}):
        assert add(boss, **values).status_code == 302
        assert "There is a default schedule already." in text_of(add(boss, **values))
    listed = boss.get(LIST).context["cl"]
    owners = {listed.model_admin.owner(schedule) for schedule in listed.result_list}
    assert owners == {f"Default of {host.tenant}", "Default schedule"}


def test_another_tenants_provider_is_a_message(boss: Client, host: Host, other: Host) -> None:
    refused = add(boss, tenant=other.tenant.pk, provider=host.provider.pk)
    assert errors_of(refused) == {
        "tenant": ["That belongs elsewhere (Clinic). Choose one that fits."]
    }


def test_the_tenant_is_a_column_and_a_filter(boss: Client, host: Host, other: Host) -> None:
    create_schedule(provider=host.provider)
    theirs = create_schedule(provider=other.provider)
    response = boss.get(LIST, {"tenant__id__exact": other.tenant.pk})
    assert list(response.context["cl"].result_list) == [theirs]
    assert 'class="field-tenant' in text_of(response)


def test_the_providers_of_the_tenant_are_searched(boss: Client, host: Host, other: Host) -> None:
    for model in ("schedule", "timeoff"):
        page = text_of(boss.get(f"{DESK}{model}/add/"))
        assert f'data-ajax--url="{DESK}{model}/search/"' in page
        asked = {"app_label": "bookings_schedule", "model_name": model, "field_name": "provider"}
        url = f"{DESK}{model}/search/"
        found = boss.get(url, asked | {"term": "", "tenant": other.tenant.pk}).json()["results"]
        assert [result["id"] for result in found] == [f"{other.provider.pk}"]
        named = boss.get(url, asked | {"term": ""}).json()["results"]
        assert f"{other.provider} (Elsewhere)" in [result["text"] for result in named]


def test_a_schedule_is_copied_within_its_tenant(boss: Client, host: Host, other: Host) -> None:
    schedule = create_schedule(provider=host.provider)
    url = f"{DESK}schedule/"
    sent = {"action": "copy_to_providers", "_selected_action": [schedule.pk]}
    question = form_values(boss.post(url, sent), "schedule_question_form")
    refused = boss.post(url, question | {"providers": [other.provider.pk]})
    assert f"{other.provider} belongs elsewhere (Clinic)." in text_of(refused)
    assert Schedule.objects.get() == schedule


def test_the_number_of_queries_does_not_grow_with_the_tenants(boss: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert boss.get(LIST).status_code == 200
        return len(captured)

    def make() -> None:
        host = make_host()
        create_schedule(provider=host.provider, hours={0: [("09:00", "17:00")]})
        create_schedule(tenant=host.tenant)

    make()
    few = queries()
    for _n in range(5):
        make()
    assert queries() == few
