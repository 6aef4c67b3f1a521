"""``check_bookings`` finds what was written past the services."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bookings.contrib.series.extension import SeriesExtension
from bookings.contrib.series.integrity import INVARIANT
from bookings.contrib.series.models import Occurrence, Series
from bookings.integrity import find_problems
from bookings.services import reschedule_booking
from tests.contrib.series.conftest import NOW, TUESDAYS, MakeSeries


def messages() -> list[str]:
    found = list(find_problems())
    assert {problem.invariant for problem in found} <= {INVARIANT}
    return [problem.message for problem in found]


def test_occurrences_that_differ_from_the_rule_are_found(make_series: MakeSeries) -> None:
    series = make_series().series
    assert messages() == []
    rows = series.occurrences
    rows.filter(original_start_at=TUESDAYS[1]).update(
        original_start_at=TUESDAYS[1] + timedelta(hours=1)
    )
    rows.filter(original_start_at=TUESDAYS[2]).delete()
    assert messages() == [f"Series {series.pk}: starts without a row: 2, rows without a start: 1."]


@pytest.mark.parametrize(
    "values",
    [
        {"rrule": "FREQ=DAILY"},
        {"timezone": "Mars/Olympus"},
        {"exdates": ["yesterday"]},
        {"exdates": [7]},
        {"exdates": 7},
    ],
)
def test_an_invalid_rule_is_found(make_series: MakeSeries, values: Any) -> None:
    make_series()
    Series.objects.update(**values)
    [message] = messages()
    assert "has a rule that cannot be followed: " in message


def test_a_booking_of_another_service_is_found(
    make_series: MakeSeries, make_service: Any, other_provider: Any
) -> None:
    booking = make_series().bookings[0]
    reschedule_booking(
        booking, new_start_at=booking.start_at, new_provider=other_provider, now_dt=NOW
    )
    assert messages() == []
    Series.objects.update(service=make_service(name="Other"))
    assert len(messages()) == 4
    assert messages()[0].startswith(f"{booking} is of another service")


def test_an_occurrence_with_a_booking_and_a_session_is_found(make_series: MakeSeries) -> None:
    booking = make_series().bookings[0]
    Occurrence.objects.filter(booking=booking).update(session_key=7)
    [message] = messages()
    assert message.endswith("with a session.")


def test_a_series_that_is_deleted_meanwhile_is_no_problem(
    make_series: MakeSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = make_series().series
    series.occurrences.all().delete()
    recurrence = Series.recurrence

    def expand_and_delete(row: Series) -> Any:
        expanded = recurrence(row)
        Series.objects.filter(pk=row.pk).delete()
        return expanded

    monkeypatch.setattr(Series, "recurrence", expand_and_delete)
    assert messages() == []


def test_only_sessions_are_led_to_their_series() -> None:
    assert list(SeriesExtension().related_links(Series(), None, None)) == []  # type: ignore[arg-type]
