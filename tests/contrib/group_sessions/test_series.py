"""A session is published at every start of a rule; the clients who have a seat come along."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from unittest.mock import patch

import pytest
from django.db import connection
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.group_sessions.bulk_changes import BulkSessionChange
from bookings.contrib.group_sessions.exceptions import SessionNotOpen
from bookings.contrib.group_sessions.models import Seat, Session
from bookings.contrib.group_sessions.services import (
    book_seat,
    cancel_session,
    join_waitlist,
    update_session,
)
from bookings.contrib.group_sessions.session_seats import UNCHANGED_FIELDS
from bookings.contrib.series.exceptions import SeriesConflict
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.services import (
    SeriesResult,
    add_occurrence,
    book_seats,
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
    NotAllowed,
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
    assert {s.created_by for s in (result.series, *sessions())} == {user}
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
    for values in ({"capacity": 9}, {"title": "Yin"}, {"duration_minutes": 45}):
        with pytest.raises(IdempotencyKeyReused):
            repeat(idempotency_key="term", **values)


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


def test_another_teacher_s_buffers_apply(repeat: Any, make_provider: Any) -> None:
    made = repeat()
    booking = book_seat(made.sessions[2], client_name="Mary", now_dt=NOW)
    grace = make_provider(name="Grace", buffer_before_minutes=10, buffer_after_minutes=20)

    reschedule_series(
        occurrence(1), new_start_at=TUESDAYS[1], new_provider=grace, scope="following", now_dt=NOW
    )

    booking.refresh_from_db()
    assert [buffers_of(each) for each in (*sessions(), booking)] == [
        (0, 0),
        (10, 20),
        (10, 20),
        (10, 20),
    ]
    assert_bookings_are_sound()


def buffers_of(row: Any) -> tuple[int, int]:
    return row.buffer_before_minutes, row.buffer_after_minutes


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
def test_as_many_are_cancelled_as_are_meant(repeat: Any, user: Any, scope: str, left: int) -> None:
    made = repeat()
    seat = book_seat(made.sessions[1], client_name="Mary", now_dt=NOW)
    for _ in range(2):
        cancel_series(occurrence(1), scope=scope, reason="Ill", actor=user, now_dt=NOW)
    assert Session.objects.upcoming(NOW).count() == left
    assert BusyInterval.objects.count() == left
    seat.refresh_from_db()
    assert (seat.status, seat.cancelled_by) == (Booking.Status.CANCELLED, user)
    assert (seat.cancelled_at, seat.cancellation_reason) == (NOW, "Ill")
    assert_bookings_are_sound()


@pytest.mark.parametrize("after_start", [timedelta(0), timedelta(minutes=1), 7 * DAY])
def test_one_that_has_begun_is_for_staff_alone(repeat: Any, after_start: timedelta) -> None:
    made = repeat()
    seat = book_seat(made.sessions[0], client_name="Mary", now_dt=NOW)
    now = TUESDAYS[0] + after_start
    moved: Any = {"new_start_at": TUESDAYS[0] + 8 * DAY, "scope": "one", "now_dt": now}
    for change in (
        lambda: reschedule_series(occurrence(0), **moved),
        lambda: cancel_series(occurrence(0), scope="one", now_dt=now),
    ):
        with pytest.raises(SessionNotOpen) as refused:
            change()
        assert refused.value.code == "session_started"
    assert starts() == list(TUESDAYS)
    reschedule_series(occurrence(0), **moved, override_policy=True)
    assert starts()[0] == TUESDAYS[0] + 8 * DAY
    cancel_series(occurrence(0), scope="one", now_dt=TUESDAYS[0] + 9 * DAY, override_policy=True)
    seat.refresh_from_db()
    assert seat.status == "CANCELLED"
    # It is cancelled already.
    cancel_series(occurrence(0), scope="one", now_dt=TUESDAYS[0] + 9 * DAY)
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


def test_the_statements_do_not_grow_with_the_starts(repeat: Any) -> None:
    counts = []
    for number in (1, 10, 60):
        with CaptureQueriesContext(connection) as queries:
            repeat(rrule=f"FREQ=DAILY;COUNT={number}", start_at=FIRST + timedelta(hours=number))
        counts.append(len(queries))
    # SQLite takes 999 parameters a statement.
    assert counts[2] - counts[1] <= (2 if connection.vendor == "sqlite" else 0)


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


@pytest.mark.parametrize(("order", "waits"), [("strict", True), ("best_fit", False)])
def test_in_strict_order_who_waits_for_a_session_comes_first(
    repeat: Any, settings: Any, order: str, waits: bool
) -> None:
    settings.BOOKINGS_WAITLIST_ORDER = order
    made = repeat(capacity=2, enable_waitlist=True)
    book_seat(made.sessions[1], client_name="Joan", now_dt=NOW)
    join_waitlist(made.sessions[1], client_name="Ann", party_size=2, now_dt=NOW)
    result = book_session_series(occurrence(0), client_name="Mary", on_conflict="skip", now_dt=NOW)
    refused = [(TUESDAYS[1], "others_wait")] if waits else []
    assert [(item.start_at, item.error.code) for item in result.skipped] == refused
    assert [number for number, name, _seats in booked() if name == "Mary"] == (
        [0, 2] if waits else [0, 1, 2]
    )


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


@pytest.mark.parametrize(
    "values",
    [
        {"client_name": "Joan"},
        {"seats": 2},
        {"client_email": "m@example.com"},
        {"metadata": {"a": 1}},
    ],
)
def test_a_key_signs_up_one_client_in_one_way(repeat: Any, values: Any) -> None:
    repeat(capacity=5)
    asked: Any = {"client_name": "Mary", "idempotency_key": "form 7", "now_dt": NOW}
    book_session_series(occurrence(0), **asked)
    for on_conflict in ("refuse", "skip"):
        with pytest.raises(IdempotencyKeyReused):
            book_session_series(occurrence(0), **asked | values, on_conflict=on_conflict)
    assert Booking.objects.count() == 3


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


# A start that is added later


def test_a_session_is_added_like_another_one(repeat: Any, user: Any) -> None:
    made = repeat(title="Yoga", capacity=4, duration_minutes=90, price_amount=Decimal(20))
    extra = TUESDAYS[0] + DAY
    result = add_occurrence(
        made.series.occurrences.first(), start_at=extra, created_by=user, now_dt=NOW
    )
    [session] = result.sessions
    assert (session.start_at, session.end_at) == (extra, extra + 1.5 * HOUR)
    assert (session.title, session.capacity, session.price_amount) == ("Yoga", 4, Decimal(20))
    assert session.created_by == user
    made.series.refresh_from_db()
    assert made.series.rdates == [extra.isoformat()]
    assert made.series.recurrence().starts() == sorted(starts())
    with pytest.raises(BookingConflict):
        add_occurrence(made.series.occurrences.first(), start_at=extra + HOUR, now_dt=NOW)
    assert len(sessions()) == 4
    assert_bookings_are_sound()


def test_no_session_is_added_to_a_series_that_is_cancelled(repeat: Any) -> None:
    at = repeat().series.occurrences.first()
    cancel_series(at, scope="all", now_dt=NOW)
    with pytest.raises(InvalidTransition) as refused:
        add_occurrence(at, start_at=TUESDAYS[0] + DAY, now_dt=NOW)
    assert refused.value.code == "series_over"
    assert len(sessions()) == 3


# How the rows are written


def test_a_database_that_does_not_return_keys(repeat: Any) -> None:
    """MySQL."""
    with patch.object(type(connection.features), "can_return_rows_from_bulk_insert", False):
        made = repeat()
        result = book_session_series(occurrence(0), client_name="Mary", now_dt=NOW)
    assert made.sessions == sessions()
    rows = made.series.occurrences.values_list("original_start_at", "session_key")
    assert list(rows) == [(session.start_at, session.pk) for session in sessions()]
    for session in Session.objects.select_related("busy_interval"):
        assert session.busy_interval.start_at == session.start_at
    seats = Seat.objects.order_by("booking__start_at")
    assert [(seat.session, seat.booking) for seat in seats] == [
        *zip(sessions(), result.bookings, strict=True)
    ]
    # What is returned is saved.
    assert book_seat(made.sessions[0], client_name="Eve", now_dt=NOW).pk
    assert cancel_booking(result.bookings[0], now_dt=NOW).status == "CANCELLED"
    assert_bookings_are_sound()


def test_who_listens_to_the_signals_of_saving_hears_every_session_and_seat(repeat: Any) -> None:
    heard: list[tuple[type, bool]] = []

    def note(sender: Any, created: bool, **_kwargs: Any) -> None:
        heard.append((sender, created))

    for model in (Session, Seat):
        post_save.connect(note, sender=model)
    try:
        repeat()
        assert heard == [(Session, True)] * 3
        book_session_series(occurrence(0), client_name="Mary", now_dt=NOW)
        assert heard[3:] == [(Seat, True)] * 3
        update_series(occurrence(0), scope="all", now_dt=NOW, title="Yoga")
        assert heard[6:] == [(Session, False)] * 3
    finally:
        for model in (Session, Seat):
            post_save.disconnect(note, sender=model)
    assert booked() == [(number, "Mary", 1) for number in range(3)]
    assert [session.title for session in sessions()] == ["Yoga"] * 3
    assert_bookings_are_sound()


def test_one_session_that_cannot_move_keeps_them_all(
    repeat: Any, make_service: Any, provider: Any
) -> None:
    repeat()
    create_booking(
        service=make_service(name="Massage"),
        provider=provider,
        start_at=TUESDAYS[1] + 2 * HOUR,
        client_name="Joan",
        now_dt=NOW,
    )
    with pytest.raises(SeriesConflict) as refused:
        reschedule_series(occurrence(0), new_start_at=FIRST + 2 * HOUR, scope="all", now_dt=NOW)
    [skipped] = refused.value.skipped
    assert (skipped.start_at, type(skipped.error)) == (TUESDAYS[1], BookingConflict)
    assert starts() == list(TUESDAYS)


def test_a_start_that_has_passed_is_skipped(repeat: Any) -> None:
    result = repeat(on_conflict="skip", now_dt=TUESDAYS[0] + HOUR)
    assert [item.start_at for item in result.skipped] == [TUESDAYS[0]]
    assert starts() == list(TUESDAYS[1:])


def test_staff_may_publish_a_series_that_has_begun(repeat: Any) -> None:
    repeat(allow_past=True, now_dt=TUESDAYS[1])
    assert starts() == list(TUESDAYS)


class Guard(DefaultBookingAdapter):
    """Lets nobody cancel or move the bookings of Joan."""

    def check_permission(self, actor: Any, verb: str, booking: Any) -> None:
        if verb in {"cancel", "reschedule"} and booking.client_name == "Joan":
            raise NotAllowed("Not hers.")


def test_sessions_are_not_cancelled_past_who_may_not_be_cancelled(
    repeat: Any, settings: Any
) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.Guard"
    made = repeat()
    book_seat(made.sessions[1], client_name="Joan", now_dt=NOW)
    with pytest.raises(SeriesConflict) as refused:
        cancel_series(occurrence(0), scope="all", now_dt=NOW)
    [skipped] = refused.value.skipped
    assert (skipped.start_at, type(skipped.error)) == (TUESDAYS[1], NotAllowed)
    assert all(session.is_active for session in sessions())
    assert Booking.objects.get().status == Booking.Status.CONFIRMED


def test_a_detail_that_one_session_refuses_changes_none(repeat: Any) -> None:
    repeat(title="Yoga")
    with pytest.raises(BookingError):
        update_series(occurrence(0), scope="all", price_amount=Decimal(-1), now_dt=NOW)
    assert {session.price_amount for session in sessions()} == {None}


def test_a_detail_that_is_so_already_changes_nothing(repeat: Any) -> None:
    repeat(title="Yoga")
    before = list(Session.objects.order_by("pk").values())
    update_series(occurrence(0), scope="all", title="Yoga", now_dt=NOW)
    assert list(Session.objects.order_by("pk").values()) == before


def test_a_request_for_a_seat_expires_at_the_start_at_the_latest(repeat: Any, service: Any) -> None:
    made = repeat()
    booking = book_seat(made.sessions[0], client_name="Joan", now_dt=NOW)
    Booking._base_manager.filter(pk=booking.pk).update(
        status=Booking.Status.PENDING, expires_at=TUESDAYS[0], requested_at=NOW
    )
    reschedule_series(occurrence(0), new_start_at=FIRST - HOUR, scope="all", now_dt=NOW)
    booking.refresh_from_db()
    assert (booking.start_at, booking.expires_at) == (TUESDAYS[0] - HOUR,) * 2


def test_staff_do_not_wait_for_those_who_wait(repeat: Any, settings: Any) -> None:
    settings.BOOKINGS_WAITLIST_ORDER = "strict"
    made = repeat(capacity=2, enable_waitlist=True)
    book_seat(made.sessions[1], client_name="Joan", now_dt=NOW)
    join_waitlist(made.sessions[1], client_name="Ann", party_size=2, now_dt=NOW)
    book_session_series(occurrence(0), client_name="Mary", override_policy=True, now_dt=NOW)
    assert [number for number, name, _seats in booked() if name == "Mary"] == [0, 1, 2]


def test_who_has_booked_the_course_waits_for_none_of_its_sessions(
    repeat: Any, settings: Any
) -> None:
    settings.BOOKINGS_WAITLIST_ORDER = "best_fit"
    made = repeat(capacity=2, enable_waitlist=True)
    book_seat(made.sessions[1], client_name="Joan", now_dt=NOW)
    entry = join_waitlist(made.sessions[1], client_name="Mary", party_size=2, now_dt=NOW)
    result = book_session_series(occurrence(0), client_name="Mary", now_dt=NOW)
    entry.refresh_from_db()
    assert (entry.status, entry.booking) == (entry.Status.ACCEPTED, result.bookings[1])


def test_a_session_that_changes_before_the_lock_is_looked_at_again(repeat: Any) -> None:
    made = repeat(capacity=2)
    prepare, changes = book_seats._SeatBookings.prepare, iter([{"price_amount": Decimal(7)}])

    def prepare_and_be_overtaken(*args: Any, **kwargs: Any) -> Any:
        prepared = prepare(*args, **kwargs)
        for values in changes:
            update_session(made.sessions[2], **values, now_dt=NOW)
        return prepared

    assert "price_amount" in UNCHANGED_FIELDS
    with patch.object(book_seats._SeatBookings, "prepare", prepare_and_be_overtaken):
        book_session_series(occurrence(0), client_name="Mary", seats=2, now_dt=NOW)
    assert booked() == [(number, "Mary", 2) for number in range(3)]
    booking = Booking.objects.latest("start_at")
    assert booking.total_amount == 2 * Decimal(7)


def test_a_service_that_is_not_active_has_a_series_of_sessions_only_by_staff(
    repeat: Any, make_service: Any
) -> None:
    old = make_service(name="Old", is_active=False)
    with pytest.raises(BookingError) as refused:
        repeat(service=old)
    assert type(refused.value) in {NotAllowed, SeriesConflict}
    assert not Session.objects.exists()
    repeat(service=old, override_policy=True)
    assert starts() == list(TUESDAYS)


def test_a_teacher_who_has_left_takes_over_no_sessions(repeat: Any, make_provider: Any) -> None:
    made = repeat()
    left = make_provider(name="Left", is_active=False)
    with pytest.raises(BookingError):
        reschedule_series(
            occurrence(0), new_start_at=FIRST, new_provider=left, scope="all", now_dt=NOW
        )
    assert {session.provider for session in sessions()} == {made.sessions[0].provider}


def test_starts_that_have_all_passed_publish_nothing(repeat: Any) -> None:
    with pytest.raises(SeriesConflict) as refused:
        repeat(on_conflict="skip", now_dt=TUESDAYS[2] + HOUR)
    assert [item.start_at for item in refused.value.skipped] == list(TUESDAYS)
    assert not Series.objects.exists()


def test_every_session_that_refuses_a_change_is_named(repeat: Any) -> None:
    made = repeat()
    refused: list[Any] = []
    BulkSessionChange({}, NOW, "default", None, lambda key, _error: refused.append(key)).update(
        made.sessions, {session.pk: {"waitlist_offer_minutes": 30} for session in made.sessions}
    )
    assert refused == [session.pk for session in made.sessions]
    assert {session.waitlist_offer_minutes for session in sessions()} == {None}
