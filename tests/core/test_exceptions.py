"""What every refusal has, whatever it is about."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from bookings.exceptions import BookingConflict, BookingError, InvalidBooking


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BookingConflict("Taken."), "conflict"),
        (InvalidBooking("Wrong.", "unsaved"), "unsaved"),
        (InvalidBooking({"client_name": ["Blank."]}), "invalid"),
        (InvalidBooking(["Wrong.", "Also wrong."]), "invalid"),
    ],
    ids=["its class's", "its own", "about fields", "of several messages"],
)
def test_every_error_has_a_code(error: BookingError, code: str) -> None:
    assert error.code == error.booking_code == code


def test_an_error_about_fields_names_them_in_its_text() -> None:
    assert str(InvalidBooking({"client_name": ["Blank."]})) == "client_name: Blank."


def every_error(kind: type[BookingError] = BookingError) -> Iterator[type[BookingError]]:
    yield kind
    for subclass in kind.__subclasses__():
        yield from every_error(subclass)


# What these say is made of what they list.
OWN_MESSAGES = {"SeriesConflict", "TimeOffConflict"}


@pytest.mark.parametrize(
    "kind",
    sorted(
        (kind for kind in every_error() if kind.__name__ not in OWN_MESSAGES),
        key=lambda kind: kind.__name__,
    ),
)
def test_a_host_can_raise_an_error_with_a_message_alone(kind: type[BookingError]) -> None:
    error = kind("Not on Sundays.")
    assert str(error) == "Not on Sundays."
    assert error.code == kind.default_code
    assert str(kind("Not on Sundays.", "sunday")) == "Not on Sundays."


@pytest.mark.parametrize("kind", sorted(every_error(), key=lambda kind: kind.__name__))
def test_an_error_travels_between_processes(kind: type[BookingError]) -> None:
    """Whatever its class asks for: a worker's error is pickled, and a task's is copied."""
    error = kind.__new__(kind, "No.")
    ValidationError.__init__(error, "No %(what)s.", "no", {"what": "time"})
    error.booking_code, error.field = "no", "start_at"
    pickled = pickle.dumps(error)
    for again in (pickle.loads(pickled), copy.deepcopy(error)):  # noqa: S301 - our own bytes
        assert type(again) is kind
        assert again.__dict__ == error.__dict__
        assert str(again) == "No time."


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InvalidBooking({"party_size": "Too many."}), {"party_size": ["Too many."]}),
        (InvalidBooking("Too many.", field="party_size"), {"party_size": ["Too many."]}),
        (BookingConflict("Taken."), {"start_at": ["Taken."]}),
        (InvalidBooking("Wrong."), {"__all__": ["Wrong."]}),
        (
            InvalidBooking("%(name)s is wrong.", params={"name": "start_at"}),
            {"start_at": ["start_at is wrong."]},
        ),
    ],
)
def test_every_error_has_its_messages_by_field(error: BookingError, expected: Any) -> None:
    assert error.message_dict == expected
    assert error.messages == [message for messages in expected.values() for message in messages]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (BookingConflict("Taken."), "BookingConflict('Taken.', code='conflict')"),
        (
            InvalidBooking("%(name)s is bad.", "naive_datetime", params={"name": "start_at"}),
            "InvalidBooking('start_at is bad.', code='naive_datetime')",
        ),
        (
            InvalidBooking({"client_name": ["Too long."]}),
            "InvalidBooking('client_name: Too long.', code='invalid')",
        ),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_the_repr_names_the_class_and_the_code(error: BookingError, expected: str) -> None:
    assert repr(error) == expected
