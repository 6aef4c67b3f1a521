from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import (
    InvalidBooking,
    MissingReference,
)
from bookings.models import Booking, BookingAddon, BookingEvent
from tests.services.clock import DAY, START
from tests.services.conftest import Book, Make
from tests.services.storage import (
    every_row,
    history,
    nothing_written,
)


def fail(*args: Any, **kwargs: Any) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("owner", "method"),
    [
        (DefaultBookingAdapter, "check_permission"),
        (DefaultBookingAdapter, "generate_reference"),
        (Booking, "save_row"),
        (BookingEvent, "save"),
    ],
)
def test_a_failure_while_it_is_written_leaves_nothing_behind(
    book: Book, make_addon: Make, monkeypatch: pytest.MonkeyPatch, owner: Any, method: str
) -> None:
    addon = make_addon()
    monkeypatch.setattr(owner, method, fail)

    with nothing_written(), pytest.raises(ZeroDivisionError):
        book(addon_ids=[addon.pk])


def test_a_failure_of_the_add_ons_leaves_nothing_behind(
    book: Book, make_addon: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    addon = make_addon()
    monkeypatch.setattr(type(BookingAddon.objects.all()), "bulk_create", fail)
    # The first booking of a provider also makes its calendar, in bulk too.
    with nothing_written(), pytest.raises(ZeroDivisionError):
        book(addon_ids=[addon.pk])


def test_it_takes_few_queries(
    book: Book, booking: Booking, django_assert_num_queries: Callable[[int], Any]
) -> None:
    # PostgreSQL does it in one; MySQL reads the overlap, for want of a constraint.
    statements = {"postgresql": 1, "sqlite": 4, "mysql": 5}[connection.vendor]
    savepoint = 2  # which stands for the transaction, within that of the test

    with django_assert_num_queries(statements + savepoint):
        book(start_at=START + DAY)


def test_history_and_rows_agree(booking: Booking) -> None:
    assert history(booking) == ["CREATED"]
    assert [len(rows) for rows in every_row().values()] == [1, 1, 1, 0, 0, 1]


@pytest.mark.parametrize("far", [timedelta(days=1), timedelta(days=365 * 2000)])
def test_a_time_that_is_far_away_is_a_time(book: Book, far: timedelta) -> None:
    assert book(start_at=START + far).pk


@pytest.mark.parametrize("attribute", ["service", "provider"])
def test_an_object_that_was_deleted_is_refused(
    book: Book, request: pytest.FixtureRequest, attribute: str
) -> None:
    gone = request.getfixturevalue(attribute)
    gone.delete()

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(**{attribute: gone})

    assert refused.value.code == "unsaved"


def test_a_provider_that_was_deleted_elsewhere_is_missing(book: Book, provider: Any) -> None:
    type(provider).objects.all().delete()

    with nothing_written(), pytest.raises(MissingReference) as refused:
        book()

    assert refused.value.messages == ["The provider does not exist. Choose another."]
