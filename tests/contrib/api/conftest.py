"""People who ask, and the shortest way to an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient

from tests.contrib.api import policies
from tests.core.conftest import (  # noqa: F401 - fixtures
    addon,
    book,
    group_service,
    make_service,
    other_provider,
    provider,
    service,
)
from tests.races.conftest import rounds, runner  # noqa: F401 - fixtures

API = "/api/v1/"


@pytest.fixture(autouse=True)
def api(settings: Any) -> None:
    """Mount the API; the provider Ada is the user Ada."""
    settings.ROOT_URLCONF = "tests.contrib.api.urls"
    settings.BOOKINGS_API_POLICY = policies.PATH


@pytest.fixture
def people(db: None) -> dict[str, Any]:
    """Users by the role that they have to a booking of Joan's with Ada."""
    users = get_user_model().objects
    return {
        "client": users.create_user("joan", email="joan@example.com"),
        "other": users.create_user("eve"),
        "provider": users.create_user("Ada"),
        "staff": users.create_superuser("staff"),
    }


As = Callable[[str], APIClient]


@pytest.fixture
def as_(people: dict[str, Any]) -> As:
    """Return a client of the API for a role; ``"anonymous"`` is nobody."""

    def make(role: str) -> APIClient:
        client = APIClient()
        if role != "anonymous":
            client.force_login(people[role])
        return client

    return make


def send(
    client: APIClient,
    address: str,
    body: Any = None,
    *,
    method: str = "post",
    key: str | None = None,
    version: str = "*",
) -> Any:
    """Send a request that changes something, with the headers that it needs."""
    headers = {"Idempotency-Key": key or str(uuid4()), "If-Match": version}
    sent = getattr(client, method)
    return sent(API + address, {} if body is None else body, format="json", headers=headers)


@pytest.fixture
def booking(book: Callable[..., Any], people: dict[str, Any]) -> Any:  # noqa: F811
    return book(
        client_user=people["client"], notes_internal="pays late", metadata={"source": "phone"}
    )
