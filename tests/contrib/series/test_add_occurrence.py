"""``add_occurrence``: a start that was left out, or that the rule does not give."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings.contrib.series.exceptions import InvalidRecurrence
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.services import (
    add_occurrence,
    cancel_series,
    reschedule_series,
    update_series,
)
from bookings.exceptions import (
    BookingConflict,
    InvalidBooking,
    InvalidTransition,
    MissingReference,
    PastStart,
    SlotUnavailable,
)
from bookings.models import Booking
from bookings.services import cancel_booking, create_booking
from bookings.testing import assert_bookings_are_sound
from tests.contrib.series.conftest import FIRST, NOW, TUESDAYS, MakeSeries

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)


def starts() -> list[datetime]:
    return list(Booking.objects.order_by("start_at").values_list("start_at", flat=True))


def is_sound(series: Series) -> bool:
    series.refresh_from_db()
    rows = series.occurrences.values_list("original_start_at", flat=True)
    assert_bookings_are_sound()
    return series.recurrence().starts() == list(rows)


def test_a_start_that_was_left_out_comes_back(
    make_series: MakeSeries, make_addon: Any, user: Any, staff: Any
) -> None:
    addon = make_addon(extra_duration_minutes=15)
    made = make_series(
        exdates=[FIRST + WEEK],
        addon_ids=[addon.pk],
        client_email="m@example.org",
        client_user=user,
        notes_client="Knocks",
        metadata={"room": 2},
    )
    at: Any = made.series.occurrences.first()
    result = add_occurrence(at, start_at=FIRST + WEEK, created_by=staff, now_dt=NOW)
    [booking] = result.bookings
    assert starts() == list(TUESDAYS)
    assert (booking.start_at, booking.created_by) == (TUESDAYS[1], staff)
    assert booking.end_at == TUESDAYS[1] + 1.25 * HOUR
    for name in ("client_name", "client_email", "client_user", "notes_client", "metadata"):
        assert getattr(booking, name) == getattr(at.booking, name)
    assert booking.metadata is not at.booking.metadata
    assert (booking.reference, booking.uuid) != (at.booking.reference, at.booking.uuid)
    assert [row.addon_id for row in booking.addons.all()] == [addon.pk]
    assert booking.occurrence.original_start_at == TUESDAYS[1]
    assert result.series == made.series
    assert (result.series.exdates, result.series.rdates) == ([], [])
    assert is_sound(made.series)


def test_any_other_start_is_added_to_those_of_the_rule(make_series: MakeSeries) -> None:
    series = make_series().series
    extra = TUESDAYS[1] + DAY
    add_occurrence(series.occurrences.first(), start_at=extra, now_dt=NOW)
    assert starts() == [*TUESDAYS[:2], extra, *TUESDAYS[2:]]
    series.refresh_from_db()
    assert series.rdates == [extra.isoformat()]
    assert is_sound(series)


def test_a_skipped_start_and_its_alternative_move_along(
    make_series: MakeSeries, service: Any, provider: Any
) -> None:
    taken = create_booking(
        service=service, provider=provider, start_at=TUESDAYS[1], client_name="Joan", now_dt=NOW
    )
    made = make_series(on_conflict="skip", alternatives=1)
    at: Any = made.series.occurrences.first()
    [skipped] = made.skipped
    add_occurrence(at, start_at=skipped.alternatives[0], now_dt=NOW)
    taken.delete()
    add_occurrence(at, start_at=skipped.start_at, now_dt=NOW)
    assert starts() == [*TUESDAYS[:2], TUESDAYS[1] + HOUR, *TUESDAYS[2:]]
    result = reschedule_series(at, new_start_at=FIRST + DAY, scope="all", now_dt=NOW)
    assert starts() == [start + DAY for start in (*TUESDAYS[:2], TUESDAYS[1] + HOUR, *TUESDAYS[2:])]
    assert len(result.bookings) == 5
    assert result.series.rdates == [(TUESDAYS[1] + HOUR + DAY).isoformat()]
    assert is_sound(made.series)
    update_series(at, scope="all", notes_internal="x", now_dt=NOW)
    assert set(Booking.objects.values_list("notes_internal", flat=True)) == {"x"}
    cancel_series(at, scope="all", now_dt=NOW)
    assert not Booking.objects.active().exists()


@pytest.mark.parametrize("which", [1, 2])
def test_an_added_start_stays_or_moves_with_its_part(make_series: MakeSeries, which: int) -> None:
    series = make_series().series
    rows = list(series.occurrences.all())
    extra = TUESDAYS[1] + DAY
    add_occurrence(rows[0], start_at=extra, now_dt=NOW)
    result = reschedule_series(
        rows[which], new_start_at=TUESDAYS[which] + HOUR, scope="following", now_dt=NOW
    )
    moves = which == 1
    assert result.series.rdates == ([(extra + HOUR).isoformat()] if moves else [])
    assert (extra + HOUR in starts()) == moves
    assert is_sound(series)
    assert is_sound(result.series)


def test_an_added_start_names_the_move_of_all(make_series: MakeSeries) -> None:
    series = make_series().series
    add_occurrence(series.occurrences.first(), start_at=TUESDAYS[0] + DAY, now_dt=NOW)
    at: Any = Occurrence.objects.get(original_start_at=TUESDAYS[0] + DAY)
    reschedule_series(at, new_start_at=TUESDAYS[0] + DAY + HOUR, scope="all", now_dt=NOW)
    assert at.original_start_at == TUESDAYS[0] + DAY + HOUR
    assert starts()[0] == TUESDAYS[0] + HOUR
    assert is_sound(series)


def test_an_added_start_that_has_begun_stays_in_its_series(make_series: MakeSeries) -> None:
    series = make_series(start_at=FIRST + WEEK).series
    at: Any = series.occurrences.first()
    add_occurrence(at, start_at=FIRST, now_dt=NOW)
    reschedule_series(at, new_start_at=FIRST + WEEK + HOUR, scope="all", now_dt=TUESDAYS[0] + DAY)
    assert starts()[:2] == [TUESDAYS[0], TUESDAYS[1] + HOUR]
    assert is_sound(series)


def test_two_starts_that_would_become_one_do_not_move(
    make_series: MakeSeries, make_service: Any
) -> None:
    """At 02:30, which the clocks skip on one night, and at 03:30."""
    quick = make_service(name="Quick", duration_minutes=10)
    series = make_series(
        service=quick, rrule="FREQ=DAILY;COUNT=3", start_at=datetime(2026, 3, 27, 2, 30)
    ).series
    at: Any = series.occurrences.first()
    add_occurrence(at, start_at=datetime(2026, 3, 28, 3, 30), now_dt=NOW)
    with pytest.raises(InvalidRecurrence) as refused:
        reschedule_series(at, new_start_at=datetime(2026, 3, 28, 2, 30), scope="all", now_dt=NOW)
    assert refused.value.code == "rule_cannot_move"
    assert is_sound(series)


def nothing_offered(service: Any, provider: Any, start_dt: Any, end_dt: Any) -> Any:
    return []


def test_the_rules_of_a_booking_apply(
    make_series: MakeSeries, service: Any, provider: Any, settings: Any
) -> None:
    series = make_series().series
    at: Any = series.occurrences.first()
    with pytest.raises(BookingConflict):
        add_occurrence(at, start_at=TUESDAYS[0] + HOUR / 2, now_dt=NOW)
    with pytest.raises(PastStart):
        add_occurrence(at, start_at=NOW - DAY, now_dt=NOW)
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.nothing_offered"
    with pytest.raises(SlotUnavailable):
        add_occurrence(at, start_at=TUESDAYS[0] + DAY, now_dt=NOW)
    assert starts() == list(TUESDAYS)
    add_occurrence(at, start_at=NOW - DAY, now_dt=NOW, allow_past=True, skip_slot_validation=True)
    assert is_sound(series)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"start_at": FIRST}, InvalidRecurrence),
        ({"start_at": TUESDAYS[3]}, InvalidRecurrence),
        ({"start_at": None}, InvalidBooking),
        ({"start_at": "2026-03-18"}, InvalidBooking),
        ({"now_dt": FIRST}, InvalidBooking),
        ({"created_by": "Ada"}, InvalidBooking),
    ],
)
def test_bad_input_adds_nothing(make_series: MakeSeries, values: Any, error: Any) -> None:
    series = make_series().series
    at = series.occurrences.first()
    with pytest.raises(error):
        add_occurrence(at, **({"start_at": FIRST + DAY, "now_dt": NOW} | values))
    assert starts() == list(TUESDAYS)
    assert is_sound(series)


def test_a_series_that_is_cancelled_stays_so(make_series: MakeSeries) -> None:
    rows = list(make_series().series.occurrences.select_related("booking"))
    for row in rows:
        cancel_booking(row.booking, now_dt=NOW)
    with pytest.raises(InvalidTransition) as refused:
        add_occurrence(rows[0], start_at=FIRST + DAY, now_dt=NOW, override_policy=True)
    assert refused.value.code == "series_over"
    assert starts() == list(TUESDAYS)
    assert is_sound(rows[0].series)


def test_one_that_is_cancelled_is_a_pattern_as_long_as_another_is_not(
    make_series: MakeSeries,
) -> None:
    rows = list(make_series().series.occurrences.select_related("booking"))
    for row in rows[:-1]:
        cancel_booking(row.booking, now_dt=NOW)
    extra = TUESDAYS[0] + DAY
    add_occurrence(rows[0], start_at=extra, now_dt=NOW)
    assert extra in starts()


def test_a_missing_occurrence_or_booking_is_no_pattern(make_series: MakeSeries) -> None:
    series = make_series().series
    at: Any = series.occurrences.first()
    for nothing in (None, Occurrence(), "one"):
        with pytest.raises(MissingReference):
            add_occurrence(nothing, start_at=FIRST + DAY, now_dt=NOW)  # type: ignore[arg-type]
    at.booking.delete()
    at.refresh_from_db()
    with pytest.raises(MissingReference):
        add_occurrence(at, start_at=FIRST + DAY, now_dt=NOW)
