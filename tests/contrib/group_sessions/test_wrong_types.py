"""Values of a wrong type, in the place of every argument of every service of sessions, and of
series of them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

import pytest

from bookings.contrib.group_sessions import services
from bookings.contrib.group_sessions.services.update_session import CHANGEABLE_FIELDS
from bookings.contrib.schedule.services import create_schedule
from bookings.contrib.series import services as series
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    MakeBooking,
    MakeEntry,
    MakeSession,
    stored_rows,
)
from tests.invalid_arguments import (
    AMOUNT,
    DATE,
    DOCUMENT,
    FLAG,
    FUNCTION,
    INSTANT,
    INTEGERS,
    LIST,
    OBJECT,
    TEXTS,
    Table,
    find_faults,
    optional,
    parameters,
)

OF_A_SESSION: Final = {"session": OBJECT, "now_dt": optional(INSTANT)}
OF_A_CHANGE: Final = {**OF_A_SESSION, "actor": optional(OBJECT)}
OF_A_PLACE: Final = {
    "entry": OBJECT,
    "actor": optional(OBJECT),
    "now_dt": optional(INSTANT),
}
OF_A_CLIENT: Final = {
    "client_name": TEXTS,
    "client_email": TEXTS,
    "client_phone": TEXTS,
    "client_user": optional(OBJECT),
    "created_by": optional(OBJECT),
}
SHOWN: Final = {
    "title": TEXTS,
    "capacity": INTEGERS,
    "price_amount": optional(AMOUNT),
    "location": TEXTS,
    "meeting_link": TEXTS,
    "enable_waitlist": FLAG,
    "waitlist_offer_minutes": optional(INTEGERS),
}
OF_NEW_ONES: Final = {
    **SHOWN,
    "override_policy": FLAG,
    "service": OBJECT,
    "provider": OBJECT,
    "tenant": optional(OBJECT),
    "created_by": optional(OBJECT),
    "now_dt": optional(INSTANT),
}

OF_SEATS: Final = {
    "seats": INTEGERS,
    "notes_client": TEXTS,
    "notes_internal": TEXTS,
    "metadata": optional(DOCUMENT),
    "answers": optional(DOCUMENT),
    "client_language": optional(TEXTS),
    "client_timezone": TEXTS,
    "override_policy": FLAG,
}
OF_A_SERIES: Final = {
    "rrule": TEXTS,
    "timezone": TEXTS,
    "exdates": LIST,
    "on_conflict": TEXTS,
    "alternatives": INTEGERS,
    "limit": INTEGERS,
    "idempotency_key": TEXTS,
}
SHOWN_START: Final = INSTANT | {"a naive datetime"}
"""An instant, or what the clocks show."""

TABLES: Final[dict[str, Table]] = {
    "book_seat": {
        **OF_A_SESSION,
        **OF_A_CLIENT,
        **OF_SEATS,
        "addon_ids": optional(LIST),
        "idempotency_key": optional(TEXTS),
        "expires_at": optional(INSTANT),
    },
    "book_session_series": {
        **OF_A_CLIENT,
        **OF_SEATS,
        "occurrence": OBJECT,
        "scope": TEXTS,
        "on_conflict": TEXTS,
        "idempotency_key": TEXTS,
        "now_dt": optional(INSTANT),
    },
    "cancel_session": {**OF_A_CHANGE, "reason": TEXTS, "refund": TEXTS},
    "close_session": OF_A_SESSION,
    "create_session": {
        **OF_NEW_ONES,
        "start_at": INSTANT,
        "end_at": optional(INSTANT),
        "resources": optional(LIST),
        "allow_past": FLAG,
    },
    "create_session_series": {
        **OF_A_SERIES,
        **OF_NEW_ONES,
        "start_at": SHOWN_START,
        "duration_minutes": optional(INTEGERS),
        "allow_past": FLAG,
    },
    "finish_session": OF_A_SESSION,
    "finish_sessions": {"now_dt": optional(INSTANT), "limit": INTEGERS},
    "generate_sessions": {
        **OF_NEW_ONES,
        "start_date": DATE,
        "end_date": DATE,
        "slot_duration_minutes": INTEGERS,
        "dry_run": FLAG,
        "progress": optional(FUNCTION),
    },
    "join_waitlist": {
        **OF_A_SESSION,
        **OF_A_CLIENT,
        "party_size": INTEGERS,
        "priority": INTEGERS,
    },
    "leave_waitlist": OF_A_PLACE,
    "mark_attendance": {**OF_A_CHANGE, "attended": LIST, "missed": LIST},
    "mark_notified": {"entry": OBJECT},
    "move_seat": {
        "booking": OBJECT,
        "to_session": OBJECT,
        "by": TEXTS,
        "actor": optional(OBJECT),
        "now_dt": optional(INSTANT),
        "override_policy": FLAG,
        "expected_version": optional(INTEGERS),
    },
    "promote_from_waitlist": OF_A_PLACE,
    "reopen_session": OF_A_SESSION,
    "update_session": {
        **OF_A_CHANGE,
        **SHOWN,
        "provider": OBJECT,
        "start_at": INSTANT,
        "end_at": INSTANT,
        "resources": optional(LIST),
        "allow_past": FLAG,
        "override_policy": FLAG,
    },
}
OTHERS: Final[dict[str, Any]] = {
    "book_session_series": series.SeatOptions.__annotations__,
    "create_session_series": series.SessionOptions.__annotations__,
    "update_session": (*CHANGEABLE_FIELDS, "resources"),
}
OF_SERIES: Final = {"book_session_series", "create_session_series"}
NO_SERVICES: Final = {"Generated", "SlotConflict"}


def service_of(name: str) -> Callable[..., Any]:
    return getattr(series if name in OF_SERIES else services, name)


@pytest.fixture
def given(
    name: str,
    make_session: MakeSession,
    make_booking: MakeBooking,
    make_entry: MakeEntry,
    service: Any,
    provider: Any,
) -> dict[str, Any]:
    """What a service takes without a word."""
    taken = TABLES[name]
    if "slot_duration_minutes" in taken:
        create_schedule(provider=provider, hours={0: [("09:00", "11:00")]})
        monday = date(2131, 3, 5)
        return {
            "service": service,
            "provider": provider,
            "start_date": monday,
            "end_date": monday + timedelta(days=7),
            "slot_duration_minutes": 60,
            "capacity": 3,
            "now_dt": NOW,
        }
    if "start_at" in taken and "session" not in taken:
        rule = {"rrule": "FREQ=WEEKLY;COUNT=2", "timezone": "Europe/Berlin"}
        new = {"service": service, "provider": provider, "start_at": START, "now_dt": NOW}
        return new | rule if "rrule" in taken else new
    if name == "book_session_series":
        made = series.create_session_series(
            rrule="FREQ=WEEKLY;COUNT=2",
            timezone="Europe/Berlin",
            start_at=START,
            service=service,
            provider=provider,
            now_dt=NOW,
        )
        occurrence = made.series.occurrences.first()
        return {"occurrence": occurrence, "client_name": "Ann", "now_dt": NOW}
    session = make_session(enable_waitlist=name != "finish_sessions")
    given: dict[str, Any] = {"now_dt": NOW}
    if "session" in taken:
        given["session"] = session
    if name.startswith("finish"):
        return given | {"now_dt": START + HOUR}
    if name == "book_seat":
        return given | {"client_name": "Ann"}
    booking = make_booking(session, "Ann", 3)
    if "entry" in taken:
        entry = make_entry(session, "Ben", 1)
        if name == "mark_notified":
            return {"entry": entry}
        if name == "promote_from_waitlist":
            services.update_session(session, capacity=4, now_dt=NOW)
            entry.refresh_from_db()
        return given | {"entry": entry}
    return given | {
        "join_waitlist": {"client_name": "Ben"},
        "mark_attendance": {"attended": [booking], "now_dt": START},
        "move_seat": {"booking": booking, "to_session": make_session(start_at=START + 2 * HOUR)},
    }.get(name, {})


def test_every_service_has_its_table() -> None:
    assert set(TABLES) == set(services.__all__) - NO_SERVICES | OF_SERIES


@pytest.mark.parametrize("name", TABLES)
def test_every_argument_has_its_kind(name: str, given: dict[str, Any]) -> None:
    service = service_of(name)

    assert set(TABLES[name]) == parameters(service) | set(OTHERS.get(name, ()))
    assert service(**given) is not None


@pytest.mark.parametrize(
    ("name", "argument"), [(name, argument) for name in TABLES for argument in TABLES[name]]
)
def test_a_value_of_a_wrong_type_is_refused(
    name: str, argument: str, given: dict[str, Any]
) -> None:
    service, kind = service_of(name), TABLES[name][argument]

    assert find_faults(service, given, argument, kind, stored_rows) == ""
