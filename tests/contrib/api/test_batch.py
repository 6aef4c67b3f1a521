"""Many verbs in one request, each with its own outcome."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from bookings.models import Booking
from tests.contrib.api.conftest import As, send
from tests.core.conftest import Book
from tests.core.moments import at

pytestmark = pytest.mark.django_db


def test_each_operation_has_its_outcome(as_: As, book: Book, people: Any) -> None:
    first, second, third = (book(at(hour)) for hour in (9, 10, 11))
    operations = [
        {"booking": str(first.uuid), "verb": "cancel", "version": 1, "body": {"reason": "rain"}},
        {"booking": str(second.uuid), "verb": "cancel", "version": 7},
        {"booking": str(uuid4()), "verb": "cancel"},
        {"booking": str(third.uuid), "verb": "no-show"},
        {"booking": str(third.uuid), "verb": "notes", "body": {"message": "Called"}},
        {"booking": str(third.uuid), "verb": "cancel", "body": {"colour": "red"}},
    ]
    response = send(as_("staff"), "bookings/batch/", {"operations": operations})
    assert response.status_code == 200, response.json()
    results = response.json()["results"]
    assert [each["status"] for each in results] == [200, 412, 404, 409, 200, 422]
    assert results[0]["body"]["cancellation_reason"] == "rain"
    assert results[1]["body"]["code"] == "stale"
    assert results[5]["body"]["errors"][0]["pointer"] == "/colour"
    assert sorted(Booking.objects.values_list("status", flat=True)) == [
        "CANCELLED",
        "CONFIRMED",
        "CONFIRMED",
    ]
    cancelled = first.events.get(event_type="CANCELLED")
    assert cancelled.actor_user == people["staff"]


def test_a_batch_has_its_bounds(as_: As, booking: Booking) -> None:
    one = {"booking": str(booking.uuid), "verb": "no-show"}
    for operations in ([], [one] * 101, [one | {"verb": "delete"}]):
        response = send(as_("staff"), "bookings/batch/", {"operations": operations})
        assert response.status_code == 422
    refused = send(as_("client"), "bookings/batch/", {"operations": [one]})
    assert refused.json()["code"] == "permission_denied"
