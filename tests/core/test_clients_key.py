"""By what one client is known where there can be only one."""

from __future__ import annotations

from typing import Any

import pytest

from bookings import clients
from bookings.models import Booking


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"client_user_id": 1, "client_name": "Ann"}, {"client_user_id": 1, "client_name": "Bo"}),
        ({"client_email": "a@example.com"}, {"client_email": "A@Example.com"}),
        ({"client_phone": "1", "client_name": "Ann"}, {"client_phone": "1", "client_name": "Bo"}),
        ({"client_name": "Ann"}, {"client_name": "ann"}),
    ],
    ids=str,
)
def test_the_same_client_has_the_same_key(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert clients.key(Booking(**one)) == clients.key(Booking(**other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"client_user_id": 1, "client_name": "Ann"}, {"client_user_id": 2, "client_name": "Ann"}),
        ({"client_user_id": 1}, {"client_phone": "1"}),
        ({"client_phone": "1"}, {"client_name": "1"}),
        ({"client_email": "a@example.com"}, {"client_name": "a@example.com"}),
    ],
    ids=str,
)
def test_different_clients_have_different_keys(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert clients.key(Booking(**one)) != clients.key(Booking(**other))


def test_nobody_has_no_key() -> None:
    assert clients.key(Booking()) is None
