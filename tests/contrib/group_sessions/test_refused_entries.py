"""A waiting client who was refused is tried again when what stood in the way has gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bookings import extensions
from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.group_sessions import waitlist_retry
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.services import close_session, join_waitlist
from bookings.exceptions import NotAllowed
from bookings.integrity import find_problems
from bookings.models import Booking
from bookings.services import (
    add_note,
    cancel_booking,
    complete_booking,
    confirm_booking,
    create_booking,
    decline_booking,
    deliver_booking,
    expire_bookings,
    mark_no_show,
    reschedule_booking,
    update_booking,
)
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    Factory,
    MakeBooking,
    MakeEntry,
    MakeSession,
    booked_clients,
    stored_rows,
    waiting_clients,
)
from tests.extensions import extension
from tests.stateful.audit import audit

pytestmark = pytest.mark.django_db

DAY = 24 * HOUR
ACTIVE = "BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT"
OVERLAP = "BOOKINGS_PREVENT_CLIENT_OVERLAP"

Book = Callable[..., Booking]
Commit = Callable[[], Any]


@pytest.fixture(autouse=True)
def _sound(db: None) -> Any:
    yield
    assert audit() == []
    assert list(find_problems()) == []


@pytest.fixture
def commit(django_capture_on_commit_callbacks: Any) -> Commit:
    """Run the block, and what follows from its commit."""
    return partial(django_capture_on_commit_callbacks, execute=True)


@pytest.fixture
def book(make_service: Factory, other_provider: Any) -> Book:
    """Book Bob one to one, with another provider."""
    massage = make_service(name="Massage")

    def make(**values: Any) -> Booking:
        given = {
            "service": massage,
            "provider": other_provider,
            "start_at": START,
            "client_name": "Bob",
            "now_dt": NOW,
            "override_policy": True,
        }
        return create_booking(**(given | values))

    return make


@contextmanager
def refusing(entry: WaitlistEntry, code: str, commit: Commit) -> Iterator[None]:
    """Assert that the entry is refused inside of the block, and keeps waiting."""
    with commit():
        yield
    entry.refresh_from_db()
    assert (entry.status, entry.refusal) == ("WAITING", code)


def free_the_seats(entry: WaitlistEntry, code: str, commit: Commit) -> None:
    with refusing(entry, code, commit):
        cancel_booking(Booking.objects.get(client_name="Ann"), now_dt=NOW)


def is_booked(session: Session) -> bool:
    return booked_clients(session) == {"Bob": (1, "CONFIRMED")} and not waiting_clients(session)


ENDS: dict[str, Callable[[Booking], Any]] = {
    "cancelled": lambda booking: cancel_booking(booking, now_dt=NOW),
    "moved": lambda booking: reschedule_booking(
        booking, new_start_at=START + DAY, now_dt=NOW, override_policy=True
    ),
    "given to another client": lambda booking: update_booking(
        booking, client_name="Eve", now_dt=NOW
    ),
    "deleted": lambda booking: booking.delete(),
    "deleted with others": lambda booking: Booking.objects.filter(pk=booking.pk).delete(),
    "saved": lambda booking: (setattr(booking, "client_name", "Eve"), booking.save()),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_booking_that_overlaps_goes(
    full_session: Session,
    make_entry: MakeEntry,
    book: Book,
    settings: Any,
    commit: Commit,
    end: Callable[[Booking], Any],
) -> None:
    setattr(settings, OVERLAP, True)
    other = book()
    free_the_seats(make_entry(full_session, "Bob"), "client_overlap", commit)
    with commit():
        end(other)
    assert is_booked(full_session)


@pytest.mark.parametrize(
    "end",
    [
        partial(complete_booking, now_dt=NOW),
        partial(deliver_booking, now_dt=NOW),
        partial(mark_no_show, now_dt=NOW),
        partial(cancel_booking, now_dt=NOW, override_policy=True),
    ],
    ids=["complete", "deliver", "no-show", "cancel"],
)
def test_one_active_booking_less(
    full_session: Session,
    make_entry: MakeEntry,
    book: Book,
    settings: Any,
    commit: Commit,
    end: Callable[[Booking], Any],
) -> None:
    setattr(settings, ACTIVE, 1)
    other = book(start_at=NOW - DAY, allow_past=True)
    free_the_seats(make_entry(full_session, "Bob"), "limit_reached", commit)
    with commit():
        end(other)
    assert is_booked(full_session)


def test_a_request_is_declined(
    full_session: Session,
    make_entry: MakeEntry,
    book: Book,
    make_service: Factory,
    settings: Any,
    commit: Commit,
) -> None:
    setattr(settings, ACTIVE, 1)
    request = book(service=make_service(requires_approval=True))
    free_the_seats(make_entry(full_session, "Bob"), "limit_reached", commit)
    with commit():
        decline_booking(request, now_dt=NOW)
    assert is_booked(full_session)


def test_a_seat_in_another_session_is_given_up(
    full_session: Session,
    make_entry: MakeEntry,
    make_session: MakeSession,
    make_booking: MakeBooking,
    settings: Any,
    commit: Commit,
) -> None:
    setattr(settings, ACTIVE, 1)
    seat = make_booking(make_session(start_at=START + DAY), "Bob")
    free_the_seats(make_entry(full_session, "Bob"), "limit_reached", commit)
    with commit():
        cancel_booking(seat, now_dt=NOW)
    assert is_booked(full_session)


@pytest.mark.parametrize("how", ["cancel", "move"])
def test_the_provider_s_day_has_room_again(
    full_session: Session,
    make_entry: MakeEntry,
    book: Book,
    provider: Any,
    other_provider: Any,
    commit: Commit,
    how: str,
) -> None:
    eve = book(client_name="Eve", provider=provider, start_at=START + 2 * HOUR)
    type(provider)._default_manager.filter(pk=provider.pk).update(max_bookings_per_day=1)
    free_the_seats(make_entry(full_session, "Bob"), "limit_reached", commit)
    with commit():
        if how == "cancel":
            cancel_booking(eve, now_dt=NOW)
        else:
            reschedule_booking(eve, new_start_at=START, new_provider=other_provider, now_dt=NOW)
    assert is_booked(full_session)


def test_a_client_is_the_same_by_any_identifier(
    full_session: Session, make_entry: MakeEntry, book: Book, settings: Any, commit: Commit
) -> None:
    setattr(settings, ACTIVE, 1)
    other = book(client_name="Robert", client_email="bob@example.com", client_phone="0123 45")
    entry = make_entry(full_session, "Bob", client_phone="012345")
    free_the_seats(entry, "limit_reached", commit)
    with commit():
        cancel_booking(other, now_dt=NOW)
    assert is_booked(full_session)


def test_nobody_else_is_tried(
    full_session: Session,
    make_entry: MakeEntry,
    book: Book,
    settings: Any,
    commit: Commit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setattr(settings, ACTIVE, 1)
    book()
    eve = book(client_name="Eve", start_at=START + DAY)
    free_the_seats(make_entry(full_session, "Bob"), "limit_reached", commit)
    monkeypatch.setattr(waitlist_retry, "with_locked_session", None)
    with commit():
        cancel_booking(eve, now_dt=NOW)
    assert waiting_clients(full_session) == ["Bob"]


@pytest.mark.parametrize("why", ["full", "closed", "begun"])
def test_an_entry_without_a_seat_is_not_tried(
    full_session: Session,
    make_entry: MakeEntry,
    make_booking: MakeBooking,
    book: Book,
    settings: Any,
    commit: Commit,
    why: str,
) -> None:
    setattr(settings, ACTIVE, 1)
    other = book(start_at=START + DAY)
    free_the_seats(make_entry(full_session, "Bob"), "limit_reached", commit)
    now = START if why == "begun" else NOW
    if why == "full":
        make_booking(full_session, "Eve", 3)
    elif why == "closed":
        close_session(full_session, now_dt=NOW)
    with commit():
        cancel_booking(other, now_dt=now)
    assert waiting_clients(full_session) == ["Bob"]


@pytest.mark.parametrize("change", [confirm_booking, partial(add_note, message="Rang.")])
def test_what_frees_nothing_has_no_consequence(
    full_session: Session, book: Book, make_service: Factory, commit: Commit, change: Any
) -> None:
    request = book(service=make_service(requires_approval=True), start_at=START + DAY)
    with commit() as callbacks:
        change(request, now_dt=NOW)
    names = [getattr(callback, "__qualname__", "") for callback in callbacks]
    assert not [name for name in names if "retry" in name]


def test_it_costs_a_query_if_nobody_was_refused(book: Book, commit: Commit) -> None:
    booking = book()
    with CaptureQueriesContext(connection) as captured, commit():
        cancel_booking(booking, now_dt=NOW)
    assert sum("refusal" in query["sql"] for query in captured) == 1


def test_an_entry_that_is_refused_anew_says_why_now(
    full_session: Session, make_entry: MakeEntry, book: Book, settings: Any, commit: Commit
) -> None:
    setattr(settings, ACTIVE, 1)
    book(start_at=START + DAY)
    second = book(start_at=START + 2 * DAY)
    entry = make_entry(full_session, "Bob")
    free_the_seats(entry, "limit_reached", commit)
    setattr(settings, OVERLAP, True)
    book(start_at=START)
    setattr(settings, ACTIVE, None)
    with refusing(entry, "client_overlap", commit):
        cancel_booking(second, now_dt=NOW)


class _NoBob(DefaultBookingAdapter):
    def check_bookable(self, booking: Booking, *, override_policy: bool) -> None:
        if booking.client_name == "Bob":
            raise NotAllowed("Bob is barred. Let him ask the desk.")


class TestSweep:
    """``expire_bookings`` tries all again, whatever stood in their way."""

    @pytest.fixture
    def refused(
        self, full_session: Session, make_entry: MakeEntry, settings: Any, commit: Commit
    ) -> WaitlistEntry:
        settings.BOOKINGS_ADAPTER = f"{__name__}._NoBob"
        entry = make_entry(full_session, "Bob")
        free_the_seats(entry, "not_allowed", commit)
        return entry

    def test_who_is_not_barred_any_more_is_booked(
        self, refused: WaitlistEntry, settings: Any, commit: Commit
    ) -> None:
        del settings.BOOKINGS_ADAPTER
        before = stored_rows()
        with commit():
            expire_bookings(now_dt=NOW, dry_run=True)
        assert stored_rows() == before
        with commit():
            assert expire_bookings(now_dt=NOW) == 0
        assert is_booked(refused.session)

    def test_who_is_still_barred_keeps_waiting(
        self, refused: WaitlistEntry, commit: Commit
    ) -> None:
        with commit():
            expire_bookings(now_dt=NOW)
        assert waiting_clients(refused.session) == ["Bob"]

    def test_a_deleted_booking_stood_in_the_way(
        self,
        full_session: Session,
        make_entry: MakeEntry,
        book: Book,
        settings: Any,
        commit: Commit,
    ) -> None:
        setattr(settings, ACTIVE, 1)
        other = book()
        free_the_seats(make_entry(full_session, "Bob"), "limit_reached", commit)
        other.delete()
        with commit():
            expire_bookings(now_dt=NOW)
        assert is_booked(full_session)

    def test_a_hold_that_has_expired_stood_in_the_way(
        self,
        full_session: Session,
        make_entry: MakeEntry,
        book: Book,
        settings: Any,
        commit: Commit,
    ) -> None:
        setattr(settings, ACTIVE, 1)
        book(expires_at=NOW + HOUR)
        free_the_seats(make_entry(full_session, "Bob"), "limit_reached", commit)
        with commit():
            assert expire_bookings(now_dt=NOW + HOUR) == 1
        assert is_booked(full_session)

    def test_the_first_in_the_queue_comes_first(
        self,
        refused: WaitlistEntry,
        make_booking: MakeBooking,
        make_entry: MakeEntry,
        settings: Any,
        commit: Commit,
    ) -> None:
        """A larger party that waits behind the one that was refused gets what is left."""
        make_booking(refused.session, "Eve", 1)
        del settings.BOOKINGS_ADAPTER
        make_entry(refused.session, "Dan", 3)
        with commit():
            expire_bookings(now_dt=NOW)
        assert booked_clients(refused.session).keys() == {"Eve", "Bob"}
        assert waiting_clients(refused.session) == ["Dan"]

    def test_an_extension_that_fails_stops_neither_the_sweep_nor_the_others(
        self,
        refused: WaitlistEntry,
        settings: Any,
        commit: Commit,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def fail(**kwargs: Any) -> None:
            raise ZeroDivisionError

        monkeypatch.setitem(
            extensions._extensions, "first", extension("first", order=1, sweep=fail)
        )
        del settings.BOOKINGS_ADAPTER
        with commit():
            expire_bookings(now_dt=NOW)
        assert "ZeroDivisionError" in caplog.text
        assert is_booked(refused.session)


@pytest.mark.django_db(transaction=True)
def test_it_is_tried_once_the_transaction_of_the_caller_is_committed(
    full_session: Session, make_entry: MakeEntry, book: Book, settings: Any
) -> None:
    setattr(settings, ACTIVE, 1)
    other = book()
    make_entry(full_session, "Bob")
    cancel_booking(Booking.objects.get(client_name="Ann"), now_dt=NOW)
    with transaction.atomic():
        cancel_booking(other, now_dt=NOW)
        assert waiting_clients(full_session) == ["Bob"]
    assert is_booked(full_session)


def test_nobody_is_asked_about_a_session_that_cannot_be_booked_any_more(
    make_service: Factory, make_session: MakeSession, make_booking: MakeBooking, settings: Any
) -> None:
    service = make_service(minimum_notice_minutes=60)
    session = make_session(enable_waitlist=True, service=service)
    seats = make_booking(session, "Ann", 3)
    entry = join_waitlist(session, client_name="Bob", now_dt=NOW)
    late = session.start_at - HOUR / 2
    cancel_booking(seats, now_dt=late, override_policy=True)
    WaitlistEntry.objects.update(refusal="limit_reached")
    settings.BOOKINGS_ADAPTER = f"{__name__}.{_AsksNobody.__name__}"
    waitlist_retry.retry_all(using="default", now=late)
    entry.refresh_from_db()
    assert entry.status == "WAITING"


class _AsksNobody(DefaultBookingAdapter):
    def price(self, booking: Booking, addons: Any) -> Any:
        raise AssertionError(booking)
