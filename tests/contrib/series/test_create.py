"""``create_series``: a booking at every start of a rule, or an error that names the conflicts."""

from __future__ import annotations

import inspect
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.models.signals import pre_save
from django.test.utils import CaptureQueriesContext

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.payments.extension import PaymentsExtension
from bookings.contrib.series.exceptions import InvalidRecurrence, SeriesConflict
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.services import (
    SeriesBookingOptions,
    create_series,
    create_session_series,
    new_series,
)
from bookings.exceptions import (
    BookingBusy,
    BookingConflict,
    IdempotencyKeyReused,
    InvalidBooking,
    MissingReference,
    NotAllowed,
    PastStart,
    SlotUnavailable,
    TenantMismatch,
)
from bookings.ledger.transactions import RetryTransaction
from bookings.models import Booking, BookingEvent
from bookings.services import cancel_booking, create_booking, expire_booking, expire_bookings
from bookings.testing import assert_bookings_are_sound
from tests.contrib.series.conftest import BERLIN, FIRST, NOW, TUESDAYS, MakeSeries

HOUR = timedelta(hours=1)


@pytest.fixture
def occupy(service: Any, provider: Any) -> Any:
    """Return a function that books a time for another client."""

    def book(start_at: datetime, **values: Any) -> Booking:
        defaults = {"service": service, "provider": provider, "client_name": "Joan", "now_dt": NOW}
        return create_booking(start_at=start_at, **(defaults | values))

    return book


def test_every_start_gets_a_booking_at_the_same_local_time(
    make_series: MakeSeries, user: Any
) -> None:
    result = make_series(
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
    assert (series.dtstart, series.exdates, series.created_by) == (FIRST, [], user)
    assert (series.created_at, series.continues) == (NOW, None)
    assert str(series) == "Every week, 4 times, from March 17, 2026, 9 a.m."
    occurrences = series.occurrences.all()
    assert [(row.original_start_at, row.booking) for row in occurrences] == list(
        zip(TUESDAYS, stored, strict=True)
    )
    assert str(occurrences[0]) == "March 17, 2026, 8 a.m."
    assert_bookings_are_sound()


def test_the_start_may_be_an_instant(make_series: MakeSeries) -> None:
    assert make_series(start_at=TUESDAYS[0]).series.dtstart == FIRST


def test_dtstart_keeps_a_local_time_that_the_clocks_skip(
    make_series: MakeSeries,
) -> None:
    series = make_series(rrule="FREQ=DAILY;COUNT=2", start_at=datetime(2026, 3, 29, 2, 30)).series
    series.refresh_from_db()
    assert series.dtstart == datetime(2026, 3, 29, 2, 30)
    assert [at.hour for at in series.recurrence().starts()] == [1, 0]


def test_an_excluded_start_has_no_booking(make_series: MakeSeries) -> None:
    result = make_series(exdates=[FIRST + timedelta(days=7)])
    assert [booking.start_at for booking in result.bookings] == [TUESDAYS[n] for n in (0, 2, 3)]
    assert result.series.exdates == [TUESDAYS[1].isoformat()]
    assert result.series.recurrence().starts() == [TUESDAYS[n] for n in (0, 2, 3)]


def test_one_conflict_books_nothing(make_series: MakeSeries, occupy: Any) -> None:
    occupy(TUESDAYS[1])
    occupy(TUESDAYS[3] + HOUR / 2)
    with pytest.raises(SeriesConflict) as refused:
        make_series()
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


def test_the_message_names_five_starts(make_series: MakeSeries) -> None:
    with pytest.raises(SeriesConflict) as refused:
        make_series(rrule="FREQ=DAILY;COUNT=9", now_dt=datetime(2027, 1, 1, tzinfo=NOW.tzinfo))
    assert str(refused.value).count("The start has passed") == 5
    assert str(refused.value).endswith(" …")
    assert {type(item.error) for item in refused.value.skipped} == {PastStart}
    assert len(refused.value.skipped) == 9


def test_staff_may_book_a_series_that_has_begun(make_series: MakeSeries) -> None:
    result = make_series(allow_past=True, now_dt=TUESDAYS[2])
    assert [booking.start_at for booking in result.bookings] == list(TUESDAYS)


def test_skip_leaves_conflicting_starts_out_and_reports_them(
    make_series: MakeSeries, occupy: Any
) -> None:
    occupy(TUESDAYS[1])
    result = make_series(on_conflict="skip")
    assert [booking.start_at for booking in result.bookings] == [TUESDAYS[n] for n in (0, 2, 3)]
    [skipped] = result.skipped
    assert (skipped.start_at, skipped.alternatives) == (TUESDAYS[1], ())
    assert isinstance(skipped.error, BookingConflict)
    assert result.series.exdates == [TUESDAYS[1].isoformat()]
    assert result.series.recurrence().starts() == [booking.start_at for booking in result.bookings]
    assert_bookings_are_sound()


def test_skip_refuses_a_series_without_any_booking(make_series: MakeSeries, occupy: Any) -> None:
    occupy(TUESDAYS[0])
    with pytest.raises(SeriesConflict, match="not possible: 1 of 1"):
        make_series(rrule="FREQ=WEEKLY;COUNT=1", on_conflict="skip")
    assert not Series.objects.exists()


def test_overlapping_starts_of_one_series_conflict(make_series: MakeSeries) -> None:
    result = make_series(rrule="FREQ=DAILY;COUNT=4;BYHOUR=9;BYMINUTE=0,30", on_conflict="skip")
    assert [item.start_at - result.series.recurrence().starts()[0] for item in result.skipped] == [
        HOUR / 2,
        24.5 * HOUR,
    ]


def test_alternatives_are_free_and_later(make_series: MakeSeries, occupy: Any) -> None:
    occupy(TUESDAYS[1])
    occupy(TUESDAYS[1] + 2.5 * HOUR)
    with pytest.raises(SeriesConflict) as refused:
        make_series(alternatives=3)
    [skipped] = refused.value.skipped
    assert skipped.alternatives == tuple(TUESDAYS[1] + n * HOUR for n in (1, 4, 5))
    [skipped] = make_series(on_conflict="skip", alternatives=2).skipped
    for at in skipped.alternatives:
        occupy(at)


def test_alternatives_respect_buffers_and_add_ons(
    make_series: MakeSeries, occupy: Any, make_service: Any, make_addon: Any
) -> None:
    wide = make_service(name="Wide", buffer_before_minutes=30, buffer_after_minutes=10)
    addon = make_addon(extra_duration_minutes=15)
    occupy(TUESDAYS[1])
    arguments = {"service": wide, "addon_ids": iter([addon.pk]), "on_conflict": "skip"}
    result = make_series(**arguments, alternatives=2)
    assert [booking.addons.count() for booking in result.bookings] == [1, 1, 1]
    [skipped] = result.skipped
    # After 75 minutes there would be 15 minutes left of the 30 before.
    assert skipped.alternatives == tuple(TUESDAYS[1] + n * 1.25 * HOUR for n in (2, 3))


def test_alternatives_are_later_than_now(make_series: MakeSeries) -> None:
    now = TUESDAYS[1] + 2.25 * HOUR
    first, second = make_series(on_conflict="skip", alternatives=1, now_dt=now).skipped
    assert first.alternatives == (TUESDAYS[1] + 3 * HOUR,)
    assert second.alternatives == (TUESDAYS[1] + 4 * HOUR,)


def test_alternatives_respect_the_services_notice(
    make_series: MakeSeries, make_service: Any
) -> None:
    service = make_service(name="Planned", minimum_notice_minutes=120)
    arguments = {"service": service, "on_conflict": "skip", "now_dt": TUESDAYS[0] - HOUR / 2}
    [skipped] = make_series(**arguments, alternatives=1).skipped
    assert skipped.error.code == "minimum_notice"
    assert skipped.alternatives == (TUESDAYS[0] + 2 * HOUR,)


def test_there_may_be_no_alternative(
    make_series: MakeSeries, occupy: Any, make_service: Any
) -> None:
    occupy(TUESDAYS[1], service=make_service(name="Camp", duration_minutes=9 * 24 * 60))
    [skipped] = make_series(rrule="FREQ=WEEKLY;COUNT=2", alternatives=5, on_conflict="skip").skipped
    assert (skipped.start_at, skipped.alternatives) == (TUESDAYS[1], ())


def test_alternatives_are_on_days_that_are_not_full(
    make_series: MakeSeries, occupy: Any, provider: Any
) -> None:
    provider.max_bookings_per_day = 1
    provider.save()
    occupy(TUESDAYS[1])
    [skipped] = make_series(on_conflict="skip", alternatives=20).skipped
    assert {at.day for at in skipped.alternatives} == {25}
    occupy(skipped.alternatives[0])


def test_alternatives_are_within_the_limits_of_the_client_with_the_series_itself(
    make_series: MakeSeries, occupy: Any, settings: Any
) -> None:
    settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY = 1
    occupy(TUESDAYS[0])
    rule = {"rrule": "FREQ=DAILY;COUNT=2", "client_email": "mary@example.com"}
    [skipped] = make_series(**rule, on_conflict="skip", alternatives=20).skipped
    assert skipped.start_at == TUESDAYS[0]
    assert {at.day for at in skipped.alternatives} == {17, 19}


def test_staff_are_proposed_alternatives_beyond_the_limits(
    make_series: MakeSeries, occupy: Any, provider: Any
) -> None:
    provider.max_bookings_per_day = 1
    provider.save()
    occupy(TUESDAYS[1])
    options = {"on_conflict": "skip", "override_policy": True}
    [skipped] = make_series(**options, alternatives=1).skipped
    assert skipped.alternatives == (TUESDAYS[1] + HOUR,)


class NotThen(DefaultBookingAdapter):
    def check_bookable(self, booking: Booking, *, override_policy: bool) -> None:
        if booking.start_at.hour in {9, 11}:
            raise NotAllowed(f"Not then, {booking.client_name}.")


def test_alternatives_are_what_the_adapter_takes(
    make_series: MakeSeries, occupy: Any, settings: Any
) -> None:
    occupy(TUESDAYS[1])
    settings.BOOKINGS_ADAPTER = f"{__name__}.NotThen"
    [skipped] = make_series(on_conflict="skip", alternatives=3).skipped
    assert skipped.alternatives == tuple(TUESDAYS[1] + n * HOUR for n in (2, 4, 5))


def offer_at_ten(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
    day = start_dt.replace(hour=10, minute=0)
    offered = [day + timedelta(days=n) for n in range(9)]
    return {at.date(): [at] for at in reversed(offered) if start_dt <= at < end_dt}


class AnyTime:
    def __contains__(self, start: datetime) -> bool:
        return start.month == 3


def any_time(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
    return AnyTime()


def test_alternatives_are_what_the_slot_engine_offers(
    make_series: MakeSeries, settings: Any
) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.offer_at_ten"
    with pytest.raises(SeriesConflict) as refused:
        make_series(alternatives=2)
    assert len(refused.value.skipped) == 4
    skipped = refused.value.skipped[0]
    assert isinstance(skipped.error, SlotUnavailable)
    ten = TUESDAYS[0] + 2 * HOUR
    assert skipped.alternatives == (ten, ten + timedelta(days=1))
    assert len(make_series(skip_slot_validation=True).bookings) == 4


asked_ranges: list[tuple[datetime, datetime]] = []


def ten_each_day(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
    """Offer ten o'clock in UTC, and keep the ranges that alternatives are looked for in."""
    if end_dt - start_dt > HOUR:
        asked_ranges.append((start_dt, end_dt))
    days = range((end_dt - start_dt).days + 1)
    tens = (start_dt.replace(hour=10) + timedelta(days=number) for number in days)
    return [ten for ten in tens if start_dt <= ten < end_dt]


def ten_in_one_week(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
    offered = ten_each_day(service, provider, start_dt, end_dt)
    if end_dt - start_dt > timedelta(days=7):
        raise SlotUnavailable("Ask about a week at most.")
    return offered


@pytest.mark.parametrize(
    ("rrule", "ranges"),
    [
        # Weeks that touch are one question, as far as a year; those that do not are each one.
        ("FREQ=DAILY;COUNT=30", 1),
        ("FREQ=WEEKLY;COUNT=50", 1),
        ("FREQ=WEEKLY;COUNT=100", 2),
        ("FREQ=MONTHLY;COUNT=4", 4),
    ],
)
def test_an_engine_is_asked_for_the_alternatives_of_many_starts_at_once(
    make_series: MakeSeries, settings: Any, rrule: str, ranges: int
) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    found = []
    for engine, expected in (("ten_each_day", ranges), ("ten_in_one_week", None)):
        settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.{engine}"
        asked_ranges.clear()
        with pytest.raises(SeriesConflict) as refused:
            make_series(rrule=rrule, alternatives=2)
        found.append([(item.start_at, item.alternatives) for item in refused.value.skipped])
        assert expected is None or len(asked_ranges) == expected
    # An engine that refuses long ranges is asked about each week.
    assert found[0] == found[1]
    assert all(
        start < first < start + timedelta(days=7)
        for start, alternatives in found[0]
        for first in alternatives
    )
    assert found[0][0][1]


@pytest.mark.parametrize("rrule", ["FREQ=DAILY;COUNT=6", "FREQ=WEEKLY;COUNT=6"])
def test_many_starts_have_their_alternatives_without_an_engine(
    make_series: MakeSeries, rrule: str
) -> None:
    make_series(rrule=rrule)
    with pytest.raises(SeriesConflict) as refused, CaptureQueriesContext(connection) as queries:
        make_series(rrule=rrule, alternatives=1, client_name="Joan")
    assert [item.alternatives for item in refused.value.skipped] == [
        (item.start_at + HOUR,) for item in refused.value.skipped
    ]
    busy = [query["sql"] for query in queries if "lapses" in query["sql"].partition("WHERE")[2]]
    assert len(busy) == 1


def test_an_engine_that_cannot_list_gives_no_alternatives(
    make_series: MakeSeries, settings: Any
) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.any_time"
    [skipped] = make_series(alternatives=2, on_conflict="skip").skipped
    assert (skipped.start_at, skipped.alternatives) == (TUESDAYS[3], ())


def no_hours(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
    raise SlotUnavailable("This provider has no schedule.", "no_schedule")


def test_an_engine_that_refuses_to_answer_gives_no_alternatives(
    make_series: MakeSeries, occupy: Any, settings: Any
) -> None:
    occupy(TUESDAYS[1])
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.no_hours"

    with pytest.raises(SeriesConflict) as refused:
        make_series(alternatives=2)
    skipped = refused.value.skipped
    assert [(item.error.code, item.alternatives) for item in skipped] == [("no_schedule", ())] * 4

    made = make_series(alternatives=2, on_conflict="skip", skip_slot_validation=True)
    assert len(made.bookings) == 3
    assert made.skipped[0].alternatives == (TUESDAYS[1] + HOUR, TUESDAYS[1] + 2 * HOUR)


def busy(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
    if end_dt - start_dt > HOUR:
        raise BookingBusy("Ask again.")
    return []


def test_a_busy_engine_raises_booking_busy(make_series: MakeSeries, settings: Any) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.busy"
    with pytest.raises(BookingBusy):
        make_series(alternatives=2)


def test_one_idempotency_key_makes_one_series(make_series: MakeSeries) -> None:
    made = make_series(idempotency_key="form 7")
    cancel_booking(made.bookings[0], now_dt=NOW)
    again = make_series(idempotency_key="form 7")
    assert (again.series, again.bookings, again.skipped) == (made.series, made.bookings, ())
    assert Booking.objects.count() == 4
    assert again.bookings[0].status == Booking.Status.CANCELLED
    other = make_series(idempotency_key="Form 7", start_at=FIRST + HOUR)
    assert other.series != made.series


@pytest.mark.parametrize(
    "values",
    [
        {"rrule": "FREQ=WEEKLY;COUNT=5"},
        {"start_at": FIRST + HOUR},
        {"timezone": "Europe/Paris"},
        {"exdates": [FIRST]},
        {"client_name": "Joan"},
        {"client_email": "joan@example.com"},
        {"client_phone": "123"},
        {"notes_client": "Ring."},
        {"notes_internal": "Ring."},
        {"metadata": {"a": True}},
        {"metadata": {"a": {1, 2}}},
        {"party_size": 2},
        {"addon_ids": [7]},
        {"expires_at": FIRST - HOUR},
        {"on_conflict": "skip"},
        {"alternatives": 1},
    ],
)
def test_an_idempotency_key_belongs_to_one_request(make_series: MakeSeries, values: Any) -> None:
    request: dict[str, Any] = {"idempotency_key": "form 7", "metadata": {"a": 1}}
    make_series(**request)
    with pytest.raises(IdempotencyKeyReused, match="another series"):
        make_series(**request | values)
    assert Series.objects.count() == 1


def test_a_key_does_not_ask_how_the_same_request_is_written(make_series: MakeSeries) -> None:
    made = make_series(idempotency_key="form 7", client_email="", party_size=1, metadata={})
    again = make_series(
        idempotency_key="form 7", metadata=None, override_policy=True, on_conflict="refuse"
    )
    assert again.series == made.series


def test_expired_holds_give_their_key_to_the_same_series(make_series: MakeSeries) -> None:
    holds: Any = {"idempotency_key": "form 7", "expires_at": NOW + HOUR}
    made = make_series(**holds)
    assert make_series(**holds).series == made.series
    expire_booking(made.bookings[0], now_dt=NOW + HOUR)
    assert make_series(**holds).series == made.series
    expire_bookings(now_dt=NOW + HOUR)
    again = make_series(**holds)
    assert again.series != made.series
    assert {booking.status for booking in again.bookings} == {"PENDING"}


def test_an_idempotency_key_belongs_to_one_provider(
    make_series: MakeSeries, other_provider: Any
) -> None:
    make_series(idempotency_key="form 7")
    with pytest.raises(IdempotencyKeyReused, match="another series"):
        make_series(idempotency_key="form 7", provider=other_provider)


def test_a_key_that_only_the_unique_constraint_finds_is_refused(
    make_series: MakeSeries, other_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a snapshot that is older than the other series."""
    make_series(idempotency_key="form 7")
    for module in ("create", "new_series"):
        monkeypatch.setattr(
            f"bookings.contrib.series.services.{module}.find_replay", lambda *args, **kwargs: None
        )
    with pytest.raises(IdempotencyKeyReused, match="another series"):
        make_series(idempotency_key="form 7", provider=other_provider)
    assert Series.objects.count() == 1


def test_series_share_seats_of_a_shared_service(make_series: MakeSeries, group: Any) -> None:
    """The service has three seats."""
    assert len(make_series(service=group, party_size=2).bookings) == 4
    assert len(make_series(service=group, client_name="Joan").bookings) == 4
    with pytest.raises(SeriesConflict, match="Not enough seats"):
        make_series(service=group, client_name="Ann")


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
def test_an_invalid_argument_is_no_series_conflict(
    make_series: MakeSeries, values: Any, error: Any, on_conflict: str
) -> None:
    with pytest.raises(error) as refused:
        make_series(**({"on_conflict": on_conflict} | values))
    assert not isinstance(refused.value, SeriesConflict)
    assert not Booking.objects.exists()
    assert not Series.objects.exists()


def test_an_unknown_argument_is_a_type_error(make_series: MakeSeries) -> None:
    with pytest.raises(TypeError):
        make_series(colour="blue")
    assert not Booking.objects.exists()


def test_a_deleted_provider_is_missing(make_series: MakeSeries, other_provider: Any) -> None:
    type(other_provider).objects.filter(pk=other_provider.pk).delete()
    with pytest.raises(MissingReference):
        make_series(provider=other_provider)


def test_a_deleted_booking_leaves_its_occurrence(make_series: MakeSeries) -> None:
    result = make_series()
    result.bookings[1].delete()
    assert [row.booking for row in result.series.occurrences.all()] == [
        result.bookings[0],
        None,
        *result.bookings[2:],
    ]


def test_it_works_inside_the_callers_transaction(make_series: MakeSeries, occupy: Any) -> None:
    taken = occupy(TUESDAYS[1])
    with transaction.atomic():
        with pytest.raises(SeriesConflict):
            make_series()
        cancel_booking(taken, now_dt=NOW)
        make_series()
    assert Booking.objects.active().count() == 4
    assert_bookings_are_sound()


@pytest.mark.django_db
def test_a_series_of_sessions_needs_the_sessions_app(
    service: Any, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_installed = apps.is_installed
    monkeypatch.setattr(
        apps, "is_installed", lambda name: "group_sessions" not in name and is_installed(name)
    )
    with pytest.raises(ImproperlyConfigured, match="group_sessions"):
        create_session_series(
            rrule="FREQ=DAILY;COUNT=1",
            timezone=BERLIN,
            start_at=FIRST,
            service=service,
            provider=provider,
        )


def test_every_parameter_of_create_booking_is_accepted() -> None:
    accepted = {*inspect.signature(create_series).parameters, *SeriesBookingOptions.__annotations__}
    assert inspect.signature(create_booking).parameters.keys() <= accepted


@pytest.mark.parametrize("is_own_schedule", [False, True])
def test_a_full_day_of_the_provider_is_skipped(
    make_series: MakeSeries, service: Any, provider: Any, is_own_schedule: bool
) -> None:
    """The day of the schedule, if there is one: in Brisbane it is ten hours later."""
    provider.max_bookings_per_day = 1
    provider.save()
    if is_own_schedule:
        from bookings.contrib.schedule.models import Schedule

        Schedule.objects.create(provider=provider, timezone="Australia/Brisbane")
    create_booking(
        service=service,
        provider=provider,
        start_at=TUESDAYS[1] + timedelta(hours=7),
        client_name="Joan",
        now_dt=NOW,
    )
    result = make_series(on_conflict="skip", client_name="Ann")
    skipped = [item.start_at for item in result.skipped]
    assert skipped == ([] if is_own_schedule else [TUESDAYS[1]])
    assert len(result.bookings) == 4 - len(skipped)
    assert_bookings_are_sound()


@pytest.mark.parametrize("has_expired", [False, True])
def test_a_hold_makes_a_day_full_until_it_expires(
    make_series: MakeSeries, provider: Any, occupy: Any, has_expired: bool
) -> None:
    provider.max_bookings_per_day = 1
    provider.save()
    occupy(TUESDAYS[1] + 5 * HOUR, expires_at=NOW + HOUR)
    result = make_series(on_conflict="skip", now_dt=NOW + HOUR if has_expired else NOW)
    assert [item.start_at for item in result.skipped] == ([] if has_expired else [TUESDAYS[1]])


def test_a_key_that_another_call_uses_meanwhile_finds_its_series(
    make_series: MakeSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_series(idempotency_key="form 7")
    monkeypatch.setattr(
        "bookings.contrib.series.services.create.find_replay", lambda *args, **kwargs: None
    )
    again = make_series(idempotency_key="form 7")
    assert (again.series, again.bookings) == (made.series, made.bookings)
    assert Booking.objects.count() == 4


def test_a_series_whose_transaction_runs_again_is_a_new_one_again(
    make_series: MakeSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver of ``pre_save`` is told so, too."""
    insert_rows, is_new = new_series.insert_rows, []

    def fail_once(*args: Any) -> None:
        monkeypatch.setattr(new_series, "insert_rows", insert_rows)
        raise RetryTransaction

    def receive(instance: Series, **kwargs: Any) -> None:
        is_new.append((instance.pk, instance._state.adding))

    monkeypatch.setattr(new_series, "insert_rows", fail_once)
    pre_save.connect(receive, sender=Series)
    try:
        result = make_series()
    finally:
        pre_save.disconnect(receive, sender=Series)
    assert is_new == [(None, True)] * 2
    assert Series.objects.get() == result.series
    assert result.series.occurrences.count() == 4
    assert_bookings_are_sound()


def test_a_database_that_does_not_return_keys(make_series: MakeSeries, make_addon: Any) -> None:
    """MySQL."""
    addon = make_addon()
    with patch.object(type(connection.features), "can_return_rows_from_bulk_insert", False):
        made = make_series(addon_ids=[addon.pk])
    rows = list(made.series.occurrences.order_by("original_start_at"))
    assert [row.booking for row in rows] == made.bookings
    assert [booking.occurrence for booking in made.bookings] == rows  # type: ignore[attr-defined]
    assert [row.booking.start_at for row in rows] == list(TUESDAYS)
    for booking in Booking.objects.all():
        assert booking.busy_interval.start_at == booking.start_at
        assert [row.addon for row in booking.addons.all()] == [addon]
    # What is returned is saved.
    assert cancel_booking(made.bookings[0], now_dt=NOW).status == "CANCELLED"
    assert_bookings_are_sound()


@pytest.mark.django_db
def test_bookings_of_a_series_may_have_no_terms(
    service: Any, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PaymentsExtension, "terms", lambda self, booking, *, using: None)
    made = create_series(
        service=service,
        provider=provider,
        rrule="FREQ=WEEKLY;COUNT=3",
        timezone="UTC",
        start_at=datetime(2130, 3, 6, 9),
        client_name="Kim",
    )
    assert [booking.terms for booking in made.bookings] == [None] * 3
