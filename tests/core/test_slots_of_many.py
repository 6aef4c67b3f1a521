"""What a slot engine answers about bookings that are made or moved together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from bookings import slots
from bookings.exceptions import BookingBusy, BookingError, NotAllowed
from bookings.models import Booking
from tests.core.moments import NOW, at

Use = Callable[[Any], None]


@pytest.fixture
def drafts(service: Any, provider: Any) -> list[Booking]:
    """An hour from eleven, and one from nine."""
    return [
        Booking(service=service, provider=provider, start_at=at(hour), end_at=at(hour + 1))
        for hour in (11, 9)
    ]


def about_many(answer: Callable[[], Any]) -> Any:
    def engine(
        service: Any, provider: Any, start_dt: Any, end_dt: Any, starts: tuple[datetime, ...]
    ) -> Any:
        return answer()

    return engine


def about_one(answer: Callable[[], Any]) -> Any:
    return lambda service, provider, start_dt, end_dt: answer()


def raising(error: BookingError) -> Callable[[], Any]:
    def answer() -> Any:
        raise error

    return answer


def validate(drafts: list[Booking]) -> list[BookingError | None]:
    return slots.validate_starts(drafts, now_dt=NOW, override_policy=True)


both_kinds = pytest.mark.parametrize("kind", [about_many, about_one])


@both_kinds
def test_each_booking_has_its_own_answer(use: Use, drafts: list[Booking], kind: Any) -> None:
    use(kind(lambda: [at(9)]))
    refused, accepted = validate(drafts)
    assert (refused.code if refused else None, accepted) == ("slot_unavailable", None)


@both_kinds
def test_an_error_of_the_engine_refuses_every_booking(
    use: Use, drafts: list[Booking], kind: Any
) -> None:
    error = NotAllowed("No hours.")
    use(kind(raising(error)))
    assert validate(drafts) == [error, error]


@both_kinds
def test_a_busy_engine_refuses_nothing(use: Use, drafts: list[Booking], kind: Any) -> None:
    use(kind(raising(BookingBusy("Again."))))
    with pytest.raises(BookingBusy):
        validate(drafts)
