"""The bundled models: bases, names, deletion, and their pages in the admin."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import ProtectedError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bookings.abstract import AbstractAddon, AbstractProvider, AbstractService
from bookings.contrib.catalog.models import Provider, Service, ServiceAddon
from bookings.services import create_booking
from tests.admin.page import form_values

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("model", "base"),
    [
        (Service, AbstractService),
        (Provider, AbstractProvider),
        (ServiceAddon, AbstractAddon),
    ],
)
def test_a_model_has_its_abstract_base_and_is_ordered_by_name(model: Any, base: type) -> None:
    assert issubclass(model, base)
    for name in ("Zoe", "Ada"):
        model.objects.create(name=name)
    assert [str(row) for row in model.objects.all()] == ["Ada", "Zoe"]


def test_the_verbose_names_are_those_of_the_documentation() -> None:
    words = [
        (str(model._meta.verbose_name), str(model._meta.verbose_name_plural))
        for model in (Service, Provider, ServiceAddon)
    ]
    assert words == [("service", "services"), ("provider", "providers"), ("add-on", "add-ons")]


def test_no_migration_is_pending(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("makemigrations", check_changes=True, dry_run=True)
    assert "No changes detected" in capsys.readouterr().out


def test_an_addon_is_deleted_with_its_service() -> None:
    service = Service.objects.create(name="Haircut")
    own = service.addons.create(name="Wash")
    everybody = ServiceAddon.objects.create(name="Tea")
    service.delete()
    assert list(ServiceAddon.objects.all()) == [everybody]
    assert not ServiceAddon.objects.filter(pk=own.pk).exists()


def test_rows_that_are_booked_are_protected() -> None:
    booking = create_booking(
        service=Service.objects.create(name="Haircut"),
        provider=Provider.objects.create(name="Ada"),
        start_at=timezone.now() + datetime.timedelta(days=1),
        client_name="Grace",
        addon_ids=[ServiceAddon.objects.create(name="Wash").pk],
    )
    for row in (booking.service, booking.provider, booking.addons.get().addon):
        with pytest.raises(ProtectedError):
            row.delete()


def test_a_service_is_added_with_its_addons(admin_client: Client) -> None:
    url = reverse("admin:bookings_catalog_service_add")
    form = form_values(admin_client.get(url), "service_form") | {
        "name": "Haircut",
        "named_seats": True,
        "addons-TOTAL_FORMS": 1,
        "addons-0-name": "Wash",
        "addons-0-extra_duration_minutes": 10,
        "addons-0-currency": "USD",
    }
    answer = admin_client.post(url, form)
    assert answer.status_code == 302
    service = Service.objects.get()
    assert service.named_seats
    assert service.addons.get().extra_duration_minutes == 10


@pytest.mark.parametrize("model", [Service, Provider, ServiceAddon])
def test_a_list_takes_a_constant_number_of_queries(admin_client: Client, model: Any) -> None:
    url = reverse(f"admin:bookings_catalog_{model.__name__.lower()}_changelist")

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(url).status_code == 200
        return len(captured)

    def add(count: int) -> None:
        for number in range(count):
            row = model(name=f"{number}")
            if model is ServiceAddon:
                row.service = Service.objects.create(name=f"{number}")
            row.save()

    add(1)
    first = cost()
    add(9)
    assert cost() == first
