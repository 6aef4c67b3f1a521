"""Who sends too many requests waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from tests.contrib.api.conftest import API, As, send

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def test_there_are_no_rates_by_default(as_: As) -> None:
    assert "RateLimit-Limit" not in as_("anonymous").get(f"{API}services/").headers


def test_requests_are_counted_by_scope_and_by_who_sends_them(as_: As, settings: Any) -> None:
    settings.BOOKINGS_API_THROTTLES = {"create": "2/min", "create:staff": "9/min", "read": "1/min"}
    first, second, third = (send(as_("client"), "bookings/") for _ in range(3))
    assert [first.status_code, second.status_code, third.status_code] == [422, 422, 429]
    assert first.headers["RateLimit-Limit"] == "2"
    assert [each.headers["RateLimit-Remaining"] for each in (first, second, third)] == [
        "1",
        "0",
        "0",
    ]
    assert third.json()["code"] == "throttled"
    assert 0 < int(third.headers["Retry-After"]) <= 60
    # Somebody else, another role, another scope.
    assert send(as_("other"), "bookings/").status_code == 422
    assert send(as_("staff"), "bookings/").headers["RateLimit-Limit"] == "9"
    assert "RateLimit-Limit" not in send(as_("client"), "holds/").headers
    for status in (200, 429):
        assert as_("anonymous").get(f"{API}services/").status_code == status


@pytest.mark.parametrize(
    ("scope", "address", "method"),
    [
        ("availability", "availability/next/", "get"),
        ("hold", "holds/", "post"),
        ("write", "bookings/x/cancel/", "post"),
    ],
)
def test_each_kind_of_request_has_its_scope(
    as_: As, settings: Any, scope: str, address: str, method: str
) -> None:
    settings.BOOKINGS_API_THROTTLES = {scope: "7/day"}
    response = send(as_("client"), address, method=method)
    assert response.headers["RateLimit-Limit"] == "7"
