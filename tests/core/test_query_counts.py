"""How many statements a booking costs, however many there are already."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.models import Booking
from tests.core.conftest import Book
from tests.core.moments import at

TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")

# Lock, claim, booking, event; PostgreSQL does all at once, and MySQL reads before it claims.
CREATE = {"postgresql": 1, "sqlite": 4, "mysql": 5}[connection.vendor]
IN_STEPS = 5 if connection.vendor == "mysql" else 4


def statements(captured: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in captured if not query["sql"].startswith(TRANSACTION_CONTROL)]


@pytest.mark.django_db(transaction=True)
def test_a_booking_is_one_short_transaction(book: Book) -> None:
    book(at(9))
    with CaptureQueriesContext(connection) as captured:
        book(at(10))
    assert len(statements(captured)) == CREATE
    # The lock comes first.
    assert statements(captured)[0].lstrip().startswith(("UPDATE", "WITH calendar AS (\n    UPDATE"))
    # PostgreSQL's driver begins and commits without a statement of Django's.
    control = [query["sql"] for query in captured if query["sql"] not in statements(captured)]
    assert len(control) in {0, 2}


@pytest.mark.django_db
def test_the_first_booking_of_a_provider_makes_its_calendar(book: Book) -> None:
    with CaptureQueriesContext(connection) as captured:
        book(at(9))
    looked_for_it_locked_the_provider_and_made_it = 3
    tried_without = 1 if connection.vendor == "postgresql" else 0
    making_it = looked_for_it_locked_the_provider_and_made_it + tried_without
    assert len(statements(captured)) == IN_STEPS + making_it


@pytest.mark.django_db
def test_the_number_of_bookings_does_not_matter(book: Book) -> None:
    def cost(hour: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            book(at(hour))
        return len(statements(captured))

    book(at(0))
    assert {cost(hour) for hour in range(1, 20)} == {CREATE}
    assert Booking.objects.count() == 20


@pytest.mark.django_db
def test_any_number_of_addons_is_read_once_and_stored_once(book: Book, addon: Any) -> None:
    keys = [addon.pk] + [type(addon).objects.create(name=f"Extra {n}").pk for n in range(4)]
    book(at(0))

    def cost(hour: int, count: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            book(at(hour), addon_ids=keys[:count])
        return len(statements(captured))

    assert cost(10, 1) == cost(14, 5) == IN_STEPS + 2
