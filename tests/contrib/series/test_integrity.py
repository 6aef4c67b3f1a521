"""What somebody writes past the services is found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bookings.contrib.series.integrity import INVARIANT
from bookings.contrib.series.models import Occurrence, Series
from bookings.integrity import find_problems
from bookings.services import reschedule_booking
from tests.contrib.series.conftest import NOW, TUESDAYS, Repeat


def messages() -> list[str]:
    found = list(find_problems())
    assert {problem.invariant for problem in found} <= {INVARIANT}
    return [problem.message for problem in found]


def test_a_series_has_what_its_rule_says(repeat: Repeat) -> None:
    series = repeat().series
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
def test_a_series_has_a_rule(repeat: Repeat, values: Any) -> None:
    repeat()
    Series.objects.update(**values)
    [message] = messages()
    assert "has a rule that cannot be followed: " in message


def test_a_booking_is_of_its_series_service(
    repeat: Repeat, make_service: Any, other_provider: Any
) -> None:
    booking = repeat().bookings[0]
    reschedule_booking(
        booking, new_start_at=booking.start_at, new_provider=other_provider, now_dt=NOW
    )
    assert messages() == []
    Series.objects.update(service=make_service(name="Other"))
    assert len(messages()) == 4
    assert messages()[0].startswith(f"{booking} is of another service")


def test_a_start_is_not_both(repeat: Repeat) -> None:
    booking = repeat().bookings[0]
    Occurrence.objects.filter(booking=booking).update(session_key=7)
    [message] = messages()
    assert message.endswith("with a session.")


def test_a_series_that_is_deleted_meanwhile_is_none(
    repeat: Repeat, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = repeat().series
    series.occurrences.all().delete()
    follow = Series.recurrence

    def follow_and_delete(row: Series) -> Any:
        found = follow(row)
        Series.objects.filter(pk=row.pk).delete()
        return found

    monkeypatch.setattr(Series, "recurrence", follow_and_delete)
    assert messages() == []
