"""What every refusal has, whatever it is about."""

from __future__ import annotations

import pytest

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
