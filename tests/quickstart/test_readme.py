"""The README's quick start, typed as it stands there, into a new project."""

from __future__ import annotations

import pytest

from tests.quickstart.pages import Reader, blocks

REFUSED = "bookings.exceptions.BookingConflict: Booking conflicts with an existing booking."
CLIENTS = "from bookings.models import Booking\nprint(*Booking.objects.values_list('client_name'))"

Promises = list[tuple[str, str]]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Reader, Promises]:
    reader = Reader(tmp_path_factory.mktemp("readme"))
    return reader, reader.follow(blocks("README.md", section="Quick start"))


def test_the_first_booking_is_confirmed_and_the_second_refused(
    followed: tuple[Reader, Promises],
) -> None:
    _reader, promises = followed
    assert promises == [("CONFIRMED", "CONFIRMED"), (REFUSED, REFUSED)]


def test_only_the_first_booking_is_stored(followed: tuple[Reader, Promises]) -> None:
    reader, _promises = followed
    assert reader.type_into_shell([CLIENTS]) == ["('Kim',)"]
    assert "All invariants hold." in reader.type("python manage.py check_bookings")


def test_the_check_warns_of_what_the_readme_says_and_of_nothing_else(
    followed: tuple[Reader, Promises],
) -> None:
    reader, _promises = followed
    checked = reader.type("python manage.py check --database default")
    assert "System check identified 2 issues (0 silenced)." in checked
    assert "No slot engine is installed" in checked
    assert "transaction_mode" in checked
