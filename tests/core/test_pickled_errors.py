"""Every error of every app can be pickled and copied, as a task queue does with it."""

from __future__ import annotations

import copy
import inspect
import pickle
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import gettext_lazy

import bookings
from bookings.contrib.series.exceptions import SeriesConflict, Skipped
from bookings.exceptions import BookingConflict, BookingError, CapacityExceeded

VALUES: Final[dict[str, Any]] = {
    "limit": "max_active_bookings_per_client",
    "most": 2,
    "remaining": 1,
    "reference": "BK-1",
    "currency": "EUR",
    "expected": "EUR",
    "external_id": "pi_1",
    "total": 4,
    "zone": ZoneInfo("Europe/Berlin"),
    "skipped": [
        Skipped(datetime(2026, 3, 17, 8, tzinfo=UTC), BookingConflict("Taken.")),
        Skipped(
            datetime(2026, 3, 24, 8, tzinfo=UTC),
            CapacityExceeded("Full.", remaining=0),
            (datetime(2026, 3, 24, 9, tzinfo=UTC),),
        ),
    ],
    "message": gettext_lazy("Booking conflicts with an existing booking."),
}


def error_types(of: type[BookingError] = BookingError) -> Iterator[type[BookingError]]:
    yield of
    for each in of.__subclasses__():
        yield from error_types(each)


for module in pkgutil.walk_packages(bookings.__path__, "bookings."):
    if module.name.endswith(".exceptions"):
        import_module(module.name)

ERRORS: Final = sorted(
    {each for each in error_types() if each.__module__.startswith("bookings.")},
    key=lambda each: (each.__module__, each.__name__),
)


def make(error_type: type[BookingError]) -> BookingError:
    given: dict[str, Any] = {}
    for name, parameter in inspect.signature(error_type).parameters.items():
        if name == "remaining" and "currency" in inspect.signature(error_type).parameters:
            given[name] = Decimal(5)
        elif parameter.default is inspect.Parameter.empty or name in {"remaining", "limit"}:
            given[name] = VALUES[name]
    if "params" in inspect.signature(error_type).parameters:
        given["params"] = {"most": 2, "name": "start_at"}
    return error_type(**given)


def values_of(error: BookingError) -> tuple[Any, ...]:
    plain = {name: str(value) for name, value in vars(error).items()}
    return type(error), str(error), error.code, error.field, plain


@pytest.mark.parametrize("error_type", ERRORS, ids=lambda each: each.__name__)
def test_an_error_survives_pickle_and_copy(error_type: type[BookingError]) -> None:
    error = make(error_type)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        other = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301
        assert values_of(other) == values_of(error)
    assert values_of(copy.copy(error)) == values_of(copy.deepcopy(error)) == values_of(error)


def test_a_conflict_keeps_its_skipped_starts() -> None:
    error = make(SeriesConflict)
    kept: Any = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert [item.start_at for item in kept.skipped] == [item.start_at for item in VALUES["skipped"]]
    assert kept.skipped[1].error.remaining == 0
    assert kept.skipped[1].alternatives == VALUES["skipped"][1].alternatives


def test_every_app_with_errors_is_tested() -> None:
    apps = {each.__module__.split(".")[-2] for each in ERRORS}
    assert apps >= {"bookings", "group_sessions", "payments", "schedule", "series"}
