"""One booking of a series is moved, it and those that follow, or all that are still to come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings.contrib.series.exceptions import InvalidRecurrence, SeriesConflict
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.services import Scope, SeriesResult, reschedule_series
from bookings.exceptions import (
    BookingConflict,
    InvalidBooking,
    InvalidTransition,
    MissingReference,
    NoticeWindow,
)
from bookings.models import Booking
from bookings.services import cancel_booking, create_booking, reschedule_booking
from bookings.testing import assert_bookings_are_sound
from tests.contrib.series.conftest import FIRST, NOW, TUESDAYS, Repeat

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
AFTER_TWO = TUESDAYS[1] + HOUR
"""When two of the four have been."""


def occurrence(number: int) -> Any:
    """Of the four Tuesdays, by the order in which they were made."""
    return Occurrence.objects.order_by("booking_id")[number]


def starts() -> list[datetime]:
    return list(Booking.objects.order_by("pk").values_list("start_at", flat=True))


def follows_its_rule(series: Series) -> bool:
    rows = series.occurrences.values_list("original_start_at", flat=True)
    return series.recurrence().left() == list(rows)


def test_one_moves_alone(repeat: Repeat) -> None:
    series = repeat().series
    at = occurrence(1)
    result = reschedule_series(at, new_start_at=FIRST + WEEK + DAY, scope="one", now_dt=NOW)
    assert result == SeriesResult(series, [at.booking])
    assert starts() == [TUESDAYS[0], TUESDAYS[1] + DAY, *TUESDAYS[2:]]
    assert (at.series, at.original_start_at) == (series, TUESDAYS[1])
    assert Series.objects.get().rrule == "FREQ=WEEKLY;COUNT=4"
    assert_bookings_are_sound()


def test_all_move_by_the_clocks_across_a_change_of_them(repeat: Repeat, staff: Any) -> None:
    series = repeat().series
    at = occurrence(2)
    result = reschedule_series(
        at, new_start_at=datetime(2026, 4, 1, 10, 30), scope="all", now_dt=NOW, actor=staff
    )
    moved = [start + DAY + 1.5 * HOUR for start in TUESDAYS]
    assert starts() == [booking.start_at for booking in result.bookings] == moved
    assert at.booking.start_at == at.original_start_at == moved[2]
    assert result.series == series == Series.objects.get()
    assert result.series.first_shown == FIRST + DAY + 1.5 * HOUR
    assert follows_its_rule(result.series)
    events = at.booking.events.values_list("event_type", "actor_user")
    assert list(events) == [("RESCHEDULED", staff.pk), ("CREATED", None)]
    assert_bookings_are_sound()


def test_this_and_those_that_follow_are_a_series_of_their_own(repeat: Repeat, staff: Any) -> None:
    series = repeat(rrule="FREQ=WEEKLY;UNTIL=20260407T070000Z;BYDAY=TU").series
    at = occurrence(1)
    result = reschedule_series(
        at, new_start_at=TUESDAYS[1] + 2 * DAY, scope="following", now_dt=NOW, actor=staff
    )
    assert starts() == [TUESDAYS[0], *(start + 2 * DAY for start in TUESDAYS[1:])]
    series.refresh_from_db()
    assert (series.rrule, series.first_shown) == ("FREQ=WEEKLY;COUNT=1;BYDAY=TU", FIRST)
    split = result.series
    assert split.rrule == "FREQ=WEEKLY;COUNT=3;WKST=WE;BYDAY=TH"
    assert split.first_shown == FIRST + WEEK + 2 * DAY
    assert (split.continues, split.created_by, split.created_at) == (series, staff, NOW)
    assert (split.service, split.provider) == (series.service, series.provider)
    assert at.series == split
    assert follows_its_rule(series)
    assert follows_its_rule(split)
    assert len(result.bookings) == 3
    assert_bookings_are_sound()


@pytest.mark.parametrize("weeks", [-1, 1, 2])
def test_each_may_take_the_place_of_the_next(repeat: Repeat, weeks: int) -> None:
    series = repeat().series
    new = FIRST + weeks * WEEK
    result = reschedule_series(occurrence(0), new_start_at=new, scope="all", now_dt=NOW)
    assert result.series == series
    assert [start.date() for start in starts()] == [
        (start + weeks * WEEK).date() for start in TUESDAYS
    ]
    assert follows_its_rule(result.series)
    assert_bookings_are_sound()


def test_what_has_begun_is_not_touched(repeat: Repeat) -> None:
    series = repeat().series
    new = TUESDAYS[0] + HOUR
    result = reschedule_series(occurrence(0), new_start_at=new, scope="all", now_dt=AFTER_TWO)
    assert starts() == [*TUESDAYS[:2], *(start + HOUR for start in TUESDAYS[2:])]
    assert result.series.continues == series
    assert follows_its_rule(result.series)
    series.refresh_from_db()
    assert follows_its_rule(series)


def test_when_all_have_begun_there_is_nothing_to_move(repeat: Repeat) -> None:
    repeat()
    with pytest.raises(InvalidTransition) as refused:
        reschedule_series(
            occurrence(0), new_start_at=FIRST + HOUR, scope="all", now_dt=TUESDAYS[3] + HOUR
        )
    assert refused.value.code == "series_over"


def test_what_was_cancelled_stays_so_and_what_was_moved_alone_stays_there(repeat: Repeat) -> None:
    series = repeat().series
    cancel_booking(occurrence(1).booking, now_dt=NOW)
    reschedule_booking(occurrence(2).booking, new_start_at=TUESDAYS[2] + DAY, now_dt=NOW)
    result = reschedule_series(occurrence(0), new_start_at=FIRST + HOUR, scope="all", now_dt=NOW)
    assert starts() == [TUESDAYS[0] + HOUR, TUESDAYS[1], TUESDAYS[2] + DAY, TUESDAYS[3] + HOUR]
    assert [booking.start_at for booking in result.bookings] == [starts()[0], starts()[3]]
    assert result.series == series
    assert follows_its_rule(result.series)
    assert occurrence(1).booking.status == Booking.Status.CANCELLED


def test_what_was_moved_alone_comes_back_by_itself(repeat: Repeat) -> None:
    series = repeat().series
    at = occurrence(2)
    reschedule_booking(at.booking, new_start_at=TUESDAYS[2] + DAY, now_dt=NOW)
    for _ in range(2):
        result = reschedule_series(at, new_start_at=TUESDAYS[2], scope="following", now_dt=NOW)
        assert starts() == list(TUESDAYS)
        assert result.series == series == Series.objects.get()
    assert Booking.objects.get(pk=at.booking_id).version == 3


def test_doing_it_twice_does_it_once(repeat: Repeat) -> None:
    repeat()
    at = occurrence(1)
    first, second = (
        reschedule_series(at, new_start_at=FIRST + WEEK + DAY, scope="following", now_dt=NOW)
        for _ in range(2)
    )
    assert first.series == second.series
    assert Series.objects.count() == 2
    assert {booking.version for booking in Booking.objects.all()} == {1, 2}


def test_what_is_left_out_moves_as_well(repeat: Repeat) -> None:
    series = repeat(exdates=[FIRST, FIRST + 2 * WEEK]).series
    result = reschedule_series(
        occurrence(0), new_start_at=FIRST + WEEK + HOUR, scope="following", now_dt=NOW
    )
    assert starts() == [TUESDAYS[1] + HOUR, TUESDAYS[3] + HOUR]
    assert result.series.exdates == [(TUESDAYS[2] + HOUR).isoformat()]
    series.refresh_from_db()
    assert series.exdates == [TUESDAYS[0].isoformat()]
    assert follows_its_rule(result.series)


def test_all_or_nothing(repeat: Repeat, service: Any, provider: Any) -> None:
    series = repeat().series
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


def test_staff_may_move_what_a_client_may_not(repeat: Repeat, make_service: Any) -> None:
    repeat(service=make_service(name="Strict", reschedule_notice_minutes=60 * 24 * 90))
    asked = {"new_start_at": FIRST + HOUR, "scope": "all", "now_dt": NOW}
    with pytest.raises(SeriesConflict) as refused:
        reschedule_series(occurrence(0), **asked)
    assert {type(item.error) for item in refused.value.skipped} == {NoticeWindow}
    reschedule_series(occurrence(0), **asked, override_policy=True)
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
def test_the_rule_says_where_it_has_gone(
    repeat: Repeat, rrule: str, start: datetime, new: datetime, after: str
) -> None:
    repeat(rrule=rrule, start_at=start)
    result = reschedule_series(occurrence(0), new_start_at=new, scope="all", now_dt=NOW)
    assert result.series.rrule == after
    assert follows_its_rule(result.series)
    assert starts() == result.series.recurrence().left()


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
def test_what_no_rule_can_say_is_refused(
    repeat: Repeat, rrule: str, start: datetime, new: datetime
) -> None:
    repeat(rrule=rrule, start_at=start)
    before = starts()
    with pytest.raises(InvalidRecurrence) as refused:
        reschedule_series(occurrence(0), new_start_at=new, scope="all", now_dt=NOW)
    assert refused.value.code == "rule_cannot_move"
    assert starts() == before


def test_a_series_cannot_be_cut_where_the_clocks_turn_its_order_round(
    repeat: Repeat, make_service: Any
) -> None:
    """Of half past two and three, on the night on which half past two becomes half past three."""
    repeat(
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
def test_bad_input_moves_nothing(repeat: Repeat, values: Any, error: Any) -> None:
    repeat()
    given = {"new_start_at": FIRST + HOUR, "scope": Scope.ALL, "now_dt": NOW}
    with pytest.raises(error):
        reschedule_series(occurrence(0), **(given | values))
    assert starts() == list(TUESDAYS)


@pytest.mark.parametrize("scope", list(Scope))
def test_what_is_gone_cannot_move(repeat: Repeat, scope: str) -> None:
    repeat()
    asked: Any = {"new_start_at": FIRST + HOUR, "scope": scope, "now_dt": NOW}
    for nothing in (None, Occurrence(), "one", Booking.objects.first()):
        with pytest.raises(MissingReference):
            reschedule_series(nothing, **asked)
    at = occurrence(0)
    Occurrence.objects.all().delete()
    with pytest.raises(MissingReference):
        reschedule_series(at, **asked)


def test_a_deleted_booking_is_missing_and_the_others_move(repeat: Repeat) -> None:
    repeat()
    at = Occurrence.objects.order_by("original_start_at")[1]
    at.booking.delete()
    at.refresh_from_db()
    asked: Any = {"new_start_at": FIRST + WEEK + HOUR, "now_dt": NOW}
    with pytest.raises(MissingReference):
        reschedule_series(at, **asked, scope="one")
    reschedule_series(at, **asked, scope="all")
    assert starts() == [TUESDAYS[n] + HOUR for n in (0, 2, 3)]


def test_who_was_sent_to_another_provider_moves_there(repeat: Repeat, other_provider: Any) -> None:
    repeat()
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
def test_this_and_those_that_follow_go_to_another_provider(
    repeat: Repeat, other_provider: Any, by: timedelta
) -> None:
    series = repeat().series
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


def test_all_go_to_another_provider_but_who_was_sent_elsewhere_before(
    repeat: Repeat, other_provider: Any, make_provider: Any
) -> None:
    series = repeat().series
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

    # The one that is named goes where its series goes.
    reschedule_series(
        occurrence(1),
        new_start_at=TUESDAYS[1],
        new_provider=series.provider,
        scope="following",
        now_dt=NOW,
    )
    assert providers() == [other_provider] + [series.provider] * 3
    assert_bookings_are_sound()


def test_one_goes_to_another_provider_and_the_series_stays(
    repeat: Repeat, other_provider: Any
) -> None:
    series = repeat().series
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


def test_what_the_other_provider_has_taken_keeps_all_where_they_are(
    repeat: Repeat, service: Any, other_provider: Any
) -> None:
    repeat()
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


def test_a_start_by_clocks_that_a_country_has_changed_since_moves_alone(repeat: Repeat) -> None:
    repeat()
    Series.objects.update(timezone="Europe/London")
    with pytest.raises(InvalidRecurrence) as refused:
        reschedule_series(occurrence(1), new_start_at=FIRST + DAY, scope="all", now_dt=NOW)
    assert refused.value.code == "rule_cannot_move"
    reschedule_series(occurrence(1), new_start_at=TUESDAYS[1] + DAY, scope="one", now_dt=NOW)
    assert starts() == [TUESDAYS[0], TUESDAYS[1] + DAY, *TUESDAYS[2:]]
