"""What racing processes ask of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.test import override_settings
from rest_framework.test import APIClient

from bookings.models import Booking
from tests.races import scenarios
from tests.races.scenarios import START

Answer = tuple[int, str, str]


def one_client(**service: Any) -> dict[str, Any]:
    """A booking of a client, who logs in: the address and the key of the user."""
    scene = scenarios.one_booking(**service)
    user, _is_new = get_user_model().objects.get_or_create(
        username="joan", is_superuser=True, defaults={"email": "joan@example.com"}
    )
    booking = Booking.objects.get(pk=scene["booking"])
    return scene | {"user": user.pk, "address": f"bookings/{booking.uuid}/"}


def send(
    *, user: Any, address: str, body: dict[str, Any], headers: dict[str, str], **_scene: Any
) -> Callable[[], Answer]:
    """Send a request; the status, the body and the entity tag of its answer."""
    client = APIClient()
    client.force_authenticate(get_user_model().objects.get(pk=user))

    def run() -> Answer:
        with override_settings(ROOT_URLCONF="tests.contrib.api.urls"):
            response = client.post(f"/api/v1/{address}", body, format="json", headers=headers)
        etag = response.headers.get("ETag", "")
        return response.status_code, response.content.decode(), etag

    return run


def another_hour(hour: int) -> str:
    """A start on the day of the race."""
    return START.replace(hour=hour).isoformat()
