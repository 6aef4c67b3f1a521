"""Values of a wrong type, in the place of every argument of every service of series."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from bookings.contrib.series import services
from bookings.contrib.series.models import Occurrence, Series
from bookings.models import Booking, BookingEvent, BusyInterval
from tests.contrib.series.conftest import BERLIN, FIRST, NOW, Repeat
from tests.wrong import (
    DOCUMENT,
    FLAG,
    INSTANT,
    INTEGERS,
    LIST,
    OBJECT,
    TEXTS,
    Table,
    optional,
    parameters,
    rows_of,
    what_is_wrong_with,
)

SHOWN: Final = INSTANT | {"a naive datetime"}
"""An instant, or what the clocks show."""

OF_NEW_ONES: Final = {
    "rrule": TEXTS,
    "timezone": TEXTS,
    "start_at": SHOWN,
    "service": OBJECT,
    "provider": OBJECT,
    "exdates": LIST,
    "on_conflict": TEXTS,
    "alternatives": INTEGERS,
    "limit": INTEGERS,
    "idempotency_key": TEXTS,
    "created_by": optional(OBJECT),
    "tenant": optional(OBJECT),
    "now_dt": optional(INSTANT),
}
OF_A_CHANGE: Final = {
    "occurrence": OBJECT,
    "scope": TEXTS,
    "actor": optional(OBJECT),
    "now_dt": optional(INSTANT),
    "override_policy": FLAG,
}
OPTIONS: Final = {
    "client_email": TEXTS,
    "client_phone": TEXTS,
    "client_user": optional(OBJECT),
    "addon_ids": optional(LIST),
    "party_size": INTEGERS,
    "notes_client": TEXTS,
    "notes_internal": TEXTS,
    "metadata": optional(DOCUMENT),
    "expires_at": optional(INSTANT),
    "allow_past": FLAG,
    "skip_slot_validation": FLAG,
    "override_policy": FLAG,
}
TABLES: Final[dict[str, Table]] = {
    "cancel_series": {**OF_A_CHANGE, "reason": TEXTS},
    "create_series": {**OF_NEW_ONES, **OPTIONS, "client_name": TEXTS},
    "reschedule_series": {**OF_A_CHANGE, "new_start_at": SHOWN, "skip_slot_validation": FLAG},
}
NO_SERVICES: Final = {"BookingOptions", "OnConflict", "Scope", "SeriesResult", "SessionOptions"}
TRIED_WITH_SESSIONS: Final = {"create_session_series"}


@pytest.fixture
def given(name: str, repeat: Repeat, service: Any, provider: Any) -> dict[str, Any]:
    """What a service takes without a word."""
    if "rrule" in TABLES[name]:
        return {
            "rrule": "FREQ=WEEKLY;COUNT=2",
            "timezone": BERLIN,
            "start_at": FIRST,
            "service": service,
            "provider": provider,
            "client_name": "Mary",
            "now_dt": NOW,
        }
    occurrence = repeat(rrule="FREQ=WEEKLY;COUNT=2").series.occurrences.first()
    change = {"occurrence": occurrence, "scope": "all", "now_dt": NOW}
    if name == "cancel_series":
        return change
    return change | {"new_start_at": FIRST + timedelta(hours=1)}


def stored() -> Any:
    return rows_of(Series, Occurrence, Booking, BookingEvent, BusyInterval)


def test_every_service_has_its_table() -> None:
    assert set(TABLES) == set(services.__all__) - NO_SERVICES - TRIED_WITH_SESSIONS


@pytest.mark.parametrize("name", TABLES)
def test_every_argument_has_its_kind(name: str, given: dict[str, Any]) -> None:
    service = getattr(services, name)
    others = services.BookingOptions.__annotations__ if name == "create_series" else {}

    assert set(TABLES[name]) == parameters(service) | set(others)
    assert service(**given) is not None


@pytest.mark.parametrize(
    ("name", "argument"), [(name, argument) for name in TABLES for argument in TABLES[name]]
)
def test_a_value_of_a_wrong_type_is_refused(
    name: str, argument: str, given: dict[str, Any]
) -> None:
    service, kind = getattr(services, name), TABLES[name][argument]

    assert what_is_wrong_with(service, given, argument, kind, stored) == ""
