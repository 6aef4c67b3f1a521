"""``reschedule_series``: one booking, it and those that follow, or all that are still to come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings.contrib.schedule.services import create_schedule
from bookings.contrib.series.exceptions import InvalidRecurrence, SeriesConflict
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.services import Scope, SeriesResult, reschedule_series
from bookings.exceptions import (
    BookingBusy,
    BookingConflict,
    InvalidBooking,
    InvalidTransition,
    MissingReference,
    NoticeWindow,
    SlotUnavailable,
)
from bookings.ledger.entries import in_session_error
from bookings.models import Booking, BusyInterval
from bookings.selectors import get_busy_intervals, get_joinable_starts
from bookings.services import cancel_booking, create_booking, reschedule_booking
from bookings.services.bulk_reschedule import BulkReschedule
from bookings.testing import assert_bookings_are_sound
from tests.contrib.series.conftest import FIRST, NOW, TUESDAYS, MakeSeries

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
AFTER_SECOND = TUESDAYS[1] + HOUR
"""After the second of the four starts."""


def occurrence(number: int) -> Any:
    """Return the occurrence of one of the four bookings, in the order in which they were made."""
    return Occurrence.objects.order_by("booking_id")[number]


def starts() -> list[datetime]:
    return list(Booking.objects.order_by("pk").values_list("start_at", flat=True))


def follows_its_rule(series: Series) -> bool:
    rows = series.occurrences.values_list("original_start_at", flat=True)
    return series.recurrence().starts() == list(rows)


def test_one_moves_alone(make_series: MakeSeries) -> None:
    series = make_series().series
    at = occurrence(1)
    result = reschedule_series(at, new_start_at=FIRST + WEEK + DAY, scope="one", now_dt=NOW)
    assert result == SeriesResult(series, [at.booking])
    assert starts() == [TUESDAYS[0], TUESDAYS[1] + DAY, *TUESDAYS[2:]]
    assert (at.series, at.original_start_at) == (series, TUESDAYS[1])
    assert Series.objects.get().rrule == "FREQ=WEEKLY;COUNT=4"
    assert_bookings_are_sound()


def test_all_move_by_the_same_local_time_across_a_clock_change(
    make_series: MakeSeries, staff: Any
) -> None:
    series = make_series().series
    at = occurrence(2)
    result = reschedule_series(
        at, new_start_at=datetime(2026, 4, 1, 10, 30), scope="all", now_dt=NOW, actor=staff
    )
    moved = [start + DAY + 1.5 * HOUR for start in TUESDAYS]
    assert starts() == [booking.start_at for booking in result.bookings] == moved
    assert at.booking.start_at == at.original_start_at == moved[2]
    assert result.series == series == Series.objects.get()
    assert result.series.dtstart == FIRST + DAY + 1.5 * HOUR
    assert follows_its_rule(result.series)
    events = at.booking.events.values_list("event_type", "actor_user")
    assert list(events) == [("RESCHEDULED", staff.pk), ("CREATED", None)]
    assert_bookings_are_sound()


def test_following_becomes_a_series_of_its_own(make_series: MakeSeries, staff: Any) -> None:
    series = make_series(rrule="FREQ=WEEKLY;UNTIL=20260407T070000Z;BYDAY=TU").series
    at = occurrence(1)
    result = reschedule_series(
        at, new_start_at=TUESDAYS[1] + 2 * DAY, scope="following", now_dt=NOW, actor=staff
    )
    assert starts() == [TUESDAYS[0], *(start + 2 * DAY for start in TUESDAYS[1:])]
    series.refresh_from_db()
    assert (series.rrule, series.dtstart) == ("FREQ=WEEKLY;COUNT=1;BYDAY=TU", FIRST)
    split = result.series
    assert split.rrule == "FREQ=WEEKLY;COUNT=3;WKST=WE;BYDAY=TH"
    assert split.dtstart == FIRST + WEEK + 2 * DAY
    assert (split.continues, split.created_by, split.created_at) == (series, staff, NOW)
    assert (split.service, split.provider) == (series.service, series.provider)
    assert at.series == split
    assert follows_its_rule(series)
    assert follows_its_rule(split)
    assert len(result.bookings) == 3
    assert_bookings_are_sound()


@pytest.mark.parametrize("weeks", [-1, 1, 2])
def test_each_start_may_move_to_the_time_of_the_next(make_series: MakeSeries, weeks: int) -> None:
    series = make_series().series
    new = FIRST + weeks * WEEK
    result = reschedule_series(occurrence(0), new_start_at=new, scope="all", now_dt=NOW)
    assert result.series == series
    assert [start.date() for start in starts()] == [
        (start + weeks * WEEK).date() for start in TUESDAYS
    ]
    assert follows_its_rule(result.series)
    assert_bookings_are_sound()


def test_bookings_that_have_begun_stay(make_series: MakeSeries) -> None:
    series = make_series().series
    new = TUESDAYS[0] + HOUR
    result = reschedule_series(occurrence(0), new_start_at=new, scope="all", now_dt=AFTER_SECOND)
    assert starts() == [*TUESDAYS[:2], *(start + HOUR for start in TUESDAYS[2:])]
    assert result.series.continues == series
    assert follows_its_rule(result.series)
    series.refresh_from_db()
    assert follows_its_rule(series)


@pytest.mark.parametrize("after_start", [timedelta(0), HOUR])
@pytest.mark.parametrize("scope", ["following", "all"])
def test_a_booking_that_begins_now_has_begun(
    make_series: MakeSeries, scope: str, after_start: timedelta
) -> None:
    make_series()
    now, target = TUESDAYS[1] + after_start, TUESDAYS[1] + 2 * HOUR
    with pytest.raises(NoticeWindow) as refused:
        reschedule_series(occurrence(1), new_start_at=target, scope="one", now_dt=now)
    assert refused.value.code == "booking_started"
    reschedule_series(occurrence(1), new_start_at=target, scope=scope, now_dt=now)
    assert starts() == [*TUESDAYS[:2], *(start + 2 * HOUR for start in TUESDAYS[2:])]
    reschedule_series(
        occurrence(1), new_start_at=target, scope="one", now_dt=now, override_policy=True
    )
    assert starts()[1] == target
    assert_bookings_are_sound()


def test_a_series_that_is_over_cannot_move(make_series: MakeSeries) -> None:
    make_series()
    with pytest.raises(InvalidTransition) as refused:
        reschedule_series(
            occurrence(0), new_start_at=FIRST + HOUR, scope="all", now_dt=TUESDAYS[3] + HOUR
        )
    assert refused.value.code == "series_over"


@pytest.mark.parametrize("scope", ["following", "all"])
def test_a_series_whose_last_starts_were_left_out_is_over_before_them(
    make_series: MakeSeries, scope: str
) -> None:
    make_series(exdates=[FIRST + 3 * WEEK])
    with pytest.raises(InvalidTransition) as refused:
        reschedule_series(
            Occurrence.objects.order_by("original_start_at")[2],
            new_start_at=TUESDAYS[2] + DAY,
            scope=scope,
            now_dt=TUESDAYS[2] + HOUR,
        )
    assert refused.value.code == "series_over"
    assert starts() == list(TUESDAYS[:3])


def test_cancelled_and_separately_moved_bookings_stay(
    make_series: MakeSeries,
) -> None:
    series = make_series().series
    cancel_booking(occurrence(1).booking, now_dt=NOW)
    reschedule_booking(occurrence(2).booking, new_start_at=TUESDAYS[2] + DAY, now_dt=NOW)
    result = reschedule_series(occurrence(0), new_start_at=FIRST + HOUR, scope="all", now_dt=NOW)
    assert starts() == [TUESDAYS[0] + HOUR, TUESDAYS[1], TUESDAYS[2] + DAY, TUESDAYS[3] + HOUR]
    assert [booking.start_at for booking in result.bookings] == [starts()[0], starts()[3]]
    assert result.series == series
    assert follows_its_rule(result.series)
    assert occurrence(1).booking.status == Booking.Status.CANCELLED


def test_the_named_booking_moves_even_if_it_was_moved_alone(make_series: MakeSeries) -> None:
    series = make_series().series
    at = occurrence(2)
    reschedule_booking(at.booking, new_start_at=TUESDAYS[2] + DAY, now_dt=NOW)
    for _ in range(2):
        result = reschedule_series(at, new_start_at=TUESDAYS[2], scope="following", now_dt=NOW)
        assert starts() == list(TUESDAYS)
        assert result.series == series == Series.objects.get()
    assert Booking.objects.get(pk=at.booking_id).version == 3


def test_the_same_move_twice_moves_once(make_series: MakeSeries) -> None:
    make_series()
    at = occurrence(1)
    first, second = (
        reschedule_series(at, new_start_at=FIRST + WEEK + DAY, scope="following", now_dt=NOW)
        for _ in range(2)
    )
    assert first.series == second.series
    assert Series.objects.count() == 2
    assert {booking.version for booking in Booking.objects.all()} == {1, 2}


def test_excluded_starts_move_too(make_series: MakeSeries) -> None:
    series = make_series(exdates=[FIRST, FIRST + 2 * WEEK]).series
    result = reschedule_series(
        occurrence(0), new_start_at=FIRST + WEEK + HOUR, scope="following", now_dt=NOW
    )
    assert starts() == [TUESDAYS[1] + HOUR, TUESDAYS[3] + HOUR]
    assert result.series.exdates == [(TUESDAYS[2] + HOUR).isoformat()]
    series.refresh_from_db()
    assert series.exdates == [TUESDAYS[0].isoformat()]
    assert follows_its_rule(result.series)


def test_one_conflict_moves_nothing(make_series: MakeSeries, service: Any, provider: Any) -> None:
    series = make_series().series
    create_booking(
        service=service,
        provider=provider,
        client_name="Joan",
        start_at=TUESDAYS[2] + 2 * HOUR,
        now_dt=NOW,
    )
    with pytest.raises(SeriesConflict) as refused:
        reschedule_series(occurrence(0), new_start_at=FIRST + 2 * HOUR, scope="all", now_dt=NOW)
    [skipped] = refused.value.skipped
    assert (skipped.start_at, type(skipped.error)) == (TUESDAYS[2], BookingConflict)
    assert starts()[:4] == list(TUESDAYS)
    assert follows_its_rule(series)
    assert_bookings_are_sound()


def test_override_policy_moves_within_the_notice(
    make_series: MakeSeries, make_service: Any
) -> None:
    make_series(service=make_service(name="Strict", reschedule_notice_minutes=60 * 24 * 90))
    arguments = {"new_start_at": FIRST + HOUR, "scope": "all", "now_dt": NOW}
    with pytest.raises(SeriesConflict) as refused:
        reschedule_series(occurrence(0), **arguments)
    assert {type(item.error) for item in refused.value.skipped} == {NoticeWindow}
    reschedule_series(occurrence(0), **arguments, override_policy=True)
    assert starts()[0] == TUESDAYS[0] + HOUR


@pytest.mark.parametrize(
    ("rrule", "start", "new", "after"),
    [
        ("FREQ=DAILY;COUNT=4", FIRST, FIRST + DAY, "FREQ=DAILY;COUNT=4"),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU",
            FIRST,
            FIRST + DAY,
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;WKST=TU;BYDAY=WE,MO",
        ),
        (
            "FREQ=DAILY;COUNT=4;BYHOUR=9,13",
            FIRST,
            FIRST + 2.5 * HOUR,
            "FREQ=DAILY;COUNT=4;BYHOUR=11,15",
        ),
        (
            "FREQ=MONTHLY;COUNT=3;BYMONTHDAY=10,17",
            FIRST,
            FIRST + DAY,
            "FREQ=MONTHLY;COUNT=3;BYMONTHDAY=11,18",
        ),
        ("FREQ=MONTHLY;COUNT=3", FIRST, FIRST + DAY, "FREQ=MONTHLY;COUNT=3"),
        (
            "FREQ=MONTHLY;COUNT=4;BYDAY=3TU",
            FIRST,
            FIRST + HOUR,
            "FREQ=MONTHLY;COUNT=4;BYDAY=3TU",
        ),
    ],
)
def test_the_stored_rule_gives_the_new_starts(
    make_series: MakeSeries, rrule: str, start: datetime, new: datetime, after: str
) -> None:
    make_series(rrule=rrule, start_at=start)
    result = reschedule_series(occurrence(0), new_start_at=new, scope="all", now_dt=NOW)
    assert result.series.rrule == after
    assert follows_its_rule(result.series)
    assert starts() == result.series.recurrence().starts()


@pytest.mark.parametrize(
    ("rrule", "start", "new"),
    [
        # The month's third Wednesday may come before its third Tuesday.
        ("FREQ=MONTHLY;COUNT=12;BYDAY=3TU", FIRST, FIRST + DAY),
        ("FREQ=MONTHLY;COUNT=3;BYMONTHDAY=-1", datetime(2026, 3, 31, 9), datetime(2026, 4, 1, 9)),
        ("FREQ=MONTHLY;COUNT=3", datetime(2026, 3, 31, 9), datetime(2026, 4, 1, 9)),
        ("FREQ=DAILY;COUNT=4;BYHOUR=9,21", FIRST, FIRST + 5 * HOUR),
    ],
)
def test_a_move_that_no_rule_can_express_is_refused(
    make_series: MakeSeries, rrule: str, start: datetime, new: datetime
) -> None:
    make_series(rrule=rrule, start_at=start)
    before = starts()
    with pytest.raises(InvalidRecurrence) as refused:
        reschedule_series(occurrence(0), new_start_at=new, scope="all", now_dt=NOW)
    assert refused.value.code == "rule_cannot_move"
    assert starts() == before


def test_a_series_cannot_be_split_where_the_clocks_reverse_its_order(
    make_series: MakeSeries, make_service: Any
) -> None:
    """At 02:30 and 03:00, on the night on which 02:30 becomes 03:30."""
    make_series(
        service=make_service(name="Quick", duration_minutes=10),
        rrule="FREQ=DAILY;COUNT=4;BYHOUR=2,3;BYMINUTE=0,30;BYSETPOS=2,3",
        start_at=datetime(2026, 3, 28, 2, 30),
    )
    before = starts()
    new = datetime(2026, 3, 29, 3, 30)
    with pytest.raises(InvalidRecurrence) as refused:
        reschedule_series(occurrence(3), new_start_at=new, scope="following", now_dt=NOW)
    assert refused.value.code == "rule_cannot_move"
    assert starts() == before


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"scope": "some"}, InvalidBooking),
        ({"scope": None}, InvalidBooking),
        ({"new_start_at": None}, InvalidBooking),
        ({"new_start_at": "2026-03-18"}, InvalidBooking),
        ({"new_start_at": datetime(9999, 1, 1)}, InvalidBooking),
        ({"new_start_at": datetime(4147, 12, 1)}, InvalidBooking),
        ({"now_dt": datetime(2026, 3, 1)}, InvalidBooking),
        ({"actor": "Ada"}, InvalidBooking),
        ({"new_provider": "Ada"}, InvalidBooking),
        ({"new_provider": 1}, InvalidBooking),
        ({"new_start_at": datetime(2026, 2, 1, 9)}, SeriesConflict),
    ],
)
def test_bad_input_moves_nothing(make_series: MakeSeries, values: Any, error: Any) -> None:
    make_series()
    defaults = {"new_start_at": FIRST + HOUR, "scope": Scope.ALL, "now_dt": NOW}
    with pytest.raises(error):
        reschedule_series(occurrence(0), **(defaults | values))
    assert starts() == list(TUESDAYS)


@pytest.mark.parametrize("scope", list(Scope))
def test_a_missing_occurrence_cannot_move(make_series: MakeSeries, scope: str) -> None:
    make_series()
    arguments: Any = {"new_start_at": FIRST + HOUR, "scope": scope, "now_dt": NOW}
    for nothing in (None, Occurrence(), "one", Booking.objects.first()):
        with pytest.raises(MissingReference):
            reschedule_series(nothing, **arguments)
    at = occurrence(0)
    Occurrence.objects.all().delete()
    with pytest.raises(MissingReference):
        reschedule_series(at, **arguments)


def test_the_others_move_without_a_deleted_booking(make_series: MakeSeries) -> None:
    make_series()
    at = Occurrence.objects.order_by("original_start_at")[1]
    at.booking.delete()
    at.refresh_from_db()
    arguments: Any = {"new_start_at": FIRST + WEEK + HOUR, "now_dt": NOW}
    with pytest.raises(MissingReference):
        reschedule_series(at, **arguments, scope="one")
    reschedule_series(at, **arguments, scope="all")
    assert starts() == [TUESDAYS[n] + HOUR for n in (0, 2, 3)]


def test_a_booking_with_another_provider_moves_in_time_only(
    make_series: MakeSeries, other_provider: Any
) -> None:
    make_series()
    booking = occurrence(1).booking
    reschedule_booking(
        booking, new_start_at=booking.start_at, new_provider=other_provider, now_dt=NOW
    )
    reschedule_series(occurrence(0), new_start_at=FIRST + HOUR, scope="all", now_dt=NOW)
    booking.refresh_from_db()
    assert (booking.provider, booking.start_at) == (other_provider, TUESDAYS[1] + HOUR)
    assert_bookings_are_sound()


def providers() -> list[Any]:
    return [booking.provider for booking in Booking.objects.order_by("pk")]


@pytest.mark.parametrize("by", [timedelta(0), DAY])
def test_following_moves_to_another_provider(
    make_series: MakeSeries, other_provider: Any, by: timedelta
) -> None:
    series = make_series().series
    at = occurrence(2)
    for _ in range(2):
        result = reschedule_series(
            at,
            new_start_at=TUESDAYS[2] + by,
            new_provider=other_provider,
            scope="following",
            now_dt=NOW,
        )
        assert providers() == [series.provider] * 2 + [other_provider] * 2
        assert starts() == [*TUESDAYS[:2], *(start + by for start in TUESDAYS[2:])]
        series.refresh_from_db()
        assert series.provider != other_provider
        assert (result.series.provider, result.series.continues) == (other_provider, series)
        assert follows_its_rule(series)
        assert follows_its_rule(result.series)
    assert Series.objects.count() == 2
    assert Booking.objects.get(pk=at.booking_id).version == 2
    assert_bookings_are_sound()


def test_all_move_to_another_provider_except_those_moved_to_a_third(
    make_series: MakeSeries, other_provider: Any, make_provider: Any
) -> None:
    series = make_series().series
    third = make_provider(name="Grace")
    booking = occurrence(1).booking
    reschedule_booking(booking, new_start_at=booking.start_at, new_provider=third, now_dt=NOW)

    result = reschedule_series(
        occurrence(0), new_start_at=FIRST, new_provider=other_provider, scope="all", now_dt=NOW
    )

    assert providers() == [other_provider, third, other_provider, other_provider]
    assert result.series == series
    assert result.series.provider == other_provider
    assert len(result.bookings) == 4

    # The named booking moves with its series, though it has another provider.
    reschedule_series(
        occurrence(1),
        new_start_at=TUESDAYS[1],
        new_provider=series.provider,
        scope="following",
        now_dt=NOW,
    )
    assert providers() == [other_provider] + [series.provider] * 3
    assert_bookings_are_sound()


def test_one_moves_to_another_provider_and_the_series_stays(
    make_series: MakeSeries, other_provider: Any
) -> None:
    series = make_series().series
    result = reschedule_series(
        occurrence(1),
        new_start_at=TUESDAYS[1],
        new_provider=other_provider,
        scope="one",
        now_dt=NOW,
    )
    assert [provider == other_provider for provider in providers()] == [False, True, False, False]
    assert result.series == series
    assert result.series.provider == series.provider


def test_a_conflict_at_the_other_provider_moves_nothing(
    make_series: MakeSeries, service: Any, other_provider: Any
) -> None:
    make_series()
    create_booking(
        service=service,
        provider=other_provider,
        client_name="Joan",
        start_at=TUESDAYS[3],
        now_dt=NOW,
    )
    with pytest.raises(SeriesConflict) as refused:
        reschedule_series(
            occurrence(0), new_start_at=FIRST, new_provider=other_provider, scope="all", now_dt=NOW
        )
    assert [item.start_at for item in refused.value.skipped] == [TUESDAYS[3]]
    assert providers()[:4] == [Series.objects.get().provider] * 4


def test_a_start_that_the_rule_no_longer_gives_moves_alone(
    make_series: MakeSeries,
) -> None:
    make_series()
    Series.objects.update(timezone="Europe/London")
    with pytest.raises(InvalidRecurrence) as refused:
        reschedule_series(occurrence(1), new_start_at=FIRST + DAY, scope="all", now_dt=NOW)
    assert refused.value.code == "rule_cannot_move"
    reschedule_series(occurrence(1), new_start_at=TUESDAYS[1] + DAY, scope="one", now_dt=NOW)
    assert starts() == [TUESDAYS[0], TUESDAYS[1] + DAY, *TUESDAYS[2:]]


def test_a_series_does_not_move_to_a_full_day_of_the_provider(
    make_series: MakeSeries, service: Any, provider: Any
) -> None:
    provider.max_bookings_per_day = 1
    provider.save()
    make_series()
    create_booking(
        service=service,
        provider=provider,
        start_at=TUESDAYS[1] + DAY + 5 * HOUR,
        client_name="Joan",
        now_dt=NOW,
    )
    moved: Any = {"scope": "all", "now_dt": NOW}
    with pytest.raises(SeriesConflict) as refused:
        reschedule_series(occurrence(0), new_start_at=FIRST + DAY, **moved)
    assert [item.error.code for item in refused.value.skipped] == ["limit_reached"]
    # Within their days they add no interval.
    reschedule_series(occurrence(0), new_start_at=FIRST + HOUR, **moved)
    result = Occurrence.objects.order_by("original_start_at")
    assert [row.booking.start_at for row in result] == [start + HOUR for start in TUESDAYS]


def test_a_move_is_planned_again_if_the_series_changes_meanwhile(
    make_series: MakeSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_series()
    reschedule_booking(occurrence(2).booking, new_start_at=TUESDAYS[2] + DAY, now_dt=NOW)
    prepare, planned = BulkReschedule.prepare, []

    def then_move_back(self: Any, drafts: Any, *rest: Any) -> None:
        planned.append(len(drafts))
        prepare(self, drafts, *rest)
        if len(planned) == 1:
            booking = occurrence(2).booking
            reschedule_booking(booking, new_start_at=TUESDAYS[2], now_dt=NOW)

    monkeypatch.setattr(BulkReschedule, "prepare", then_move_back)
    reschedule_series(occurrence(0), new_start_at=FIRST + HOUR, scope="all", now_dt=NOW)
    assert planned == [3, 4]
    assert starts() == [start + HOUR for start in TUESDAYS]


def test_a_series_that_never_rests_asks_to_try_later(
    make_series: MakeSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_series()
    monkeypatch.setattr(BulkReschedule, "covers", lambda *args: False)
    with pytest.raises(BookingBusy):
        reschedule_series(occurrence(0), new_start_at=FIRST + HOUR, scope="all", now_dt=NOW)
    assert starts() == list(TUESDAYS)


def never(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
    return {}


def test_staff_move_a_series_where_the_slot_engine_offers_nothing(
    make_series: MakeSeries, settings: Any
) -> None:
    make_series()
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.never"
    moved: Any = {"new_start_at": FIRST + HOUR, "scope": "all", "now_dt": NOW}
    with pytest.raises(SeriesConflict) as refused:
        reschedule_series(occurrence(0), **moved)
    assert [type(item.error) for item in refused.value.skipped] == [SlotUnavailable] * 4
    assert starts() == list(TUESDAYS)
    reschedule_series(occurrence(0), **moved, skip_slot_validation=True)
    assert starts() == [start + HOUR for start in TUESDAYS]


def only_for_staff(
    service: Any, provider: Any, start_dt: datetime, end_dt: datetime, *, override_policy: bool
) -> list[datetime]:
    return [start_dt] if override_policy else []


def test_the_slot_engine_is_told_that_staff_override_the_policy(
    make_series: MakeSeries, settings: Any
) -> None:
    make_series()
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.only_for_staff"
    moved: Any = {"new_start_at": FIRST + HOUR, "scope": "all", "now_dt": NOW}
    with pytest.raises(SeriesConflict):
        reschedule_series(occurrence(0), **moved)
    reschedule_series(occurrence(0), **moved, override_policy=True)
    assert starts() == [start + HOUR for start in TUESDAYS]


def test_the_add_ons_come_along(make_series: MakeSeries, make_addon: Any) -> None:
    addon = make_addon(extra_duration_minutes=15)
    make_series(addon_ids=[addon.pk])
    lengths = {booking.end_at - booking.start_at for booking in Booking.objects.all()}
    reschedule_series(occurrence(0), new_start_at=FIRST + HOUR, scope="all", now_dt=NOW)
    assert starts() == [start + HOUR for start in TUESDAYS]
    assert {booking.end_at - booking.start_at for booking in Booking.objects.all()} == lengths
    assert_bookings_are_sound()


def test_a_seat_of_a_session_does_not_move_with_the_series(make_series: MakeSeries) -> None:
    make_series()
    at = occurrence(1)
    BusyInterval.objects.filter(pk=at.booking.busy_interval_id).update(kind="SESSION")
    with pytest.raises(SeriesConflict) as refused:
        reschedule_series(occurrence(0), new_start_at=FIRST + HOUR, scope="all", now_dt=NOW)
    assert [item.start_at for item in refused.value.skipped] == [TUESDAYS[1]]
    assert refused.value.skipped[0].error.code == in_session_error().code
    assert starts() == list(TUESDAYS)


def test_a_booking_that_has_lost_its_claim_gets_one(make_series: MakeSeries) -> None:
    make_series()
    booking = occurrence(1).booking
    Booking._base_manager.filter(pk=booking.pk).update(busy_interval=None)
    BusyInterval.objects.filter(pk=booking.busy_interval_id)._raw_delete("default")
    reschedule_series(occurrence(0), new_start_at=FIRST + HOUR, scope="all", now_dt=NOW)
    assert starts() == [start + HOUR for start in TUESDAYS]
    assert occurrence(1).booking.busy_interval.start_at == TUESDAYS[1] + HOUR
    assert_bookings_are_sound()


def test_the_bookings_keep_the_names_until_another_provider_takes_them(
    make_series: MakeSeries, service: Any, provider: Any, other_provider: Any
) -> None:
    def names() -> set[tuple[str, str]]:
        return set(Booking.objects.values_list("service_name", "provider_name"))

    made = make_series()
    assert names() == {("Massage", "Ada")}
    for row in (service, provider):
        row.name = "Another"
        row.save()
    later = FIRST + timedelta(hours=1)
    reschedule_series(occurrence(0), new_start_at=later, scope="all", now_dt=NOW)
    assert names() == {("Massage", "Ada")}
    reschedule_series(
        occurrence(0), new_start_at=later, new_provider=other_provider, scope="all", now_dt=NOW
    )
    assert names() == {("Massage", other_provider.name)}
    assert len(made.bookings) == 4


def _is_free(provider: Any, start: datetime, end: datetime, **options: Any) -> bool:
    busy = get_busy_intervals(provider, start, end, **options)
    return all(ends <= start or end <= begins for begins, ends in busy)


def free_or_joinable(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
    """An engine as the guide shows it, which is asked about each start."""
    joinable = get_joinable_starts(service, provider, start_dt, end_dt)
    return [start_dt] if start_dt in joinable or _is_free(provider, start_dt, end_dt) else []


def free_for_service(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
    """An engine that only takes busy intervals."""
    return [start_dt] if _is_free(provider, start_dt, end_dt, service=service) else []


def free_of_many(
    service: Any, provider: Any, start_dt: datetime, end_dt: datetime, starts: Any
) -> Any:
    """An engine that is asked about all starts at once; a booking takes an hour."""
    return [
        start
        for start in starts or [start_dt]
        if free_or_joinable(service, provider, start, start + HOUR)
    ]


ENGINES = (
    f"{__name__}.free_or_joinable",
    f"{__name__}.free_for_service",
    f"{__name__}.free_of_many",
    "bookings.contrib.schedule.selectors.list_available_slots",
)


@pytest.fixture(params=ENGINES)
def shared_series(
    request: Any, settings: Any, make_series: MakeSeries, group: Any
) -> Callable[[int], SeriesResult]:
    """Return a function that books a seat of three, and others' seats in the same slots."""
    create_schedule(
        timezone="Europe/Berlin",
        slot_step_minutes=30,
        hours={day: [("08:00", "20:00")] for day in range(7)},
    )
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = request.param

    def make(others: int) -> SeriesResult:
        mine = make_series(service=group)
        if others:
            make_series(service=group, client_name="Others", party_size=others)
        return mine

    return make


@pytest.mark.parametrize("others", [1, 2])
def test_others_who_share_the_slots_are_in_the_way_of_a_move(
    shared_series: Callable[[int], SeriesResult], others: int
) -> None:
    """As of a single booking: the engine refuses the start, before anything is locked."""
    made = shared_series(others)
    booking = made.bookings[1]
    with pytest.raises(SlotUnavailable):
        reschedule_booking(booking, new_start_at=booking.start_at + HOUR / 2, now_dt=NOW)
    with pytest.raises(SeriesConflict) as refused:
        reschedule_series(occurrence(0), new_start_at=FIRST + HOUR / 2, scope="all", now_dt=NOW)
    errors = [item.error for item in refused.value.skipped]
    assert [isinstance(error, SlotUnavailable) for error in errors] == [True] * 4
    assert_bookings_are_sound()


def test_the_bookings_of_a_series_leave_their_seats_to_each_other(
    shared_series: Callable[[int], SeriesResult],
) -> None:
    made = shared_series(2)
    reschedule_series(occurrence(0), new_start_at=FIRST + WEEK, scope="all", now_dt=NOW)
    moved = Booking.objects.filter(pk__in=[booking.pk for booking in made.bookings])
    assert [booking.start_at for booking in moved.order_by("pk")][:3] == list(TUESDAYS[1:])
    assert_bookings_are_sound()


def test_a_slot_that_nobody_shares_is_not_in_the_way(
    shared_series: Callable[[int], SeriesResult],
) -> None:
    shared_series(0)
    reschedule_series(occurrence(0), new_start_at=FIRST + HOUR / 2, scope="all", now_dt=NOW)
    assert starts() == [start + HOUR / 2 for start in TUESDAYS]
    assert_bookings_are_sound()


def test_bookings_are_moved_as_often_as_the_client_may(
    make_series: MakeSeries, make_service: Any
) -> None:
    make_series(service=make_service(max_reschedules=1))
    move_all(1, by="provider")
    move_all(2)

    with pytest.raises(SeriesConflict) as refused:
        move_all(3)
    assert [item.error.code for item in refused.value.skipped] == ["limit_reached"] * 4
    move_all(3, override_policy=True)
    assert_bookings_are_sound()


def move_all(hours: int, **values: Any) -> SeriesResult:
    start = FIRST + hours * HOUR
    return reschedule_series(occurrence(0), new_start_at=start, scope="all", now_dt=NOW, **values)


def test_the_new_provider_s_buffers_apply_to_all(
    make_series: MakeSeries, make_provider: Any
) -> None:
    make_series(provider=make_provider(name="Ada", buffer_before_minutes=30))
    grace = make_provider(name="Grace", buffer_after_minutes=10)

    result = reschedule_series(
        occurrence(0), new_start_at=FIRST, new_provider=grace, scope="all", now_dt=NOW
    )

    assert {
        (booking.buffer_before_minutes, booking.buffer_after_minutes) for booking in result.bookings
    } == {(0, 10)}
    assert_bookings_are_sound()
