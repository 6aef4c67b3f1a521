"""The API with tenants: staff see those that the policy says are theirs."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from bookings.contrib.api.policy import ApiPolicy
from bookings.models import Booking
from bookings.services import create_booking
from tests.hosts.samples import make_host

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.contrib.api.urls")]

START = datetime(2131, 3, 6, 10, tzinfo=UTC)


class ByEmail(ApiPolicy):
    """The address of a member of staff begins with the key of the tenant."""

    @cached_property
    def tenants(self) -> Any:
        return [int(self.user.email.partition("@")[0])]


def book() -> Any:
    host = make_host()
    return create_booking(
        service=host.service,
        provider=host.provider,
        tenant=host.tenant,
        start_at=START,
        client_name="Kim",
    )


def logged_in(**values: Any) -> APIClient:
    user = get_user_model().objects.create_user(**values)
    user.user_permissions.add(Permission.objects.get(codename="view_booking"))
    client = APIClient()
    client.force_login(user)
    return client


def test_staff_see_the_bookings_of_their_tenants(settings: Any) -> None:
    settings.BOOKINGS_API_POLICY = f"{__name__}.ByEmail"
    ours, theirs = book(), book()
    client = logged_in(username="staff", email=f"{ours.tenant_id}@example.com")
    [shown] = client.get("/api/v1/bookings/").json()["results"]
    assert (shown["uuid"], shown["tenant"]) == (str(ours.uuid), ours.tenant_id)
    hidden = client.get(f"/api/v1/bookings/{theirs.uuid}/")
    absent = client.get(f"/api/v1/bookings/{uuid4()}/")
    assert hidden.status_code == 404
    assert hidden.content == absent.content


def test_staff_see_nothing_unless_the_policy_says_whose_they_are() -> None:
    booking = book()
    assert logged_in(username="staff").get("/api/v1/bookings/").json()["results"] == []
    everything = APIClient()
    everything.force_login(get_user_model().objects.create_superuser("root"))
    [shown] = everything.get("/api/v1/bookings/").json()["results"]
    assert shown["uuid"] == str(booking.uuid)


def test_staff_publish_sessions_of_their_tenants_only(settings: Any) -> None:
    settings.BOOKINGS_API_POLICY = f"{__name__}.ByEmail"
    ours, theirs = make_host(), make_host()
    client = logged_in(username="staff", email=f"{ours.tenant.pk}@example.com")
    user = get_user_model().objects.get(username="staff")
    of_sessions = {"content_type__app_label": "bookings_group_sessions"}
    user.user_permissions.add(Permission.objects.get(codename="add_session", **of_sessions))

    def publish(host: Any) -> Any:
        wish = {"service": host.service.pk, "provider": host.provider.pk, "start_at": START}
        headers = {"Idempotency-Key": str(uuid4())}
        return client.post("/api/v1/sessions/", wish, format="json", headers=headers)

    assert publish(ours).status_code == 201
    assert publish(theirs).json()["code"] == "permission_denied"
    [shown] = client.get("/api/v1/sessions/").json()["results"]
    assert shown["service"] == ours.service.pk


def test_a_client_books_in_the_tenant_of_the_service() -> None:
    host = make_host()
    client = APIClient()
    client.force_login(get_user_model().objects.create_user("kim"))
    wish = {"service": host.service.pk, "provider": host.provider.pk, "start_at": START}
    headers = {"Idempotency-Key": "1"}
    made = client.post("/api/v1/bookings/", wish, format="json", headers=headers)
    assert made.status_code == 201, made.json()
    assert Booking.objects.get().tenant_id == host.tenant.pk
    wish["provider"] = make_host().provider.pk
    headers = {"Idempotency-Key": "2"}
    mixed = client.post("/api/v1/bookings/", wish, format="json", headers=headers)
    assert (mixed.status_code, mixed.json()["code"]) == (422, "tenant_mismatch")
