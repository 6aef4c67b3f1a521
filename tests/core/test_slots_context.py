"""What a slot engine is told besides the time, if it asks for it, and its own words of refusal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from bookings import slots
from bookings.exceptions import BookingError, NotAllowed, SlotUnavailable
from bookings.models import Booking
from bookings.services import reschedule_booking
from tests.core.conftest import Book
from tests.core.moments import NOW, at

Arguments = dict[str, Any]


@pytest.fixture
def arguments(use: Callable[[Any], None]) -> Arguments:
    """What an engine that names everything was told."""
    arguments: Arguments = {}

    def engine(
        service: Any,
        provider: Any,
        start_dt: datetime,
        end_dt: datetime,
        booking: Booking,
        now_dt: datetime,
        override_policy: bool,
    ) -> list[datetime]:
        arguments.update(booking=booking, now_dt=now_dt, override_policy=override_policy)
        arguments.update(start_at=booking.start_at, end_at=booking.end_at)
        return [start_dt]

    use(engine)
    return arguments


def test_an_engine_that_names_the_booking_is_given_the_one_about_to_be_made(
    arguments: Arguments, book: Book, make_service: Any, addon: Any
) -> None:
    service = make_service(buffer_before_minutes=10)
    made = book(at(10), service=service, addon_ids=[addon.pk])
    assert arguments["booking"] is made
    assert (arguments["start_at"], arguments["end_at"]) == (at(10), at(11, 15))
    assert arguments["booking"].buffer_before_minutes == 10


def test_an_engine_is_given_the_booking_as_it_would_be_moved(
    arguments: Arguments, book: Book
) -> None:
    booking = book(at(10), party_size=1)
    reschedule_booking(booking, new_start_at=at(12), now_dt=NOW)
    assert arguments["booking"].pk == booking.pk
    assert arguments["booking"].busy_interval_id == booking.busy_interval_id
    assert (arguments["start_at"], arguments["end_at"]) == (at(12), at(13))


def test_an_engine_is_told_the_instant_that_the_caller_counts_from(
    arguments: Arguments, book: Book
) -> None:
    booking = book(at(10), now_dt=NOW)
    assert arguments["now_dt"] == NOW
    reschedule_booking(booking, new_start_at=at(12), now_dt=NOW + timedelta(minutes=1))
    assert arguments["now_dt"] == NOW + timedelta(minutes=1)


def test_without_such_an_instant_it_is_told_the_clock_s(
    arguments: Arguments, draft: Booking
) -> None:
    before = datetime.now(UTC)
    slots.validate_start(draft)
    assert before <= arguments["now_dt"] <= datetime.now(UTC)


@pytest.mark.parametrize("override", [False, True])
def test_an_engine_is_told_whether_staff_lift_the_rules(
    arguments: Arguments, book: Book, override: bool
) -> None:
    booking = book(at(10), override_policy=override)
    assert arguments["override_policy"] is override
    reschedule_booking(booking, new_start_at=at(12), now_dt=NOW, override_policy=not override)
    assert arguments["override_policy"] is not override


def test_a_past_start_that_the_caller_allows_has_no_window_to_keep_to(
    arguments: Arguments, book: Book
) -> None:
    book(NOW - timedelta(hours=2), allow_past=True)
    assert arguments["override_policy"] is True


def test_an_engine_that_takes_any_argument_is_told_what_it_names(use: Any, draft: Booking) -> None:
    calls: list[dict[str, Any]] = []

    def engine(*, booking: Booking, **others: Any) -> list[datetime]:
        calls.append(others)
        return [booking.start_at]

    use(engine)
    slots.validate_start(draft)
    assert calls[0].keys() == {"service", "provider", "start_dt", "end_dt", "tenant"}


class Closed(list[datetime]):
    """An answer with nothing in it, and with words of its own."""

    def __init__(self, error: Any) -> None:
        super().__init__()
        self.error = error
        self.asked: list[datetime] = []

    def why_not(self, start_at: datetime) -> Any:
        self.asked.append(start_at)
        return self.error


@pytest.mark.parametrize(
    "error",
    [SlotUnavailable("Closed on Mondays.", "closed"), NotAllowed("On leave.")],
    ids=["of the slot", "of any kind"],
)
def test_the_answer_s_own_reason_is_raised(use: Any, draft: Booking, error: BookingError) -> None:
    answer = Closed(error)
    use(lambda service, provider, start_dt, end_dt: answer)
    with pytest.raises(type(error)) as caught:
        slots.validate_start(draft)
    assert caught.value is error
    assert answer.asked == [at(10)]


def test_an_answer_that_knows_no_reason_is_spoken_for(use: Any, draft: Booking) -> None:
    use(lambda service, provider, start_dt, end_dt: Closed(None))
    with pytest.raises(SlotUnavailable, match="not available for this service") as caught:
        slots.validate_start(draft)
    assert caught.value.code == "slot_unavailable"


def test_a_start_on_offer_is_not_asked_about(use: Any, draft: Booking) -> None:
    answer = Closed(SlotUnavailable("Closed."))
    answer.append(at(10))
    use(lambda service, provider, start_dt, end_dt: answer)
    slots.validate_start(draft)
    assert answer.asked == []


@pytest.mark.parametrize("reason", ["Closed.", ValueError("Closed."), True], ids=repr)
def test_a_reason_that_is_no_booking_error_is_the_host_s_mistake(
    use: Any, draft: Booking, reason: Any
) -> None:
    use(lambda service, provider, start_dt, end_dt: Closed(reason))
    with pytest.raises(ImproperlyConfigured, match="why_not"):
        slots.validate_start(draft)
