"""Values of a wrong type, in the place of every argument of every service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from bookings import services
from bookings.models import Booking
from bookings.services.update import UPDATABLE_FIELDS
from tests.invalid_arguments import (
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
from tests.services.clock import DAY, NOW, START
from tests.services.storage import every_row

OF_A_CHANGE: Final = {
    "booking": OBJECT,
    "actor": optional(OBJECT),
    "now_dt": optional(INSTANT),
    "expected_version": optional(INTEGERS),
}
OF_A_CLIENT: Final = {
    "client_name": TEXTS,
    "client_email": TEXTS,
    "client_phone": TEXTS,
    "client_user": optional(OBJECT),
    "notes_client": TEXTS,
    "metadata": optional(DOCUMENT),
    "answers": optional(DOCUMENT),
}
OF_A_PLACE: Final = {
    "location": TEXTS,
    "meeting_link": TEXTS,
    "client_language": optional(TEXTS),
    "client_timezone": TEXTS,
}
OF_A_NEW_BOOKING: Final = {
    **OF_A_CLIENT,
    **OF_A_PLACE,
    "service": OBJECT,
    "provider": OBJECT,
    "start_at": INSTANT,
    "resources": optional(LIST),
    "addon_ids": optional(LIST),
    "duration_minutes": optional(INTEGERS),
    "duration_days": optional(INTEGERS),
    "party_size": INTEGERS,
    "created_by": optional(OBJECT),
    "tenant": optional(OBJECT),
    "now_dt": optional(INSTANT),
    "notes_internal": TEXTS,
    "idempotency_key": optional(TEXTS),
    "allow_past": FLAG,
    "skip_slot_validation": FLAG,
    "override_policy": FLAG,
}
OF_WHO_IS_NAMED: Final = {name: optional(kind) for name, kind in OF_A_CLIENT.items()}
OF_A_SWEEP: Final = {
    "now_dt": optional(INSTANT),
    "limit": optional(INTEGERS),
    "chunk_size": INTEGERS,
    "dry_run": FLAG,
    "progress": optional(FUNCTION),
}

TABLES: Final[dict[str, Table]] = {
    "add_note": {**OF_A_CHANGE, "message": TEXTS, "for_client": FLAG},
    "anonymize_client": {
        "email": TEXTS,
        "user": optional(OBJECT),
        "tenant": optional(OBJECT),
        **{name: kind for name, kind in OF_A_SWEEP.items() if name != "limit"},
    },
    "auto_cancel_expired_bookings": OF_A_SWEEP,
    "auto_complete_bookings": OF_A_SWEEP,
    "cancel_booking": {**OF_A_CHANGE, "reason": TEXTS, "by": TEXTS, "override_policy": FLAG},
    "change_party_size": {**OF_A_CHANGE, "seats": INTEGERS, "by": TEXTS, "override_policy": FLAG},
    "complete_booking": {**OF_A_CHANGE, "override_policy": FLAG},
    "confirm_booking": {**OF_A_CHANGE, **OF_WHO_IS_NAMED, "override_policy": FLAG},
    "create_booking": {**OF_A_NEW_BOOKING, "expires_at": optional(INSTANT)},
    "decline_booking": {**OF_A_CHANGE, "reason": TEXTS},
    "deliver_booking": {**OF_A_CHANGE, "message": TEXTS, "metadata": optional(DOCUMENT)},
    "dispute_booking": {**OF_A_CHANGE, "reason": TEXTS},
    "expire_booking": OF_A_CHANGE,
    "expire_bookings": OF_A_SWEEP,
    "extend_hold": {
        **OF_A_CHANGE,
        "minutes": optional(INTEGERS),
        "expires_at": optional(INSTANT),
    },
    "hold_booking": {**OF_A_NEW_BOOKING, "hold_minutes": optional(INTEGERS)},
    "mark_no_show": OF_A_CHANGE,
    "merge_metadata": {**OF_A_CHANGE, "patch": DOCUMENT},
    "reopen_booking": {**OF_A_CHANGE, "override_policy": FLAG},
    "request_meeting_links": OF_A_SWEEP,
    "reschedule_booking": {
        **OF_A_CHANGE,
        "new_start_at": INSTANT,
        "new_provider": optional(OBJECT),
        "new_resources": optional(LIST),
        "addon_ids": optional(LIST),
        "new_duration_minutes": optional(INTEGERS),
        "new_duration_days": optional(INTEGERS),
        "by": TEXTS,
        "override_policy": FLAG,
        "skip_slot_validation": FLAG,
    },
    "submit_hold": {**OF_A_CHANGE, **OF_WHO_IS_NAMED, "override_policy": FLAG},
    "update_booking": {
        **OF_A_CHANGE,
        **OF_A_CLIENT,
        **OF_A_PLACE,
        "client_language": TEXTS,
        "metadata": DOCUMENT,
        "notes_internal": TEXTS,
        "override_policy": FLAG,
    },
}

Given = Callable[[str], dict[str, Any]]


@pytest.fixture
def given(request: pytest.FixtureRequest, service: Any, provider: Any) -> Given:
    """What a service takes without a word, by its name."""

    def make(name: str) -> dict[str, Any]:
        if name == "anonymize_client":
            return {"email": "mary@example.com", "now_dt": NOW}
        if "chunk_size" in TABLES[name]:
            request.getfixturevalue("hold")
            return {"now_dt": NOW + DAY}
        if "booking" not in TABLES[name]:
            return {
                "service": service,
                "provider": provider,
                "start_at": START,
                "client_name": "Mary",
                "now_dt": NOW,
            }
        return {"booking": request.getfixturevalue(ON.get(name, "booking")), "now_dt": NOW} | {
            "add_note": {"message": "Rang."},
            "change_party_size": {"seats": 1},
            "complete_booking": {"now_dt": START},
            "deliver_booking": {"now_dt": START},
            "dispute_booking": {"reason": "Left out."},
            "expire_booking": {"now_dt": NOW + DAY},
            "mark_no_show": {"now_dt": START},
            "merge_metadata": {"patch": {"colour": "red"}},
            "reschedule_booking": {"new_start_at": START + DAY, "new_provider": provider},
        }.get(name, {})

    return make


ON: Final = {
    "confirm_booking": "hold",
    "decline_booking": "pending",
    "dispute_booking": "delivered",
    "expire_booking": "hold",
    "reopen_booking": "cancelled",
    "extend_hold": "hold",
    "submit_hold": "hold",
    "update_booking": "hold",
}


@pytest.fixture
def delivered(booking: Booking) -> Booking:
    return services.deliver_booking(booking, now_dt=START)


def test_every_service_has_its_table() -> None:
    assert set(TABLES) == set(services.__all__)


@pytest.mark.parametrize("name", TABLES)
def test_every_argument_has_its_kind(name: str, given: Given) -> None:
    service = getattr(services, name)
    others = set(UPDATABLE_FIELDS) if name == "update_booking" else set()

    assert set(TABLES[name]) == parameters(service) | others
    assert service(**given(name)) is not None


@pytest.mark.parametrize(
    ("name", "argument"), [(name, argument) for name in TABLES for argument in TABLES[name]]
)
def test_a_value_of_a_wrong_type_is_refused(name: str, argument: str, given: Given) -> None:
    service, kind = getattr(services, name), TABLES[name][argument]

    assert find_faults(service, given(name), argument, kind, every_row) == ""
