"""A session is published at every start of a rule; the clients who have a seat come along."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import book_seat, cancel_session, update_session
from bookings.contrib.series.exceptions import SeriesConflict
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.services import (
    SeriesResult,
    book_session_series,
    cancel_series,
    create_series,
    create_session_series,
    reschedule_series,
    update_series,
)
from bookings.exceptions import (
    BookingConflict,
    BookingError,
    CapacityExceeded,
    IdempotencyKeyReused,
    InvalidBooking,
    InvalidTransition,
    TenantMismatch,
)
from bookings.models import Booking, BusyInterval
from bookings.services import cancel_booking, create_booking
from bookings.testing import assert_bookings_are_sound

pytestmark = pytest.mark.django_db

NOW: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIRST: Final = datetime(2026, 3, 17, 9, 0)  # noqa: DTZ001 - what the clocks show
TUESDAYS: Final = (
    datetime(2026, 3, 17, 8, 0, tzinfo=UTC),
    datetime(2026, 3, 24, 8, 0, tzinfo=UTC),
    datetime(2026, 3, 31, 7, 0, tzinfo=UTC),
)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def repeat(service: Any, provider: Any) -> Callable[..., SeriesResult]:
    def create(**values: Any) -> SeriesResult:
        given = {
            "rrule": "FREQ=WEEKLY;COUNT=3",
            "timezone": "Europe/Berlin",
            "start_at": FIRST,
            "service": service,
            "provider": provider,
            "now_dt": NOW,
        }
        return create_session_series(**(given | values))

    return create


def sessions() -> list[Session]:
    return list(Session.objects.order_by("pk"))


def starts() -> list[datetime]:
    return [session.start_at for session in sessions()]


def occurrence(number: int) -> Occurrence:
    return Occurrence.objects.order_by("session_key")[number]


def test_every_start_is_published(repeat: Any, user: Any) -> None:
    result = repeat(
        capacity=5,
        title="Yoga",
        price_amount=Decimal(12),
        duration_minutes=90,
        created_by=user,
    )
    assert starts() == list(TUESDAYS)
    assert result.sessions == list(Session.objects.all())
    assert (result.bookings, result.skipped) == ([], ())
    assert {(s.capacity, s.title, s.price_amount) for s in result.sessions} == {(5, "Yoga", 12)}
    assert {s.end_at - s.start_at for s in result.sessions} == {1.5 * HOUR}
    rows = result.series.occurrences.values_list("original_start_at", "session_key", "booking")
    assert list(rows) == [(s.start_at, s.pk, None) for s in result.sessions]
    assert_bookings_are_sound()


def test_it_lasts_as_long_as_its_service(repeat: Any, make_service: Any) -> None:
    [session] = repeat(
        rrule="FREQ=DAILY;COUNT=1", service=make_service(name="Short", duration_minutes=25)
    ).sessions
    assert session.end_at - session.start_at == timedelta(minutes=25)


def test_all_or_nothing_or_with_what_is_free(
    repeat: Any, service: Any, provider: Any, settings: Any
) -> None:
    # It would offer nothing at all.
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.offer_nothing"
    create_booking(
        service=service,
        provider=provider,
        start_at=TUESDAYS[1],
        client_name="Joan",
        now_dt=NOW,
        skip_slot_validation=True,
    )
    with pytest.raises(SeriesConflict) as refused:
        repeat(alternatives=1)
    [skipped] = refused.value.skipped
    assert (skipped.start_at, type(skipped.error)) == (TUESDAYS[1], BookingConflict)
    assert skipped.alternatives == (TUESDAYS[1] + HOUR,)
    assert not Session.objects.exists()
    result = repeat(on_conflict="skip")
    assert starts() == [TUESDAYS[0], TUESDAYS[2]]
    assert result.series.exdates == [TUESDAYS[1].isoformat()]
    assert_bookings_are_sound()


def offer_nothing(**question: Any) -> list[datetime]:
    return []


def test_one_key_makes_one_series(repeat: Any) -> None:
    made = repeat(idempotency_key="term")
    again = repeat(idempotency_key="term")
    assert (again.series, again.sessions) == (made.series, made.sessions)
    assert Session.objects.count() == 3
    with pytest.raises(IdempotencyKeyReused):
        repeat(idempotency_key="term", start_at=FIRST + HOUR)


def test_this_and_the_following_move_with_who_sits_in_them(repeat: Any) -> None:
    made = repeat()
    seat = book_seat(made.sessions[2], client_name="Mary", now_dt=NOW)
    at = occurrence(1)
    result = reschedule_series(
        at, new_start_at=FIRST + 8 * DAY + HOUR, scope="following", now_dt=NOW
    )
    moved = [start + DAY + HOUR for start in TUESDAYS[1:]]
    assert starts() == [TUESDAYS[0], *moved]
    assert [session.start_at for session in result.sessions] == moved
    assert result.series.continues == made.series
    seat.refresh_from_db()
    assert seat.start_at == moved[1]
    assert_bookings_are_sound()


def test_each_takes_the_place_of_the_next(repeat: Any) -> None:
    repeat()
    reschedule_series(occurrence(0), new_start_at=FIRST + 7 * DAY, scope="all", now_dt=NOW)
    assert starts()[:2] == list(TUESDAYS[1:])
    assert_bookings_are_sound()


def test_one_moves_alone(repeat: Any, make_provider: Any) -> None:
    made = repeat()
    update_session(made.sessions[1], provider=make_provider(name="Grace"), now_dt=NOW)
    result = reschedule_series(
        occurrence(1), new_start_at=TUESDAYS[1] + HOUR, scope="one", now_dt=NOW
    )
    assert starts() == [TUESDAYS[0], TUESDAYS[1] + HOUR, TUESDAYS[2]]
    assert result.sessions == [made.sessions[1]]
    assert Series.objects.count() == 1


def test_another_teacher_takes_over_with_who_sits_there(repeat: Any, make_provider: Any) -> None:
    made = repeat()
    booking = book_seat(made.sessions[2], client_name="Mary", now_dt=NOW)
    grace = make_provider(name="Grace")

    result = reschedule_series(
        occurrence(1), new_start_at=TUESDAYS[1], new_provider=grace, scope="following", now_dt=NOW
    )

    assert [session.provider == grace for session in sessions()] == [False, True, True]
    assert result.series.provider == grace
    booking.refresh_from_db()
    assert booking.provider == grace
    assert_bookings_are_sound()


@pytest.mark.parametrize(
    ("scope", "changed"), [("one", [1]), ("following", [1, 2]), ("all", [0, 1, 2])]
)
def test_as_many_are_changed_as_are_meant(repeat: Any, scope: str, changed: list[int]) -> None:
    repeat()
    result = update_series(occurrence(1), scope=scope, title="With mats", capacity=4, now_dt=NOW)
    assert [n for n, session in enumerate(sessions()) if session.title == "With mats"] == changed
    assert [session.capacity for session in result.sessions] == [4] * len(changed)


def test_capacity_cannot_go_below_the_seats_of_any(repeat: Any) -> None:
    made = repeat()
    book_seat(made.sessions[2], client_name="Mary", seats=3, now_dt=NOW)
    with pytest.raises(SeriesConflict) as refused:
        update_series(occurrence(0), scope="all", capacity=2, now_dt=NOW)
    assert [item.start_at for item in refused.value.skipped] == [TUESDAYS[2]]
    assert {session.capacity for session in sessions()} == {10}


@pytest.mark.parametrize("name", ["start_at", "end_at", "provider"])
def test_times_are_not_set_but_moved(repeat: Any, name: str) -> None:
    repeat()
    with pytest.raises(TypeError, match=f"cannot set {name}; reschedule_series"):
        update_series(occurrence(0), scope="all", now_dt=NOW, **{name: None})


def test_staff_may_move_it_into_the_past(repeat: Any) -> None:
    repeat()
    asked: Any = {"new_start_at": FIRST - 30 * DAY, "scope": "one", "now_dt": NOW}
    with pytest.raises(BookingError):
        reschedule_series(occurrence(0), **asked)
    reschedule_series(occurrence(0), **asked, override_policy=True)
    assert starts()[0] == TUESDAYS[0] - 30 * DAY


@pytest.mark.parametrize(("scope", "left"), [("one", 2), ("following", 1), ("all", 0)])
def test_as_many_are_cancelled_as_are_meant(repeat: Any, scope: str, left: int) -> None:
    made = repeat()
    book_seat(made.sessions[1], client_name="Mary", now_dt=NOW)
    for _ in range(2):
        cancel_series(occurrence(1), scope=scope, reason="Ill", now_dt=NOW)
    assert Session.objects.upcoming(NOW).count() == left
    assert BusyInterval.objects.count() == left
    assert Booking.objects.get().status == Booking.Status.CANCELLED
    assert_bookings_are_sound()


def test_what_was_cancelled_stays_so(repeat: Any) -> None:
    made = repeat()
    cancel_session(made.sessions[0], now_dt=NOW)
    result = reschedule_series(
        occurrence(2), new_start_at=TUESDAYS[2] + HOUR, scope="all", now_dt=NOW
    )
    assert starts() == [TUESDAYS[0], TUESDAYS[1] + HOUR, TUESDAYS[2] + HOUR]
    assert len(result.sessions) == 2


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"capacity": 0}, InvalidBooking),
        ({"duration_minutes": 0}, InvalidBooking),
        ({"duration_minutes": "60"}, InvalidBooking),
        ({"duration_minutes": 10**9}, InvalidBooking),
        ({"rrule": "FREQ=DAILY"}, InvalidBooking),
        ({"meeting_link": "nowhere"}, InvalidBooking),
        ({"service": None}, InvalidBooking),
        ({"tenant": 1}, TenantMismatch),
        ({"colour": "blue"}, TypeError),
    ],
)
def test_bad_input_publishes_nothing(repeat: Any, values: Any, error: Any) -> None:
    with pytest.raises(error) as refused:
        repeat(**values)
    assert not isinstance(refused.value, SeriesConflict)
    assert not Session.objects.exists()


def test_the_statements_grow_with_the_starts_and_no_faster(repeat: Any) -> None:
    counts = []
    for number in (1, 10, 60):
        with CaptureQueriesContext(connection) as queries:
            repeat(rrule=f"FREQ=DAILY;COUNT={number}", start_at=FIRST + timedelta(hours=number))
        counts.append(len(queries))
    each, left = divmod(counts[2] - counts[1], 50)
    assert left == 0
    assert each <= 6


# A course


def booked() -> list[tuple[int, str, int]]:
    """In which of the sessions, by their order, who has how many seats."""
    order = [session.start_at for session in sessions()]
    return [
        (order.index(booking.start_at), booking.client_name, booking.party_size)
        for booking in Booking.objects.order_by("start_at", "pk")
    ]


def test_a_client_signs_up_for_a_course(repeat: Any, user: Any) -> None:
    made = repeat()
    result = book_session_series(
        occurrence(1),
        client_name="Mary",
        client_email="mary@example.org",
        client_user=user,
        seats=2,
        now_dt=NOW,
    )
    assert booked() == [(0, "Mary", 2), (1, "Mary", 2), (2, "Mary", 2)]
    assert result == SeriesResult(made.series, list(Booking.objects.order_by("start_at")))
    assert {(booking.client_user, booking.client_email) for booking in result.bookings} == {
        (user, "mary@example.org")
    }
    assert_bookings_are_sound()


@pytest.mark.parametrize(("scope", "sat"), [("one", [1]), ("following", [1, 2]), ("all", [1, 2])])
def test_who_comes_later_joins_what_is_left(repeat: Any, scope: str, sat: list[int]) -> None:
    repeat()
    now = TUESDAYS[0] + HOUR
    book_session_series(occurrence(1), client_name="Mary", scope=scope, now_dt=now)
    assert [number for number, _name, _seats in booked()] == sat


def test_all_seats_or_none_or_those_that_there_are(repeat: Any) -> None:
    made = repeat(capacity=2)
    book_seat(made.sessions[1], client_name="Joan", seats=2, now_dt=NOW)
    asked: Any = {"client_name": "Mary", "now_dt": NOW}
    with pytest.raises(SeriesConflict) as refused:
        book_session_series(occurrence(0), **asked)
    [full] = refused.value.skipped
    assert (full.start_at, type(full.error)) == (TUESDAYS[1], CapacityExceeded)
    assert booked() == [(1, "Joan", 2)]

    result = book_session_series(occurrence(0), **asked, on_conflict="skip")
    assert booked() == [(0, "Mary", 1), (1, "Joan", 2), (2, "Mary", 1)]
    assert [item.start_at for item in result.skipped] == [TUESDAYS[1]]

    with pytest.raises(SeriesConflict) as refused:
        book_session_series(occurrence(0), **asked, on_conflict="skip")
    assert len(refused.value.skipped) == 3


def test_one_key_signs_up_once(repeat: Any) -> None:
    made = repeat(capacity=2)
    joan = book_seat(made.sessions[1], client_name="Joan", seats=2, now_dt=NOW)
    asked: Any = {"client_name": "Mary", "idempotency_key": "form 7", "on_conflict": "skip"}
    first = book_session_series(occurrence(0), **asked, now_dt=NOW)
    cancel_booking(joan, now_dt=NOW)
    again = book_session_series(occurrence(0), **asked, now_dt=NOW)
    assert [booking.start_at for booking in first.bookings] == [TUESDAYS[0], TUESDAYS[2]]
    assert [booking.start_at for booking in again.bookings] == list(TUESDAYS)
    assert set(first.bookings) < set(again.bookings)
    assert Booking.objects.exclude(pk=joan.pk).count() == 3


def test_a_key_finds_what_it_has_made_wherever_that_is_by_now(repeat: Any) -> None:
    made = repeat()
    asked: Any = {"client_name": "Mary", "idempotency_key": "k" * 255}
    first = book_session_series(occurrence(0), **asked, now_dt=NOW)
    update_session(made.sessions[1], start_at=TUESDAYS[1] + HOUR, now_dt=NOW)
    for now in (NOW, TUESDAYS[0] + HOUR, TUESDAYS[2] + DAY):
        again = book_session_series(occurrence(0), **asked, now_dt=now)
        assert again.bookings == first.bookings
    assert Booking.objects.count() == 3


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"scope": "some"}, InvalidBooking),
        ({"on_conflict": "ignore"}, InvalidBooking),
        ({"client_name": ""}, InvalidBooking),
        ({"seats": 0}, InvalidBooking),
        ({"idempotency_key": None}, InvalidBooking),
        ({"now_dt": 5}, InvalidBooking),
        ({"now_dt": TUESDAYS[2] + DAY}, InvalidTransition),
        ({"client_user": "Ada"}, InvalidBooking),
        ({"colour": "blue"}, TypeError),
    ],
)
def test_bad_input_books_nothing(repeat: Any, values: Any, error: Any) -> None:
    repeat()
    with pytest.raises(error) as refused:
        book_session_series(occurrence(0), **({"client_name": "Mary", "now_dt": NOW} | values))
    assert not isinstance(refused.value, SeriesConflict)
    assert not Booking.objects.exists()


def test_a_series_of_bookings_has_no_seats(service: Any, provider: Any) -> None:
    create_series(
        rrule="FREQ=WEEKLY;COUNT=3",
        timezone="Europe/Berlin",
        start_at=FIRST,
        service=service,
        provider=provider,
        client_name="Joan",
        now_dt=NOW,
    )
    at = Occurrence.objects.order_by("pk")[0]
    with pytest.raises(InvalidBooking) as refused:
        book_session_series(at, client_name="Mary", now_dt=NOW)
    assert refused.value.code == "no_sessions"
    assert set(Booking.objects.values_list("client_name", flat=True)) == {"Joan"}
