"""Answers of seats, of those who wait, and of series."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bookings import questions
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import book_seat, create_session, join_waitlist
from bookings.contrib.series.services import (
    add_occurrence,
    book_session_series,
    create_series,
    create_session_series,
    update_series,
)
from bookings.exceptions import IdempotencyKeyReused, InvalidBooking
from bookings.models import Booking
from bookings.services import cancel_booking, confirm_booking
from tests.questions.conftest import ANSWERS, REQUIRED
from tests.services.clock import NOW, START

pytestmark = pytest.mark.django_db

WEEKLY = {"rrule": "FREQ=WEEKLY;COUNT=3", "timezone": "UTC", "start_at": START, "now_dt": NOW}


@pytest.fixture
def session(curious: Any, provider: Any) -> Session:
    return create_session(
        service=curious,
        provider=provider,
        start_at=START,
        capacity=1,
        enable_waitlist=True,
        now_dt=NOW,
    )


def stored() -> list[dict[str, Any]]:
    return [questions.values_of(booking) for booking in Booking.objects.order_by("pk")]


class TestSeats:
    def test_a_seat_keeps_its_answers(self, session: Session) -> None:
        with pytest.raises(InvalidBooking) as refused:
            book_seat(session, client_name="Ann", now_dt=NOW)
        assert refused.value.message_dict.keys() == {"answers.size", "answers.terms"}

        for answers in (["size"], "size"):
            with pytest.raises(InvalidBooking):
                book_seat(session, client_name="Ann", answers=answers, now_dt=NOW)  # type: ignore[arg-type]
        book_seat(session, client_name="Ann", answers=ANSWERS, now_dt=NOW)

        assert stored() == [ANSWERS]

    def test_its_key_belongs_to_its_answers(self, session: Session) -> None:
        first, again = (
            book_seat(session, client_name="Ann", answers=REQUIRED, idempotency_key="k", now_dt=NOW)
            for _ in range(2)
        )
        assert first == again
        with pytest.raises(IdempotencyKeyReused):
            book_seat(
                session,
                client_name="Ann",
                answers=REQUIRED | {"size": "s"},
                idempotency_key="k",
                now_dt=NOW,
            )

    def test_who_waits_was_not_asked_and_is_booked(self, session: Session) -> None:
        booking = book_seat(session, client_name="Ann", answers=REQUIRED, now_dt=NOW)
        entry = join_waitlist(session, client_name="Ben", now_dt=NOW)

        cancel_booking(booking, now_dt=NOW)

        entry.refresh_from_db()
        assert entry.status == "ACCEPTED"
        assert stored() == [REQUIRED, {}]

    def test_who_is_offered_a_seat_answers_when_it_is_confirmed(
        self, curious: Any, provider: Any
    ) -> None:
        session = create_session(
            service=curious,
            provider=provider,
            start_at=START,
            capacity=1,
            enable_waitlist=True,
            waitlist_offer_minutes=30,
            now_dt=NOW,
        )
        booking = book_seat(session, client_name="Ann", answers=REQUIRED, now_dt=NOW)
        entry = join_waitlist(session, client_name="Ben", now_dt=NOW)
        cancel_booking(booking, now_dt=NOW)
        entry.refresh_from_db()
        assert entry.booking is not None

        with pytest.raises(InvalidBooking):
            confirm_booking(entry.booking, now_dt=NOW)
        assert confirm_booking(entry.booking, answers=REQUIRED, now_dt=NOW).status == "CONFIRMED"

    def test_a_course_is_booked_with_answers(self, curious: Any, provider: Any) -> None:
        made = create_session_series(service=curious, provider=provider, capacity=3, **WEEKLY)
        first = made.series.occurrences.first()
        assert first is not None
        with pytest.raises(InvalidBooking) as refused:
            book_session_series(first, client_name="Ann", now_dt=NOW)
        assert refused.value.code == "invalid_answers"

        book_session_series(first, client_name="Ann", answers=ANSWERS, now_dt=NOW)

        assert stored() == [ANSWERS] * 3


class TestSeries:
    def test_every_booking_keeps_the_answers(self, curious: Any, provider: Any) -> None:
        given = {"service": curious, "provider": provider, "client_name": "Ann", **WEEKLY}
        with pytest.raises(InvalidBooking):
            create_series(**given, answers={"size": "s"})
        made = create_series(**given, answers=ANSWERS, idempotency_key="k")

        assert stored() == [ANSWERS] * 3
        assert create_series(**given, answers=ANSWERS, idempotency_key="k").series == made.series
        with pytest.raises(IdempotencyKeyReused):
            create_series(**given, answers=REQUIRED, idempotency_key="k")

    def test_a_start_that_is_added_has_those_of_the_others(
        self, curious: Any, provider: Any
    ) -> None:
        made = create_series(
            service=curious, provider=provider, client_name="Ann", answers=ANSWERS, **WEEKLY
        )
        first = made.series.occurrences.first()
        assert first is not None

        add_occurrence(first, start_at=START + timedelta(days=2), now_dt=NOW)

        assert stored() == [ANSWERS] * 4

    def test_all_of_them_are_corrected(self, curious: Any, provider: Any) -> None:
        made = create_series(
            service=curious, provider=provider, client_name="Ann", answers=ANSWERS, **WEEKLY
        )
        first = made.series.occurrences.first()
        assert first is not None
        with pytest.raises(InvalidBooking):
            update_series(first, scope="all", answers={"size": "xl"}, now_dt=NOW)

        update_series(first, scope="all", answers={"size": "s", "nickname": ""}, now_dt=NOW)

        assert (
            stored() == [{**{k: v for k, v in ANSWERS.items() if k != "nickname"}, "size": "s"}] * 3
        )
