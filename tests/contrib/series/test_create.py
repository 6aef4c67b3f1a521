"""A booking at every start of a rule, or a word on each that there cannot be one."""

from __future__ import annotations

import inspect
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bookings.contrib.series.exceptions import InvalidRecurrence, SeriesConflict
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.services import (
    BookingOptions,
    create_series,
    create_session_series,
    make,
)
from bookings.exceptions import (
    BookingBusy,
    BookingConflict,
    IdempotencyKeyReused,
    InvalidBooking,
    MissingReference,
    PastStart,
    SlotUnavailable,
    TenantMismatch,
)
from bookings.models import Booking, BookingEvent
from bookings.services import cancel_booking, create_booking
from bookings.testing import assert_bookings_are_sound
from tests.contrib.series.conftest import BERLIN, FIRST, NOW, TUESDAYS, Repeat

HOUR = timedelta(hours=1)


@pytest.fixture
def take(service: Any, provider: Any) -> Any:
    """Book a time away."""

    def make(start_at: datetime, **values: Any) -> Booking:
        given = {"service": service, "provider": provider, "client_name": "Joan", "now_dt": NOW}
        return create_booking(start_at=start_at, **(given | values))

    return make


def test_every_start_by_the_clocks_has_a_booking(repeat: Repeat, user: Any) -> None:
    result = repeat(
        created_by=user, client_email="m@example.org", notes_client="Knocks", metadata={"room": 2}
    )
    assert [booking.start_at for booking in result.bookings] == list(TUESDAYS)
    assert result.skipped == ()
    stored = list(Booking.objects.all())
    assert stored == result.bookings
    assert {booking.status for booking in stored} == {Booking.Status.CONFIRMED}
    assert {(booking.client_name, booking.client_email) for booking in stored} == {
        ("Mary", "m@example.org")
    }
    assert {booking.notes_client for booking in stored} == {"Knocks"}
    assert [booking.metadata for booking in stored] == [{"room": 2}] * 4
    assert {booking.created_by for booking in stored} == {user}
    assert BookingEvent.objects.count() == 4
    series = Series.objects.get()
    assert series == result.series
    assert (series.rrule, series.timezone) == ("FREQ=WEEKLY;COUNT=4", BERLIN)
    assert (series.first_shown, series.exdates, series.created_by) == (FIRST, [], user)
    assert (series.created_at, series.continues) == (NOW, None)
    assert str(series) == "FREQ=WEEKLY;COUNT=4 (2026-03-17 09:00 Europe/Berlin)"
    occurrences = series.occurrences.all()
    assert [(row.original_start_at, row.booking) for row in occurrences] == list(
        zip(TUESDAYS, stored, strict=True)
    )
    assert str(occurrences[0]) == "2026-03-17 08:00"
    assert_bookings_are_sound()


def test_it_may_start_with_an_instant(repeat: Repeat) -> None:
    assert repeat(start_at=TUESDAYS[0]).series.first_shown == FIRST


def test_a_start_that_the_clocks_leave_out_is_kept_as_they_would_show_it(repeat: Repeat) -> None:
    series = repeat(rrule="FREQ=DAILY;COUNT=2", start_at=datetime(2026, 3, 29, 2, 30)).series
    series.refresh_from_db()
    assert series.first_shown == datetime(2026, 3, 29, 2, 30)
    assert [at.hour for at in series.recurrence().left()] == [1, 0]


def test_what_is_left_out_has_no_booking(repeat: Repeat) -> None:
    result = repeat(exdates=[FIRST + timedelta(days=7)])
    assert [booking.start_at for booking in result.bookings] == [TUESDAYS[n] for n in (0, 2, 3)]
    assert result.series.exdates == [TUESDAYS[1].isoformat()]
    assert result.series.recurrence().left() == [TUESDAYS[n] for n in (0, 2, 3)]


def test_all_or_nothing(repeat: Repeat, take: Any) -> None:
    take(TUESDAYS[1])
    take(TUESDAYS[3] + HOUR / 2)
    with pytest.raises(SeriesConflict) as refused:
        repeat()
    assert [item.start_at for item in refused.value.skipped] == [TUESDAYS[1], TUESDAYS[3]]
    assert all(isinstance(item.error, BookingConflict) for item in refused.value.skipped)
    assert refused.value.code == "series_conflict"
    assert str(refused.value) == (
        "Starts of the series that are not possible: 2 of 4. "
        "2026-03-24 09:00: Booking conflicts with an existing booking. "
        "2026-04-07 09:00: Booking conflicts with an existing booking."
    )
    assert (Booking.objects.count(), Series.objects.count(), Occurrence.objects.count()) == (
        2,
        0,
        0,
    )
    assert_bookings_are_sound()


def test_the_error_is_no_longer_than_can_be_read(repeat: Repeat) -> None:
    with pytest.raises(SeriesConflict) as refused:
        repeat(rrule="FREQ=DAILY;COUNT=9", now_dt=datetime(2027, 1, 1, tzinfo=NOW.tzinfo))
    assert str(refused.value).count("start_at has passed") == 5
    assert str(refused.value).endswith(" …")
    assert {type(item.error) for item in refused.value.skipped} == {PastStart}
    assert len(refused.value.skipped) == 9


def test_what_is_taken_is_skipped_and_told(repeat: Repeat, take: Any) -> None:
    take(TUESDAYS[1])
    result = repeat(on_conflict="skip")
    assert [booking.start_at for booking in result.bookings] == [TUESDAYS[n] for n in (0, 2, 3)]
    [skipped] = result.skipped
    assert (skipped.start_at, skipped.alternatives) == (TUESDAYS[1], ())
    assert isinstance(skipped.error, BookingConflict)
    assert result.series.exdates == [TUESDAYS[1].isoformat()]
    assert result.series.recurrence().left() == [booking.start_at for booking in result.bookings]
    assert_bookings_are_sound()


def test_a_series_of_nothing_is_none(repeat: Repeat, take: Any) -> None:
    take(TUESDAYS[0])
    with pytest.raises(SeriesConflict, match="not possible: 1 of 1"):
        repeat(rrule="FREQ=WEEKLY;COUNT=1", on_conflict="skip")
    assert not Series.objects.exists()


def test_starts_that_overlap_are_in_each_others_way(repeat: Repeat) -> None:
    result = repeat(rrule="FREQ=DAILY;COUNT=4;BYHOUR=9;BYMINUTE=0,30", on_conflict="skip")
    assert [item.start_at - result.series.recurrence().left()[0] for item in result.skipped] == [
        HOUR / 2,
        24.5 * HOUR,
    ]


def test_alternatives_are_free_and_later(repeat: Repeat, take: Any) -> None:
    take(TUESDAYS[1])
    take(TUESDAYS[1] + 2.5 * HOUR)
    with pytest.raises(SeriesConflict) as refused:
        repeat(alternatives=3)
    [skipped] = refused.value.skipped
    assert skipped.alternatives == tuple(TUESDAYS[1] + n * HOUR for n in (1, 4, 5))
    [skipped] = repeat(on_conflict="skip", alternatives=2).skipped
    for at in skipped.alternatives:
        take(at)


def test_alternatives_leave_room_for_buffers_and_add_ons(
    repeat: Repeat, take: Any, make_service: Any, make_addon: Any
) -> None:
    wide = make_service(name="Wide", buffer_before_minutes=30, buffer_after_minutes=10)
    addon = make_addon(extra_duration_minutes=15)
    take(TUESDAYS[1])
    asked = {"service": wide, "addon_ids": iter([addon.pk]), "on_conflict": "skip"}
    result = repeat(**asked, alternatives=2)
    assert [booking.addons.count() for booking in result.bookings] == [1, 1, 1]
    [skipped] = result.skipped
    # After 75 minutes there would be 15 minutes left of the 30 before.
    assert skipped.alternatives == tuple(TUESDAYS[1] + n * 1.25 * HOUR for n in (2, 3))


def test_alternatives_are_later_than_now(repeat: Repeat) -> None:
    now = TUESDAYS[1] + 2.25 * HOUR
    first, second = repeat(on_conflict="skip", alternatives=1, now_dt=now).skipped
    assert first.alternatives == second.alternatives == (TUESDAYS[1] + 3 * HOUR,)


def test_alternatives_keep_to_the_services_notice(repeat: Repeat, make_service: Any) -> None:
    service = make_service(name="Planned", minimum_notice_minutes=120)
    asked = {"service": service, "on_conflict": "skip", "now_dt": TUESDAYS[0] - HOUR / 2}
    [skipped] = repeat(**asked, alternatives=1).skipped
    assert skipped.error.code == "minimum_notice"
    assert skipped.alternatives == (TUESDAYS[0] + 2 * HOUR,)


def test_there_may_be_no_alternative(repeat: Repeat, take: Any, make_service: Any) -> None:
    take(TUESDAYS[1], service=make_service(name="Camp", duration_minutes=9 * 24 * 60))
    [skipped] = repeat(rrule="FREQ=WEEKLY;COUNT=2", alternatives=5, on_conflict="skip").skipped
    assert (skipped.start_at, skipped.alternatives) == (TUESDAYS[1], ())


def offer_at_ten(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
    day = start_dt.replace(hour=10, minute=0)
    offered = [day + timedelta(days=n) for n in range(9)]
    return {at.date(): [at] for at in reversed(offered) if start_dt <= at < end_dt}


class AnyTime:
    def __contains__(self, start: datetime) -> bool:
        return start.month == 3


def any_time(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
    return AnyTime()


def test_alternatives_are_what_the_slot_engine_offers(repeat: Repeat, settings: Any) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.offer_at_ten"
    with pytest.raises(SeriesConflict) as refused:
        repeat(alternatives=2)
    assert len(refused.value.skipped) == 4
    skipped = refused.value.skipped[0]
    assert isinstance(skipped.error, SlotUnavailable)
    ten = TUESDAYS[0] + 2 * HOUR
    assert skipped.alternatives == (ten, ten + timedelta(days=1))
    assert len(repeat(skip_slot_validation=True).bookings) == 4


def test_an_engine_that_cannot_list_gives_no_alternatives(repeat: Repeat, settings: Any) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.any_time"
    [skipped] = repeat(alternatives=2, on_conflict="skip").skipped
    assert (skipped.start_at, skipped.alternatives) == (TUESDAYS[3], ())


def no_hours(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
    raise SlotUnavailable("This provider has no schedule.", "no_schedule")


def test_an_engine_that_refuses_to_answer_gives_no_alternatives(
    repeat: Repeat, take: Any, settings: Any
) -> None:
    take(TUESDAYS[1])
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.no_hours"

    with pytest.raises(SeriesConflict) as refused:
        repeat(alternatives=2)
    skipped = refused.value.skipped
    assert [(item.error.code, item.alternatives) for item in skipped] == [("no_schedule", ())] * 4

    made = repeat(alternatives=2, on_conflict="skip", skip_slot_validation=True)
    assert len(made.bookings) == 3
    assert made.skipped[0].alternatives == (TUESDAYS[1] + HOUR, TUESDAYS[1] + 2 * HOUR)


def busy(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
    if end_dt - start_dt > HOUR:
        raise BookingBusy("Ask again.")
    return []


def test_an_engine_that_is_busy_is_to_be_asked_again(repeat: Repeat, settings: Any) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.busy"
    with pytest.raises(BookingBusy):
        repeat(alternatives=2)


def test_one_key_makes_one_series(repeat: Repeat) -> None:
    made = repeat(idempotency_key="form 7")
    cancel_booking(made.bookings[0], now_dt=NOW)
    again = repeat(idempotency_key="form 7")
    assert (again.series, again.bookings, again.skipped) == (made.series, made.bookings, ())
    assert Booking.objects.count() == 4
    assert again.bookings[0].status == Booking.Status.CANCELLED
    other = repeat(idempotency_key="Form 7", start_at=FIRST + HOUR)
    assert other.series != made.series


@pytest.mark.parametrize(
    "values",
    [
        {"rrule": "FREQ=WEEKLY;COUNT=5"},
        {"start_at": FIRST + HOUR},
        {"timezone": "Europe/Paris"},
        {"exdates": [FIRST]},
    ],
)
def test_a_key_is_of_one_request(repeat: Repeat, values: Any) -> None:
    repeat(idempotency_key="form 7")
    with pytest.raises(IdempotencyKeyReused, match="another series"):
        repeat(idempotency_key="form 7", **values)
    assert Series.objects.count() == 1


def test_a_key_is_of_one_provider(repeat: Repeat, other_provider: Any) -> None:
    repeat(idempotency_key="form 7")
    with pytest.raises(IdempotencyKeyReused, match="another series"):
        repeat(idempotency_key="form 7", provider=other_provider)


def test_a_key_that_only_the_database_can_see_is_of_another_series(
    repeat: Repeat, other_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a snapshot that is older than the other series."""
    repeat(idempotency_key="form 7")
    monkeypatch.setattr(make, "_made_before", lambda asked, using: None)
    with pytest.raises(IdempotencyKeyReused, match="another series"):
        repeat(idempotency_key="form 7", provider=other_provider)
    assert Series.objects.count() == 1


def test_clients_share_what_can_be_shared(repeat: Repeat, group: Any) -> None:
    """Of three seats."""
    assert len(repeat(service=group, party_size=2).bookings) == 4
    assert len(repeat(service=group, client_name="Joan").bookings) == 4
    with pytest.raises(SeriesConflict, match="Not enough seats"):
        repeat(service=group, client_name="Ann")


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"rrule": "FREQ=WEEKLY"}, InvalidRecurrence),
        ({"rrule": "FREQ=DAILY;COUNT=500"}, InvalidRecurrence),
        ({"rrule": "FREQ=WEEKLY;COUNT=4", "limit": 3}, InvalidRecurrence),
        ({"rrule": "FREQ=DAILY;COUNT=3;BYMONTHDAY=30;BYMONTH=2"}, InvalidRecurrence),
        ({"rrule": ""}, InvalidRecurrence),
        ({"rrule": None}, InvalidRecurrence),
        ({"timezone": "Mars/Olympus"}, InvalidBooking),
        ({"start_at": datetime(9000, 1, 1)}, InvalidBooking),
        ({"start_at": datetime(1066, 10, 14)}, InvalidBooking),
        ({"start_at": "tomorrow"}, InvalidBooking),
        ({"on_conflict": "shrug"}, InvalidBooking),
        ({"on_conflict": None}, InvalidBooking),
        ({"alternatives": -1}, InvalidBooking),
        ({"alternatives": 21}, InvalidBooking),
        ({"alternatives": "1"}, InvalidBooking),
        ({"limit": 0}, InvalidBooking),
        ({"idempotency_key": 7}, InvalidBooking),
        ({"idempotency_key": "\x00"}, InvalidBooking),
        ({"client_name": ""}, InvalidBooking),
        ({"client_name": "x" * 256}, InvalidBooking),
        ({"addon_ids": [0]}, MissingReference),
        ({"addon_ids": "12"}, InvalidBooking),
        ({"party_size": 0}, InvalidBooking),
        ({"service": None}, InvalidBooking),
        ({"provider": "Ada"}, InvalidBooking),
        ({"created_by": "Ada"}, InvalidBooking),
        ({"tenant": 1}, TenantMismatch),
        ({"now_dt": datetime(2026, 3, 1)}, InvalidBooking),
        ({"expires_at": NOW}, InvalidBooking),
    ],
)
@pytest.mark.parametrize("on_conflict", ["refuse", "skip"])
def test_what_makes_no_sense_is_said_at_once(
    repeat: Repeat, values: Any, error: Any, on_conflict: str
) -> None:
    with pytest.raises(error) as refused:
        repeat(**({"on_conflict": on_conflict} | values))
    assert not isinstance(refused.value, SeriesConflict)
    assert not Booking.objects.exists()
    assert not Series.objects.exists()


def test_an_unknown_argument_is_an_error_of_the_caller(repeat: Repeat) -> None:
    with pytest.raises(TypeError):
        repeat(colour="blue")
    assert not Booking.objects.exists()


def test_a_provider_who_is_gone_has_no_series(repeat: Repeat, other_provider: Any) -> None:
    type(other_provider).objects.filter(pk=other_provider.pk).delete()
    with pytest.raises(MissingReference):
        repeat(provider=other_provider)


def test_a_deleted_booking_leaves_its_start(repeat: Repeat) -> None:
    result = repeat()
    result.bookings[1].delete()
    assert [row.booking for row in result.series.occurrences.all()] == [
        result.bookings[0],
        None,
        *result.bookings[2:],
    ]


def test_the_statements_grow_with_the_starts_and_no_faster(repeat: Repeat) -> None:
    counts = []
    # The first one opens the provider's calendar.
    for number, name in ((1, "Zoe"), (10, "Ann"), (60, "Joan")):
        with CaptureQueriesContext(connection) as queries:
            repeat(
                rrule=f"FREQ=DAILY;COUNT={number}",
                start_at=FIRST + timedelta(hours=number),
                client_name=name,
            )
        counts.append(len(queries))
    del counts[0]
    each, left = divmod(counts[1] - counts[0], 50)
    assert left == 0
    assert each <= 7
    assert counts[0] - 10 * each <= 7


def test_it_is_part_of_the_callers_transaction(repeat: Repeat, take: Any) -> None:
    taken = take(TUESDAYS[1])
    with transaction.atomic():
        with pytest.raises(SeriesConflict):
            repeat()
        cancel_booking(taken, now_dt=NOW)
        repeat()
    assert Booking.objects.active().count() == 4
    assert_bookings_are_sound()


@pytest.mark.django_db
def test_a_series_of_sessions_needs_their_app(service: Any, provider: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="group_sessions"):
        create_session_series(
            rrule="FREQ=DAILY;COUNT=1",
            timezone=BERLIN,
            start_at=FIRST,
            service=service,
            provider=provider,
        )


def test_every_argument_of_a_booking_can_be_said() -> None:
    said = {*inspect.signature(create_series).parameters, *BookingOptions.__annotations__}
    assert inspect.signature(create_booking).parameters.keys() <= said
