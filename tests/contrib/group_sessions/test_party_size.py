"""A party in a session gets more seats or fewer, by the service and by ``save()``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bookings.contrib.group_sessions.exceptions import SessionNotOpen, WaitlistRefused
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import (
    close_session,
    finish_session,
    reopen_session,
    update_session,
)
from bookings.contrib.payments.models import RefundDue
from bookings.contrib.payments.services import record_payment
from bookings.exceptions import CapacityExceeded, NotAllowed
from bookings.integrity import find_problems
from bookings.models import Booking
from bookings.services import change_party_size
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    MakeBooking,
    MakeEntry,
    MakeSession,
    booked_clients,
    refused,
    reloaded,
    waiting_clients,
)
from tests.stateful.audit import audit

pytestmark = pytest.mark.django_db

Change = Callable[..., Booking]


@pytest.fixture(autouse=True)
def _sound(db: None) -> Any:
    yield
    assert audit() == []
    assert list(find_problems()) == []


@pytest.fixture(params=["service", "save"])
def change(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Change:
    def by_service(booking: Booking, seats: int, now: Any = NOW) -> Booking:
        return change_party_size(booking, seats, now_dt=now)

    def by_save(booking: Booking, seats: int, now: Any = NOW) -> Booking:
        monkeypatch.setattr("bookings.services.direct_save.timezone.now", lambda: now)
        booking.refresh_from_db()
        booking.party_size = seats
        booking.save()
        return booking

    return by_service if request.param == "service" else by_save


def test_a_party_grows_and_shrinks(
    session: Session, make_booking: MakeBooking, change: Change
) -> None:
    booking = make_booking(session)
    for seats in (3, 2):
        change(booking, seats)
        assert reloaded(session).remaining_seats == 3 - seats
        assert (booking.price_amount, booking.total_amount) == (20 * seats, 20 * seats)
    data = booking.events.latest("pk").data
    assert (data["old_party_size"], data["new_party_size"]) == (3, 2)
    assert [float(data[name]) for name in ("old_price_amount", "new_price_amount")] == [60, 40]


def test_a_full_session_closes_and_opens(
    session: Session, make_booking: MakeBooking, change: Change
) -> None:
    booking = make_booking(session)
    for seats, status in ((3, "BOOKING_CLOSED"), (1, "SCHEDULED")):
        change(booking, seats)
        assert reloaded(session).status == status


def test_seats_that_are_not_free_are_refused(
    session: Session, make_booking: MakeBooking, change: Change
) -> None:
    booking = make_booking(session)
    make_booking(session, "Bob")
    with refused(CapacityExceeded):
        change(booking, 3)


def test_the_seats_of_a_hold_that_has_run_out_are_free(
    session: Session, make_booking: MakeBooking, change: Change
) -> None:
    booking = make_booking(session)
    make_booking(session, "Bob", 2, expires_at=NOW + HOUR)
    change(booking, 3, NOW + HOUR)
    assert booked_clients(session) == {"Ann": (3, "CONFIRMED")}


def test_a_closed_session_takes_seats_back_and_gives_none(
    session: Session, make_booking: MakeBooking, change: Change
) -> None:
    booking = make_booking(session, seats=2)
    close_session(session, now_dt=NOW)
    with refused(SessionNotOpen, "booking_closed"):
        change(booking, 3)
    change(booking, 1)
    change_party_size(booking, 2, now_dt=NOW, override_policy=True)
    reopen_session(session, now_dt=NOW)
    change(booking, 3)


@pytest.mark.parametrize("finished", [False, True])
def test_a_session_that_has_begun_gives_no_seats(
    session: Session, make_booking: MakeBooking, finished: bool
) -> None:
    booking = make_booking(session, seats=2)
    if finished:
        finish_session(session, now_dt=START + HOUR)
    with refused(SessionNotOpen, "session_finished" if finished else "session_started"):
        change_party_size(booking, 3, now_dt=START + HOUR, override_policy=True)
    change_party_size(booking, 1, now_dt=START + HOUR, override_policy=True)


@pytest.mark.parametrize("order", ["strict", "best_fit"])
def test_those_who_wait_come_first_in_strict_order(
    make_session: MakeSession,
    make_booking: MakeBooking,
    make_entry: MakeEntry,
    settings: Any,
    change: Change,
    order: str,
) -> None:
    settings.BOOKINGS_WAITLIST_ORDER = order
    session = make_session(enable_waitlist=True)
    booking = make_booking(session, "Ann", 2)
    make_entry(session, "Bob", 2)
    if order == "strict":
        with refused(WaitlistRefused, "others_wait"):
            change(booking, 3)
        change_party_size(booking, 3, now_dt=NOW, override_policy=True)
    else:
        change(booking, 3)
    assert waiting_clients(session) == ["Bob"]


def test_seats_that_are_given_up_go_to_those_who_wait(
    full_session: Session, make_entry: MakeEntry, change: Change
) -> None:
    make_entry(full_session, "Bob", 2)
    change(Booking.objects.get(), 1)
    assert booked_clients(full_session) == {"Ann": (1, "CONFIRMED"), "Bob": (2, "CONFIRMED")}


def test_an_offer_can_be_taken_in_part(
    full_session: Session, make_entry: MakeEntry, change: Change
) -> None:
    update_session(full_session, waitlist_offer_minutes=30, now_dt=NOW)
    entry = make_entry(full_session, "Bob", 2)
    make_entry(full_session, "Cid")
    change(Booking.objects.get(), 1)
    entry.refresh_from_db()
    change(entry.booking, 1)
    assert booked_clients(full_session) == {
        "Ann": (1, "CONFIRMED"),
        "Bob": (1, "PENDING"),
        "Cid": (1, "PENDING"),
    }


def test_a_payment_for_seats_that_are_given_up_is_due_back(
    session: Session, make_booking: MakeBooking, change: Change
) -> None:
    booking = make_booking(session, seats=3)
    record_payment(booking, amount=60, external_id="pay_1", now_dt=NOW)
    change(booking, 1)
    assert RefundDue.objects.get().outstanding == 40


@pytest.mark.parametrize(("by", "back"), [("client", 0), ("provider", 40)])
def test_who_gives_the_seats_up_matters(
    session: Session, make_booking: MakeBooking, by: str, back: int
) -> None:
    booking = make_booking(session, seats=3)
    record_payment(booking, amount=60, external_id="pay_1", now_dt=NOW)
    change_party_size(booking, 1, by=by, now_dt=START - HOUR)
    assert sum(due.outstanding for due in RefundDue.objects.all()) == back


def test_the_adapter_may_forbid_it(
    session: Session, make_booking: MakeBooking, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = make_booking(session)

    def forbid(self: Any, actor: Any, verb: str, booking: Booking) -> None:
        assert (verb, booking.party_size) == ("change_party_size", 1)
        raise NotAllowed("Not you.")

    monkeypatch.setattr("bookings.adapters.DefaultBookingAdapter.check_permission", forbid)
    with refused(NotAllowed):
        change(booking, 2)


def test_a_class_counts_once_for_the_provider_s_day(
    session: Session, make_booking: MakeBooking, provider: Any, change: Change
) -> None:
    type(provider)._default_manager.filter(pk=provider.pk).update(max_bookings_per_day=1)
    session.refresh_from_db()
    booking = make_booking(session, "Ann")
    make_booking(session, "Bob")
    change(booking, 2)
    assert reloaded(session).remaining_seats == 0
