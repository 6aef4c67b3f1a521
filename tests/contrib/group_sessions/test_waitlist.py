"""Waiting clients are promoted in the transaction that frees the seats."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta, timezone, tzinfo
from typing import Any, ClassVar

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.group_sessions import signals, waitlist_promotion
from bookings.contrib.group_sessions.exceptions import (
    AlreadyBooked,
    AlreadyWaiting,
    SessionNotOpen,
    WaitlistRefused,
)
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.selectors import position
from bookings.contrib.group_sessions.services import (
    cancel_session,
    close_session,
    finish_session,
    leave_waitlist,
    move_seat,
    promote_from_waitlist,
    reopen_session,
    update_session,
)
from bookings.exceptions import (
    BookingBusy,
    CapacityExceeded,
    InvalidBooking,
    InvalidTransition,
    MissingReference,
    NotAllowed,
)
from bookings.integrity import find_problems
from bookings.models import Booking
from bookings.services import (
    cancel_booking,
    confirm_booking,
    decline_booking,
    expire_booking,
    expire_bookings,
    submit_hold,
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
    refused,
    reloaded,
    stored_rows,
    waiting_clients,
)
from tests.stateful.audit import audit

pytestmark = pytest.mark.django_db

OFFER = timedelta(minutes=30)


@pytest.fixture(autouse=True)
def _sound(db: None) -> Any:
    yield
    assert audit() == []
    assert list(find_problems()) == []


@pytest.fixture
def strict_order(settings: Any) -> None:
    settings.BOOKINGS_WAITLIST_ORDER = "strict"


@pytest.fixture
def offering_session(make_session: MakeSession, make_booking: MakeBooking) -> Session:
    """As ``full_session``; freed seats are offered for half an hour."""
    made = make_session(enable_waitlist=True, waitlist_offer_minutes=30)
    make_booking(made, "Ann", 3)
    return made


def ann() -> Booking:
    return Booking.objects.get(client_name="Ann")


def statuses() -> dict[str, str]:
    return {entry.client_name: str(entry.status) for entry in WaitlistEntry.objects.order_by("pk")}


def test_a_waiting_client_is_booked_when_seats_are_freed(
    full_session: Session,
    make_entry: MakeEntry,
    django_capture_on_commit_callbacks: Any,
    record_signal: Any,
) -> None:
    joined, promoted = (
        record_signal(signals.waitlist_joined),
        record_signal(signals.waitlist_promoted),
    )
    with django_capture_on_commit_callbacks(execute=True):
        entry = make_entry(
            full_session, "Bob", 2, client_email="bob@example.com", client_phone="123"
        )
    assert (entry.status, position(entry)) == ("WAITING", 1)
    assert str(entry) == f"Bob: {full_session}"
    with django_capture_on_commit_callbacks(execute=True):
        cancel_booking(ann(), now_dt=NOW)
    entry.refresh_from_db()
    booking: Any = entry.booking
    assert (entry.status, position(entry)) == ("ACCEPTED", None)
    assert (booking.status, booking.party_size, booking.created_at) == ("CONFIRMED", 2, NOW)
    assert (booking.client_email, booking.client_phone) == ("bob@example.com", "123")
    assert [event.event_type for event in booking.events.all()] == ["CREATED"]
    assert booked_clients(full_session) == {"Bob": (2, "CONFIRMED")}
    assert [sent["entry"].client_name for sent in joined] == ["Bob"]
    assert [(sent["entry"], sent["booking"]) for sent in promoted] == [(entry, booking)]


def test_first_come_first_served_within_a_priority(
    full_session: Session, make_entry: MakeEntry
) -> None:
    entries = [
        make_entry(full_session, "Bob"),
        make_entry(full_session, "Cid", now_dt=NOW + HOUR),
        make_entry(full_session, "Dan", now_dt=NOW + HOUR / 2),
        make_entry(full_session, "Eve", priority=1, now_dt=NOW + HOUR),
        make_entry(full_session, "Fay", priority=-1),
    ]
    assert waiting_clients(full_session) == ["Eve", "Bob", "Dan", "Cid", "Fay"]
    assert [position(entry) for entry in entries] == [2, 4, 3, 1, 5]
    cancel_booking(ann(), now_dt=NOW)
    assert booked_clients(full_session).keys() == {"Eve", "Bob", "Dan"}
    assert waiting_clients(full_session) == ["Cid", "Fay"]


def test_entries_of_one_instant_are_served_in_the_order_of_joining(
    full_session: Session, make_entry: MakeEntry
) -> None:
    assert [position(make_entry(full_session, name)) for name in ("Bob", "Cid")] == [1, 2]


def test_a_party_that_does_not_fit_does_not_block_those_behind_it(
    full_session: Session, make_entry: MakeEntry, make_booking: MakeBooking
) -> None:
    update_session(full_session, capacity=4, now_dt=NOW)
    make_booking(full_session, "Zoe")
    for name, party in (("Bob", 3), ("Cid", 1), ("Dan", 1)):
        make_entry(full_session, name, party)
    cancel_booking(Booking.objects.get(client_name="Zoe"), now_dt=NOW)
    assert booked_clients(full_session) == {"Ann": (3, "CONFIRMED"), "Cid": (1, "CONFIRMED")}
    cancel_booking(ann(), now_dt=NOW)
    assert booked_clients(full_session) == {"Cid": (1, "CONFIRMED"), "Bob": (3, "CONFIRMED")}
    assert waiting_clients(full_session) == ["Dan"]


@pytest.mark.usefixtures("strict_order")
def test_in_strict_order_nobody_passes_a_party_that_will_fit(
    full_session: Session, make_entry: MakeEntry, make_booking: MakeBooking
) -> None:
    update_session(full_session, capacity=4, now_dt=NOW)
    make_booking(full_session, "Zoe")
    bob, _cid = make_entry(full_session, "Bob", 3), make_entry(full_session, "Cid")
    cancel_booking(Booking.objects.get(client_name="Zoe"), now_dt=NOW)
    assert waiting_clients(full_session) == ["Bob", "Cid"]
    with refused(WaitlistRefused, "others_wait"):
        make_booking(full_session, "Eve")
    assert position(make_entry(full_session, "Eve")) == 3
    make_booking(full_session, "Fay", override_policy=True)
    cancel_booking(Booking.objects.get(client_name="Fay"), now_dt=NOW)
    leave_waitlist(bob, now_dt=NOW)
    assert booked_clients(full_session).keys() == {"Ann", "Cid"}
    assert waiting_clients(full_session) == ["Eve"]


@pytest.mark.usefixtures("strict_order")
def test_in_strict_order_a_party_too_large_for_the_session_blocks_nobody(
    full_session: Session, make_entry: MakeEntry
) -> None:
    make_entry(full_session, "Bob", 3)
    make_entry(full_session, "Cid")
    booking = ann()
    booking.party_size = 2
    booking.save()
    assert waiting_clients(full_session) == ["Bob", "Cid"]
    update_session(full_session, capacity=2, now_dt=NOW)
    assert waiting_clients(full_session) == ["Bob", "Cid"]
    booking.party_size = 1
    booking.save()
    assert booked_clients(full_session).keys() == {"Ann", "Cid"}


@pytest.mark.parametrize("how", ["shrinks", "deleted", "moved", "larger"])
def test_a_client_is_promoted_however_seats_are_freed(
    full_session: Session, make_entry: MakeEntry, how: str, make_session: MakeSession
) -> None:
    booking = ann()
    make_entry(full_session, "Bob")
    if how == "shrinks":
        booking.party_size = 1
        booking.save()
    elif how == "deleted":
        booking.delete()
    elif how == "moved":
        move_seat(booking, make_session(start_at=START + HOUR), now_dt=NOW)
    else:
        update_session(full_session, capacity=4, now_dt=NOW)
    assert "Bob" in booked_clients(full_session)
    assert waiting_clients(full_session) == []


def test_the_waitlist_comes_before_a_client_who_finds_an_expired_hold(
    make_session: MakeSession, make_booking: MakeBooking, make_entry: MakeEntry
) -> None:
    session = make_session(enable_waitlist=True)
    make_booking(session, "Ann", 3, expires_at=NOW + HOUR)
    make_entry(session, "Bob", 3)
    with pytest.raises(CapacityExceeded):
        make_booking(session, "Cid", now_dt=NOW + HOUR)
    assert booked_clients(session) == {"Bob": (3, "CONFIRMED")}


def test_a_client_who_joins_after_a_hold_expired_learns_what_is_left(
    make_session: MakeSession, make_booking: MakeBooking, make_entry: MakeEntry
) -> None:
    session = make_session(enable_waitlist=True)
    make_booking(session, "Ann", 3, expires_at=NOW + HOUR)
    make_entry(session, "Bob", 2)
    with pytest.raises(WaitlistRefused) as refusal:
        make_entry(session, "Cid", now_dt=NOW + HOUR)
    assert (refusal.value.code, refusal.value.remaining) == ("seats_free", 1)


def test_a_waiting_client_who_books_directly_leaves_the_waitlist(
    full_session: Session, make_entry: MakeEntry, make_booking: MakeBooking
) -> None:
    entry = make_entry(full_session, "Bob", 3)
    booking = ann()
    booking.party_size = 2
    booking.save()
    direct = make_booking(full_session, "Bob", 1)
    entry.refresh_from_db()
    assert (entry.status, entry.booking) == ("ACCEPTED", direct)
    assert waiting_clients(full_session) == []


def test_entries_within_the_minimum_notice_keep_waiting(
    make_service: Factory,
    make_session: MakeSession,
    make_booking: MakeBooking,
    make_entry: MakeEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = make_session(enable_waitlist=True, service=make_service(minimum_notice_minutes=60))
    make_booking(session, "Ann", 3)
    make_entry(session, "Bob", 2)
    cancel_booking(ann(), now_dt=START - HOUR / 2)
    assert booked_clients(session) == {}
    assert waiting_clients(session) == ["Bob"]
    leave_waitlist(WaitlistEntry.objects.get(), now_dt=START - HOUR / 2)


class EastOfTheDateLine(DefaultBookingAdapter):
    """Now is still the fourth, and the session is at midnight, as the seventh begins."""

    def time_zone(self, booking: Booking) -> tzinfo:
        return timezone(timedelta(hours=-10))


class WestOfTheDateLine(DefaultBookingAdapter):
    """Now is the fifth, and the session is at midnight, as the eighth begins."""

    def time_zone(self, booking: Booking) -> tzinfo:
        return timezone(timedelta(hours=14))


@pytest.mark.parametrize(
    ("adapter", "days", "promoted"),
    [
        (EastOfTheDateLine, 2, False),
        (EastOfTheDateLine, 3, True),
        (DefaultBookingAdapter, 1, False),
        (DefaultBookingAdapter, 2, True),
        (WestOfTheDateLine, 2, False),
        (WestOfTheDateLine, 3, True),
    ],
)
def test_the_days_ahead_of_a_promotion_count_in_the_provider_s_zone(
    full_session: Session,
    make_entry: MakeEntry,
    settings: Any,
    adapter: type[DefaultBookingAdapter],
    days: int,
    promoted: bool,
) -> None:
    make_entry(full_session, "Bob")
    type(full_session.service).objects.update(maximum_advance_days=days)
    settings.BOOKINGS_ADAPTER = f"{adapter.__module__}.{adapter.__name__}"
    cancel_booking(ann(), now_dt=NOW)
    assert waiting_clients(full_session) == ([] if promoted else ["Bob"])
    assert set(booked_clients(full_session)) == ({"Bob"} if promoted else set())


def test_nobody_is_promoted_after_the_start(full_session: Session, make_entry: MakeEntry) -> None:
    make_entry(full_session, "Bob")
    cancel_booking(ann(), now_dt=START, override_policy=True)
    assert booked_clients(full_session) == {}
    finish_session(full_session, now_dt=START + HOUR)
    assert statuses() == {"Bob": "EXPIRED"}


def test_a_reopened_session_promotes_its_waitlist(
    full_session: Session, make_entry: MakeEntry
) -> None:
    make_entry(full_session, "Bob")
    close_session(full_session, now_dt=NOW)
    cancel_booking(ann(), now_dt=NOW)
    with refused(SessionNotOpen, "booking_closed"):
        make_entry(full_session, "Cid")
    assert booked_clients(full_session) == {}
    reopen_session(full_session, now_dt=NOW)
    assert booked_clients(full_session) == {"Bob": (1, "CONFIRMED")}


def test_a_disabled_waitlist_still_promotes_its_entries(
    full_session: Session, make_entry: MakeEntry
) -> None:
    make_entry(full_session, "Bob")
    update_session(full_session, enable_waitlist=False, now_dt=NOW)
    assert reloaded(full_session).status == "BOOKING_CLOSED"
    with refused(WaitlistRefused, "no_waitlist"):
        make_entry(full_session, "Cid")
    cancel_booking(ann(), now_dt=NOW)
    assert booked_clients(full_session) == {"Bob": (1, "CONFIRMED")}
    assert reloaded(full_session).status == "SCHEDULED"


def test_a_disabled_waitlist_still_offers_seats(
    offering_session: Session, make_entry: MakeEntry
) -> None:
    make_entry(offering_session, "Bob")
    update_session(offering_session, enable_waitlist=False, now_dt=NOW)
    cancel_booking(ann(), now_dt=NOW)
    assert statuses() == {"Bob": "OFFERED"}


def test_cancelling_a_session_expires_its_waitlist(
    offering_session: Session,
    make_entry: MakeEntry,
    django_capture_on_commit_callbacks: Any,
    record_signal: Any,
) -> None:
    left = record_signal(signals.waitlist_left)
    make_entry(offering_session, "Bob", 3), make_entry(offering_session, "Cid")
    cancel_booking(ann(), now_dt=NOW)
    assert statuses() == {"Bob": "OFFERED", "Cid": "WAITING"}
    with django_capture_on_commit_callbacks(execute=True):
        cancel_session(offering_session, now_dt=NOW)
    assert statuses() == {"Bob": "EXPIRED", "Cid": "EXPIRED"}
    assert [sent["entry"].client_name for sent in left] == ["Bob", "Cid"]
    with refused(SessionNotOpen, "session_cancelled"):
        make_entry(offering_session, "Dan")


# Offers


def test_seats_are_offered_and_accepted(offering_session: Session, make_entry: MakeEntry) -> None:
    entry = make_entry(offering_session, "Bob", 2)
    cancel_booking(ann(), now_dt=NOW)
    entry.refresh_from_db()
    booking: Any = entry.booking
    assert (entry.status, booking.status) == ("OFFERED", "PENDING")
    assert booking.expires_at == NOW + OFFER
    confirm_booking(booking, now_dt=NOW)
    assert statuses() == {"Bob": "ACCEPTED"}
    assert booked_clients(offering_session) == {"Bob": (2, "CONFIRMED")}


def test_an_offer_expires_at_the_start_at_the_latest(
    offering_session: Session, make_entry: MakeEntry
) -> None:
    make_entry(offering_session, "Bob")
    cancel_booking(ann(), now_dt=START - OFFER / 2)
    assert Booking.objects.get(client_name="Bob").expires_at == START


def test_an_offer_that_expires_passes_to_the_next(
    offering_session: Session,
    make_entry: MakeEntry,
    django_capture_on_commit_callbacks: Any,
    record_signal: Any,
) -> None:
    left = record_signal(signals.waitlist_left)
    for name in ("Bob", "Cid", "Dan"):
        make_entry(offering_session, name, 3)
    cancel_booking(ann(), now_dt=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        assert expire_bookings(now_dt=NOW + OFFER) == 1
    assert statuses() == {"Bob": "EXPIRED", "Cid": "OFFERED", "Dan": "WAITING"}
    assert [sent["entry"].client_name for sent in left] == ["Bob"]
    expire_booking(Booking.objects.get(client_name="Cid"), now_dt=NOW + 2 * OFFER)
    assert statuses() == {"Bob": "EXPIRED", "Cid": "EXPIRED", "Dan": "OFFERED"}
    assert booked_clients(offering_session) == {"Dan": (3, "PENDING")}


@pytest.mark.parametrize("how", ["cancelled", "declined", "deleted", "left"])
def test_an_offer_that_is_refused_passes_to_the_next(
    offering_session: Session, make_entry: MakeEntry, how: str
) -> None:
    entry, _next = make_entry(offering_session, "Bob", 3), make_entry(offering_session, "Cid")
    cancel_booking(ann(), now_dt=NOW)
    booking = Booking.objects.get(client_name="Bob")
    if how == "cancelled":
        cancel_booking(booking, now_dt=NOW)
    elif how == "declined":
        decline_booking(booking, now_dt=NOW)
    elif how == "deleted":
        booking.delete()
    else:
        leave_waitlist(entry, now_dt=NOW)
    assert statuses() == {"Bob": "LEFT", "Cid": "OFFERED"}
    assert booked_clients(offering_session) == {"Cid": (1, "PENDING")}


def test_a_client_whose_offer_expired_can_join_again(
    offering_session: Session, make_entry: MakeEntry
) -> None:
    make_entry(offering_session, "Bob", 3), make_entry(offering_session, "Cid", 3)
    cancel_booking(ann(), now_dt=NOW)
    with refused(AlreadyBooked):
        make_entry(offering_session, "Bob")
    expire_bookings(now_dt=NOW + OFFER)
    make_entry(offering_session, "Bob", now_dt=NOW + OFFER)
    assert waiting_clients(offering_session) == ["Bob"]


# Join and leave


def test_joining_is_refused_while_seats_are_free(
    make_session: MakeSession, make_booking: MakeBooking, make_entry: MakeEntry
) -> None:
    session = make_session(enable_waitlist=True)
    with refused(WaitlistRefused, "seats_free"):
        make_entry(session, "Bob")
    make_booking(session, "Ann", 2)
    with refused(WaitlistRefused, "seats_free"):
        make_entry(session, "Bob")
    make_entry(session, "Bob", 2)


def test_joining_is_refused_without_a_waitlist(
    session: Session, make_booking: MakeBooking, make_entry: MakeEntry
) -> None:
    make_booking(session, "Ann", 3)
    with refused(WaitlistRefused, "no_waitlist"):
        make_entry(session, "Bob")


def test_a_client_has_one_waiting_entry(full_session: Session, make_entry: MakeEntry) -> None:
    entry = make_entry(full_session, "Bob")
    with refused(AlreadyWaiting):
        make_entry(full_session, "Bob", 2)
    with refused(AlreadyBooked):
        make_entry(full_session, "Ann")
    leave_waitlist(entry, now_dt=NOW)
    make_entry(full_session, "Bob")


def test_a_client_waits_once_however_known(
    full_session: Session, make_entry: MakeEntry, user: Any
) -> None:
    make_entry(full_session, "Bob", client_email="bob@example.com", client_phone="0123")
    make_entry(full_session, "Cid")
    for again in (
        {"client_user": user, "client_email": "BOB@example.com"},
        {"client_phone": "(01) 23"},
        {"client_email": "other@example.com", "client_phone": "01/23"},
    ):
        with refused(AlreadyWaiting):
            make_entry(full_session, "Robert", **again)
    with refused(AlreadyWaiting):
        make_entry(full_session, " CID ")
    make_entry(full_session, "Cid", client_email="cid@example.com")


def test_a_client_who_is_booked_waits_no_more_however_known(
    make_session: MakeSession, make_entry: MakeEntry, make_booking: MakeBooking, user: Any
) -> None:
    session = make_session(enable_waitlist=True)
    make_booking(session, "Ann", 2)
    zoe = make_booking(session, "Zoe")
    by_email = make_entry(session, "Bob", 2, client_email="bob@example.com")
    by_phone = make_entry(session, "Bob", 2, client_phone="0123", now_dt=NOW + HOUR)
    other = make_entry(session, "Bob", 2)
    cancel_booking(zoe, now_dt=NOW)
    booking = make_booking(
        session, "Bob", client_user=user, client_email="Bob@example.com", client_phone="01 23"
    )
    for entry in (by_email, by_phone, other):
        entry.refresh_from_db()
    assert (by_email.status, by_email.booking) == ("ACCEPTED", booking)
    assert (by_phone.status, by_phone.booking) == ("ACCEPTED", None)
    assert waiting_clients(session) == ["Bob"]
    assert other.status == "WAITING"


@pytest.mark.parametrize(
    "values",
    [
        {"client_name": "Rob"},
        {"client_email": "rob@example.org"},
        {"client_phone": "0123"},
        {"client_user": None},
        {"client_user_id": None},
        {"client_lookup": "x"},
    ],
    ids=lambda values: next(iter(values)),
)
def test_what_a_client_is_found_by_is_not_updated_by_hand(
    full_session: Session, make_entry: MakeEntry, values: dict[str, Any]
) -> None:
    """Else an entry would be another client's, for whom it would still be refused a second one."""
    entry = make_entry(full_session, "Bob")
    (name,) = values
    with pytest.raises(NotAllowed, match=f"for: {name}"):
        WaitlistEntry.objects.update(**values)
    with pytest.raises(NotAllowed, match=f"for: {name}"):
        WaitlistEntry.objects.bulk_create(
            [], update_conflicts=True, unique_fields=["pk"], update_fields=[name]
        )
    if name != "client_user_id":
        with pytest.raises(NotAllowed, match=f"for: {name}"), transaction.atomic():
            WaitlistEntry.objects.bulk_update([entry], [name])
    assert WaitlistEntry.objects.update(refusal="limit_reached") == 1
    assert WaitlistEntry.objects.bulk_create([]) == []


def test_the_database_refuses_a_second_waiting_entry(
    full_session: Session, make_entry: MakeEntry
) -> None:
    first, second = make_entry(full_session, "Bob"), make_entry(full_session, "Cid")
    with pytest.raises(IntegrityError), transaction.atomic():
        WaitlistEntry.objects.filter(pk=second.pk).update(client_key=first.client_key)
    with pytest.raises(IntegrityError), transaction.atomic():
        WaitlistEntry.objects.filter(pk=second.pk).update(party_size=0)


@pytest.mark.parametrize(
    "values",
    [
        {"name": ""},
        {"name": "x" * 256},
        {"party": 0},
        {"party": -1},
        {"party": 1.5},
        {"party": None},
        {"priority": "high"},
        {"priority": 2**31},
        {"client_email": "nobody"},
        {"client_phone": "1" * 65},
        {"client_user": "bob"},
        {"now_dt": NOW.replace(tzinfo=None)},
    ],
    ids=str,
)
def test_an_invalid_entry_is_refused(
    full_session: Session, make_entry: MakeEntry, values: dict[str, Any]
) -> None:
    with refused(InvalidBooking, "naive_datetime" if "now_dt" in values else "invalid"):
        make_entry(full_session, **({"name": "Bob"} | values))


def test_a_party_larger_than_the_session_is_refused(
    full_session: Session, make_entry: MakeEntry
) -> None:
    with refused(CapacityExceeded):
        make_entry(full_session, "Bob", 4)


def test_joining_is_refused_after_the_start(full_session: Session, make_entry: MakeEntry) -> None:
    with refused(SessionNotOpen, "session_started"):
        make_entry(full_session, "Bob", now_dt=START)


def test_leaving_again_does_nothing(full_session: Session, make_entry: MakeEntry) -> None:
    entry = make_entry(full_session, "Bob")
    assert leave_waitlist(entry, now_dt=NOW) is entry
    assert entry.status == "LEFT"
    before = stored_rows()
    leave_waitlist(entry, now_dt=NOW)
    assert [rows for rows in stored_rows() if rows] == [rows for rows in before if rows]


def test_a_promoted_client_cannot_leave_the_waitlist(
    full_session: Session, make_entry: MakeEntry
) -> None:
    entry = make_entry(full_session, "Bob")
    cancel_booking(ann(), now_dt=NOW)
    with refused(InvalidTransition):
        leave_waitlist(entry, now_dt=NOW)


def test_an_unsaved_entry_is_refused(full_session: Session, make_entry: MakeEntry) -> None:
    for wrong in (None, WaitlistEntry()):
        with refused(MissingReference):
            leave_waitlist(wrong, now_dt=NOW)  # type: ignore[arg-type]
    for nothing in (None, "yoga", Session()):
        with refused(MissingReference):
            make_entry(nothing)  # type: ignore[arg-type]
    entry = make_entry(full_session, "Bob")
    WaitlistEntry.objects.all().delete()
    entry.pk = -1
    with refused(MissingReference):
        leave_waitlist(entry, now_dt=NOW)


def test_a_promoted_booking_has_the_account_of_the_client(
    full_session: Session, make_entry: MakeEntry, user: Any
) -> None:
    make_entry(full_session, "Mary", client_user=user, created_by=user)
    cancel_booking(ann(), now_dt=NOW)
    booking = Booking.objects.get(client_name="Mary")
    assert booking.client_user == booking.created_by == user


def test_freeing_a_seat_takes_a_constant_number_of_queries(
    make_session: MakeSession, make_booking: MakeBooking, make_entry: MakeEntry
) -> None:
    def freeing(number: int, hours: int) -> int:
        session = make_session(enable_waitlist=True, capacity=1, start_at=START + hours * HOUR)
        booking = make_booking(session, f"Ann {hours}")
        for guest in range(number):
            make_entry(session, f"Guest {guest}")
        with CaptureQueriesContext(connection) as captured:
            cancel_booking(booking, now_dt=NOW)
        return len([query for query in captured if "SAVEPOINT" not in query["sql"]])

    assert freeing(2, 0) == freeing(20, 1)


def test_freeing_a_seat_too_late_takes_a_constant_number_of_queries(
    make_service: Factory,
    make_session: MakeSession,
    make_booking: MakeBooking,
    make_entry: MakeEntry,
) -> None:
    service = make_service(minimum_notice_minutes=60)

    def freeing(number: int, hours: int) -> int:
        start = START + hours * HOUR
        session = make_session(service=service, enable_waitlist=True, capacity=1, start_at=start)
        booking = make_booking(session, f"Ann {hours}")
        for guest in range(number):
            make_entry(session, f"Guest {guest}")
        with CaptureQueriesContext(connection) as captured:
            cancel_booking(booking, now_dt=start - HOUR / 2)
        for entry in session.waitlist.all():
            leave_waitlist(entry, now_dt=start - HOUR / 2)
        return len(captured)

    assert freeing(1, 0) == freeing(10, 1)


def test_expiring_holds_takes_a_constant_number_of_queries(
    make_session: MakeSession, make_booking: MakeBooking
) -> None:
    def sweeping(number: int, after: Callable[[int], Any]) -> int:
        for hour in range(number):
            session = make_session(capacity=1, start_at=after(hour))
            make_booking(session, expires_at=NOW + HOUR)
        with CaptureQueriesContext(connection) as captured:
            assert expire_bookings(now_dt=NOW + HOUR) == number
        return len([query for query in captured if "SAVEPOINT" not in query["sql"]])

    few = sweeping(2, lambda hour: START + hour * HOUR)
    assert sweeping(12, lambda hour: START + (5 + hour) * HOUR) == few


def test_a_promotion_that_needs_approval_becomes_a_request(
    make_service: Factory,
    make_session: MakeSession,
    make_booking: MakeBooking,
    make_entry: MakeEntry,
    settings: Any,
) -> None:
    settings.BOOKINGS_APPROVAL_DEADLINE_HOURS = 2
    session = make_session(enable_waitlist=True, service=make_service(requires_approval=True))
    make_booking(session, "Ann", 3)
    entry = make_entry(session, "Bob")
    cancel_booking(ann(), now_dt=NOW)
    entry.refresh_from_db()
    assert (entry.status, booked_clients(session)) == ("ACCEPTED", {"Bob": (1, "PENDING")})


def test_a_busy_database_undoes_what_frees_the_seat(
    full_session: Session, make_entry: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is cancelled, and no entry is skipped."""

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise BookingBusy("Busy.")

    make_entry(full_session, "Bob")
    monkeypatch.setattr(waitlist_promotion, "store_new_booking", refuse)
    with refused(BookingBusy):
        cancel_booking(ann(), now_dt=NOW)


class _NoBob(DefaultBookingAdapter):
    def check_bookable(self, booking: Booking, *, override_policy: bool) -> None:
        if booking.client_name == "Bob":
            raise NotAllowed("Bob is barred. Let him ask the desk.")


class _Forbids(DefaultBookingAdapter):
    def check_permission(self, actor: Any, verb: str, booking: Booking) -> None:
        if (booking.client_name, verb) == ("Bob", "create"):
            raise PermissionDenied


class _Breaks(DefaultBookingAdapter):
    def price(self, booking: Booking, addons: Any) -> Any:
        if booking.client_name == "Bob":
            raise ZeroDivisionError
        return super().price(booking, addons)


class _Misnumbers(DefaultBookingAdapter):
    def generate_reference(self, booking: Booking, now_dt: Any) -> str:
        if booking.client_name == "Bob":
            raise KeyError("Bob")
        return super().generate_reference(booking, now_dt)


class _Interrupted(DefaultBookingAdapter):
    """Something else happens once the adapter has been asked about the price, before the lock."""

    happens: ClassVar[Callable[[], Any] | None] = None

    def price(self, booking: Booking, addons: Any) -> Any:
        happens, _Interrupted.happens = _Interrupted.happens, None
        if happens is not None:
            happens()
        return super().price(booking, addons)


@pytest.mark.parametrize(
    ("happens", "booked"),
    [
        (lambda: None, {"Bob": (1, "CONFIRMED")}),
        (
            lambda: WaitlistEntry.objects.update(party_size=2),
            {"Bob": (2, "CONFIRMED")},
        ),
        (
            lambda: QuerySet(WaitlistEntry).update(client_name="Rob"),
            {"Rob": (1, "CONFIRMED")},
        ),
        (
            lambda: QuerySet(Session).update(waitlist_offer_minutes=30),
            {"Bob": (1, "PENDING")},
        ),
    ],
)
def test_a_promotion_is_of_the_entry_as_it_is_under_the_lock(
    full_session: Session,
    make_entry: MakeEntry,
    settings: Any,
    happens: Callable[[], Any],
    booked: dict[str, tuple[int, str]],
) -> None:
    entry = make_entry(full_session, "Bob")
    close_session(full_session, now_dt=NOW)
    cancel_booking(ann(), now_dt=NOW)
    settings.BOOKINGS_ADAPTER = f"{__name__}.{_Interrupted.__name__}"
    _Interrupted.happens = happens
    promote_from_waitlist(entry, now_dt=NOW)
    assert _Interrupted.happens is None
    assert booked_clients(full_session) == booked


def test_an_entry_that_ends_while_the_adapter_is_asked_is_not_promoted(
    full_session: Session, make_entry: MakeEntry, settings: Any
) -> None:
    entry = make_entry(full_session, "Bob")
    close_session(full_session, now_dt=NOW)
    cancel_booking(ann(), now_dt=NOW)
    settings.BOOKINGS_ADAPTER = f"{__name__}.{_Interrupted.__name__}"
    _Interrupted.happens = lambda: leave_waitlist(entry, now_dt=NOW)
    with pytest.raises(InvalidTransition):
        promote_from_waitlist(entry, now_dt=NOW)
    assert booked_clients(full_session) == {}


def test_what_the_adapter_refuses_is_not_promoted_by_staff(
    full_session: Session, make_entry: MakeEntry, settings: Any
) -> None:
    entry = make_entry(full_session, "Bob")
    close_session(full_session, now_dt=NOW)
    cancel_booking(ann(), now_dt=NOW)
    settings.BOOKINGS_ADAPTER = f"{__name__}.{_NoBob.__name__}"
    with refused(NotAllowed):
        promote_from_waitlist(entry, now_dt=NOW)


class _IsBusy(DefaultBookingAdapter):
    def price(self, booking: Booking, addons: Any) -> Any:
        raise BookingBusy("Ask again.")


def test_a_busy_database_is_no_refusal_of_the_entry(
    full_session: Session, make_entry: MakeEntry, settings: Any
) -> None:
    entry = make_entry(full_session, "Bob")
    close_session(full_session, now_dt=NOW)
    cancel_booking(ann(), now_dt=NOW)
    settings.BOOKINGS_ADAPTER = f"{__name__}.{_IsBusy.__name__}"
    with refused(BookingBusy):
        promote_from_waitlist(entry, now_dt=NOW)


def test_who_promotes_has_made_the_booking(
    full_session: Session, make_entry: MakeEntry, django_user_model: Any
) -> None:
    staff = django_user_model.objects.create_user("desk")
    entry = make_entry(full_session, "Bob")
    close_session(full_session, now_dt=NOW)
    cancel_booking(ann(), now_dt=NOW)
    assert promote_from_waitlist(entry, actor=staff, now_dt=NOW).booking.created_by == staff
    WaitlistEntry.objects.all().delete()
    with pytest.raises(MissingReference):
        promote_from_waitlist(entry, now_dt=NOW)


def refusal_of_bob() -> str:
    return WaitlistEntry.objects.get(client_name="Bob").refusal


@pytest.mark.parametrize(
    ("adapter", "named"),
    [
        (_Forbids, "PermissionDenied"),
        (_Breaks, "ZeroDivisionError"),
        (_Misnumbers, "KeyError"),
    ],
)
def test_a_failing_adapter_refuses_one_entry_and_the_next_is_promoted(
    full_session: Session,
    make_entry: MakeEntry,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    adapter: type[DefaultBookingAdapter],
    named: str,
) -> None:
    entry = make_entry(full_session, "Bob")
    make_entry(full_session, "Cid")
    settings.BOOKINGS_ADAPTER = f"{__name__}.{adapter.__name__}"
    cancel_booking(ann(), now_dt=NOW)
    assert booked_clients(full_session) == {"Cid": (1, "CONFIRMED")}
    assert waiting_clients(full_session) == ["Bob"]
    [message] = caplog.messages
    assert message == f"Waitlist entry {entry.pk} could not be promoted."
    assert refusal_of_bob() == named


def test_a_failing_adapter_does_not_stop_the_expiry_of_holds(
    make_session: MakeSession, make_booking: MakeBooking, make_entry: MakeEntry, settings: Any
) -> None:
    made = make_session(enable_waitlist=True)
    make_booking(made, "Ann", 3, expires_at=NOW + HOUR)
    make_entry(made, "Bob")
    settings.BOOKINGS_ADAPTER = f"{__name__}.{_Breaks.__name__}"
    assert expire_bookings(now_dt=NOW + HOUR) == 1
    assert booked_clients(made) == {}
    assert refusal_of_bob() == "ZeroDivisionError"


def test_in_strict_order_a_client_is_promoted_if_all_before_are_refused(
    full_session: Session,
    make_booking: MakeBooking,
    make_entry: MakeEntry,
    settings: Any,
    strict_order: None,
) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.{_NoBob.__name__}"
    make_entry(full_session, "Bob")
    cancel_booking(ann(), now_dt=NOW)
    with refused(WaitlistRefused, "others_wait"):
        make_booking(full_session, "Cid")
    entry = make_entry(full_session, "Cid", 2)
    booking: Any = entry.booking
    assert (entry.status, booking.client_name) == ("ACCEPTED", "Cid")
    assert make_entry(full_session, "Dan", 2).status == "WAITING"
    assert booked_clients(full_session) == {"Cid": (2, "CONFIRMED")}
    assert refusal_of_bob() == "not_allowed"


def test_a_refused_entry_is_tried_again_when_seats_are_freed(
    full_session: Session, make_entry: MakeEntry, settings: Any
) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.{_NoBob.__name__}"
    make_entry(full_session, "Bob")
    make_entry(full_session, "Cid", 3)
    cancel_booking(ann(), now_dt=NOW)
    assert (refusal_of_bob(), booked_clients(full_session)) == (
        "not_allowed",
        {"Cid": (3, "CONFIRMED")},
    )
    del settings.BOOKINGS_ADAPTER
    cancel_booking(Booking.objects.get(client_name="Cid"), now_dt=NOW)
    assert booked_clients(full_session) == {"Bob": (1, "CONFIRMED")}


def test_an_offer_of_a_moved_session_expires_at_its_start_at_the_latest(
    offering_session: Session, make_session: MakeSession, make_entry: MakeEntry, other_provider: Any
) -> None:
    entry = make_entry(offering_session, "Bob")
    cancel_booking(ann(), now_dt=START - HOUR)
    entry.refresh_from_db()
    booking: Any = entry.booking
    assert booking.expires_at == START - HOUR / 2
    update_session(offering_session, start_at=START + HOUR, now_dt=START - HOUR)
    booking.refresh_from_db()
    assert booking.expires_at == START - HOUR / 2
    earlier = START - HOUR + OFFER / 3
    update_session(offering_session, start_at=earlier, now_dt=START - HOUR)
    booking.refresh_from_db()
    assert booking.expires_at == earlier
    other = make_session(start_at=START - HOUR + OFFER / 6, provider=other_provider)
    move_seat(booking, other, now_dt=START - HOUR)
    booking.refresh_from_db()
    assert booking.expires_at == other.start_at
    assert booking.events.first().data["new_expires_at"] == other.start_at.isoformat()


@pytest.mark.parametrize("in_the_target", [False, True])
@pytest.mark.parametrize("is_offer", [False, True])
def test_a_promoted_booking_moves_to_another_session(
    make_session: MakeSession,
    make_booking: MakeBooking,
    make_entry: MakeEntry,
    is_offer: bool,
    in_the_target: bool,
) -> None:
    session = make_session(enable_waitlist=True, waitlist_offer_minutes=30 if is_offer else None)
    other = make_session(start_at=START + 3 * HOUR, enable_waitlist=True)
    make_booking(session, "Ann", 3)
    make_booking(other, "Zoe", 3)
    entry = make_entry(session, "Bob")
    if in_the_target:
        make_entry(other, "Bob", 2)
    cancel_booking(ann(), now_dt=NOW)
    update_session(other, capacity=4, now_dt=NOW)
    entry.refresh_from_db()
    booking: Any = entry.booking
    move_seat(booking, other, now_dt=NOW, override_policy=True)
    entry.refresh_from_db()
    assert entry.status == "ACCEPTED"
    assert waiting_clients(other) == []
    assert booked_clients(other).keys() == {"Zoe", "Bob"}
    if in_the_target:
        assert entry.booking is None
        there = other.waitlist.get()
        assert (there.status, there.booking) == ("ACCEPTED", booking)
    else:
        assert entry.booking == booking


def test_a_hold_that_gets_a_waiting_client_ends_the_entry(
    make_service: Factory,
    make_session: MakeSession,
    make_booking: MakeBooking,
    make_entry: MakeEntry,
    settings: Any,
) -> None:
    settings.BOOKINGS_APPROVAL_DEADLINE_HOURS = 1
    session = make_session(service=make_service(requires_approval=True), enable_waitlist=True)
    make_booking(session, "Ann", 2)
    hold = make_booking(session, "", expires_at=NOW + HOUR)
    make_entry(session, "Bob")
    submit_hold(hold, client_name="Bob", now_dt=NOW)
    assert statuses() == {"Bob": "ACCEPTED"}
    cancel_booking(ann(), now_dt=NOW + HOUR)
    assert WaitlistEntry.objects.get().booking == hold


def test_a_promoted_booking_gets_another_waiting_client(
    full_session: Session, make_entry: MakeEntry
) -> None:
    entry = make_entry(full_session, "Bob", 3)
    make_entry(full_session, "Cid")
    cancel_booking(ann(), now_dt=NOW)
    booking = Booking.objects.get(client_name="Bob")
    booking.client_name = "Cid"
    booking.save()
    assert statuses() == {"Bob": "ACCEPTED", "Cid": "ACCEPTED"}
    entry.refresh_from_db()
    assert (entry.booking, booking.waitlist_entry.client_name) == (None, "Cid")


def test_a_promoted_client_who_cancels_can_join_again(
    full_session: Session, make_entry: MakeEntry, make_booking: MakeBooking
) -> None:
    make_entry(full_session, "Bob", 3)
    cancel_booking(ann(), now_dt=NOW)
    cancel_booking(Booking.objects.get(client_name="Bob"), now_dt=NOW)
    make_booking(full_session, "Zoe", 3)
    assert make_entry(full_session, "Bob").status == "WAITING"


class _NobodyExpires(DefaultBookingAdapter):
    def check_permission(self, actor: Any, verb: str, booking: Booking) -> None:
        if verb == "expire":
            raise NotAllowed("Leave it to the machine.")


class TestNobodyNeedsPermissionForAHoldThatHasRunOut:
    """A hold that is in a client's way ends without anybody's permission."""

    @pytest.fixture(autouse=True)
    def _adapter(self, settings: Any) -> None:
        settings.BOOKINGS_ADAPTER = f"{__name__}._NobodyExpires"

    def test_the_client_s_own(self, session: Session, make_booking: MakeBooking) -> None:
        make_booking(session, "Ann", expires_at=NOW + HOUR)
        make_booking(session, "Ann", now_dt=NOW + HOUR)
        assert booked_clients(session) == {"Ann": (1, "CONFIRMED")}

    def test_the_client_s_own_who_would_rather_wait(
        self, full_session: Session, make_booking: MakeBooking, make_entry: MakeEntry
    ) -> None:
        update_session(full_session, capacity=4, now_dt=NOW)
        make_booking(full_session, "Bob", expires_at=NOW + HOUR)
        with refused(WaitlistRefused, "seats_free"):
            make_entry(full_session, "Bob", now_dt=NOW + HOUR)

    def test_another_client_s_who_is_booked(
        self, session: Session, make_booking: MakeBooking
    ) -> None:
        make_booking(session, "Ann", 3, expires_at=NOW + HOUR)
        make_booking(session, "Bob", 3, now_dt=NOW + HOUR)
        assert booked_clients(session) == {"Bob": (3, "CONFIRMED")}

    def test_another_client_s_who_is_promoted(
        self, make_session: MakeSession, make_booking: MakeBooking, make_entry: MakeEntry
    ) -> None:
        session = make_session(enable_waitlist=True)
        make_booking(session, "Ann", 3, expires_at=NOW + HOUR)
        make_entry(session, "Bob")
        make_entry(session, "Cid", 3, now_dt=NOW + HOUR)
        assert booked_clients(session) == {"Bob": (1, "CONFIRMED")}

    def test_another_client_s_whose_seats_staff_give_away(
        self, make_session: MakeSession, make_booking: MakeBooking, make_entry: MakeEntry
    ) -> None:
        session = make_session(enable_waitlist=True)
        make_booking(session, "Ann", 3, expires_at=NOW + HOUR)
        entry = make_entry(session, "Bob")
        promote_from_waitlist(entry, now_dt=NOW + HOUR)
        assert booked_clients(session) == {"Bob": (1, "CONFIRMED")}

    def test_one_in_the_way_of_a_move(
        self, session: Session, make_session: MakeSession, make_booking: MakeBooking
    ) -> None:
        other = make_session(start_at=START + HOUR)
        make_booking(other, "Ann", 3, expires_at=NOW + HOUR)
        move_seat(make_booking(session, "Bob", 2), other, now_dt=NOW + HOUR)
        assert booked_clients(other) == {"Bob": (2, "CONFIRMED")}
