from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from bookings.exceptions import (
    BookingConflict,
    NotAllowed,
    NoticeWindow,
    PastStart,
    SlotUnavailable,
    TooFarAhead,
)
from bookings.models import Booking
from tests.services.clock import DAY, HOUR, MICROSECOND, NOW, SECOND, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import (
    nothing_written,
    only_interval,
    stored,
)


@pytest.mark.parametrize("moment", [NOW, NOW + MICROSECOND])
def test_a_start_may_be_now(book: Book, moment: datetime) -> None:
    assert book(start_at=moment).pk


def test_a_start_in_the_past_is_refused(book: Book) -> None:
    with nothing_written(), pytest.raises(PastStart) as refused:
        book(start_at=NOW - MICROSECOND)

    assert refused.value.messages == ["The start has passed. Choose a later start."]


def test_an_import_may_start_in_the_past(book: Book, settings: Any) -> None:
    assert book(start_at=NOW - DAY, allow_past=True).pk

    settings.BOOKINGS_ALLOW_PAST_START = True
    assert book(start_at=NOW - 2 * DAY).pk
    with nothing_written(), pytest.raises(PastStart):
        book(start_at=NOW - 3 * DAY, allow_past=False)


def test_staff_cannot_override_the_past(book: Book) -> None:
    with nothing_written(), pytest.raises(PastStart):
        book(start_at=NOW - DAY, override_policy=True)


def test_the_clock_is_read_when_no_now_is_given(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: START - DAY)

    assert book(now_dt=None).created_at == START - DAY


def test_the_minimum_notice_may_be_used_up(book: Book, make_service: Make) -> None:
    service = make_service(minimum_notice_minutes=90)

    with nothing_written(), pytest.raises(NoticeWindow) as refused:
        book(service=service, start_at=NOW + minutes(90) - MICROSECOND)
    assert refused.value.messages == [
        "This service must be booked at least 1 hour 30 minutes ahead."
    ]
    assert refused.value.code == "minimum_notice"

    assert book(service=service, start_at=NOW + minutes(90)).pk


def test_the_maximum_advance_may_be_used_up(book: Book, make_service: Make) -> None:
    service = make_service(maximum_advance_days=30)

    midnight = datetime.combine(NOW.date(), time.min, UTC) + 31 * DAY
    with nothing_written(), pytest.raises(TooFarAhead) as refused:
        book(service=service, start_at=midnight)
    assert refused.value.messages == ["This service can be booked at most 30 days ahead."]

    assert book(service=service, start_at=midnight - MICROSECOND).pk


def test_no_days_ahead_means_today_by_the_providers_clocks(
    book: Book, make_service: Make, provider: Any
) -> None:
    """It is seven in the evening in Brisbane."""
    provider.timezone = "Australia/Brisbane"
    service = make_service(maximum_advance_days=0)

    assert book(service=service, start_at=NOW + 5 * HOUR - SECOND).pk
    with nothing_written(), pytest.raises(TooFarAhead) as refused:
        book(service=service, start_at=NOW + 5 * HOUR)
    assert refused.value.messages == ["This service can only be booked for today."]


def test_staff_may_override_the_window_of_booking(book: Book, make_service: Make) -> None:
    service = make_service(minimum_notice_minutes=90, maximum_advance_days=30)

    assert book(service=service, start_at=NOW, override_policy=True).pk
    assert book(service=service, start_at=NOW + 60 * DAY, override_policy=True).pk


@pytest.mark.parametrize("name", ["service", "provider"])
def test_what_is_not_active_is_for_staff_alone(
    book: Book, request: pytest.FixtureRequest, name: str
) -> None:
    inactive = request.getfixturevalue(name)
    inactive.is_active = False
    inactive.save()

    with nothing_written(), pytest.raises(NotAllowed) as refused:
        book()
    assert refused.value.messages == [f"The {name} is not active. Choose another."]

    assert book(override_policy=True).pk


def test_nobody_can_override_the_ledger(book: Book, booking: Booking) -> None:
    with nothing_written(), pytest.raises(BookingConflict):
        book(override_policy=True, skip_slot_validation=True, allow_past=True)


@pytest.mark.parametrize(
    "start_at",
    [
        datetime(2030, 3, 31, 0, 30, tzinfo=UTC),  # 01:30, half an hour before the gap
        datetime(2030, 10, 27, 0, 30, tzinfo=UTC),  # 02:30, the first of the two
    ],
)
def test_an_hour_takes_an_hour_on_the_night_the_clocks_change(
    book: Book, start_at: datetime
) -> None:
    berlin = ZoneInfo("Europe/Berlin")

    made = book(start_at=start_at.astimezone(berlin))

    assert made.end_at.astimezone(UTC) - made.start_at.astimezone(UTC) == HOUR
    assert only_interval()["end_at"] - only_interval()["start_at"] == HOUR
    made = stored(made)
    assert (made.start_at, made.end_at) == (start_at, start_at + HOUR)


def test_the_two_halves_of_the_repeated_hour_are_two_hours(book: Book) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2030, 10, 27, 2, 0, tzinfo=berlin)

    early, late = book(start_at=first), book(start_at=first.replace(fold=1))

    assert late.start_at.astimezone(UTC) - early.start_at.astimezone(UTC) == HOUR
    with nothing_written(), pytest.raises(BookingConflict):
        book(start_at=first)


def test_a_booking_over_the_gap_ends_by_the_clock_two_hours_later(book: Book) -> None:
    berlin = ZoneInfo("Europe/Berlin")

    made = book(start_at=datetime(2030, 3, 31, 1, 30, tzinfo=berlin))

    assert made.end_at.astimezone(berlin).strftime("%H:%M") == "03:30"


def test_the_same_instant_in_another_zone_is_the_same_start(book: Book) -> None:
    made = book(start_at=START.astimezone(ZoneInfo("Asia/Kolkata")))

    assert made.start_at == START
    with nothing_written(), pytest.raises(BookingConflict):
        book(start_at=START.astimezone(ZoneInfo("America/New_York")))


def offer_mornings(service: Any, provider: Any, start_dt: Any, end_dt: Any) -> list[datetime]:
    return [START]


@pytest.fixture
def engine(settings: Any) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.offer_mornings"


@pytest.mark.usefixtures("engine")
def test_a_start_has_to_be_on_offer(book: Book) -> None:
    with nothing_written(), pytest.raises(SlotUnavailable) as refused:
        book(start_at=START + HOUR)
    assert refused.value.messages == ["Selected start time is not available for this service."]
    assert refused.value.code == "slot_unavailable"

    assert book(start_at=START).pk


@pytest.mark.usefixtures("engine")
def test_staff_may_skip_the_slot_engine(book: Book) -> None:
    assert book(start_at=START + HOUR, skip_slot_validation=True).pk
