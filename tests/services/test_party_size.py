"""A booking of a shared slot gets more seats or fewer, by the service and by ``save()``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import override_settings

from bookings.adapters import DefaultBookingAdapter, Limits
from bookings.exceptions import (
    BookingError,
    CapacityExceeded,
    InvalidBooking,
    InvalidTransition,
    LimitReached,
    MissingReference,
    NotAllowed,
    NoticeWindow,
    PastStart,
    TooFarAhead,
)
from bookings.integrity import find_problems
from bookings.ledger.transactions import RetryTransaction
from bookings.models import Booking
from bookings.selectors import get_busy_intervals
from bookings.services import (
    cancel_booking,
    change_party_size,
    complete_booking,
    update_booking,
)
from bookings.services import party_size as rules
from bookings.services.limit_check import LimitCheck
from tests.services.clock import DAY, HOUR, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import (
    history,
    last_event,
    nothing_done,
    nothing_written,
    only_interval,
    stored,
)
from tests.stateful.audit import audit

Change = Callable[..., Booking]


@pytest.fixture(autouse=True)
def _sound(db: None) -> Any:
    yield
    assert audit() == []
    assert list(find_problems()) == []


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Set the clock of ``save()``, which takes no ``now_dt``."""

    def set_to(now: Any) -> None:
        monkeypatch.setattr("bookings.services.direct_save.timezone.now", lambda: now)

    set_to(NOW)
    return set_to


@pytest.fixture(params=["service", "save"])
def change(request: pytest.FixtureRequest, clock: Any) -> Change:
    def by_service(booking: Booking, seats: Any, now: Any = NOW) -> Booking:
        return change_party_size(booking, seats, now_dt=now)

    def by_save(booking: Booking, seats: Any, now: Any = NOW) -> Booking:
        clock(now)
        booking.party_size = seats
        booking.save()
        return booking

    return by_service if request.param == "service" else by_save


def refused(error: type[BookingError], do: Callable[[], Any]) -> BookingError:
    with nothing_written(), pytest.raises(error) as refusal:
        do()
    assert type(refusal.value) is error
    return refusal.value


def test_a_party_grows_and_shrinks(group_booking: Booking, book: Book, group: Any) -> None:
    book(service=group, client_name="Bob")
    for size in (2, 1):
        assert change_party_size(group_booking, size, now_dt=NOW) is group_booking
        assert only_interval()["seats"] == (size + 1, 3)
        for booking in (group_booking, stored(group_booking)):
            assert (booking.party_size, booking.capacity_consumed) == (size, size)
    assert history(group_booking) == ["CREATED", "UPDATED", "UPDATED"]
    data = last_event(group_booking).data
    assert (data["old_party_size"], data["new_party_size"]) == (2, 1)


def test_the_price_of_a_slot_stays(book: Book, make_service: Make) -> None:
    """The price of a shared slot is the party's, whatever its size."""
    group = make_service(
        allow_multiple_clients_per_slot=True, capacity=3, price_amount=20, currency="USD"
    )
    booking = change_party_size(book(service=group), 3, now_dt=NOW)
    assert (booking.price_amount, booking.total_amount) == (20, 20)
    assert "new_price_amount" not in last_event(booking).data


def test_seats_that_are_not_free_are_refused(
    group_booking: Booking, book: Book, group: Any, change: Change
) -> None:
    book(service=group, client_name="Bob")
    error = refused(CapacityExceeded, lambda: change(group_booking, 3))
    assert error.remaining == 2
    refused(CapacityExceeded, lambda: change(stored(group_booking), 4))


def test_the_seats_of_a_hold_that_has_run_out_are_free(
    group_booking: Booking, book: Book, group: Any, change: Change
) -> None:
    hold = book(service=group, client_name="Bob", expires_at=NOW + minutes(5))
    change(group_booking, 3, NOW + minutes(5))
    assert stored(hold).status == "CANCELLED"
    assert only_interval()["seats"] == (3, 3)


@pytest.mark.parametrize("seats", [0, -1, True, 1.5, "2", None, 10**12])
def test_a_number_of_seats_is_a_whole_number(group_booking: Booking, seats: Any) -> None:
    refused(InvalidBooking, lambda: change_party_size(group_booking, seats, now_dt=NOW))


def test_a_service_whose_clients_do_not_share_has_one_seat(
    booking: Booking, change: Change
) -> None:
    assert refused(InvalidBooking, lambda: change(booking, 2)).code == "party_size"


@pytest.mark.parametrize("end", [cancel_booking, complete_booking])
def test_only_an_active_booking_has_seats_to_change(group_booking: Booking, end: Any) -> None:
    end(group_booking, now_dt=START, override_policy=True)
    refused(
        InvalidTransition,
        lambda: change_party_size(group_booking, 2, now_dt=START, override_policy=True),
    )
    with nothing_done():
        change_party_size(group_booking, 1, now_dt=START)


def test_a_hold_that_has_run_out_gets_no_seats(book: Book, group: Any, change: Change) -> None:
    hold = book(service=group, party_size=2, expires_at=NOW + minutes(5))
    for seats in (1, 3):
        error = refused(
            InvalidTransition, lambda seats=seats: change(stored(hold), seats, NOW + minutes(5))
        )
        assert error.code == "hold_expired"
    change(hold, 3, NOW + minutes(4))


def test_seats_can_be_given_up_although_the_service_takes_fewer_now(
    book: Book, group: Any, change: Change
) -> None:
    booking = book(service=group, party_size=3)
    type(group)._default_manager.filter(pk=group.pk).update(capacity=1)
    change(booking, 2)
    assert only_interval()["seats"] == (2, 3)


def test_a_party_that_has_the_slot_to_itself_keeps_it(
    book: Book, make_service: Make, change: Change, provider: Any
) -> None:
    """A shared service without a capacity: one booking takes the whole slot."""
    service = make_service(allow_multiple_clients_per_slot=True)
    booking = book(service=service, party_size=3)
    for size in (2, 4):
        change(booking, size)
        assert only_interval()["seats"] == (size, size)
        assert get_busy_intervals(provider, START, START + HOUR, service=service)


def test_seats_of_a_slot_that_is_shared_no_more_go_to_nobody(
    book: Book, group: Any, change: Change
) -> None:
    booking = book(service=group, party_size=2)
    book(service=group, client_name="Bob")
    model = type(group)._default_manager
    model.filter(pk=group.pk).update(allow_multiple_clients_per_slot=False, capacity=None)
    change(stored(booking), 1)
    assert only_interval()["seats"] == (2, 2)


class TestMoreSeatsAreBooked:
    """By the rules of a new booking."""

    @pytest.mark.parametrize(
        ("window", "now", "error"),
        [
            ({"minimum_notice_minutes": 60}, START - minutes(59), NoticeWindow),
            ({"maximum_advance_days": 1}, START - 3 * DAY, TooFarAhead),
            ({}, START + minutes(1), PastStart),
            ({}, START + 7 * DAY, PastStart),
        ],
        ids=["notice", "advance", "in progress", "a week later"],
    )
    def test_in_the_window_of_the_service(
        self,
        book: Book,
        make_service: Make,
        change: Change,
        window: dict[str, int],
        now: Any,
        error: type[BookingError],
    ) -> None:
        group = make_service(allow_multiple_clients_per_slot=True, capacity=3, **window)
        booking = book(service=group, now_dt=min(NOW, now), override_policy=True)
        refused(error, lambda: change(booking, 2, now))
        change_party_size(booking, 2, now_dt=now, override_policy=True)

    def test_in_the_past_if_the_host_allows_it(
        self, group_booking: Booking, change: Change, settings: Any
    ) -> None:
        settings.BOOKINGS_ALLOW_PAST_START = True
        change(group_booking, 2, START + DAY)

    @pytest.mark.parametrize("which", ["service", "provider"])
    def test_while_service_and_provider_are_active(
        self, group_booking: Booking, group: Any, provider: Any, change: Change, which: str
    ) -> None:
        change(group_booking, 2)
        instance = {"service": group, "provider": provider}[which]
        type(instance)._default_manager.filter(pk=instance.pk).update(is_active=False)
        refused(NotAllowed, lambda: change(stored(group_booking), 3))
        change(stored(group_booking), 1)
        change_party_size(group_booking, 3, now_dt=NOW, override_policy=True)

    def test_within_the_limits(
        self, group_booking: Booking, book: Book, other_provider: Any, settings: Any, change: Change
    ) -> None:
        settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 1
        change(group_booking, 2)
        book(provider=other_provider, override_policy=True)
        refused(LimitReached, lambda: change(stored(group_booking), 3))
        change(stored(group_booking), 1)
        change_party_size(group_booking, 3, now_dt=NOW, override_policy=True)

    def test_within_the_limits_of_the_adapter(
        self, group_booking: Booking, change: Change, book: Book, other_provider: Any
    ) -> None:
        book(provider=other_provider)
        with override_settings(BOOKINGS_ADAPTER=f"{__name__}._LimitsLargeParties"):
            change(group_booking, 2)
            refused(LimitReached, lambda: change(stored(group_booking), 3))


class _LimitsLargeParties(DefaultBookingAdapter):
    def limits(self, booking: Booking) -> Limits:
        most = 1 if booking.party_size > 2 else None
        return Limits(max_active_bookings_per_client=most)


class TestFewerSeatsAreGivenUp:
    """By the rules of a cancellation."""

    @pytest.fixture
    def booking(self, book: Book, make_service: Make) -> Booking:
        group = make_service(
            allow_multiple_clients_per_slot=True, capacity=3, cancellation_notice_minutes=60
        )
        return book(service=group, party_size=3)

    def test_outside_of_the_notice(self, booking: Booking, change: Change) -> None:
        change(booking, 2, START - HOUR)
        refused(NoticeWindow, lambda: change(booking, 1, START - HOUR + minutes(1)))
        change_party_size(booking, 1, now_dt=START, override_policy=True)

    def test_if_the_booking_may_be_cancelled(
        self, book: Book, make_service: Make, change: Change
    ) -> None:
        group = make_service(
            allow_multiple_clients_per_slot=True, capacity=3, cancellation_allowed=False
        )
        booking = book(service=group, party_size=2)
        change(booking, 3)
        refused(NotAllowed, lambda: change(stored(booking), 2))
        change_party_size(booking, 2, now_dt=NOW, override_policy=True)


class _NamedActorsOnly(DefaultBookingAdapter):
    def check_permission(self, actor: Any, verb: str, booking: Booking) -> None:
        if verb == "change_party_size" and actor is None:
            raise NotAllowed("Log in first.")


def test_who_saves_has_no_name(group_booking: Booking, change: Change, staff: Any) -> None:
    with override_settings(BOOKINGS_ADAPTER=f"{__name__}._NamedActorsOnly"):
        refused(NotAllowed, lambda: change(group_booking, 2))
        change_party_size(group_booking, 2, now_dt=NOW, actor=staff)


@pytest.mark.parametrize("name", ["service_id", "provider_id"])
def test_a_save_with_a_service_or_provider_that_does_not_exist_is_refused(
    group_booking: Booking, name: str, clock: Any
) -> None:
    booking = stored(group_booking)
    setattr(booking, name, 10**9)
    booking.party_size = 2
    refused(MissingReference, booking.save)


def test_a_save_of_other_fields_leaves_the_seats_alone(
    group_booking: Booking, settings: Any, group: Any, clock: Any
) -> None:
    type(group)._default_manager.filter(pk=group.pk).update(is_active=False)
    booking = stored(group_booking)
    booking.party_size, booking.notes_internal = 3, "Call back."
    booking.save(update_fields=["notes_internal"])
    assert (stored(booking).party_size, stored(booking).notes_internal) == (1, "Call back.")


def test_seats_and_start_are_saved_together(
    group_booking: Booking, book: Book, group: Any, clock: Any
) -> None:
    book(service=group, client_name="Bob")
    booking = stored(group_booking)
    booking.party_size = 3
    booking.start_at, booking.end_at = START + DAY, START + DAY + HOUR
    booking.save()
    assert history(booking) == ["CREATED", "RESCHEDULED"]


def test_seats_of_a_booking_that_is_over_are_only_a_number(
    group_booking: Booking, clock: Any
) -> None:
    booking = cancel_booking(group_booking, now_dt=NOW)
    booking.party_size = 2
    booking.save()
    assert stored(booking).party_size == 2


def test_a_client_who_changes_meanwhile_is_locked_again(
    group_booking: Booking, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 5
    retried: list[Any] = []
    check = LimitCheck.check

    def count(self: LimitCheck, *args: Any, **kwargs: Any) -> None:
        try:
            check(self, *args, **kwargs)
        except RetryTransaction:
            retried.append(self)
            raise

    def prepare(*args: Any, **kwargs: Any) -> LimitCheck:
        prepared = real_prepare(*args, **kwargs)
        update_booking(stored(group_booking), client_email="mary@example.com")
        return prepared

    real_prepare = rules.prepare
    monkeypatch.setattr(LimitCheck, "check", count)
    monkeypatch.setattr(rules, "prepare", prepare)
    change_party_size(group_booking, 2, now_dt=NOW)
    assert len(retried) == 1
    assert stored(group_booking).party_size == 2
