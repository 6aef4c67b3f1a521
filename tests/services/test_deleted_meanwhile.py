"""Another connection deletes something between the rules and the lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections

from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import BookingError, MissingReference
from bookings.services import cancel_booking, reschedule_booking
from tests.services.clock import DAY, NOW, START
from tests.services.conftest import Book, Make
from tests.services.storage import nothing_written, stored

pytestmark = pytest.mark.django_db(transaction=True)

Elsewhere = Callable[[Callable[[], Any]], Any]


@pytest.fixture(autouse=True)
def _database(transactional_db: None) -> None:
    """What is deleted elsewhere has to be committed here first."""


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """Run something in a thread, which has a connection of its own."""

    def run(do: Callable[[], Any]) -> Any:
        def closing() -> Any:
            try:
                return do()
            finally:
                own = connection.connection
                connections.close_all()
                if connection.vendor == "sqlite":
                    # Django leaves a database in memory open, which Python 3.13 warns of.
                    own.close()

        return pool.submit(closing).result(timeout=30)

    with ThreadPoolExecutor(1) as pool:
        yield run


@pytest.fixture
def before_the_lock(monkeypatch: pytest.MonkeyPatch, elsewhere: Elsewhere) -> Any:
    """Do something elsewhere when all questions have been asked and no lock is held yet."""

    def arrange(do: Callable[[], Any]) -> None:
        monkeypatch.setattr(
            DefaultBookingAdapter, "check_bookable", lambda *args, **kwargs: elsewhere(do)
        )

    return arrange


def delete(row: Any) -> Callable[[], Any]:
    return lambda: type(row)._base_manager.filter(pk=row.pk).delete()


@pytest.mark.parametrize("name", ["service", "provider", "user", "addon"])
def test_a_booking_of_what_is_gone_is_refused(
    book: Book,
    request: pytest.FixtureRequest,
    make_addon: Make,
    before_the_lock: Any,
    name: str,
) -> None:
    values = {}
    if name == "addon":
        doomed = make_addon()
        values["addon_ids"] = [doomed.pk]
    else:
        doomed = request.getfixturevalue(name)
        if name == "user":
            values["client_user"] = doomed
    before_the_lock(delete(doomed))

    with nothing_written(), pytest.raises(MissingReference) as refused:
        book(**values)

    assert refused.value.code == "missing_reference"


def test_a_provider_with_a_calendar_may_be_gone_too(
    book: Book, provider: Any, before_the_lock: Any
) -> None:
    cancel_booking(book(), now_dt=NOW).delete()

    def delete_provider() -> None:
        type(provider)._base_manager.get(pk=provider.pk).delete()

    before_the_lock(delete_provider)

    with pytest.raises(MissingReference):
        book()


def test_a_booking_cannot_be_moved_to_a_provider_that_is_gone(
    book: Book, other_provider: Any, before_the_lock: Any
) -> None:
    booking = book()
    before_the_lock(delete(other_provider))

    with nothing_written(), pytest.raises(MissingReference):
        reschedule_booking(booking, new_start_at=START, new_provider=other_provider, now_dt=NOW)


def test_a_booking_that_is_gone_cannot_be_moved(book: Book, before_the_lock: Any) -> None:
    booking = book()
    before_the_lock(lambda: stored(booking).delete())

    with pytest.raises(MissingReference):
        reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)


def test_a_booking_by_somebody_who_is_gone_is_refused(
    book: Book, staff: Any, elsewhere: Elsewhere
) -> None:
    booking = book()
    elsewhere(delete(staff))

    with nothing_written(), pytest.raises(BookingError):
        cancel_booking(booking, actor=staff, now_dt=NOW)
