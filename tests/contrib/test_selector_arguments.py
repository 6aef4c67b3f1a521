"""Invalid values, in the place of every argument of every selector, of the core and of every app.

Unlike services, selectors are tried on every database: far instants and keys get as far as that.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from functools import wraps
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.db import connection
from django.utils.timezone import override

import bookings
from bookings.conf import app_settings
from bookings.contrib.group_sessions.services import book_seat, create_session, join_waitlist
from bookings.contrib.payments.services import record_payment
from bookings.contrib.reports.periods import Period
from bookings.contrib.schedule.models import BusinessHours, Schedule
from bookings.contrib.schedule.selectors import list_available_slots
from bookings.contrib.series.recurrences import list_starts
from bookings.contrib.series.rrule import parse_rrule
from bookings.exceptions import InvalidBooking
from bookings.selectors import get_busy_intervals
from bookings.services import create_booking
from tests.core.moments import NOW, at
from tests.invalid_arguments import (
    DATE,
    FLAG,
    INSTANT,
    INTEGERS,
    LIST,
    OBJECT,
    TEXTS,
    VALUES,
    Table,
    find_faults,
    optional,
    parameters,
)

pytestmark = pytest.mark.django_db

Selector = Callable[..., Any]

WITHOUT_RANGE: Final = {
    f"{name}() needs start_dt and end_dt, or start_date and end_date."
    for name in ("get_busy_intervals", "list_available_slots")
}

KEY: Final = frozenset({"0", "-1", "5", "digits", "its key"})
ANYTHING: Final = FLAG
ZONE: Final = optional(OBJECT)
LOCAL_OR_INSTANT: Final = INSTANT | {"a naive datetime"}

FAR: Final = {
    "the first instant": datetime.min.replace(tzinfo=UTC),
    "the last instant": datetime.max.replace(tzinfo=UTC),
    "before the first instant": datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    "after the last instant": datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
    "before 1970": datetime(1969, 12, 31, tzinfo=UTC),
    "the first date": date.min,
    "the last date": date.max,
}

OPTIONS: Final = {
    "tenant": optional(OBJECT),
    "tz": ZONE,
    "addons": optional(LIST),
    "resources": optional(LIST),
    "duration_minutes": optional(INTEGERS),
    "duration_days": optional(INTEGERS),
    "party_size": optional(INTEGERS),
    "client_name": TEXTS,
    "client_email": TEXTS,
    "client_phone": TEXTS,
    "client_user": optional(OBJECT),
    "booking": optional(OBJECT),
    "ignored_interval_id": optional(INTEGERS),
    "now_dt": optional(INSTANT),
    "override_policy": FLAG,
}
POOL: Final = {"service": OBJECT, "providers": LIST, **OPTIONS}
OF_LAPSED: Final = {
    "now_dt": optional(INSTANT),
    "tenant": optional(OBJECT),
    "provider": optional(OBJECT),
}
OF_MONEY: Final = {"booking": OBJECT, "now_dt": optional(INSTANT)}
OF_REPORT: Final = {
    "period": OBJECT,
    "bookings": optional(OBJECT),
    "service": optional(OBJECT),
    "provider": optional(OBJECT),
    "tenant": optional(OBJECT),
}
GROUPING: Final = optional(frozenset({"empty text"}))
TABLES: Final[dict[str, Table]] = {
    "get_busy_intervals": {
        "provider": KEY,
        "start_dt": INSTANT,
        "end_dt": INSTANT,
        "tenant": ANYTHING,
        "service": optional(OBJECT),
        "duration_minutes": optional(INTEGERS),
        "duration_days": optional(INTEGERS),
        "party_size": INTEGERS,
        "start_date": optional(DATE),
        "end_date": optional(DATE),
        "tz": ZONE,
        "ignored_interval_id": optional(INTEGERS),
    },
    "get_busy_seconds": {
        "provider_ids": LIST | {"a list of numbers", "a set", "a dict by numbers"},
        "start": INSTANT,
        "end": INSTANT,
        "ignored_interval_id": optional(INTEGERS),
    },
    "get_joinable_starts": {
        "duration_minutes": optional(INTEGERS),
        "duration_days": optional(INTEGERS),
        "service": OBJECT,
        "provider": OBJECT,
        "start_dt": INSTANT,
        "end_dt": INSTANT,
        "party_size": INTEGERS,
    },
    "list_expired_bookings": OF_LAPSED,
    "list_overdue_bookings": OF_LAPSED,
    "get_response_time": {"booking": OBJECT},
    "get_response_times": {
        "provider": OBJECT,
        "start_dt": INSTANT,
        "end_dt": INSTANT,
        "tenant": optional(OBJECT),
    },
    "list_available_slots": {
        **OPTIONS,
        "service": OBJECT,
        "provider": OBJECT,
        "start_dt": INSTANT,
        "end_dt": INSTANT,
        "start_date": optional(DATE),
        "end_date": optional(DATE),
        "starts": optional(LIST),
    },
    "why_not": {"start_at": INSTANT},
    "get_busy_intervals on days": {
        "provider": KEY,
        "start_date": DATE,
        "end_date": DATE,
        "tz": ZONE,
    },
    "list_available_slots on days": {
        "service": OBJECT,
        "provider": OBJECT,
        "start_date": DATE,
        "end_date": DATE,
        "tz": ZONE,
    },
    "slots_between": {**POOL, "start_dt": INSTANT, "end_dt": INSTANT},
    "slots_by_date": {**POOL, "start_date": DATE, "end_date": optional(DATE)},
    "day_summary": {**POOL, "start_date": DATE, "end_date": optional(DATE)},
    "first_available": {**POOL, "after": optional(INSTANT), "within_days": INTEGERS},
    "any_provider": {**POOL, "start_at": INSTANT},
    "availability_etag": POOL,
    "list_bookings_outside_hours": {
        "providers": optional(LIST),
        "start_dt": optional(INSTANT),
        "end_dt": optional(INSTANT),
        "now_dt": optional(INSTANT),
    },
    "list_sessions": {
        "service": optional(OBJECT),
        "provider": optional(OBJECT),
        "tenant": optional(OBJECT),
        "now_dt": optional(INSTANT),
    },
    "available_sessions": {
        "provider": OBJECT,
        "date_from": DATE,
        "date_to": DATE,
        "service": optional(OBJECT),
        "party_size": INTEGERS,
        "tenant": optional(OBJECT),
        "client_name": TEXTS,
        "client_email": TEXTS,
        "client_phone": TEXTS,
        "client_user": optional(OBJECT),
        "now_dt": optional(INSTANT),
    },
    "position": {"entry": OBJECT},
    "bookings_of": {"session": OBJECT},
    "amount_paid": {"booking": OBJECT},
    "amount_due": {"booking": OBJECT},
    "refund_due": OF_MONEY,
    "fee_due": OF_MONEY,
    "refunds_and_fees_if_cancelled": {
        "bookings": LIST,
        "by": OBJECT,
        "now_dt": optional(INSTANT),
    },
    "list_refunds_due": {"tenant": optional(OBJECT)},
    "booking_report": {**OF_REPORT, "group_by": GROUPING},
    "response_report": {
        **OF_REPORT,
        "group_by": GROUPING,
        "target": frozenset({"a timedelta"}),
        "now_dt": optional(INSTANT),
    },
    "session_report": {**OF_REPORT, "sessions": optional(OBJECT)},
    "utilisation_report": {**OF_REPORT, "group_by": GROUPING, "providers": optional(LIST)},
    "list_bookings": OF_REPORT,
    "list_starts": {
        "rrule": TEXTS,
        "start": LOCAL_OR_INSTANT,
        "timezone": TEXTS,
        "exdates": LIST,
        "limit": INTEGERS,
    },
    "parse_rrule": {"text": TEXTS},
}


def takes_time(table: Table) -> bool:
    return any(is_time(kind) for kind in table.values())


def is_time(kind: frozenset[str]) -> bool:
    return kind != FLAG and bool({"a date", "a datetime"} & kind)


def modules_of_selectors() -> Iterator[Any]:
    """Every module or package named ``selectors``, of the core and of the bundled apps."""
    for found in pkgutil.walk_packages(bookings.__path__, "bookings."):
        if found.name.rpartition(".")[2] == "selectors":
            yield importlib.import_module(found.name)


def selectors_of(module: Any) -> dict[str, Selector]:
    """The functions of the module's own and those that it names as its own."""
    named = getattr(module, "__all__", ())
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and not name.startswith("_")
        if name in named or value.__module__ == module.__name__
    }


def why_not(start_at: Any) -> Any:
    [service] = model("SERVICE_MODEL").objects.all()
    [provider] = model("PROVIDER_MODEL").objects.all()
    slots = list_available_slots(service, provider, at(0), at(0, day=7), now_dt=NOW)
    # An error is what it returns of a start that is not on offer.
    return slots.why_not(start_at), start_at in slots


def busy_on_days(provider: Any, start_date: Any, end_date: Any, tz: Any = None) -> Any:
    return get_busy_intervals(provider, start_date=start_date, end_date=end_date, tz=tz)


def slots_on_days(
    service: Any, provider: Any, start_date: Any, end_date: Any, tz: Any = None
) -> Any:
    return list_available_slots(
        service, provider, start_date=start_date, end_date=end_date, tz=tz, now_dt=NOW
    )


SELECTORS: Final[dict[str, Selector]] = {
    name: selector
    for module in modules_of_selectors()
    for name, selector in selectors_of(module).items()
} | {
    "list_starts": list_starts,
    "parse_rrule": parse_rrule,
    "why_not": why_not,
    "get_busy_intervals on days": busy_on_days,
    "list_available_slots on days": slots_on_days,
}


def model(setting: str) -> Any:
    return apps.get_model(app_settings.model_label(setting))


@pytest.fixture
def objects(db: None) -> dict[str, Any]:
    """A booking that is paid, a session with a seat and somebody who waits, from nine to five."""
    service = model("SERVICE_MODEL").objects.create(
        name="Yoga", duration_minutes=60, price_amount=100, currency="USD"
    )
    provider = model("PROVIDER_MODEL").objects.create(name="Ada")
    schedule = Schedule.objects.create(timezone="UTC", slot_step_minutes=60)
    for day in range(7):
        BusinessHours.objects.create(
            schedule=schedule, day_of_week=day, open_time="09:00", close_time="17:00"
        )
    made = {"service": service, "provider": provider, "now_dt": NOW}
    booking = create_booking(**made, start_at=at(10), client_name="Joan")
    record_payment(booking, amount=100, external_id="p-1", now_dt=NOW)
    session = create_session(**made, start_at=at(12), capacity=1, enable_waitlist=True)
    book_seat(session, client_name="Ann", now_dt=NOW)
    entry = join_waitlist(session, client_name="Eve", now_dt=NOW)
    made_objects = {
        "service": service,
        "provider": provider,
        "booking": booking,
        "session": session,
        "entry": entry,
    }
    # As they are stored, without related objects that would be copied with them for every value.
    return {name: type(row)._base_manager.get(pk=row.pk) for name, row in made_objects.items()}


@pytest.fixture
def given(name: str, objects: dict[str, Any]) -> dict[str, Any]:
    """What a selector takes without a word."""
    day = at(0).date()
    further: dict[str, Any] = {
        "get_busy_intervals": {"start_dt": at(0), "end_dt": at(0, day=7)},
        "get_busy_seconds": {
            "provider_ids": [objects["provider"].pk],
            "start": at(0),
            "end": at(0, day=7),
        },
        "get_joinable_starts": {"start_dt": at(0), "end_dt": at(0, day=7)},
        "get_response_times": {"start_dt": at(0), "end_dt": at(0, day=7)},
        "list_available_slots": {"start_dt": at(0), "end_dt": at(0, day=7)},
        "why_not": {"start_at": at(9)},
        "get_busy_intervals on days": {"start_date": day, "end_date": day},
        "list_available_slots on days": {"start_date": day, "end_date": day},
        "slots_between": {"start_dt": at(0), "end_dt": at(0, day=7)},
        "slots_by_date": {"start_date": day},
        "day_summary": {"start_date": day},
        "any_provider": {"start_at": at(9)},
        "available_sessions": {"date_from": day, "date_to": day},
        "list_starts": {"rrule": "FREQ=DAILY;COUNT=3", "start": at(9), "timezone": "UTC"},
        "parse_rrule": {"text": "FREQ=DAILY;COUNT=3"},
    }.get(name, {})
    table = TABLES[name]
    own: dict[str, Any] = {key: objects[key] for key in objects if table.get(key) == OBJECT}
    if "provider" in table and name not in {"list_expired_bookings", "list_overdue_bookings"}:
        own["provider"] = objects["provider"]
    if "providers" in table:
        own["providers"] = [objects["provider"]]
    if "bookings" in table and name == "refunds_and_fees_if_cancelled":
        own |= {"bookings": [objects["booking"]], "by": "client"}
    now: dict[str, Any] = {"now_dt": NOW} if "now_dt" in table else {}
    if "period" in table:
        now["period"] = Period(at(0), at(0, day=7), ZoneInfo("UTC"))
    return own | further | now


@pytest.fixture
def selector(name: str) -> Selector:
    """The selector, with the documented ``TypeError`` of a call without a range as a refusal."""

    @wraps(SELECTORS[name])
    def call(**given: Any) -> Any:
        try:
            return SELECTORS[name](**given)
        except TypeError as error:
            if str(error) not in WITHOUT_RANGE:
                raise
            raise InvalidBooking("Neither instants nor dates are given.") from None

    return call


def evaluated(selector: Selector) -> Selector:
    """Read what the selector returns: a queryset only then asks the database."""

    def call(**given: Any) -> Any:
        answer = selector(**given)
        return list(answer) if hasattr(answer, "__iter__") else answer

    return call


def test_every_selector_has_its_table() -> None:
    """The control: what is walked through is really there."""
    assert {"get_busy_intervals", "day_summary", "list_sessions", "amount_paid"} <= set(SELECTORS)
    assert set(TABLES) == set(SELECTORS)


@pytest.mark.parametrize("name", TABLES)
def test_every_argument_has_its_kind(name: str, selector: Selector, given: dict[str, Any]) -> None:
    assert set(TABLES[name]) == parameters(SELECTORS[name])
    evaluated(selector)(**given)


@pytest.mark.parametrize("name", TABLES)
def test_an_invalid_value_is_refused(name: str, selector: Selector, given: dict[str, Any]) -> None:
    assert faults_of(name, selector, given, VALUES) == {}


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
@pytest.mark.parametrize("name", [name for name in TABLES if takes_time(TABLES[name])])
def test_a_far_instant_or_date_is_no_error_of_arithmetic(
    name: str, zone: str, selector: Selector, given: dict[str, Any], settings: Any
) -> None:
    settings.BOOKINGS_AUTO_CANCEL_ENABLED = settings.BOOKINGS_AUTO_CANCEL_BUSINESS_DAYS = True
    Schedule.objects.update(timezone=zone)
    with override(ZoneInfo(zone)):
        assert faults_of(name, selector, given, FAR) == {}


def values_to_try(kind: frozenset[str], values: dict[str, Any]) -> dict[str, Any]:
    if kind == FLAG:
        # A selector stores nothing, so what is true or false is no more than that.
        return {label: values[label] for label in ("None", "an object")}
    if values is VALUES and connection.vendor != "sqlite":
        # What is refused is refused before any database is asked.
        return {label: value for label, value in values.items() if label in kind}
    return values


def faults_of(
    name: str, selector: Selector, given: dict[str, Any], values: dict[str, Any]
) -> dict[str, str]:
    """The faults by argument; those without any are left out."""
    kinds = {
        argument: kind
        for argument, kind in TABLES[name].items()
        if values is not FAR or is_time(kind)
    }
    faults = {
        argument: find_faults(
            evaluated(selector),
            given,
            argument,
            kind | FAR.keys(),
            lambda: None,
            values_to_try(kind, values),
        )
        for argument, kind in kinds.items()
    }
    return {argument: found for argument, found in faults.items() if found}
