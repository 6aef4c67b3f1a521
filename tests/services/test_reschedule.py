from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from bookings.exceptions import (
    BookingConflict,
    MissingReference,
    NotAllowed,
    NoticeWindow,
    PastStart,
    SlotUnavailable,
    TooFarAhead,
)
from bookings.models import Booking, Calendar
from bookings.selectors import get_busy_intervals
from bookings.services import cancel_booking, reschedule_booking, update_booking
from tests.services.clock import DAY, HOUR, MICROSECOND, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import (
    history,
    last_event,
    nothing_done,
    nothing_written,
    only_interval,
    stored,
)


def test_it_is_the_same_booking_at_another_time(booking: Booking) -> None:
    reference, held = booking.reference, booking.busy_interval_id

    reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)

    assert (booking.start_at, booking.end_at) == (START + DAY, START + DAY + HOUR)
    assert (booking.reference, booking.status) == (reference, "CONFIRMED")
    assert booking.busy_interval_id == held
    assert only_interval()["start_at"] == START + DAY


def test_the_event_has_the_old_and_the_new_values(
    booking: Booking, provider: Any, other_provider: Any
) -> None:
    reschedule_booking(booking, new_start_at=START + DAY, new_provider=other_provider, now_dt=NOW)

    assert last_event(booking).data == {
        "old_start_at": START.isoformat(),
        "new_start_at": (START + DAY).isoformat(),
        "old_end_at": (START + HOUR).isoformat(),
        "new_end_at": (START + DAY + HOUR).isoformat(),
        "old_provider": provider.pk,
        "new_provider": other_provider.pk,
        "old_total_amount": None,
        "new_total_amount": None,
    }


def test_its_old_time_is_free_again(booking: Booking, book: Book) -> None:
    reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)

    assert book().pk


@pytest.mark.parametrize("offset", [-30, 30])
def test_it_is_not_in_its_own_way(booking: Booking, offset: int) -> None:
    reschedule_booking(booking, new_start_at=START + minutes(offset), now_dt=NOW)

    assert only_interval()["start_at"] == START + minutes(offset)


def test_time_that_is_taken_is_refused(booking: Booking, book: Book) -> None:
    book(start_at=START + DAY)

    with nothing_written(), pytest.raises(BookingConflict) as refused:
        reschedule_booking(booking, new_start_at=START + DAY + minutes(30), now_dt=NOW)

    assert refused.value.messages == ["Booking conflicts with an existing booking."]
    assert booking.start_at == START


def test_a_refusal_leaves_the_callers_transaction_usable(booking: Booking, book: Book) -> None:
    book(start_at=START + DAY)

    with transaction.atomic():
        with pytest.raises(BookingConflict):
            reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)
        reschedule_booking(booking, new_start_at=START + 2 * DAY, now_dt=NOW)

    assert stored(booking).start_at == START + 2 * DAY


def test_it_may_go_to_another_provider(booking: Booking, other_provider: Any) -> None:
    reschedule_booking(booking, new_start_at=START, new_provider=other_provider, now_dt=NOW)

    assert booking.provider == other_provider
    assert only_interval()["provider"] == other_provider.pk


def test_it_may_go_back_again(booking: Booking, provider: Any, other_provider: Any) -> None:
    for target in (other_provider, provider):
        reschedule_booking(booking, new_start_at=START, new_provider=target, now_dt=NOW)

    assert only_interval()["provider"] == provider.pk
    assert history(booking) == ["CREATED", "RESCHEDULED", "RESCHEDULED"]


def test_the_other_providers_time_is_guarded_too(
    booking: Booking, book: Book, other_provider: Any
) -> None:
    book(provider=other_provider)

    with nothing_written(), pytest.raises(BookingConflict):
        reschedule_booking(booking, new_start_at=START, new_provider=other_provider, now_dt=NOW)


def test_both_calendars_count_the_change(
    booking: Booking, provider: Any, other_provider: Any
) -> None:
    before = Calendar.objects.get(provider=provider).revision

    reschedule_booking(booking, new_start_at=START, new_provider=other_provider, now_dt=NOW)

    assert Calendar.objects.get(provider=provider).revision == before + 1
    assert Calendar.objects.get(provider=other_provider).revision == 1


def test_a_provider_that_is_gone_is_refused(booking: Booking, other_provider: Any) -> None:
    type(other_provider).objects.filter(pk=other_provider.pk).delete()

    with nothing_written(), pytest.raises(MissingReference):
        reschedule_booking(booking, new_start_at=START, new_provider=other_provider, now_dt=NOW)


def test_a_provider_that_is_not_active_is_for_staff_alone(
    booking: Booking, other_provider: Any
) -> None:
    other_provider.is_active = False
    other_provider.save()

    with nothing_written(), pytest.raises(NotAllowed):
        reschedule_booking(booking, new_start_at=START, new_provider=other_provider, now_dt=NOW)

    reschedule_booking(
        booking,
        new_start_at=START,
        new_provider=other_provider,
        now_dt=NOW,
        override_policy=True,
    )
    assert booking.provider == other_provider


def test_moving_to_where_it_is_changes_nothing(booking: Booking, provider: Any) -> None:
    with nothing_done():
        reschedule_booking(booking, new_start_at=START, new_provider=provider, now_dt=NOW)


def test_a_booking_whose_rules_forbid_it_is_for_staff_alone(book: Book, make_service: Make) -> None:
    booking = book(service=make_service(reschedule_allowed=False))

    with nothing_written(), pytest.raises(NotAllowed) as refused:
        reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)
    assert refused.value.messages == ["Rescheduling is not allowed for this booking."]

    reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW, override_policy=True)
    assert booking.start_at == START + DAY


@pytest.mark.parametrize(
    ("before_start", "too_late"),
    [
        (minutes(120) + MICROSECOND, False),
        (minutes(120), False),
        (minutes(120) - MICROSECOND, True),
        (timedelta(0), True),
    ],
)
def test_the_notice_is_measured_against_the_old_start(
    book: Book, make_service: Make, before_start: timedelta, too_late: bool
) -> None:
    booking = book(service=make_service(reschedule_notice_minutes=120))
    at, target = START - before_start, START + DAY

    if too_late:
        with nothing_written(), pytest.raises(NoticeWindow) as refused:
            reschedule_booking(booking, new_start_at=target, now_dt=at)
        assert refused.value.messages == [
            "Cannot reschedule within the notice window (120 minutes)."
        ]
        reschedule_booking(booking, new_start_at=target, now_dt=at, override_policy=True)
    else:
        reschedule_booking(booking, new_start_at=target, now_dt=at)
    assert booking.start_at == target


@pytest.mark.parametrize("after_start", [timedelta(0), minutes(30), 7 * DAY])
@pytest.mark.parametrize("allow_past_start", [False, True])
def test_without_notice_a_booking_can_be_moved_until_its_start(
    booking: Booking, after_start: timedelta, settings: Any, allow_past_start: bool
) -> None:
    settings.BOOKINGS_ALLOW_PAST_START = allow_past_start
    at, target = START + after_start, START + 8 * DAY

    for new_start_at in (target, START):
        with nothing_written(), pytest.raises(NoticeWindow) as refused:
            reschedule_booking(booking, new_start_at=new_start_at, now_dt=at)
        assert refused.value.code == "booking_started"
    assert refused.value.messages == [
        "The booking has begun. Only staff may still move it, by overriding the policy."
    ]

    reschedule_booking(booking, new_start_at=target, now_dt=at, override_policy=True)
    assert booking.start_at == target


def test_without_notice_a_booking_can_be_moved_just_before_its_start(booking: Booking) -> None:
    reschedule_booking(booking, new_start_at=START + DAY, now_dt=START - MICROSECOND)

    assert booking.start_at == START + DAY


def test_addons_of_a_booking_that_has_begun_stay(booking: Booking) -> None:
    with nothing_written(), pytest.raises(NoticeWindow):
        reschedule_booking(booking, new_start_at=START, addon_ids=[], now_dt=START)


def test_a_hold_of_a_time_that_has_begun_is_moved_by_staff(book: Book) -> None:
    hold = book(now_dt=START + HOUR, expires_at=START + 2 * HOUR, allow_past=True)

    with nothing_written(), pytest.raises(NoticeWindow) as refused:
        reschedule_booking(hold, new_start_at=START + DAY, now_dt=START + HOUR)
    assert refused.value.code == "booking_started"

    reschedule_booking(hold, new_start_at=START + DAY, now_dt=START + HOUR, override_policy=True)
    assert hold.start_at == START + DAY


def test_the_new_start_is_held_to_the_window_of_booking(book: Book, make_service: Make) -> None:
    booking = book(service=make_service(minimum_notice_minutes=60, maximum_advance_days=30))

    for error, start_at in (
        (PastStart, NOW - MICROSECOND),
        (NoticeWindow, NOW + minutes(59)),
        (TooFarAhead, NOW + 31 * DAY),
    ):
        with nothing_written(), pytest.raises(error):
            reschedule_booking(booking, new_start_at=start_at, now_dt=NOW)
        reschedule_booking(booking, new_start_at=start_at, now_dt=NOW, override_policy=True)


def test_a_host_that_allows_the_past_may_move_into_it(booking: Booking, settings: Any) -> None:
    settings.BOOKINGS_ALLOW_PAST_START = True

    reschedule_booking(booking, new_start_at=NOW - DAY, now_dt=NOW)

    assert booking.start_at == NOW - DAY


def test_it_keeps_its_length_and_buffers_whatever_the_service_has_become(
    book: Book, make_service: Make
) -> None:
    service = make_service(buffer_before_minutes=5, buffer_after_minutes=10)
    booking = book(service=service)
    type(service).objects.update(
        duration_minutes=5,
        buffer_before_minutes=99,
        buffer_after_minutes=99,
        reschedule_allowed=False,
        reschedule_notice_minutes=9999,
        requires_approval=True,
    )

    booking = reschedule_booking(stored(booking), new_start_at=START + DAY, now_dt=NOW)

    assert booking.end_at - booking.start_at == HOUR
    assert booking.status == "CONFIRMED"
    assert only_interval()["start_at"] == START + DAY - minutes(5)
    assert only_interval()["end_at"] == START + DAY + minutes(70)


@pytest.mark.parametrize(
    "start_at",
    [datetime(2030, 3, 31, 0, 30, tzinfo=UTC), datetime(2030, 10, 27, 0, 30, tzinfo=UTC)],
)
def test_an_hour_takes_an_hour_on_the_night_the_clocks_change(
    booking: Booking, start_at: datetime
) -> None:
    berlin = ZoneInfo("Europe/Berlin")

    reschedule_booking(booking, new_start_at=start_at.astimezone(berlin), now_dt=NOW)

    assert only_interval()["end_at"] - only_interval()["start_at"] == HOUR
    booking = stored(booking)
    assert (booking.start_at, booking.end_at) == (start_at, start_at + HOUR)


def test_a_booking_that_ended_meanwhile_is_not_moved(booking: Booking) -> None:
    stale = stored(booking)
    cancel_booking(booking, now_dt=NOW)

    with nothing_written(), pytest.raises(Exception, match="Only pending or confirmed"):
        reschedule_booking(stale, new_start_at=START + DAY, now_dt=NOW)


def test_details_that_changed_meanwhile_stay(booking: Booking) -> None:
    stale = stored(booking)
    update_booking(booking, client_name="Marie")

    reschedule_booking(stale, new_start_at=START + DAY, now_dt=NOW)

    assert (stale.client_name, stored(stale).client_name) == ("Marie", "Marie")


# The slot engine


def offer_what_is_free(service: Any, provider: Any, start_dt: Any, end_dt: Any) -> list[datetime]:
    busy = get_busy_intervals(provider, start_dt, end_dt)
    starts = [START + minutes(30), START + DAY]
    return [start for start in starts if not any(a <= start < b for a, b in busy)]


@pytest.fixture
def engine(settings: Any) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.offer_what_is_free"


def test_the_new_start_has_to_be_on_offer(booking: Booking, engine: None) -> None:
    with nothing_written(), pytest.raises(SlotUnavailable) as refused:
        reschedule_booking(booking, new_start_at=START + 2 * DAY, now_dt=NOW)
    assert refused.value.messages == ["Selected start time is not available for this service."]

    reschedule_booking(booking, new_start_at=START + 2 * DAY, now_dt=NOW, skip_slot_validation=True)
    assert booking.start_at == START + 2 * DAY


def test_its_own_time_is_free_to_the_slot_engine(booking: Booking, engine: None) -> None:
    reschedule_booking(booking, new_start_at=START + minutes(30), now_dt=NOW)

    assert booking.start_at == START + minutes(30)


def test_the_time_of_others_is_busy_to_the_slot_engine(
    booking: Booking, book: Book, engine: None
) -> None:
    other = book(start_at=START + 2 * DAY, skip_slot_validation=True)

    with nothing_written(), pytest.raises(SlotUnavailable):
        reschedule_booking(other, new_start_at=START + minutes(30), now_dt=NOW)
