"""How many statements a series takes: a constant number for each 100 starts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.contrib.series.models import Occurrence
from bookings.contrib.series.services import (
    cancel_series,
    reschedule_series,
    update_series,
)
from bookings.models import Booking, BookingEvent
from bookings.testing import assert_bookings_are_sound
from tests.contrib.series.conftest import FIRST, NOW, MakeSeries

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
FEW, MANY = 3, 40

EVERYTHING_ON: Final = {
    "BOOKINGS_SLOT_VALIDATION_MODE": "ENGINE",
    "BOOKINGS_SLOTS_AVAILABLE_FUNC": "bookings.contrib.schedule.selectors.list_available_slots",
    "BOOKINGS_DUPLICATE_GUARD_MINUTES": 15,
    "BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT": 500,
    "BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY": 1,
    "BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_WEEK": 1,
    "BOOKINGS_PREVENT_CLIENT_OVERLAP": True,
}

CHANGES: Final[dict[str, Callable[[Any], Any]]] = {
    "update": lambda at: update_series(at, scope="all", notes_internal="By the door", now_dt=NOW),
    "update, each another value": lambda at: update_series(
        at, scope="all", metadata={"room": 2}, now_dt=NOW
    ),
    "cancel": lambda at: cancel_series(at, scope="all", now_dt=NOW),
    "move by an hour": lambda at: reschedule_series(
        at, new_start_at=FIRST + HOUR, scope="all", now_dt=NOW
    ),
    "move to the next one's time": lambda at: reschedule_series(
        at, new_start_at=FIRST + WEEK, scope="all", now_dt=NOW
    ),
    "split": lambda at: reschedule_series(
        at, new_start_at=FIRST + WEEK + HOUR, scope="following", now_dt=NOW
    ),
}


@pytest.fixture(params=["plain", "everything on"])
def rules(request: Any, settings: Any, make_provider: Any) -> None:
    """Run the test without and with the slot engine, limits and the duplicate guard."""
    if request.param == "everything on":
        from bookings.contrib.schedule.services import create_schedule

        for name, value in EVERYTHING_ON.items():
            setattr(settings, name, value)
        create_schedule(
            timezone="Europe/Berlin", hours={day: [("08:00", "20:00")] for day in range(7)}
        )


def count(call: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        call()
    return len(queries)


def assert_constant(few: int, many: int) -> None:
    # Limits are counted by up to 100 days a statement. SQLite takes 999 parameters in each, and a
    # booking has more than 40 columns.
    batches = 10 if connection.vendor == "sqlite" else 4
    assert few <= many <= few + batches
    assert many <= 60


def rrule(starts: int) -> str:
    return f"FREQ=WEEKLY;COUNT={starts}"


def test_create(
    make_series: MakeSeries, make_provider: Any, make_addon: Any, service: Any, rules: None
) -> None:
    addon = make_addon(extra_duration_minutes=15)
    counts = []
    for number in (FEW, FEW, MANY):
        provider = make_provider(name=str(number))
        values = {"provider": provider, "client_name": f"Client {len(counts)}"}
        counts.append(
            count(lambda: make_series(rrule=rrule(number), addon_ids=[addon.pk], **values))  # noqa: B023
        )
    assert_constant(*counts[1:])
    assert_bookings_are_sound()


@pytest.mark.parametrize("change", CHANGES)
def test_change(make_series: MakeSeries, make_provider: Any, rules: None, change: str) -> None:
    counts = []
    for number in (FEW, MANY):
        made = make_series(
            rrule=rrule(number),
            provider=make_provider(name=str(number)),
            client_name=f"Client {number}",
            start_at=FIRST,
        )
        for place, booking in enumerate(made.bookings):
            # Each has another old value.
            booking.metadata = {"place": place}
            booking.save(update_fields=["metadata"])
        at: Any = made.series.occurrences.all()[1 if change == "split" else 0]
        counts.append(count(lambda: CHANGES[change](at)))  # noqa: B023
        assert (
            made.series.occurrences.count()
            + Occurrence.objects.filter(series__continues=made.series).count()
            == number
        )
    assert_constant(*counts)
    assert_bookings_are_sound()


def test_lapsed_holds_in_the_way(make_series: MakeSeries, make_provider: Any, service: Any) -> None:
    counts = []
    for number in (FEW, MANY):
        values = {"provider": make_provider(name=str(number)), "rrule": rrule(number)}
        hold = {"expires_at": NOW + HOUR, "client_name": "Kim"}
        held = make_series(**values, **hold).bookings
        later = {"now_dt": NOW + 2 * HOUR, "client_name": "Lee"}
        counts.append(count(lambda: make_series(**values, **later)))  # noqa: B023
        expired = Booking.objects.filter(pk__in=[booking.pk for booking in held])
        assert set(expired.values_list("status", flat=True)) == {"CANCELLED"}
        assert BookingEvent.objects.filter(booking__in=held, event_type="EXPIRED").count() == number
    assert_constant(*counts)
    assert_bookings_are_sound()
