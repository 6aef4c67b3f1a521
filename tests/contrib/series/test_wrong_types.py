"""Values of a wrong type for every argument of every service of series."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from bookings.contrib.series import services
from bookings.contrib.series.models import Occurrence, Series
from bookings.models import Booking, BookingEvent, BusyInterval
from tests.contrib.series.conftest import BERLIN, FIRST, NOW, MakeSeries
from tests.invalid_arguments import (
    DOCUMENT,
    FLAG,
    INSTANT,
    INTEGERS,
    LIST,
    OBJECT,
    TEXTS,
    Table,
    find_faults,
    optional,
    parameters,
    rows_of,
)

LOCAL_OR_INSTANT: Final = INSTANT | {"a naive datetime"}
"""An instant, or a naive local time."""

OF_NEW_SERIES: Final = {
    "rrule": TEXTS,
    "timezone": TEXTS,
    "start_at": LOCAL_OR_INSTANT,
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
}
OPTIONS: Final = {
    "client_email": TEXTS,
    "client_phone": TEXTS,
    "client_user": optional(OBJECT),
    "resources": optional(LIST),
    "addon_ids": optional(LIST),
    "duration_minutes": optional(INTEGERS),
    "duration_days": optional(INTEGERS),
    "party_size": INTEGERS,
    "notes_client": TEXTS,
    "notes_internal": TEXTS,
    "metadata": optional(DOCUMENT),
    "answers": optional(DOCUMENT),
    "client_language": optional(TEXTS),
    "client_timezone": TEXTS,
    "location": TEXTS,
    "meeting_link": TEXTS,
    "expires_at": optional(INSTANT),
    "allow_past": FLAG,
    "skip_slot_validation": FLAG,
    "override_policy": FLAG,
}
TABLES: Final[dict[str, Table]] = {
    "add_occurrence": {
        "occurrence": OBJECT,
        "start_at": LOCAL_OR_INSTANT,
        "created_by": optional(OBJECT),
        "now_dt": optional(INSTANT),
        "allow_past": FLAG,
        "override_policy": FLAG,
        "skip_slot_validation": FLAG,
    },
    "cancel_series": {**OF_A_CHANGE, "reason": TEXTS, "by": TEXTS, "override_policy": FLAG},
    "create_series": {**OF_NEW_SERIES, **OPTIONS, "client_name": TEXTS},
    "reschedule_series": {
        **OF_A_CHANGE,
        "new_start_at": LOCAL_OR_INSTANT,
        "new_provider": optional(OBJECT),
        "by": TEXTS,
        "override_policy": FLAG,
        "skip_slot_validation": FLAG,
    },
    "update_series": {
        **OF_A_CHANGE,
        "client_name": TEXTS,
        "client_user": optional(OBJECT),
        "notes_internal": TEXTS,
        "metadata": DOCUMENT,
    },
}
OTHERS: Final[dict[str, Any]] = {
    "create_series": services.SeriesBookingOptions.__annotations__,
    "update_series": ("client_name", "client_user", "notes_internal", "metadata"),
}
NOT_SERVICES: Final = {
    "SeriesBookingOptions",
    "OnConflict",
    "Scope",
    "SeatOptions",
    "SeriesResult",
    "SessionOptions",
}
TESTED_WITH_SESSIONS: Final = {"book_session_series", "create_session_series"}


@pytest.fixture
def given(name: str, make_series: MakeSeries, service: Any, provider: Any) -> dict[str, Any]:
    """Return valid arguments of the service."""
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
    occurrence = make_series(rrule="FREQ=WEEKLY;COUNT=2").series.occurrences.first()
    change = {"occurrence": occurrence, "scope": "all", "now_dt": NOW}
    if name == "add_occurrence":
        return {"occurrence": occurrence, "start_at": FIRST + timedelta(days=1), "now_dt": NOW}
    return change | {
        "reschedule_series": {"new_start_at": FIRST + timedelta(hours=1)},
        "update_series": {"notes_internal": "By the window"},
    }.get(name, {})


def stored() -> Any:
    return rows_of(Series, Occurrence, Booking, BookingEvent, BusyInterval)


def test_every_service_has_its_table() -> None:
    assert set(TABLES) == set(services.__all__) - NOT_SERVICES - TESTED_WITH_SESSIONS


@pytest.mark.parametrize("name", TABLES)
def test_every_argument_has_its_kind(name: str, given: dict[str, Any]) -> None:
    service = getattr(services, name)

    assert set(TABLES[name]) == parameters(service) | set(OTHERS.get(name, ()))
    assert service(**given) is not None


@pytest.mark.parametrize(
    ("name", "argument"), [(name, argument) for name in TABLES for argument in TABLES[name]]
)
def test_a_value_of_a_wrong_type_is_refused(
    name: str, argument: str, given: dict[str, Any]
) -> None:
    service, kind = getattr(services, name), TABLES[name][argument]

    assert find_faults(service, given, argument, kind, stored) == ""
