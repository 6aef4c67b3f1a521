"""Values of a wrong type, in the place of every argument of every service of schedules."""

from __future__ import annotations

from typing import Any, Final

import pytest

from bookings.contrib.schedule import services
from bookings.contrib.schedule.exceptions import InvalidSchedule
from bookings.contrib.schedule.models import BusinessHours, DateOverride, Schedule, TimeOff
from bookings.models import BusyInterval
from tests.contrib.schedule.hours.conftest import NOW, Make, at
from tests.invalid_arguments import (
    DATE,
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

HOURS: Final = frozenset({"an empty dict"})
WHOM: Final = {
    "providers": optional(LIST),
    "schedules": optional(LIST),
    "first_date": DATE,
    "last_date": optional(DATE),
}
TABLES: Final[dict[str, Table]] = {
    "add_closures": {**WHOM, "reason": TEXTS},
    "cancel_time_off": {"time_off": OBJECT},
    "copy_schedule": {"schedule": OBJECT, "providers": LIST, "replace": FLAG},
    "create_schedule": {
        "provider": optional(OBJECT),
        "tenant": optional(OBJECT),
        "timezone": optional(TEXTS),
        "slot_step_minutes": INTEGERS,
        "alignment": TEXTS,
        "minimum_notice_minutes": INTEGERS,
        "maximum_advance_days": optional(INTEGERS),
        "holiday_country": TEXTS,
        "holiday_subdivision": TEXTS,
        "hours": optional(HOURS),
    },
    "move_time_off": {
        "time_off": OBJECT,
        "start_at": INSTANT,
        "end_at": INSTANT,
        "actor": optional(OBJECT),
        "changes": LIST,
        "override_policy": FLAG,
        "now_dt": optional(INSTANT),
    },
    "remove_closures": WHOM,
    "set_week": {
        "schedule": OBJECT,
        "hours": HOURS,
        "merge": FLAG,
        "valid_from": optional(DATE),
        "valid_until": optional(DATE),
    },
    "take_time_off": {
        "provider": OBJECT,
        "start_at": INSTANT,
        "end_at": INSTANT,
        "reason": TEXTS,
        "actor": optional(OBJECT),
        "changes": LIST,
        "override_policy": FLAG,
        "now_dt": optional(INSTANT),
    },
}
NO_SERVICES: Final = {"CancelBooking", "Closures", "MoveBooking"}


@pytest.fixture
def given(name: str, make_provider: Make, provider: Any) -> dict[str, Any]:
    """What a service takes without a word."""
    times = {"start_at": at(9), "end_at": at(10), "now_dt": NOW}
    if name == "take_time_off":
        return {"provider": provider, **times}
    if "time_off" in TABLES[name]:
        taken = {"time_off": services.take_time_off(provider=provider, **times)}
        return taken if name == "cancel_time_off" else taken | times
    if name == "create_schedule":
        return {"provider": provider}
    schedule = services.create_schedule(provider=provider)
    return {
        "add_closures": {"schedules": [schedule], "first_date": NOW.date()},
        "remove_closures": {"schedules": [schedule], "first_date": NOW.date()},
        "copy_schedule": {"schedule": schedule, "providers": [make_provider("Grace")]},
        "set_week": {"schedule": schedule, "hours": {0: [("09:00", "12:00")]}},
    }[name]


def stored() -> Any:
    return rows_of(Schedule, BusinessHours, DateOverride, TimeOff, BusyInterval)


def test_every_service_has_its_table() -> None:
    assert set(TABLES) == set(services.__all__) - NO_SERVICES


@pytest.mark.parametrize("name", TABLES)
def test_every_argument_has_its_kind(name: str, given: dict[str, Any]) -> None:
    service = getattr(services, name)

    assert set(TABLES[name]) == parameters(service)
    service(**given)


@pytest.mark.parametrize(
    ("name", "argument"), [(name, argument) for name in TABLES for argument in TABLES[name]]
)
def test_a_value_of_a_wrong_type_is_refused(
    name: str, argument: str, given: dict[str, Any]
) -> None:
    service, kind = getattr(services, name), TABLES[name][argument]

    assert find_faults(service, given, argument, kind, stored) == ""


@pytest.mark.parametrize(
    "shifts",
    [
        None,
        5,
        "09:00",
        [5],
        [None],
        [("09:00",)],
        [("09:00", 12)],
        [(None, None)],
        [("09:00", "12:00", "yes", "no")],
        [["09:00", "12:00"], "x"],
        {"09:00": "12:00"},
    ],
    ids=repr,
)
def test_what_are_no_shifts_is_refused(provider: Any, shifts: Any) -> None:
    schedule = services.create_schedule(provider=provider)
    before = stored()

    with pytest.raises(InvalidSchedule) as refused:
        services.set_week(schedule=schedule, hours={0: shifts})

    assert (refused.value.code, stored()) == ("invalid_time", before)
