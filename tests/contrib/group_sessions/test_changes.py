"""Update, cancel, close, reopen and finish sessions; mark attendance; move seats."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext

from bookings import signals as core
from bookings.contrib.group_sessions import signals
from bookings.contrib.group_sessions.exceptions import (
    AlreadyBooked,
    InvalidSession,
    SessionNotOpen,
    StaleSession,
)
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import (
    cancel_session,
    close_session,
    finish_session,
    finish_sessions,
    mark_attendance,
    move_seat,
    reopen_session,
    update_session,
)
from bookings.contrib.payments.models import RefundDue
from bookings.contrib.payments.services import record_payment
from bookings.contrib.schedule.models import Schedule
from bookings.exceptions import (
    BookingConflict,
    CapacityExceeded,
    InvalidBooking,
    InvalidTransition,
    LimitReached,
    MissingReference,
    NotAllowed,
    NoticeWindow,
    PastStart,
    StaleBooking,
    TooFarAhead,
)
from bookings.integrity import find_problems
from bookings.models import Booking, BusyInterval
from bookings.services import add_note, cancel_booking, complete_booking, create_booking
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    Factory,
    MakeBooking,
    MakeSession,
    booked_clients,
    refused,
    reloaded,
    stored_rows,
)
from tests.stateful.audit import audit

pytestmark = pytest.mark.django_db

LATER = START + 3 * HOUR


@pytest.fixture(autouse=True)
def _sound(db: None) -> Any:
    yield
    assert audit() == []
    assert list(find_problems()) == []


def queries(do: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        do()
    return len([query for query in captured if "SAVEPOINT" not in query["sql"]])


# Update


def test_a_session_moves_with_all_its_bookings(
    session: Session,
    make_booking: MakeBooking,
    user: Any,
    django_capture_on_commit_callbacks: Any,
    record_signal: Any,
) -> None:
    bookings = [make_booking(session, "Ann", 2), make_booking(session, "Bob")]
    gone = cancel_booking(bookings[1], now_dt=NOW)
    updated, rescheduled = (
        record_signal(signals.session_updated),
        record_signal(core.booking_rescheduled),
    )
    with django_capture_on_commit_callbacks(execute=True):
        update_session(session, start_at=LATER, actor=user, now_dt=NOW)
    assert (session.start_at, session.end_at) == (LATER, LATER + HOUR)
    ann = Booking.objects.get(client_name="Ann")
    assert (ann.start_at, ann.end_at, ann.version) == (LATER, LATER + HOUR, 2)
    event = ann.events.latest("id")
    assert (event.event_type, event.actor_user) == ("RESCHEDULED", user)
    assert event.data["old_start_at"] == START.isoformat()
    assert event.data["new_start_at"] == LATER.isoformat()
    gone.refresh_from_db()
    assert gone.start_at == START
    assert BusyInterval.objects.get().start_at == LATER
    assert [sent["booking"] for sent in rescheduled] == [ann]
    assert updated[0]["changed"] == ["end_at", "start_at"]


def test_a_session_is_made_longer_without_being_moved(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session)
    update_session(session, end_at=START + 2 * HOUR, now_dt=NOW)
    booking.refresh_from_db()
    assert (booking.start_at, booking.end_at) == (START, START + 2 * HOUR)


def test_a_session_gets_another_provider(
    session: Session, make_booking: MakeBooking, provider: Any, other_provider: Any, service: Any
) -> None:
    booking = make_booking(session)
    update_session(session, provider=other_provider, now_dt=NOW)
    booking.refresh_from_db()
    assert session.provider == booking.provider == other_provider
    assert BusyInterval.objects.get().calendar.provider == other_provider
    # The time of the first provider is free again.
    create_booking(
        service=service, provider=provider, start_at=START, client_name="Eve", now_dt=NOW
    )
    with refused(BookingConflict):
        update_session(session, provider=provider, now_dt=NOW)


def test_details_change_without_an_event(session: Session, make_booking: MakeBooking) -> None:
    booking = make_booking(session)
    update_session(
        session,
        title="Sunset",
        price_amount="30",
        enable_waitlist=True,
        waitlist_offer_minutes=10,
        now_dt=NOW,
    )
    row = reloaded(session)
    assert (row.title, row.price_amount, row.enable_waitlist) == ("Sunset", Decimal(30), True)
    booking.refresh_from_db()
    assert (booking.price_amount, booking.version) == (20, 1)
    assert make_booking(session, "Bob").price_amount == 30


def test_an_update_without_a_change_writes_nothing(session: Session) -> None:
    before = stored_rows()
    update_session(session, start_at=START, capacity=3, now_dt=NOW)
    assert stored_rows() == before


def test_the_capacity_cannot_go_below_the_seats_taken(
    session: Session, make_booking: MakeBooking
) -> None:
    make_booking(session, seats=2)
    with refused(CapacityExceeded, "seats_taken"):
        update_session(session, capacity=1, now_dt=NOW)
    with pytest.raises(CapacityExceeded, match="More than 1 seat is taken"):
        update_session(session, capacity=1, now_dt=NOW)
    update_session(session, capacity=2, now_dt=NOW)
    assert (reloaded(session).remaining_seats, reloaded(session).status) == (0, "BOOKING_CLOSED")
    update_session(session, capacity=5, now_dt=NOW)
    assert (session.remaining_seats, session.status) == (3, "SCHEDULED")


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"capacity": 0}, InvalidBooking, "invalid"),
        ({"end_at": START}, InvalidSession, "ends_before_start"),
        ({"start_at": START.replace(tzinfo=None)}, InvalidBooking, "naive_datetime"),
        ({"start_at": NOW - HOUR}, PastStart, "past_start"),
        ({"start_at": datetime.max.replace(tzinfo=START.tzinfo)}, InvalidBooking, "out_of_range"),
        ({"provider": None}, InvalidBooking, "invalid"),
        ({"meeting_link": "yoga"}, InvalidBooking, "invalid"),
        ({"waitlist_offer_minutes": 0}, InvalidBooking, "invalid"),
        ({"price_amount": "1.234"}, InvalidBooking, "amount_too_fine"),
        ({"price_amount": "-0.01"}, InvalidBooking, "negative_amount"),
    ],
    ids=str,
)
def test_an_invalid_change_is_refused(
    session: Session, changes: dict[str, Any], error: Any, code: str
) -> None:
    with refused(error, code):
        update_session(session, now_dt=NOW, **changes)
    assert session.capacity == 3


@pytest.mark.parametrize("end_at", [START, START - HOUR], ids=str)
def test_the_message_is_true_of_equal_and_of_swapped_times(
    session: Session, end_at: datetime
) -> None:
    with pytest.raises(InvalidSession, match=r"^End time must be after start time\.$"):
        update_session(session, end_at=end_at, now_dt=NOW)


def test_an_offer_needs_a_waitlist(session: Session) -> None:
    with refused(InvalidSession, "offer_without_waitlist"):
        update_session(session, waitlist_offer_minutes=10, now_dt=NOW)
    update_session(session, waitlist_offer_minutes=10, enable_waitlist=True, now_dt=NOW)
    with refused(InvalidSession, "offer_without_waitlist"):
        update_session(session, waitlist_offer_minutes=5, enable_waitlist=False, now_dt=NOW)
    # Clients who wait are still offered the seats, and not booked without being asked.
    update_session(session, enable_waitlist=False, now_dt=NOW)
    update_session(session, waitlist_offer_minutes=10, title="As it was", now_dt=NOW)
    assert reloaded(session).waitlist_offer_minutes == 10
    update_session(session, waitlist_offer_minutes=None, now_dt=NOW)


def test_a_waitlist_of_none_is_disabled(make_session: MakeSession) -> None:
    session = make_session(enable_waitlist=True)
    update_session(session, enable_waitlist=None, now_dt=NOW)
    assert reloaded(session).enable_waitlist is False


def test_a_field_that_cannot_be_changed_is_a_type_error(session: Session) -> None:
    with pytest.raises(TypeError, match="cannot set service, status"):
        update_session(session, status="FINISHED", service=None)


def test_a_session_cannot_move_to_taken_time(session: Session, make_session: MakeSession) -> None:
    make_session(start_at=LATER)
    with refused(BookingConflict):
        update_session(session, start_at=LATER - HOUR / 2, now_dt=NOW)
    update_session(session, start_at=START + HOUR / 2, now_dt=NOW)


def test_a_session_moves_over_an_expired_hold(
    session: Session, make_booking: MakeBooking, service: Any, provider: Any
) -> None:
    make_booking(session)
    given = {"service": service, "provider": provider, "client_name": "Eve", "start_at": LATER}
    create_booking(**given, now_dt=NOW, expires_at=NOW + HOUR)
    update_session(session, start_at=LATER, now_dt=NOW + HOUR)
    assert booked_clients(session) == {"Ann": (1, "CONFIRMED")}


def test_a_session_moves_into_the_past_if_allowed(session: Session) -> None:
    with refused(PastStart):
        update_session(session, start_at=START - HOUR, now_dt=START)
    update_session(session, start_at=START - HOUR, now_dt=START, allow_past=True)
    update_session(session, title="As it was", now_dt=START + HOUR)


def test_a_cancelled_session_cannot_be_updated(session: Session) -> None:
    cancel_session(session, now_dt=NOW)
    with refused(SessionNotOpen, "session_cancelled"):
        update_session(session, title="Again", now_dt=NOW)


def test_bookings_are_moved_with_the_same_number_of_queries(
    make_session: MakeSession, make_booking: MakeBooking
) -> None:
    def moving(number: int, start_at: datetime) -> int:
        session = make_session(capacity=30, start_at=start_at)
        for guest in range(number):
            make_booking(session, f"Guest {guest}")
        return queries(lambda: update_session(session, start_at=start_at + HOUR, now_dt=NOW))

    assert moving(2, START) == moving(25, START + 4 * HOUR)


# Cancel


def test_a_cancelled_session_cancels_its_bookings(
    session: Session,
    make_booking: MakeBooking,
    user: Any,
    django_capture_on_commit_callbacks: Any,
    record_signal: Any,
) -> None:
    make_booking(session, "Ann", 2), make_booking(session, "Bob", expires_at=NOW + HOUR)
    sessions_cancelled, bookings_cancelled = (
        record_signal(signals.session_cancelled),
        record_signal(core.booking_cancelled),
    )
    with django_capture_on_commit_callbacks(execute=True):
        cancel_session(session, reason="Ill", actor=user, now_dt=NOW)
    assert (session.status, session.cancelled_at) == ("CANCELLED", NOW)
    assert session.cancellation_reason == "Ill"
    for booking, status in zip(
        Booking.objects.order_by("pk"), ("CONFIRMED", "PENDING"), strict=True
    ):
        assert (booking.status, booking.cancelled_at) == ("CANCELLED", NOW)
        assert (booking.cancelled_by, booking.cancellation_reason) == (user, "Ill")
        event = booking.events.latest("id")
        assert (event.event_type, event.message, event.actor_user) == ("CANCELLED", "Ill", user)
        assert event.data == {"old_status": status, "new_status": "CANCELLED", "reason": "Ill"}
    assert not BusyInterval.objects.exists()
    assert len(sessions_cancelled) == 1
    assert len(bookings_cancelled) == 2


def test_who_receives_saved_sessions_hears_of_a_cancellation(session: Session) -> None:
    heard: list[tuple[Any, ...]] = []

    def hear(instance: Session, **kwargs: Any) -> None:
        stored = Session.objects.get(pk=instance.pk)
        heard.append((stored.pk, stored.status, stored.cancellation_reason))

    post_save.connect(hear, sender=Session)
    try:
        cancel_session(session, reason="Flood", now_dt=NOW)
    finally:
        post_save.disconnect(hear, sender=Session)

    assert heard == [(session.pk, Session.Status.CANCELLED, "Flood")]
    assert not BusyInterval.objects.exists()


def test_cancelling_again_does_nothing(session: Session) -> None:
    cancel_session(session, now_dt=NOW)
    before = stored_rows()
    assert cancel_session(session, now_dt=NOW) is session
    assert stored_rows() == before


def test_a_finished_session_is_not_cancelled(session: Session) -> None:
    finish_session(session, now_dt=START + HOUR)
    with refused(SessionNotOpen, "session_finished"):
        cancel_session(session, now_dt=START + HOUR)


def test_a_payment_for_a_cancelled_session_is_due_back(
    session: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session)
    record_payment(booking, amount=20, external_id="pay_1", now_dt=NOW)
    cancel_session(session, now_dt=NOW)
    assert RefundDue.objects.get().outstanding == 20


def test_bookings_are_cancelled_with_the_same_number_of_queries(
    make_session: MakeSession, make_booking: MakeBooking
) -> None:
    def cancelling(number: int, start_at: datetime) -> int:
        session = make_session(capacity=30, start_at=start_at)
        for guest in range(number):
            make_booking(session, f"Guest {guest}")
        return queries(lambda: cancel_session(session, now_dt=NOW))

    assert cancelling(2, START) == cancelling(25, LATER)


def test_a_reason_is_text(session: Session) -> None:
    with refused(InvalidBooking):
        cancel_session(session, reason=None, now_dt=NOW)  # type: ignore[arg-type]


# Close, open, finish


def test_staff_close_and_open_booking(session: Session, make_booking: MakeBooking) -> None:
    for _ in range(2):
        close_session(session, now_dt=NOW)
        assert (session.status, session.closed_by_staff) == ("BOOKING_CLOSED", True)
        assert not session.booking_open
    for _ in range(2):
        reopen_session(session, now_dt=NOW)
        assert (session.status, session.closed_by_staff) == ("SCHEDULED", False)
    make_booking(session)


def test_a_full_session_stays_closed_when_it_is_reopened(
    session: Session, make_booking: MakeBooking
) -> None:
    make_booking(session, seats=3)
    reopen_session(session, now_dt=NOW)
    assert session.status == "BOOKING_CLOSED"


@pytest.mark.parametrize("verb", [close_session, reopen_session])
def test_a_cancelled_session_is_neither_closed_nor_opened(session: Session, verb: Any) -> None:
    cancel_session(session, now_dt=NOW)
    with refused(SessionNotOpen, "session_cancelled"):
        verb(session, now_dt=NOW)


def test_a_session_is_finished_after_its_end(session: Session) -> None:
    with refused(InvalidTransition, "too_early"):
        finish_session(session, now_dt=START + HOUR - timedelta(seconds=1))
    finish_session(session, now_dt=START + HOUR)
    assert (session.status, session.busy_interval, session.is_active) == ("FINISHED", None, False)
    assert finish_session(session, now_dt=START + HOUR) is session
    assert not BusyInterval.objects.exists()


def test_a_cancelled_session_is_not_finished(session: Session) -> None:
    cancel_session(session, now_dt=NOW)
    with refused(SessionNotOpen, "session_cancelled"):
        finish_session(session, now_dt=START + HOUR)


def test_finish_sessions_finishes_sessions_that_have_ended(make_session: MakeSession) -> None:
    sessions = [make_session(start_at=START + n * HOUR) for n in range(4)]
    cancel_session(sessions[0], now_dt=NOW)
    assert finish_sessions(now_dt=START + 3 * HOUR, limit=1) == 1
    assert finish_sessions(now_dt=START + 3 * HOUR) == 1
    assert finish_sessions(now_dt=START + 3 * HOUR) == 0
    statuses = [str(reloaded(session).status) for session in sessions]
    assert statuses == ["CANCELLED", "FINISHED", "FINISHED", "SCHEDULED"]
    with refused(InvalidBooking):
        finish_sessions(limit=0)


def test_a_session_cancelled_meanwhile_does_not_stop_finish_sessions(
    make_session: MakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, cancelled, last = (make_session(start_at=START + n * HOUR) for n in range(3))

    def cancel_the_next(session: Session, **values: Any) -> Session:
        if session.pk == first.pk:
            cancel_session(cancelled, now_dt=NOW)
        return finish_session(session, **values)

    module = sys.modules["bookings.contrib.group_sessions.services.finish_session"]
    monkeypatch.setattr(module, "finish_session", cancel_the_next)
    assert finish_sessions(now_dt=START + 3 * HOUR) == 2
    assert [reloaded(each).status for each in (first, cancelled, last)] == [
        "FINISHED",
        "CANCELLED",
        "FINISHED",
    ]


def test_the_command_finishes_sessions_that_have_ended(
    make_session: MakeSession, capsys: pytest.CaptureFixture[str]
) -> None:
    long_ago = datetime(2020, 3, 7, 10, 0, tzinfo=UTC)
    for hour in range(3):
        make_session(start_at=long_ago + hour * HOUR, now_dt=long_ago)
    make_session()
    call_command("finish_sessions", limit=2)
    call_command("finish_sessions")
    assert capsys.readouterr().out == "2 sessions finished.\n1 session finished.\n"
    with pytest.raises(CommandError, match="limit must be"):
        call_command("finish_sessions", limit=0)


def test_a_session_read_before_its_provider_changed_is_closed(
    session: Session, other_provider: Any
) -> None:
    seen = reloaded(session)
    update_session(session, provider=other_provider, now_dt=NOW)
    close_session(seen, now_dt=NOW)
    assert (seen.status, seen.provider) == ("BOOKING_CLOSED", other_provider)


# Attendance


def test_attendance_is_marked_for_all_at_once(session: Session, make_booking: MakeBooking) -> None:
    ann, bob, cid = (make_booking(session, name) for name in ("Ann", "Bob", "Cid"))
    assert mark_attendance(session, attended=[ann, bob], missed=[cid], now_dt=START) == [
        ann,
        bob,
        cid,
    ]
    assert [ann.status, bob.status, cid.status] == ["COMPLETED", "COMPLETED", "NO_SHOW"]
    assert BusyInterval.objects.get().seats_taken == 0
    assert reloaded(session).status == "BOOKING_CLOSED"
    finish_session(session, now_dt=START + HOUR)


def test_a_finished_session_keeps_its_time_until_all_are_marked(
    session: Session, make_booking: MakeBooking
) -> None:
    ann, bob = make_booking(session, "Ann"), make_booking(session, "Bob")
    finish_session(session, now_dt=START + HOUR)
    assert session.busy_interval is not None
    assert session.remaining_seats == 0
    mark_attendance(session, attended=[ann], now_dt=START + HOUR)
    assert BusyInterval.objects.exists()
    complete_booking(bob, now_dt=START + HOUR)
    assert not BusyInterval.objects.exists()
    assert reloaded(session).busy_interval is None
    mark_attendance(session, missed=[bob], now_dt=START + HOUR)
    assert Booking.objects.get(pk=bob.pk).status == "NO_SHOW"


def test_the_queries_of_attendance_do_not_grow(
    make_session: MakeSession, make_booking: MakeBooking, make_provider: Factory
) -> None:
    def queries(number: int) -> int:
        session = make_session(provider=make_provider(), capacity=number)
        bookings = [make_booking(session, f"Guest {n}") for n in range(number)]
        third = number // 3
        mark_attendance(session, missed=bookings[:third], now_dt=START)
        with CaptureQueriesContext(connection) as captured:
            # A correction, bookings marked for the first time, and one that is marked already.
            mark_attendance(
                session,
                attended=bookings[: third - 1] + bookings[third : 2 * third],
                missed=[bookings[third - 1], *bookings[2 * third :]],
                now_dt=START,
            )
        return len(captured)

    few = queries(6)
    assert queries(60) == few
    assert few < 40


def test_each_marked_booking_has_its_own_event_and_version(
    session: Session,
    make_booking: MakeBooking,
    user: Any,
    record_signal: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    ann, bob, cid = (make_booking(session, name) for name in ("Ann", "Bob", "Cid"))
    stale = Booking.objects.get(pk=ann.pk)
    add_note(ann, message="Late")
    completed, missed = record_signal(core.booking_completed), record_signal(core.booking_no_show)
    with django_capture_on_commit_callbacks(execute=True):
        mark_attendance(session, attended=[stale, bob, bob], missed=[cid], actor=user, now_dt=START)
    assert [sent["booking"] for sent in completed] == [ann, bob]
    assert [sent["booking"].status for sent in completed] == ["COMPLETED"] * 2
    assert [sent["event"].booking for sent in missed] == [cid]
    for booking, version, event_type in (
        (stale, 3, "COMPLETED"),
        (bob, 2, "COMPLETED"),
        (cid, 2, "NO_SHOW"),
    ):
        row = Booking.objects.get(pk=booking.pk)
        names = [field.attname for field in Booking._meta.concrete_fields]
        assert all(getattr(booking, name) == getattr(row, name) for name in names)
        assert (row.version, row.busy_interval_id) == (version, None)
        event = row.events.get(event_type=event_type)
        assert (event.actor_user, event.created_at) == (user, START)
        assert event.data == {"old_status": "CONFIRMED", "new_status": row.status}
    assert Booking.objects.get(pk=bob.pk).completed_at == START
    mark_attendance(session, missed=[bob], now_dt=START + HOUR)
    assert bob.completed_at is None
    event = bob.events.get(event_type="NO_SHOW")
    assert event.data == {"old_status": "COMPLETED", "new_status": "NO_SHOW"}
    assert list(find_problems()) == []


def test_the_adapter_is_asked_about_each_marked_booking(
    session: Session, make_booking: MakeBooking, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = make_booking(session, "Ann"), make_booking(session, "Bob")
    asked = []

    def check(self: Any, actor: Any, verb: str, booking: Booking) -> None:
        asked.append((actor, verb, booking.pk))
        if verb == "no_show":
            raise NotAllowed("Not you.")

    monkeypatch.setattr("bookings.adapters.DefaultBookingAdapter.check_permission", check)
    with refused(NotAllowed):
        mark_attendance(session, attended=[ann], missed=[bob], actor=user, now_dt=START)
    assert asked == [(user, "complete", ann.pk), (user, "no_show", bob.pk)]
    assert ann.status == "CONFIRMED"


def test_attendance_is_marked_for_all_or_none(
    session: Session, make_session: MakeSession, make_booking: MakeBooking
) -> None:
    ann, bob = (
        make_booking(session, "Ann"),
        cancel_booking(make_booking(session, "Bob"), now_dt=NOW),
    )
    other = make_booking(make_session(start_at=LATER), "Cid")
    with refused(InvalidTransition, "too_early"):
        mark_attendance(session, attended=[ann], now_dt=START - HOUR)
    with refused(InvalidTransition):
        mark_attendance(session, attended=[ann, bob], now_dt=START)
    with refused(MissingReference, "not_in_session"):
        mark_attendance(session, attended=[ann], missed=[other], now_dt=START)
    with refused(InvalidSession, "came_and_missed"):
        mark_attendance(session, attended=[ann], missed=[ann], now_dt=START)
    with refused(MissingReference):
        mark_attendance(session, attended=[None], now_dt=START)  # type: ignore[list-item]
    assert mark_attendance(session, now_dt=START) == []


# Move a seat


@pytest.fixture
def other(make_session: MakeSession, other_provider: Any) -> Session:
    return make_session(start_at=LATER, provider=other_provider, capacity=2, price_amount=99)


def test_a_seat_moves_to_another_session(
    session: Session, other: Session, make_booking: MakeBooking, user: Any
) -> None:
    booking = make_booking(session, seats=2)
    assert move_seat(booking, other, actor=user, now_dt=NOW) is booking
    assert (booking.start_at, booking.end_at) == (LATER, LATER + HOUR)
    assert (booking.provider, booking.price_amount) == (other.provider, 40)
    assert booking.busy_interval_id == other.busy_interval_id
    assert (reloaded(session).remaining_seats, reloaded(other).remaining_seats) == (3, 0)
    assert reloaded(other).status == "BOOKING_CLOSED"
    event = booking.events.latest("id")
    assert (event.event_type, event.actor_user, booking.version) == ("RESCHEDULED", user, 2)
    assert event.data["new_provider"] == other.provider_id
    assert move_seat(booking, other, now_dt=NOW).version == 2


def test_a_seat_that_moves_has_the_buffers_of_its_new_session(
    session: Session, service: Any, make_session: MakeSession, make_booking: MakeBooking
) -> None:
    service.buffer_before_minutes, service.buffer_after_minutes = 5, 10
    service.save()
    buffered = make_session(start_at=LATER)
    booking = make_booking(session)
    assert (booking.buffer_before_minutes, booking.buffer_after_minutes) == (0, 0)
    move_seat(booking, buffered, now_dt=NOW)
    booking.refresh_from_db()
    assert (booking.buffer_before_minutes, booking.buffer_after_minutes) == (5, 10)


def test_a_seat_moves_only_where_seats_are_free(
    session: Session, other: Session, make_booking: MakeBooking
) -> None:
    booking = make_booking(session, seats=3)
    with refused(CapacityExceeded):
        move_seat(booking, other, now_dt=NOW)
    assert reloaded(session).status == "BOOKING_CLOSED"
    update_session(other, capacity=3, now_dt=NOW)
    move_seat(booking, other, now_dt=NOW)
    assert reloaded(session).status == "SCHEDULED"


def test_a_seat_moves_to_the_seats_of_an_expired_hold(
    session: Session, other: Session, make_booking: MakeBooking
) -> None:
    make_booking(other, "Bob", 2, expires_at=NOW + HOUR)
    move_seat(make_booking(session), other, now_dt=NOW + HOUR)
    assert booked_clients(other) == {"Ann": (1, "CONFIRMED")}


def test_a_seat_is_moved_by_the_booking_s_rules(
    make_service: Factory,
    make_session: MakeSession,
    other_provider: Any,
    make_booking: MakeBooking,
    make_provider: Factory,
) -> None:
    service = make_service(reschedule_notice_minutes=60, minimum_notice_minutes=60)
    session = make_session(service=service)
    later = make_session(service=service, start_at=LATER, provider=other_provider)
    early = make_session(
        service=service, start_at=NOW + HOUR / 2, provider=make_provider(name="Edsger")
    )
    booking = make_booking(session)
    with refused(NoticeWindow):
        move_seat(booking, later, now_dt=START - HOUR / 2)
    with refused(NoticeWindow, "minimum_notice"):
        move_seat(booking, early, now_dt=NOW)
    move_seat(booking, early, now_dt=NOW, override_policy=True)
    with refused(NoticeWindow):
        move_seat(booking, later, now_dt=NOW)
    with refused(PastStart):
        move_seat(booking, session, now_dt=START + HOUR, override_policy=True)


def test_the_last_day_that_a_seat_moves_to_ends_by_the_new_provider_s_clocks(
    make_service: Factory,
    make_session: MakeSession,
    make_booking: MakeBooking,
    make_provider: Factory,
) -> None:
    """In Brisbane it is ten hours later, so that its midnight is at two in the afternoon."""
    service = make_service(maximum_advance_days=2)
    brisbane = make_provider(name="Grace")
    Schedule.objects.create(provider=brisbane, timezone="Australia/Brisbane")
    last, too_far = (
        make_session(service=service, provider=brisbane, start_at=START + hours * HOUR)
        for hours in (3, 4)
    )
    booking = make_booking(make_session(service=service))
    with refused(TooFarAhead):
        move_seat(booking, too_far, now_dt=NOW)
    move_seat(booking, last, now_dt=NOW)
    assert booked_clients(last) == {"Ann": (1, "CONFIRMED")}


@pytest.mark.parametrize("after_start", [timedelta(0), HOUR / 2, 24 * HOUR])
def test_a_seat_of_a_session_that_has_begun_is_for_staff_alone(
    session: Session,
    make_session: MakeSession,
    make_booking: MakeBooking,
    after_start: timedelta,
) -> None:
    later = make_session(start_at=START + 48 * HOUR)
    booking = make_booking(session)
    now = START + after_start
    with refused(NoticeWindow, "booking_started"):
        move_seat(booking, later, now_dt=now)
    with refused(NoticeWindow, "booking_started"):
        cancel_booking(booking, now_dt=now)
    move_seat(booking, later, now_dt=now, override_policy=True)
    assert booked_clients(later) == {"Ann": (1, "CONFIRMED")}
    cancel_booking(booking, now_dt=START + 48 * HOUR, override_policy=True)
    assert booked_clients(later) == {}


def test_moves_that_are_refused(
    session: Session,
    other: Session,
    make_booking: MakeBooking,
    make_session: MakeSession,
    make_service: Factory,
    service: Any,
    provider: Any,
) -> None:
    booking = make_booking(session)
    make_booking(other)
    with refused(AlreadyBooked):
        move_seat(booking, other, now_dt=NOW)
    boxing = make_session(service=make_service(name="Boxing"), start_at=LATER + HOUR)
    with refused(InvalidSession, "other_service"):
        move_seat(booking, boxing, now_dt=NOW)
    with refused(StaleBooking):
        move_seat(booking, other, now_dt=NOW, expected_version=7)
    plain = create_booking(
        service=service, provider=provider, start_at=LATER + 5 * HOUR, client_name="Eve", now_dt=NOW
    )
    with refused(NotAllowed, "not_a_seat"):
        move_seat(plain, other, now_dt=NOW)
    hold = make_booking(session, "Cid", expires_at=NOW + HOUR)
    with refused(InvalidTransition, "hold_expired"):
        move_seat(hold, other, now_dt=NOW + HOUR)
    cancel_booking(booking, now_dt=NOW)
    with refused(InvalidTransition):
        move_seat(booking, other, now_dt=NOW)
    for wrong in (None, Booking()):
        with refused(MissingReference):
            move_seat(wrong, other, now_dt=NOW)  # type: ignore[arg-type]
    with refused(MissingReference):
        move_seat(booking, Session(), now_dt=NOW)


def test_a_move_to_a_changed_session_is_refused(
    session: Session, other: Session, make_booking: MakeBooking, make_provider: Factory
) -> None:
    booking, seen = make_booking(session), reloaded(other)
    update_session(other, provider=make_provider(name="Edsger"), now_dt=NOW)
    with refused(StaleSession):
        move_seat(booking, seen, now_dt=NOW)
    cancel_session(other, now_dt=NOW)
    with refused(SessionNotOpen, "session_cancelled"):
        move_seat(booking, other, now_dt=NOW)


def test_a_seat_is_moved_within_the_client_s_limits(
    session: Session,
    other: Session,
    make_session: MakeSession,
    make_booking: MakeBooking,
    settings: Any,
) -> None:
    settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY = 1
    booking = make_booking(session)
    tomorrow = make_session(start_at=START + 24 * HOUR)
    make_booking(tomorrow)
    after_that = make_session(start_at=START + 26 * HOUR)
    with refused(LimitReached):
        move_seat(booking, after_that, now_dt=NOW)
    move_seat(booking, other, now_dt=NOW)


class TestPermission:
    """Nobody changes bookings by way of their session that the adapter does not let them change."""

    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, str, str, str, str]]:
        """Let nobody change Bob's bookings, and record who was asked for what."""
        asked: list[tuple[Any, str, str, str, str]] = []

        def check(self: Any, actor: Any, verb: str, booking: Booking) -> None:
            names = (booking.client_name, booking.service.name, booking.provider.name)
            asked.append((actor, verb, *names))
            if booking.client_name == "Bob" and verb in {"cancel", "reschedule"}:
                raise NotAllowed("Not you.")

        monkeypatch.setattr("bookings.adapters.DefaultBookingAdapter.check_permission", check)
        return asked

    @pytest.mark.parametrize(
        ("change", "verb"),
        [
            (cancel_session, "cancel"),
            (partial(update_session, start_at=LATER), "reschedule"),
            (partial(update_session, end_at=LATER), "reschedule"),
        ],
        ids=["cancel", "move", "lengthen"],
    )
    def test_it_is_asked_for_each_booking(
        self,
        session: Session,
        make_booking: MakeBooking,
        user: Any,
        asked: Any,
        change: Any,
        verb: str,
    ) -> None:
        make_booking(session, "Ann"), make_booking(session, "Bob")
        asked.clear()
        with refused(NotAllowed):
            change(session, actor=user, now_dt=NOW)
        assert asked == [(user, verb, name, "Yoga", "Ada") for name in ("Ann", "Bob")]

    def test_another_provider_is_asked_about_as_it_is_stored(
        self,
        session: Session,
        make_booking: MakeBooking,
        user: Any,
        other_provider: Any,
        asked: Any,
    ) -> None:
        make_booking(session, "Ann")
        asked.clear()
        update_session(session, provider=other_provider, actor=user, now_dt=NOW)
        assert asked == [(user, "reschedule", "Ann", "Yoga", "Ada")]
        assert Booking.objects.get().provider == other_provider

    def test_it_is_not_asked_for_what_stays_as_it_is(
        self, session: Session, make_booking: MakeBooking, user: Any, asked: Any
    ) -> None:
        bob = make_booking(session, "Bob")
        complete_booking(bob, now_dt=START)
        make_booking(session, "Ann")
        asked.clear()
        update_session(session, title="Yin", capacity=9, actor=user, now_dt=NOW)
        assert asked == []
        cancel_session(session, actor=user, now_dt=NOW)
        assert asked == [(user, "cancel", "Ann", "Yoga", "Ada")]


def buffers_of(row: Any) -> tuple[int, int]:
    return row.buffer_before_minutes, row.buffer_after_minutes


def test_a_session_has_the_larger_buffers_of_its_provider_and_service(
    make_session: MakeSession, make_service: Factory, make_provider: Factory
) -> None:
    session = make_session(
        service=make_service(buffer_before_minutes=15),
        provider=make_provider(buffer_before_minutes=10, buffer_after_minutes=20),
    )

    assert buffers_of(session) == (15, 20)


def test_a_session_that_moves_to_another_provider_gets_its_buffers_with_all_seats(
    make_session: MakeSession, make_booking: MakeBooking, make_provider: Factory
) -> None:
    session = make_session(provider=make_provider(buffer_before_minutes=30))
    booking = make_booking(session, "Ann", 2)

    update_session(session, provider=make_provider(buffer_after_minutes=20), now_dt=NOW)

    booking.refresh_from_db()
    assert buffers_of(session) == buffers_of(booking) == (0, 20)
    (interval,) = BusyInterval.objects.all()
    assert (interval.start_at, interval.end_at) == booking.busy_window()


@pytest.mark.parametrize("by", ["client", "provider"])
def test_a_seat_is_moved_as_often_as_the_client_may(
    make_session: MakeSession, make_booking: MakeBooking, make_service: Factory, by: str
) -> None:
    service = make_service(max_reschedules=1)
    first, second = (
        make_session(service=service, start_at=START + hours * HOUR) for hours in (0, 2)
    )
    booking = make_booking(first)
    move_seat(booking, second, by=by, now_dt=NOW)

    if by == "client":
        with refused(LimitReached):
            move_seat(booking, first, now_dt=NOW)
    move_seat(booking, first, override_policy=by == "client", now_dt=NOW)

    with refused(LimitReached):
        move_seat(booking, second, now_dt=NOW)
    assert booking.start_at == START
