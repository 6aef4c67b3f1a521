from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.contrib.catalog.models import Provider, ResourcePool, Service
from bookings.exceptions import InvalidBooking, PoolExhausted
from bookings.services import create_booking
from tests.admin.page import form_values

NOW = datetime(2030, 1, 7, 9, 0, tzinfo=UTC)
START = NOW + timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def service() -> Service:
    return Service.objects.create(name="Massage", duration_minutes=60)


@pytest.fixture
def rooms() -> ResourcePool:
    pool = ResourcePool.objects.create(name="Rooms")
    pool.members.add(*[Provider.objects.create(name=f"Room {n}") for n in (2, 1)])
    return pool


def book(service: Service, **values: Any) -> Any:
    provider = Provider.objects.create(name="Ana")
    return create_booking(
        service=service,
        provider=provider,
        client_name="Kim",
        now_dt=NOW,
        **({"start_at": START} | values),
    )


def resources_of(booking: Any) -> list[str]:
    return [str(each.provider) for each in booking.resources.order_by("pk")]


def test_a_booking_takes_one_member_of_each_pool(service: Service, rooms: ResourcePool) -> None:
    projectors = ResourcePool.objects.create(name="Projectors")
    projectors.members.add(Provider.objects.create(name="Projector"))
    service.pools.add(rooms, projectors)

    assert resources_of(book(service)) == ["Projector", "Room 1"]
    with pytest.raises(PoolExhausted):
        book(service)
    assert resources_of(book(service, start_at=START + timedelta(days=1)))


def test_members_take_turns(service: Service, rooms: ResourcePool) -> None:
    rooms.strategy = "round_robin"
    rooms.save()
    service.pools.add(rooms)

    made = [book(service, start_at=START + timedelta(days=n)) for n in range(2)]

    assert [resources_of(booking) for booking in made] == [["Room 1"], ["Room 2"]]


def test_a_pool_without_members_is_refused(service: Service) -> None:
    service.pools.add(ResourcePool.objects.create(name="Rooms"))

    with pytest.raises(InvalidBooking, match="pool Rooms has no members") as caught:
        book(service)
    assert (caught.value.code, caught.value.field) == ("empty_pool", "service.pools")


def test_a_service_knows_whether_it_has_pools(service: Service, rooms: ResourcePool) -> None:
    assert not service.has_pools
    service.pools.add(rooms)
    assert service.has_pools
    service.pools.clear()
    assert not service.has_pools
    rooms.services.add(service)
    assert Service.objects.get().has_pools
    rooms.services.remove(service)
    assert not Service.objects.get().has_pools
    service.pools.add(rooms)
    rooms.delete()
    assert not Service.objects.get().has_pools


def test_a_service_without_pools_makes_no_query_for_them(service: Service) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert service.resources == []
    assert not queries.captured_queries


def test_the_admin_edits_pools(service: Service, rooms: ResourcePool, admin_client: Any) -> None:
    assert str(rooms) == "Rooms"
    page = admin_client.get(f"/admin/bookings_catalog/service/{service.pk}/change/")
    assert 'name="pools"' in page.content.decode()
    page = admin_client.get(f"/admin/bookings_catalog/resourcepool/{rooms.pk}/change/")
    assert 'name="members"' in page.content.decode()


def test_the_admin_stores_pools_and_no_questions(
    service: Service, rooms: ResourcePool, admin_client: Any
) -> None:
    url = f"/admin/bookings_catalog/service/{service.pk}/change/"
    values = form_values(admin_client.get(url), "service_form")

    page = admin_client.post(url, values | {"pools": [rooms.pk], "questions": ""})

    assert page.status_code == 302
    service.refresh_from_db()
    assert (service.questions, service.has_pools) == ([], True)
    assert resources_of(book(service)) == ["Room 1"]
