"""One write, one transaction: repeated where that helps, given up where it does not."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models.signals import post_save

from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import (
    BookingBusy,
    BookingConflict,
    CapacityExceeded,
    InvalidBooking,
    MissingReference,
)
from bookings.ledger import claims, entries, locks, transactions
from bookings.ledger.transactions import (
    ATTEMPTS,
    MAX_PAUSE_SECONDS,
    RETRY_SECONDS,
    RetryTransaction,
    atomic_with_retry,
)
from bookings.models import Booking, BookingEvent, BusyInterval, Calendar
from tests.core.conftest import Book, Take
from tests.core.moments import at


class Write:
    """Stores a row, and then fails as often as it is told to."""

    def __init__(self, calendar: Calendar, error: Exception, failures: int) -> None:
        self.calendar, self.error, self.failures = calendar, error, failures
        self.tries = 0

    def __call__(self) -> str:
        self.tries += 1
        BusyInterval.objects.create(calendar=self.calendar, starts=self.tries, ends=self.tries + 1)
        if self.tries <= self.failures:
            raise self.error
        return "done"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, on a clock that only they move."""
    slept: list[float] = []
    clock = SimpleNamespace(sleep=slept.append, monotonic=lambda: sum(slept))
    monkeypatch.setattr(transactions, "time", clock)
    return slept


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "RETRY_SECONDS", 0.0)


def deadlock() -> OperationalError:
    """As MySQL's driver and Django report one."""
    return OperationalError(1213, "Deadlock found when trying to get lock")


FAILURES: dict[str, Callable[[], Exception]] = {"busy": deadlock, "try again": RetryTransaction}
failing = pytest.mark.parametrize("error", FAILURES.values(), ids=FAILURES)
alone = pytest.mark.django_db(transaction=True)


def stored() -> list[int]:
    return list(BusyInterval.objects.values_list("starts", flat=True))


@alone
@failing
@pytest.mark.parametrize("failures", [0, 1, ATTEMPTS - 1])
def test_a_write_is_repeated_from_a_clean_slate(
    calendar: Calendar, pauses: list[float], error: Any, failures: int
) -> None:
    write = Write(calendar, error(), failures)
    assert atomic_with_retry(write, using="default") == "done"
    assert write.tries == failures + 1
    assert stored() == [failures + 1]


@alone
@failing
def test_a_write_that_keeps_failing_is_given_up(
    calendar: Calendar, pauses: list[float], impatient: None, error: Any
) -> None:
    write = Write(calendar, error(), ATTEMPTS)
    with pytest.raises(BookingBusy, match="Run the transaction again"):
        atomic_with_retry(write, using="default")
    assert write.tries == ATTEMPTS
    assert stored() == []


@alone
def test_pauses_are_short_and_grow(
    calendar: Calendar, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions.random, "uniform", lambda shortest, longest: longest)
    atomic_with_retry(Write(calendar, deadlock(), ATTEMPTS), using="default")
    assert len(pauses) == ATTEMPTS
    assert pauses == sorted(pauses)
    assert pauses[0] == 0.01
    assert pauses[-1] == MAX_PAUSE_SECONDS


@alone
@failing
def test_any_number_of_others_may_come_first_before_a_write_succeeds(
    calendar: Calendar, pauses: list[float], error: Any
) -> None:
    write = Write(calendar, error(), 5 * ATTEMPTS)
    assert atomic_with_retry(write, using="default") == "done"


@alone
def test_a_value_that_is_still_taken_is_not_waited_for(
    calendar: Calendar, pauses: list[float]
) -> None:
    write = Write(calendar, RetryTransaction("bookings_booking_reference_key"), 5 * ATTEMPTS)
    with pytest.raises(InvalidBooking, match="belongs to another booking"):
        atomic_with_retry(write, using="default")
    assert write.tries == ATTEMPTS


def traceback_of(error: BaseException) -> str:
    """The traceback that a reader sees."""
    return "".join(traceback.format_exception(error))


@alone
def test_a_refusal_is_shown_without_the_database_s_own_error(
    calendar: Calendar, take: Take
) -> None:
    take(100, 200)
    claim = claims.Claim(starts=150, ends=250)
    with pytest.raises(BookingConflict) as refused:
        atomic_with_retry(lambda: entries.add(calendar.pk, claim, using="default"), using="default")
    assert traceback_of(refused.value).startswith("Traceback (most recent call last):")
    assert "IntegrityError" not in traceback_of(refused.value)
    assert traceback_of(refused.value).count("Traceback") == 1


@alone
def test_a_value_that_is_taken_is_refused_without_the_attempts(
    calendar: Calendar, pauses: list[float]
) -> None:
    write = Write(calendar, RetryTransaction("bookings_booking_reference_key"), ATTEMPTS)
    with pytest.raises(InvalidBooking) as refused:
        atomic_with_retry(write, using="default")
    assert traceback_of(refused.value).count("Traceback") == 1


@alone
def test_what_the_database_says_about_a_lock_is_shown(
    calendar: Calendar, pauses: list[float], impatient: None
) -> None:
    with pytest.raises(BookingBusy) as refused:
        atomic_with_retry(Write(calendar, deadlock(), ATTEMPTS), using="default")
    assert "Deadlock found" in traceback_of(refused.value)


@alone
def test_inside_a_transaction_what_is_not_settled_soon_is_the_caller_s_to_try_again(
    calendar: Calendar, pauses: list[float]
) -> None:
    write = Write(calendar, RetryTransaction(), 5 * ATTEMPTS)
    with transaction.atomic(), pytest.raises(BookingBusy):
        atomic_with_retry(write, using="default")
    assert write.tries == ATTEMPTS


@alone
def test_a_database_that_stays_busy_for_longer_than_one_has_patience_is_given_up(
    calendar: Calendar, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions.random, "uniform", lambda shortest, longest: longest)
    with pytest.raises(BookingBusy):
        atomic_with_retry(Write(calendar, deadlock(), 1000), using="default")
    assert RETRY_SECONDS <= sum(pauses) <= RETRY_SECONDS + MAX_PAUSE_SECONDS


@alone
def test_what_a_second_try_settles_is_tried_at_once(
    calendar: Calendar, pauses: list[float]
) -> None:
    atomic_with_retry(Write(calendar, RetryTransaction(), 3), using="default")
    assert pauses == []


@alone
def test_inside_a_transaction_a_busy_database_is_the_caller_s_to_try_again(
    calendar: Calendar, pauses: list[float]
) -> None:
    write = Write(calendar, deadlock(), 1)
    with transaction.atomic():
        with pytest.raises(BookingBusy):
            atomic_with_retry(write, using="default")
        BusyInterval.objects.create(calendar=calendar, starts=500, ends=600)
    assert (write.tries, pauses) == (1, [])
    assert stored() == [500]


@alone
def test_inside_a_transaction_what_a_second_try_settles_is_settled(calendar: Calendar) -> None:
    write = Write(calendar, RetryTransaction(), 2)
    with transaction.atomic():
        assert atomic_with_retry(write, using="default") == "done"
    assert stored() == [3]


@alone
@pytest.mark.parametrize(
    "error", [InvalidBooking("No."), BookingConflict("No."), RuntimeError("No.")], ids=repr
)
def test_any_other_error_is_raised_at_once_and_nothing_is_stored(
    calendar: Calendar, error: Exception
) -> None:
    write = Write(calendar, error, 1)
    with pytest.raises(type(error)) as caught:
        atomic_with_retry(write, using="default")
    assert caught.value is error
    assert (write.tries, stored()) == (1, [])


@alone
def test_an_integrity_error_that_is_not_ours_is_raised_as_it_is(django_user_model: Any) -> None:
    def write() -> None:
        for _ in range(2):
            django_user_model.objects.create(username="joan")

    with pytest.raises(IntegrityError):
        atomic_with_retry(write, using="default")
    assert not django_user_model.objects.exists()


@alone
def test_time_that_is_taken_is_a_conflict(calendar: Calendar, take: Take) -> None:
    take(100, 200)
    claim = claims.Claim(starts=150, ends=250)
    with pytest.raises(BookingConflict, match="Booking conflicts with an existing booking"):
        atomic_with_retry(lambda: entries.add(calendar.pk, claim, using="default"), using="default")
    assert stored() == [100]


@alone
def test_seats_that_are_not_there_are_a_matter_of_capacity(calendar: Calendar, take: Take) -> None:
    interval = take(100, 200, capacity=2)

    def write() -> None:
        BusyInterval.objects.filter(pk=interval.pk).update(seats_taken=3)

    with pytest.raises(CapacityExceeded, match="Not enough seats") as caught:
        atomic_with_retry(write, using="default")
    assert caught.value.remaining == 0


@alone
def test_what_was_deleted_meanwhile_is_missing(db: None) -> None:
    def write() -> None:
        BookingEvent(booking_id=10**6, event_type="NOTE_ADDED").save()

    with pytest.raises(MissingReference, match="has been deleted meanwhile"):
        atomic_with_retry(write, using="default")


class Repeating(DefaultBookingAdapter):
    """Makes the same reference until it has been asked often enough."""

    references: list[str] = []

    def generate_reference(self, booking: Booking, now_dt: Any) -> str:
        return self.references.pop(0)


@pytest.mark.django_db
def test_a_reference_that_is_taken_is_made_again(book: Book, settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.Repeating"
    Repeating.references = ["FIRST", "FIRST", "FIRST", "SECOND"]
    assert [book(at(10)).reference, book(at(12)).reference] == ["FIRST", "SECOND"]
    assert Booking.objects.count() == BusyInterval.objects.count() == 2


@pytest.mark.django_db
def test_a_reference_that_is_always_taken_is_given_up(book: Book, settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.Repeating"
    # The first booking of a provider may ask twice, for want of a calendar.
    Repeating.references = ["FIRST"] * (2 + ATTEMPTS)
    book(at(10))
    with pytest.raises(InvalidBooking, match="belongs to another booking"):
        book(at(12))
    assert Booking.objects.count() == BusyInterval.objects.count() == 1


@alone
@pytest.mark.skipif(
    connection.vendor == "sqlite",
    reason="SQLite in memory has one connection, so nobody else can hold the lock.",
)
def test_a_lock_that_is_waited_for_too_long_makes_the_database_busy(
    provider: Any, calendar: Calendar, pauses: list[float]
) -> None:
    timeout = {
        "postgresql": "SET LOCAL lock_timeout = '50ms'",
        "mysql": "SET SESSION innodb_lock_wait_timeout = 1",
    }[connection.vendor]
    other = connection.copy()
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            cursor.execute("UPDATE bookings_calendar SET revision = revision + 1")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(timeout)
            with pytest.raises(BookingBusy):
                atomic_with_retry(
                    lambda: locks.lock_calendar(provider.pk, using="default"), using="default"
                )
            assert Calendar.objects.get().revision == 0
    finally:
        other.rollback()
        other.close()
        connection.close()
    assert atomic_with_retry(
        lambda: locks.lock_calendar(provider.pk, using="default"), using="default"
    )


def test_a_host_s_own_reference_is_not_ours(book: Book) -> None:
    """A receiver of the host's violates a constraint of its own: it runs once, and is heard."""
    calls: list[Any] = []

    def number_the_order(**kwargs: Any) -> None:
        calls.append(kwargs)
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO shop_order (reference) VALUES ('BK-1')")

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE shop_order (reference varchar(9), "
            "CONSTRAINT shop_order_reference UNIQUE (reference))"
        )
        cursor.execute("INSERT INTO shop_order (reference) VALUES ('BK-1')")
    post_save.connect(number_the_order, sender=Booking)
    try:
        with pytest.raises(IntegrityError, match=r"(?i)reference"):
            book(at(10))
    finally:
        post_save.disconnect(number_the_order, sender=Booking)
    assert len(calls) == 1
