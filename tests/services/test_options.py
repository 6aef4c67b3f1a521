"""The types of the options are those of the arguments that they stand for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import datetime
from typing import Any, get_type_hints

import pytest

from bookings.exceptions import InvalidBooking
from bookings.services import create_booking, hold_booking
from bookings.services.options import BookingOptions, CommonOptions, HoldOptions
from tests.services.clock import NOW, START, minutes


def optional_arguments(service: Callable[..., Any]) -> dict[str, Any]:
    hints = get_type_hints(service)
    return {
        name: hints[name]
        for name, parameter in inspect.signature(service).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }


def test_booking_options_are_the_optional_arguments_of_create_booking() -> None:
    assert get_type_hints(BookingOptions) == optional_arguments(create_booking)
    assert BookingOptions.__required_keys__ == frozenset()


def test_a_hold_has_all_options_but_its_end() -> None:
    assert get_type_hints(HoldOptions) | {"expires_at": datetime | None} == get_type_hints(
        BookingOptions
    )
    assert get_type_hints(CommonOptions).items() <= get_type_hints(HoldOptions).items()


def test_options_are_passed_on(service: Any, provider: Any, user: Any) -> None:
    hold = hold_booking(
        service=service,
        provider=provider,
        start_at=START,
        now_dt=NOW,
        client_user=user,
        notes_internal="By telephone.",
        metadata={"desk": 2},
    )
    assert (hold.client_user, hold.notes_internal) == (user, "By telephone.")
    assert (hold.metadata, hold.created_at) == ({"desk": 2}, NOW)


@pytest.mark.parametrize("option", ["expires_at", "colour"])
def test_an_option_that_a_hold_does_not_have_is_an_error(
    service: Any, provider: Any, option: str
) -> None:
    given: Any = {option: NOW + minutes(5)}
    with pytest.raises(TypeError, match=option):
        hold_booking(service=service, provider=provider, start_at=START, now_dt=NOW, **given)


def test_an_option_is_checked_as_the_argument_is(service: Any, provider: Any) -> None:
    with pytest.raises(InvalidBooking, match="party_size"):
        hold_booking(service=service, provider=provider, start_at=START, party_size=0)
