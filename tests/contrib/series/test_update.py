"""Details of one booking of a series are changed, of it and those that follow, or of all."""

from __future__ import annotations

from typing import Any

import pytest

from bookings.contrib.series.models import Series
from bookings.contrib.series.services import update_series
from bookings.exceptions import InvalidBooking, MissingReference
from bookings.models import Booking
from bookings.services import cancel_booking
from bookings.testing import assert_bookings_are_sound
from tests.contrib.series.conftest import NOW, TUESDAYS, Repeat
from tests.contrib.series.test_cancel import DAY, occurrence


def notes() -> list[str]:
    return list(Booking.objects.order_by("pk").values_list("notes_internal", flat=True))


@pytest.mark.parametrize(
    ("scope", "changed"), [("one", [1]), ("following", [1, 2, 3]), ("all", [0, 1, 2, 3])]
)
def test_as_many_are_changed_as_are_meant(
    repeat: Repeat, staff: Any, scope: str, changed: list[int]
) -> None:
    series = repeat().series
    for _ in range(2):
        result = update_series(
            occurrence(1), scope=scope, actor=staff, now_dt=NOW, notes_internal="By the window"
        )
        assert [n for n, note in enumerate(notes()) if note == "By the window"] == changed
    assert result.series == series == Series.objects.get()
    assert len(result.bookings) == len(changed)
    events = occurrence(1).booking.events.values_list("event_type", "actor_user")
    assert list(events) == [("UPDATED", staff.pk), ("CREATED", None)]
    assert_bookings_are_sound()


def test_what_has_begun_or_was_cancelled_is_not_touched(repeat: Repeat) -> None:
    repeat()
    cancel_booking(occurrence(2).booking, now_dt=NOW)
    update_series(occurrence(0), scope="all", now_dt=TUESDAYS[0] + DAY, notes_internal="Late")
    assert notes() == ["", "Late", "", "Late"]
    # By itself any booking can be corrected.
    update_series(occurrence(0), scope="one", now_dt=TUESDAYS[0] + DAY, notes_internal="Was late")
    assert notes()[0] == "Was late"


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"scope": "some"}, InvalidBooking),
        ({"actor": "Ada"}, InvalidBooking),
        ({"now_dt": 5}, InvalidBooking),
        ({"client_name": ""}, InvalidBooking),
        ({"client_email": "nobody"}, InvalidBooking),
        ({"start_at": TUESDAYS[0]}, TypeError),
        ({"colour": "blue"}, TypeError),
    ],
)
def test_bad_input_changes_nothing(repeat: Repeat, values: Any, error: Any) -> None:
    repeat()
    given: Any = {"scope": "all", "now_dt": NOW, "notes_internal": "New"} | values
    with pytest.raises(error):
        update_series(occurrence(0), **given)
    assert notes() == [""] * 4


def test_what_is_gone_cannot_be_changed(repeat: Repeat) -> None:
    repeat()
    at = occurrence(0)
    at.booking.delete()
    at.refresh_from_db()
    with pytest.raises(MissingReference):
        update_series(at, scope="one", now_dt=NOW, notes_internal="New")
    update_series(at, scope="all", now_dt=NOW, notes_internal="New")
    assert notes() == ["New"] * 3
