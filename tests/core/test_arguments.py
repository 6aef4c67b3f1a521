"""What may be the key of a provider, whatever the type of its primary key is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import pytest
from django.db import models

from bookings.exceptions import InvalidBooking
from bookings.models import Calendar
from bookings.models.arguments import provider_key

SOME_UUID = UUID("12345678-1234-5678-1234-567812345678")


KINDS: Final = (models.BigIntegerField, models.CharField, models.UUIDField)


@pytest.fixture(params=range(len(KINDS)), ids=[kind.__name__ for kind in KINDS])
def key_of(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """``provider_key`` of one of the values, with primary keys of the kind in that place."""
    provider: Any = Calendar._meta.get_field("provider")
    monkeypatch.setattr(provider, "to_python", KINDS[request.param]().to_python)
    return lambda *values: provider_key(values[request.param])


@pytest.mark.parametrize(
    "values",
    [(7, "a-room", SOME_UUID), ("7", "Zürich", str(SOME_UUID)), ("-1", "7", SOME_UUID.hex)],
    ids=["themselves", "as text", "in other words"],
)
def test_a_key_has_the_type_of_the_primary_key(
    key_of: Callable[..., Any], values: tuple[Any, ...]
) -> None:
    assert key_of(*values) in {7, -1, "a-room", "Zürich", "7", SOME_UUID}


@pytest.mark.parametrize(
    "value",
    [None, True, 1.0, 1.5, float("inf"), b"7", [], {}, 10**30, "a\x00b", "\ud800"],
    ids=ascii,
)
def test_what_is_no_key_of_any_type_is_refused(key_of: Callable[..., Any], value: Any) -> None:
    with pytest.raises(InvalidBooking, match="must be a provider or its key") as refused:
        key_of(value, value, value)
    assert refused.value.field == "provider"
