"""Requests: the provider says yes or no in time, and how long that took can be told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import override_settings

from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import (
    BookingError,
    InvalidBooking,
    NotAllowed,
    PastStart,
    SlotUnavailable,
    StaleBooking,
)
from bookings.models import Booking
from bookings.selectors import get_busy_intervals, get_response_time, get_response_times
from bookings.services import (
    cancel_booking,
    confirm_booking,
    decline_booking,
    expire_booking,
    expire_bookings,
    reschedule_booking,
    submit_hold,
)
from tests.services.clock import DAY, HOUR, NOW, SECOND, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import intervals, lapses, last_event, nothing_written, stored


@pytest.fixture
def ask(book: Book, make_service: Make) -> Book:
    service = make_service(name="Surgery", requires_approval=True)

    def make(**values: Any) -> Booking:
        return book(**({"service": service} | values))

    return make


def test_a_request_waits_for_ever_by_default(ask: Book) -> None:
    request = ask()
    assert (request.status, request.requested_at, request.expires_at) == ("PENDING", NOW, None)
    assert not request.is_hold


def test_only_what_needs_approval_is_a_request(book: Book, ask: Book) -> None:
    assert book().requested_at is None
    hold = ask(start_at=START + DAY, expires_at=NOW + HOUR)
    assert (hold.requested_at, hold.is_hold) == (None, True)


@override_settings(BOOKINGS_APPROVAL_DEADLINE_HOURS=4)
def test_a_request_lapses_at_the_deadline_and_gives_its_time_back(ask: Book, book: Book) -> None:
    request = ask()
    deadline = NOW + 4 * HOUR

    assert stored(request).expires_at == deadline
    assert request.busy_interval is not None
    assert request.busy_interval.lapses == deadline.timestamp()
    assert expire_bookings(now_dt=deadline - SECOND) == 0
    assert book(now_dt=deadline).status == "CONFIRMED"
    assert stored(request).cancellation_reason == "expired"


@override_settings(BOOKINGS_APPROVAL_DEADLINE_HOURS=48)
def test_a_request_lapses_at_its_start_at_the_latest(ask: Book) -> None:
    assert ask().expires_at == START
    assert ask(start_at=NOW - DAY, allow_past=True).expires_at is None


@override_settings(BOOKINGS_APPROVAL_DEADLINE_HOURS=48)
def test_a_request_that_is_moved_lapses_at_its_new_start_at_the_latest(ask: Book) -> None:
    request = ask(start_at=START + 3 * DAY)
    assert request.expires_at == NOW + 2 * DAY

    reschedule_booking(request, new_start_at=NOW + HOUR, now_dt=NOW)

    assert stored(request).expires_at == NOW + HOUR
    assert lapses() == (NOW + HOUR).timestamp()
    told = last_event(request).data
    assert told["old_expires_at"] == "2030-01-09T09:00:00+00:00"
    assert told["new_expires_at"] == "2030-01-07T10:00:00+00:00"


@override_settings(BOOKINGS_APPROVAL_DEADLINE_HOURS=48)
def test_a_request_that_its_start_cut_short_has_its_deadline_when_it_is_moved(ask: Book) -> None:
    request = ask()
    assert request.expires_at == START

    later = NOW + 30 * HOUR
    reschedule_booking(request, new_start_at=later, now_dt=NOW + HOUR)
    assert request.expires_at == later
    reschedule_booking(request, new_start_at=START + 9 * DAY, now_dt=NOW + HOUR)
    assert request.expires_at == NOW + 48 * HOUR
    assert lapses() == (NOW + 48 * HOUR).timestamp()
    reschedule_booking(request, new_start_at=START + 10 * DAY, now_dt=NOW + HOUR)
    assert request.expires_at == NOW + 48 * HOUR
    assert "new_expires_at" not in last_event(request).data


@override_settings(BOOKINGS_APPROVAL_DEADLINE_HOURS=48)
def test_a_deadline_beyond_the_calendar_is_refused(ask: Book) -> None:
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        ask(now_dt=datetime.max.replace(tzinfo=UTC), allow_past=True)
    assert refused.value.code == "out_of_range"


def test_a_deadline_that_is_none_by_now_ends_with_the_move(ask: Book) -> None:
    with override_settings(BOOKINGS_APPROVAL_DEADLINE_HOURS=48):
        request = ask()
    reschedule_booking(request, new_start_at=START + DAY, now_dt=NOW)
    assert request.expires_at is None
    assert lapses() is None


@override_settings(BOOKINGS_APPROVAL_DEADLINE_HOURS=4)
def test_a_request_that_is_moved_into_the_past_keeps_its_deadline(ask: Book) -> None:
    request = ask()
    reschedule_booking(request, new_start_at=NOW - DAY, now_dt=NOW, override_policy=True)
    assert request.expires_at == NOW + 4 * HOUR


class Patient(DefaultBookingAdapter):
    """Regulars are waited for longer; and one booking has a deadline that cannot be."""

    def approval_deadline(self, booking: Booking, now_dt: datetime) -> datetime | None:
        if booking.client_name == "Naive":
            return datetime(2030, 1, 7, 12, 0)  # noqa: DTZ001
        return None if booking.client_name == "Regular" else now_dt + HOUR


@override_settings(BOOKINGS_ADAPTER=f"{__name__}.Patient")
def test_the_adapter_has_the_last_word_on_the_deadline(ask: Book) -> None:
    assert ask().expires_at == NOW + HOUR
    assert ask(client_name="Regular", start_at=START + DAY).expires_at is None
    with nothing_written(), pytest.raises(InvalidBooking, match="approval_deadline must be"):
        ask(client_name="Naive", start_at=START + 2 * DAY)


@override_settings(BOOKINGS_APPROVAL_DEADLINE_HOURS=4)
def test_an_answer_in_time_ends_the_deadline(ask: Book) -> None:
    request = confirm_booking(ask(), now_dt=NOW + HOUR)

    assert (request.status, request.expires_at) == ("CONFIRMED", None)
    assert request.busy_interval is not None
    assert request.busy_interval.lapses is None
    assert expire_bookings(now_dt=NOW + DAY) == 0


@override_settings(BOOKINGS_APPROVAL_DEADLINE_HOURS=4)
def test_an_answer_that_is_late_is_refused(ask: Book) -> None:
    request = ask()
    with nothing_written(), pytest.raises(BookingError) as refused:
        confirm_booking(request, now_dt=NOW + 4 * HOUR)
    assert refused.value.code == "hold_expired"
    assert refused.value.messages == ["Nobody answered this request in time. Make a new booking."]


def test_a_request_whose_start_has_passed_is_not_confirmed(ask: Book) -> None:
    request = ask()
    with nothing_written(), pytest.raises(PastStart) as refused:
        confirm_booking(request, now_dt=START + SECOND)
    assert "while the booking was pending" in refused.value.messages[0]


def test_a_decline_gives_the_time_back(ask: Book) -> None:
    decline_booking(ask(), reason="Ill.", now_dt=NOW)
    assert intervals() == []


def test_requests_are_listed_until_they_are_answered_or_lapse(ask: Book, book: Book) -> None:
    book(expires_at=NOW + HOUR)
    old = ask(start_at=START + DAY)
    with override_settings(BOOKINGS_APPROVAL_DEADLINE_HOURS=1):
        lapsing = ask(start_at=START + 2 * DAY, now_dt=NOW + SECOND)
    confirm_booking(ask(start_at=START + 3 * DAY), now_dt=NOW)

    assert list(Booking.objects.awaiting_approval(NOW)) == [old, lapsing]
    assert list(Booking.objects.awaiting_approval(NOW + HOUR + SECOND)) == [old]


# How long it took


def test_the_answer_s_time_counts_from_the_request(ask: Book) -> None:
    request, hold = ask(), ask(start_at=START + DAY, expires_at=NOW + HOUR)
    assert get_response_time(request) is None

    decline_booking(request, now_dt=NOW + minutes(7))
    submit_hold(hold, now_dt=NOW + minutes(10))
    confirm_booking(hold, now_dt=NOW + minutes(30))

    assert get_response_time(request) == minutes(7)
    assert get_response_time(hold) == minutes(20)


def test_who_was_not_asked_has_not_answered(book: Book, hold: Booking) -> None:
    confirm_booking(hold, now_dt=NOW + minutes(3))
    assert get_response_time(hold) is None
    assert get_response_time(book(start_at=START + DAY)) is None


def test_the_times_of_a_provider_are_those_of_what_was_answered(
    ask: Book, provider: Any, other_provider: Any, django_assert_num_queries: Any
) -> None:
    def at(hour: int) -> dict[str, Any]:
        return {"now_dt": NOW + hour * HOUR, "start_at": START + hour * HOUR}

    confirm_booking(ask(**at(1)), now_dt=NOW + HOUR + minutes(5))
    decline_booking(ask(**at(2)), now_dt=NOW + 2 * HOUR + minutes(3))
    ask(**at(3))
    cancel_booking(ask(**at(4)), now_dt=NOW + 5 * HOUR)
    confirm_booking(ask(**at(9)), now_dt=NOW + 10 * HOUR)
    elsewhere = ask(provider=other_provider, **at(1))
    confirm_booking(elsewhere, now_dt=NOW + 2 * HOUR)

    with django_assert_num_queries(1):
        times = get_response_times(provider, NOW, NOW + 9 * HOUR)
    assert times == [minutes(5), minutes(3)]
    assert get_response_times(provider, NOW, NOW + DAY) == [minutes(5), minutes(3), HOUR]
    assert get_response_times(other_provider, NOW, NOW + DAY) == [HOUR]


def test_a_range_of_nobody_knows_which_zone_is_refused(provider: Any) -> None:
    with pytest.raises(InvalidBooking, match="timezone-aware"):
        get_response_times(provider, NOW.replace(tzinfo=None), NOW)


@override_settings(BOOKINGS_APPROVAL_DEADLINE_HOURS=4)
def test_whose_request_nobody_answers_is_told_and_whose_hold_runs_out_is_not(
    ask: Book, book: Book, other_provider: Any
) -> None:
    swept, single = ask(), ask(provider=other_provider)
    holds = [
        book(start_at=START + DAY, expires_at=NOW + HOUR),
        book(start_at=START + DAY, expires_at=NOW + HOUR, provider=other_provider),
    ]
    for booking in (single, holds[1]):
        expire_booking(booking, now_dt=NOW + 4 * HOUR)
    expire_bookings(now_dt=NOW + 4 * HOUR)
    assert [
        booking.events.get(event_type="EXPIRED").data["notify"]
        for booking in (swept, single, *holds)
    ] == [True, True, False, False]


@pytest.mark.parametrize("hours", [0, -1, "5", 1.5, True, 10**9])
def test_a_deadline_that_is_none_is_named(ask: Book, settings: Any, hours: Any) -> None:
    settings.BOOKINGS_APPROVAL_DEADLINE_HOURS = hours
    with nothing_written(), pytest.raises(InvalidBooking, match="BOOKINGS_APPROVAL_DEADLINE_HOURS"):
        ask()


# What has changed since it was asked for


def open_as_told(
    service: Any, provider: Any, start_dt: Any, end_dt: Any, *, override_policy: bool
) -> list[datetime]:
    """On request in time, or for staff; on a day off nobody is."""
    busy = get_busy_intervals(provider, start_dt, end_dt)
    is_free = provider.name != "Away" and not busy
    return [start_dt] if is_free and (override_policy or service.name == "Surgery") else []


def open_in_time(service: Any, provider: Any, start_dt: Any, end_dt: Any) -> list[datetime]:
    return [] if provider.name == "Away" else [start_dt]


@pytest.fixture
def engine(settings: Any) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.open_as_told"


def rename(row: Any, name: str) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(name=name)


@pytest.mark.usefixtures("engine")
def test_a_request_for_time_that_is_closed_by_now_is_not_confirmed(ask: Book) -> None:
    request = ask()
    rename(request.provider, "Away")

    with nothing_written(), pytest.raises(SlotUnavailable):
        confirm_booking(request, now_dt=NOW)

    assert confirm_booking(request, now_dt=NOW, override_policy=True).status == "CONFIRMED"
    # Not asked of what is confirmed already.
    assert confirm_booking(request, now_dt=NOW).status == "CONFIRMED"


@pytest.mark.usefixtures("engine")
def test_the_notice_of_a_request_was_kept_when_it_was_made(ask: Book) -> None:
    request = ask()
    rename(request.service, "Only with notice")

    assert confirm_booking(request, now_dt=NOW).status == "CONFIRMED"


def test_an_engine_that_cannot_lift_its_notice_is_not_asked_again(ask: Book, settings: Any) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.open_in_time"
    request = ask()
    rename(request.provider, "Away")

    assert confirm_booking(request, now_dt=NOW).status == "CONFIRMED"


@pytest.mark.usefixtures("engine")
def test_staff_who_entered_a_request_where_nothing_was_on_offer_are_not_told_so_again(
    ask: Book, make_provider: Make
) -> None:
    away = make_provider(name="Away")
    entered = ask(provider=away, skip_slot_validation=True)
    moved = ask()
    reschedule_booking(
        moved,
        new_start_at=START + DAY,
        new_provider=away,
        now_dt=NOW,
        skip_slot_validation=True,
    )
    assert last_event(moved).data["skip_slot_validation"] is True

    for request in (entered, moved):
        assert confirm_booking(request, now_dt=NOW).status == "CONFIRMED"


class OffGrid(list[datetime]):
    def why_not(self, start_at: datetime) -> BookingError:
        return SlotUnavailable("Starts are an hour apart.", "off_grid")


def open_on_the_hour(
    service: Any, provider: Any, start_dt: Any, end_dt: Any, *, override_policy: bool
) -> list[datetime]:
    return OffGrid()


def test_it_does_not_matter_which_starts_are_on_offer_by_now(ask: Book, settings: Any) -> None:
    request = ask()
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.open_on_the_hour"
    assert confirm_booking(request, now_dt=NOW).status == "CONFIRMED"


class NotYou(DefaultBookingAdapter):
    def check_permission(self, actor: Any, verb: str, booking: Booking) -> None:
        raise NotAllowed("Ask somebody else.")


@pytest.mark.usefixtures("engine")
def test_who_may_not_and_who_is_late_do_not_hear_what_the_engine_says(
    ask: Book, settings: Any
) -> None:
    request = ask()
    rename(request.provider, "Away")
    with pytest.raises(StaleBooking):
        confirm_booking(request, now_dt=NOW, expected_version=7)
    settings.BOOKINGS_ADAPTER = f"{__name__}.NotYou"
    with pytest.raises(NotAllowed):
        confirm_booking(request, now_dt=NOW)


@pytest.mark.usefixtures("engine")
def test_a_hold_is_a_promise_of_its_time(ask: Book) -> None:
    holds = [ask(start_at=START + day * DAY, expires_at=NOW + HOUR) for day in (0, 1)]
    rename(holds[0].provider, "Away")

    assert submit_hold(holds[0], now_dt=NOW).status == "PENDING"
    assert confirm_booking(holds[1], now_dt=NOW).status == "CONFIRMED"


class SessionsOnly(DefaultBookingAdapter):
    def booking_types(self, service: Any, provider: Any) -> list[str]:
        return ["GROUP_SESSION"]


def test_a_request_of_a_service_that_is_not_booked_like_that_by_now_is_not_confirmed(
    ask: Book,
) -> None:
    request = ask()
    with override_settings(BOOKINGS_ADAPTER=f"{__name__}.SessionsOnly"):
        with nothing_written(), pytest.raises(NotAllowed) as refused:
            confirm_booking(request, now_dt=NOW)
        assert refused.value.code == "booking_type"

        assert confirm_booking(request, now_dt=NOW, override_policy=True).status == "CONFIRMED"
