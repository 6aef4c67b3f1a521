"""Bookings that are over, and of which nobody has said what became of them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.db.models import Max
from django.test import override_settings

from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import InvalidBooking, InvalidTransition, NotAllowed
from bookings.models import Booking, Calendar
from bookings.selectors import list_expired_bookings, list_overdue_bookings, overdue
from bookings.services import (
    auto_cancel_expired_bookings,
    cancel_booking,
    chunked_changes,
    complete_booking,
    confirm_booking,
    decline_booking,
    deliver_booking,
    expire_booking,
    expire_bookings,
    mark_no_show,
    reschedule_booking,
)
from tests.services.clock import DAY, HOUR, MICROSECOND, NOW, SECOND, START
from tests.services.conftest import Book, Make
from tests.services.storage import history, intervals, last_event, nothing_written, stored

END = START + HOUR
OVERDUE = END + DAY
"""When a booking is that lasts an hour from ``START``, with the grace that nobody has changed."""


@pytest.fixture(params=["confirmed", "pending"])
def overdue_booking(request: pytest.FixtureRequest) -> Booking:
    """Made a day before its start, and never touched again."""
    names = {"confirmed": "booking", "pending": "pending"}
    booking: Booking = request.getfixturevalue(names[request.param])
    return set_created_at(booking, NOW)


def set_created_at(booking: Booking, at: datetime) -> Booking:
    """As if it had been made at that instant: the column has the clock's own."""
    Booking._base_manager.filter(pk=booking.pk).update(created_at=at)
    booking.refresh_from_db()
    return booking


def set_expiry(booking: Booking, at: datetime) -> Booking:
    Booking._base_manager.filter(pk=booking.pk).update(expires_at=at)
    booking.refresh_from_db()
    return booking


@pytest.fixture
def book_past(book: Book) -> Book:
    """Book, some time ago."""
    return lambda **values: set_created_at(book(**values), NOW)


def test_it_is_cancelled_when_its_grace_has_passed(overdue_booking: Booking) -> None:
    before = overdue_booking.status
    with nothing_written():
        assert auto_cancel_expired_bookings(now_dt=OVERDUE - MICROSECOND) == 0

    swept = auto_cancel_expired_bookings(now_dt=OVERDUE)

    assert (swept, list(swept.refusals)) == (1, [])
    gone = stored(overdue_booking)
    assert (gone.status, gone.auto_cancelled) == ("CANCELLED", True)
    assert (gone.cancelled_at, gone.cancellation_reason) == (OVERDUE, "overdue")
    assert (gone.cancelled_by, gone.version) == (None, overdue_booking.version + 1)
    assert intervals() == []
    assert history(overdue_booking) == ["CREATED", "AUTO_CANCELLED"]
    event = last_event(overdue_booking)
    assert (event.created_at, event.actor_user) == (OVERDUE, None)
    assert event.data == {
        "old_status": before,
        "new_status": "CANCELLED",
        "reason": "overdue",
        "notify": True,
    }


def test_a_second_sweep_finds_nothing(overdue_booking: Booking) -> None:
    assert auto_cancel_expired_bookings(now_dt=OVERDUE) == 1
    with nothing_written():
        assert auto_cancel_expired_bookings(now_dt=OVERDUE) == 0


@pytest.mark.parametrize("later", [timedelta(0), 365 * DAY])
def test_expiry_leaves_what_took_place_alone(overdue_booking: Booking, later: timedelta) -> None:
    """Attended, and not marked as such: only who runs the other sweep decides to cancel it."""
    with nothing_written():
        assert expire_bookings(now_dt=OVERDUE + later) == 0
        assert list_expired_bookings(OVERDUE + later) == []
        with pytest.raises(InvalidTransition) as refused:
            expire_booking(overdue_booking, now_dt=OVERDUE + later)
    assert refused.value.code == "not_due"


def test_expired_holds_and_requests_are_left_to_the_other_sweep(
    book_past: Book, make_service: Make
) -> None:
    asking = make_service(name="Surgery", requires_approval=True)
    hold = book_past(expires_at=START)
    request = set_expiry(book_past(start_at=START + HOUR, service=asking), START)
    with nothing_written():
        assert auto_cancel_expired_bookings(now_dt=OVERDUE + DAY) == 0
        assert list_overdue_bookings(OVERDUE + DAY) == []
    assert list_expired_bookings(OVERDUE + DAY) == [hold, request]
    assert expire_bookings(now_dt=OVERDUE + DAY) == 2
    assert [history(each)[-1] for each in (hold, request)] == ["EXPIRED", "EXPIRED"]


# The correction


@pytest.mark.parametrize(
    ("verb", "status"), [(complete_booking, "COMPLETED"), (mark_no_show, "NO_SHOW")]
)
def test_staff_may_still_say_what_became_of_it(
    overdue_booking: Booking, verb: Callable[..., Any], status: str
) -> None:
    auto_cancel_expired_bookings(now_dt=OVERDUE)
    later = OVERDUE + 30 * DAY

    verb(overdue_booking, now_dt=later)

    row = stored(overdue_booking)
    assert (row.status, row.auto_cancelled, row.cancelled_at) == (status, False, None)
    assert row.cancellation_reason == ""
    assert row.completed_at == (later if status == "COMPLETED" else None)
    assert history(row) == ["CREATED", "AUTO_CANCELLED", status]
    event = last_event(row)
    assert (event.data["old_status"], event.data["new_status"]) == ("CANCELLED", status)
    assert intervals() == []
    with nothing_written():
        assert auto_cancel_expired_bookings(now_dt=later + 365 * DAY) == 0
    assert verb(overdue_booking, now_dt=later).version == row.version


def test_a_correction_can_be_corrected(overdue_booking: Booking) -> None:
    auto_cancel_expired_bookings(now_dt=OVERDUE)
    for verb, status in ((complete_booking, "COMPLETED"), (mark_no_show, "NO_SHOW")) * 2:
        verb(overdue_booking, now_dt=OVERDUE + DAY)
        assert stored(overdue_booking).status == status


@pytest.mark.parametrize("verb", [complete_booking, mark_no_show])
@pytest.mark.parametrize("way", ["expired", "cancelled", "cancelled as overdue", "declined"])
def test_what_else_was_cancelled_stays_cancelled(
    book_past: Book, make_service: Make, verb: Callable[..., Any], way: str
) -> None:
    asking = make_service(name="Surgery", requires_approval=True)
    match way:
        case "expired":
            ended = book_past(expires_at=START)
            expire_bookings(now_dt=START)
        case "declined":
            ended = book_past(service=asking)
            decline_booking(ended, now_dt=NOW)
        case _:
            ended = book_past()
            reason = "overdue" if way == "cancelled as overdue" else ""
            cancel_booking(ended, reason=reason, now_dt=NOW)
    with nothing_written(), pytest.raises(InvalidTransition):
        verb(ended, now_dt=OVERDUE)


@pytest.mark.parametrize("verb", [confirm_booking, deliver_booking, reschedule_booking])
def test_a_correction_says_only_what_became_of_it(
    overdue_booking: Booking, verb: Callable[..., Any]
) -> None:
    auto_cancel_expired_bookings(now_dt=OVERDUE)
    more = {"new_start_at": OVERDUE + 2 * DAY} if verb is reschedule_booking else {}
    with nothing_written(), pytest.raises(InvalidTransition):
        verb(overdue_booking, now_dt=OVERDUE + DAY, **more)


def test_a_correction_that_is_saved_leaves_its_event(overdue_booking: Booking) -> None:
    auto_cancel_expired_bookings(now_dt=OVERDUE)
    row = stored(overdue_booking)
    row.complete(OVERDUE)
    row.save()
    assert history(row)[-2:] == ["AUTO_CANCELLED", "COMPLETED"]


@pytest.mark.parametrize("verb", [complete_booking, deliver_booking, mark_no_show, cancel_booking])
def test_what_somebody_has_closed_stays_as_it_is(book_past: Book, verb: Callable[..., Any]) -> None:
    closed = book_past()
    verb(closed, now_dt=END if verb is not cancel_booking else NOW)

    with nothing_written():
        assert auto_cancel_expired_bookings(now_dt=OVERDUE + 365 * DAY) == 0


@override_settings(BOOKINGS_AUTO_CANCEL_ENABLED=False)
def test_it_can_be_turned_off_and_holds_run_out_all_the_same(
    book_past: Book, hold: Booking, other_provider: Any
) -> None:
    overdue_booking = book_past(provider=other_provider)

    assert auto_cancel_expired_bookings(now_dt=OVERDUE) == 0
    assert list_overdue_bookings(OVERDUE) == []
    assert stored(overdue_booking).status == "CONFIRMED"
    assert expire_bookings(now_dt=OVERDUE) == 1
    assert stored(hold).status == "CANCELLED"


@override_settings(BOOKINGS_AUTO_CANCEL_NOTIFY=False)
def test_the_event_says_when_nobody_is_to_be_told(overdue_booking: Booking) -> None:
    auto_cancel_expired_bookings(now_dt=OVERDUE)
    assert last_event(overdue_booking).data["notify"] is False


def test_a_sweep_tells_of_each_with_its_own_status(
    book_past: Book, make_service: Make, sent_signals: Any, django_capture_on_commit_callbacks: Any
) -> None:
    asking = make_service(name="Surgery", requires_approval=True)
    bookings = {book_past().pk: "CONFIRMED"}
    bookings[book_past(start_at=START + HOUR, service=asking).pk] = "PENDING"
    sent_signals.clear()

    with django_capture_on_commit_callbacks(execute=True):
        assert auto_cancel_expired_bookings(now_dt=OVERDUE + DAY) == 2

    assert {name for name, *_ in sent_signals} == {"AUTO_CANCELLED"}
    assert {
        booking.pk: event.data["old_status"] for _, booking, event, _ in sent_signals
    } == bookings
    assert {event.data["notify"] for _, _, event, _ in sent_signals} == {True}


# Since when


def test_the_grace_counts_from_when_it_was_made_if_that_was_after_its_end(book: Book) -> None:
    late = set_created_at(book(allow_past=True, now_dt=END + HOUR), END + HOUR)
    assert auto_cancel_expired_bookings(now_dt=END + HOUR + DAY - MICROSECOND) == 0
    assert auto_cancel_expired_bookings(now_dt=END + HOUR + DAY) == 1
    assert stored(late).status == "CANCELLED"


def test_the_grace_counts_from_when_it_was_confirmed_if_that_was_after_its_end(
    pending: Booking,
) -> None:
    set_created_at(pending, NOW)
    confirm_booking(pending, now_dt=END + 2 * HOUR, override_policy=True)
    assert auto_cancel_expired_bookings(now_dt=END + 2 * HOUR + DAY - MICROSECOND) == 0
    assert auto_cancel_expired_bookings(now_dt=END + 2 * HOUR + DAY) == 1


def test_a_booking_that_was_moved_is_over_when_it_ends_now(book_past: Book) -> None:
    moved = reschedule_booking(book_past(), new_start_at=START + 10 * DAY, now_dt=NOW)
    assert auto_cancel_expired_bookings(now_dt=OVERDUE) == 0
    assert auto_cancel_expired_bookings(now_dt=OVERDUE + 10 * DAY) == 1
    assert stored(moved).status == "CANCELLED"


@pytest.mark.parametrize("offset", [-12, 0, 5, 14])
def test_now_may_be_told_by_any_clock(overdue_booking: Booking, offset: int) -> None:
    there = OVERDUE.astimezone(timezone(timedelta(hours=offset)))
    assert auto_cancel_expired_bookings(now_dt=there - SECOND) == 0
    assert auto_cancel_expired_bookings(now_dt=there) == 1


@pytest.mark.parametrize(
    ("now", "number"),
    [
        (datetime.min.replace(tzinfo=UTC), 0),
        (datetime(1969, 12, 31, tzinfo=UTC), 0),
        (datetime(4150, 1, 1, tzinfo=UTC), 1),
        (datetime.max.replace(tzinfo=UTC), 1),
    ],
)
@pytest.mark.parametrize("business_days", [False, True])
def test_now_may_be_far_away(
    overdue_booking: Booking, now: datetime, number: int, business_days: bool, settings: Any
) -> None:
    settings.BOOKINGS_AUTO_CANCEL_BUSINESS_DAYS = business_days
    assert len(list_overdue_bookings(now)) == number
    assert auto_cancel_expired_bookings(now_dt=now) == number


# The grace


@pytest.mark.parametrize("hours", [0, 1, 48, 24 * 366 * 10])
def test_a_service_has_a_grace_of_its_own(book: Book, make_service: Make, hours: int) -> None:
    patient = set_created_at(book(service=make_service(auto_cancel_grace_hours=hours)), NOW)
    due = END + timedelta(hours=hours)
    assert auto_cancel_expired_bookings(now_dt=due - MICROSECOND) == 0
    assert auto_cancel_expired_bookings(now_dt=due) == 1
    assert stored(patient).status == "CANCELLED"


@pytest.mark.parametrize("hours", [0, 1, 72])
def test_the_others_have_the_settings(overdue_booking: Booking, settings: Any, hours: int) -> None:
    settings.BOOKINGS_AUTO_CANCEL_GRACE_HOURS = hours
    due = END + timedelta(hours=hours)
    assert auto_cancel_expired_bookings(now_dt=due - MICROSECOND) == 0
    assert auto_cancel_expired_bookings(now_dt=due) == 1


def test_each_waits_for_its_own_grace(
    book_past: Book, make_service: Make, other_provider: Any
) -> None:
    patient = make_service(name="Patient", auto_cancel_grace_hours=48)
    hasty = make_service(name="Hasty", auto_cancel_grace_hours=1)
    rows = [
        book_past(start_at=START + number * HOUR, service=service, provider=other_provider)
        for number, service in enumerate([patient, hasty, patient, hasty])
    ]
    plain = book_past()

    now = END + 3 * HOUR + 24 * HOUR
    assert list_overdue_bookings(now) == [plain, rows[1], rows[3]]
    assert auto_cancel_expired_bookings(now_dt=now) == 3
    assert [stored(row).status for row in rows] == [
        "CONFIRMED",
        "CANCELLED",
        "CONFIRMED",
        "CANCELLED",
    ]


class ByName(DefaultBookingAdapter):
    """Two hours for Grace's, and for the others what their service says."""

    def auto_cancel_grace_hours(self, service: Any, provider: Any) -> int | None:
        own = super().auto_cancel_grace_hours(service, provider)
        return 2 if provider.name == "Grace" else own


@override_settings(BOOKINGS_ADAPTER=f"{__name__}.ByName")
def test_an_adapter_decides_by_service_and_provider(book_past: Book, other_provider: Any) -> None:
    graces, adas = book_past(provider=other_provider), book_past()
    assert list_overdue_bookings(END + 2 * HOUR) == [graces]
    assert auto_cancel_expired_bookings(now_dt=END + 2 * HOUR) == 1
    assert [stored(each).status for each in (graces, adas)] == ["CANCELLED", "CONFIRMED"]


class Careless(DefaultBookingAdapter):
    """Whatever a category says, and not every service has one."""

    answers: dict[str, Any] = {}

    def auto_cancel_grace_hours(self, service: Any, provider: Any) -> Any:
        answer = self.answers.get(service.name)
        return answer.hours if answer == "AttributeError" else answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (-1, "auto_cancel_grace_hours must be a whole number from 0 to 87840, not -1."),
        (True, "auto_cancel_grace_hours must be a whole number from 0 to 87840, not True."),
        ("24", "auto_cancel_grace_hours must be a whole number from 0 to 87840, not '24'."),
        (1.5, "auto_cancel_grace_hours must be a whole number from 0 to 87840, not 1.5."),
        (87841, "auto_cancel_grace_hours must be a whole number from 0 to 87840, not 87841."),
        ("AttributeError", "'str' object has no attribute 'hours'"),
    ],
)
@override_settings(BOOKINGS_ADAPTER=f"{__name__}.Careless")
def test_one_service_without_a_grace_does_not_stop_the_sweep(
    book_past: Book,
    make_service: Make,
    other_provider: Any,
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
    said: str,
) -> None:
    monkeypatch.setattr(Careless, "answers", {"Odd": answer, "Massage": 0})
    odd = make_service(name="Odd")
    left = [
        book_past(service=odd, provider=other_provider),
        book_past(service=odd, start_at=START + HOUR),
    ]
    overdue_booking = book_past()

    swept = auto_cancel_expired_bookings(now_dt=OVERDUE)

    assert swept == 1
    assert stored(overdue_booking).status == "CANCELLED"
    assert {stored(each).status for each in left} == {"CONFIRMED"}
    (refusal,) = swept.refusals
    assert refusal.code == "invalid_grace"
    assert str(refusal).startswith("Bookings of Odd cannot be cancelled automatically: ")
    assert said in str(refusal)
    assert list_overdue_bookings(OVERDUE) == []


@pytest.mark.parametrize("hours", [-1, True, None, "24"])
def test_a_setting_that_is_no_grace_stops_nobody_who_has_one(
    book_past: Book, make_service: Make, settings: Any, hours: Any
) -> None:
    settings.BOOKINGS_AUTO_CANCEL_GRACE_HOURS = hours
    book_past()
    own = book_past(service=make_service(auto_cancel_grace_hours=1), start_at=START + DAY)

    swept = auto_cancel_expired_bookings(now_dt=OVERDUE + DAY)

    assert swept == 1
    assert stored(own).status == "CANCELLED"
    assert "BOOKINGS_AUTO_CANCEL_GRACE_HOURS must be" in str(next(iter(swept.refusals)))


class Broken(DefaultBookingAdapter):
    def auto_cancel_grace_hours(self, service: Any, provider: Any) -> int:
        raise DatabaseError("The connection is gone.")


@override_settings(BOOKINGS_ADAPTER=f"{__name__}.Broken")
def test_a_database_that_fails_is_no_services_fault(overdue_booking: Booking) -> None:
    with nothing_written(), pytest.raises(DatabaseError, match="gone"):
        auto_cancel_expired_bookings(now_dt=OVERDUE)


class NamedActorsOnly(DefaultBookingAdapter):
    def check_permission(self, actor: Any, verb: str, booking: Booking) -> None:
        if actor is None:
            raise NotAllowed("Log in first.")


def test_a_sweep_is_nobodys_act(overdue_booking: Booking, settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.NamedActorsOnly"
    with nothing_written(), pytest.raises(NotAllowed):
        cancel_booking(overdue_booking, now_dt=OVERDUE, override_policy=True)
    assert auto_cancel_expired_bookings(now_dt=OVERDUE) == 1


# How it works


@pytest.mark.parametrize(
    ("limit", "chunk_size", "expected"),
    [(None, 2, 4), (1, 500, 1), (2, 2, 2), (3, 2, 3), (5, 1, 4)],
)
@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("longest_look", [1, 3, 10_000])
def test_a_sweep_works_in_chunks_up_to_its_limit(
    book_past: Book,
    make_service: Make,
    monkeypatch: pytest.MonkeyPatch,
    limit: int | None,
    chunk_size: int,
    expected: int,
    dry_run: bool,
    longest_look: int,
) -> None:
    monkeypatch.setattr(chunked_changes, "MAX_LOOKUP", longest_look)
    patient = make_service(auto_cancel_grace_hours=1000)
    for number in range(4):
        book_past(start_at=START + 3 * number * HOUR)
        book_past(start_at=START + (3 * number + 1) * HOUR, service=patient)
    heard: list[int] = []

    swept = auto_cancel_expired_bookings(
        now_dt=OVERDUE + DAY,
        limit=limit,
        chunk_size=chunk_size,
        dry_run=dry_run,
        progress=heard.append,
    )

    assert swept == expected
    cancelled = Booking.objects.filter(status="CANCELLED").count()
    assert cancelled == (0 if dry_run else swept)
    assert heard == sorted(heard)
    assert heard[-1:] == ([] if dry_run else [swept])


def test_a_sweep_of_many_takes_as_many_queries_as_of_one(
    book_past: Book, make_service: Make, make_provider: Make, django_assert_num_queries: Any
) -> None:
    def fill(number: int) -> None:
        services = [make_service(name=f"Service {turn}") for turn in range(number)]
        for turn in range(3 * number):
            book_past(
                service=services[turn % number],
                provider=make_provider(name=f"Provider {turn}"),
                start_at=START,
            )

    fill(1)
    with django_assert_num_queries(queries_of_a_chunk()):
        assert auto_cancel_expired_bookings(now_dt=OVERDUE) == 3
    fill(8)
    with django_assert_num_queries(queries_of_a_chunk()):
        assert auto_cancel_expired_bookings(now_dt=OVERDUE) == 24


def queries_of_a_chunk() -> int:
    """Pairs, services and providers; seven to lock them, and their resources, in a transaction that
    is the test's; the bookings; and eight of a chunk with its savepoint.

    SQLite reads the calendars before it locks them.
    """
    return 3 + 7 + 1 + 8 + (1 if connection.vendor == "sqlite" else 0)


def test_what_is_over_and_closed_is_not_read(book_past: Book, settings: Any) -> None:
    """The control of the query's bounds: it asks for the active ones alone."""
    complete_booking(book_past(), now_dt=END)
    assert list_overdue_bookings(OVERDUE + DAY) == []


def test_a_shared_slot_gives_back_the_seats_of_those_that_are_overdue(
    book_past: Book, group: Any
) -> None:
    book_past(service=group, party_size=2)
    late = book_past(service=group)
    Booking._base_manager.filter(pk=late.pk).update(confirmed_at=END)
    assert auto_cancel_expired_bookings(now_dt=END + DAY - SECOND) == 0
    Booking._base_manager.filter(pk=late.pk).update(confirmed_at=END + DAY)

    assert auto_cancel_expired_bookings(now_dt=OVERDUE) == 1

    (slot,) = intervals()
    assert slot["seats"] == (1, 3)
    assert stored(late).status == "CONFIRMED"


def test_somebody_who_moves_it_to_another_provider_meanwhile_keeps_it(
    book_past: Book, other_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bookings.ledger import locks

    moved = book_past()
    lock = locks.try_lock_calendars

    def overtaken(*args: Any, **kwargs: Any) -> dict[Any, int]:
        Booking._base_manager.filter(pk=moved.pk).update(provider=other_provider)
        return lock(*args, **kwargs)

    monkeypatch.setattr(locks, "try_lock_calendars", overtaken)

    assert auto_cancel_expired_bookings(now_dt=OVERDUE) == 0
    assert stored(moved).status == "CONFIRMED"


def test_a_calendar_that_somebody_else_has_locked_comes_last(
    book_past: Book, make_provider: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bookings.ledger import locks

    waiting = make_provider(name="Waiting")
    rows = [
        book_past(),
        book_past(provider=waiting),
        book_past(start_at=START + HOUR, provider=waiting),
    ]
    lock = locks.try_lock_calendars
    asked: list[set[Any]] = []

    def taken(providers: set[Any], **kwargs: Any) -> dict[Any, int]:
        asked.append(set(providers))
        return lock(providers - {waiting.pk}, **kwargs) if providers - {waiting.pk} else {}

    monkeypatch.setattr(locks, "try_lock_calendars", taken)
    heard: list[int] = []

    assert (
        auto_cancel_expired_bookings(now_dt=OVERDUE + DAY, chunk_size=2, progress=heard.append) == 3
    )
    assert heard == [1, 1, 3]
    assert len(asked) == 2
    assert {stored(row).status for row in rows} == {"CANCELLED"}


def test_what_moves_while_it_is_swept_is_looked_at_again(
    book_past: Book, make_service: Make
) -> None:
    """The keys of all are known by then, and the latest deadline is that of another service."""
    book_past(service=make_service(name="Quick", auto_cancel_grace_hours=0))
    waiting = book_past(start_at=START + HOUR)

    def move(done: int) -> None:
        if done == 1:
            reschedule_booking(
                stored(waiting), new_start_at=OVERDUE, now_dt=OVERDUE, override_policy=True
            )

    assert auto_cancel_expired_bookings(now_dt=OVERDUE + 2 * HOUR, chunk_size=1, progress=move) == 1
    assert stored(waiting).status == "CONFIRMED"


def test_what_is_another_provider_s_by_now_is_left_to_the_next_sweep(
    book_past: Book, make_provider: Make
) -> None:
    """That calendar is not locked."""
    elsewhere = make_provider(name="Elsewhere")
    book_past(expires_at=START)
    waiting = book_past(start_at=START + HOUR, expires_at=START)

    def move(done: int) -> None:
        if done == 1:
            reschedule_booking(
                stored(waiting),
                new_start_at=START + HOUR,
                new_provider=elsewhere,
                now_dt=NOW,
            )

    assert expire_bookings(now_dt=START, chunk_size=1, progress=move) == 1
    assert stored(waiting).status == "PENDING"
    assert expire_bookings(now_dt=START) == 1


def test_a_request_that_was_made_afterwards_has_its_grace_since_then(
    book: Book, book_past: Book, make_service: Make
) -> None:
    late = OVERDUE + DAY
    request = book(
        service=make_service(name="Surgery", requires_approval=True), now_dt=late, allow_past=True
    )
    request = set_created_at(request, late)
    book_past(start_at=START + HOUR, service=make_service(name="Quick", auto_cancel_grace_hours=0))

    assert auto_cancel_expired_bookings(now_dt=late + DAY - MICROSECOND) == 1
    assert auto_cancel_expired_bookings(now_dt=late + DAY) == 1


def test_a_sweep_raises_the_revision_of_the_calendars_it_changes(book_past: Book) -> None:
    book_past()
    before = Calendar.objects.aggregate(Max("revision"))
    auto_cancel_expired_bookings(now_dt=OVERDUE)
    assert Calendar.objects.aggregate(Max("revision")) != before


def test_what_a_sweep_did_travels(overdue_booking: Booking) -> None:
    swept = pickle.loads(pickle.dumps(auto_cancel_expired_bookings(now_dt=OVERDUE)))  # noqa: S301
    assert (swept, list(swept.refusals)) == (1, [])


# The list


def test_the_list_has_what_the_sweep_would_take_in_order_of_their_ends(
    book_past: Book, make_service: Make, other_provider: Any
) -> None:
    book_past(start_at=START + 30 * HOUR, expires_at=START)
    last = book_past(start_at=START + 2 * HOUR)
    first = book_past(start_at=START, provider=other_provider)
    book_past(start_at=START + 6 * HOUR, service=make_service(auto_cancel_grace_hours=2000))
    complete_booking(book_past(start_at=START + 8 * HOUR), now_dt=END + DAY)
    now = END + 2 * HOUR + DAY

    assert list_overdue_bookings(now) == [first, last]
    assert list_overdue_bookings(now, provider=other_provider) == [first]
    assert auto_cancel_expired_bookings(now_dt=now) == 2
    assert list_overdue_bookings(now) == []


@pytest.mark.parametrize("selector", [list_overdue_bookings, list_expired_bookings])
def test_the_list_refuses_an_instant_that_nobody_knows(selector: Callable[..., Any]) -> None:
    with pytest.raises(InvalidBooking):
        selector(datetime(2030, 1, 7))  # noqa: DTZ001


def test_the_list_is_of_now_unless_told(
    overdue_booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    for now, overdue_then in ((OVERDUE - SECOND, []), (OVERDUE, [overdue_booking])):
        monkeypatch.setattr("django.utils.timezone.now", lambda now=now: now)
        assert list_overdue_bookings() == overdue_then


def test_a_service_that_is_deleted_meanwhile_stops_nobody(
    book_past: Book, other_provider: Any
) -> None:
    overdue_one = book_past()
    gone = [(overdue_one.service_id, 0), (0, other_provider.pk), (0, 0)]
    known = (overdue_one.service_id, overdue_one.provider_id)
    found = overdue.deadlines_for_pairs([*gone, known], OVERDUE, using="default")
    assert found.by_pair.keys() == {known}
    assert not found.refusals
