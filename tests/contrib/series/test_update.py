"""``update_series``: one booking, it and those that follow, or all that are still to come."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models.signals import post_save

from bookings.contrib.series.exceptions import SeriesConflict
from bookings.contrib.series.models import Series
from bookings.contrib.series.services import (
    add_occurrence,
    cancel_series,
    series_change,
    update_series,
)
from bookings.exceptions import InvalidBooking, MissingReference
from bookings.models import Booking
from bookings.services import cancel_booking
from bookings.testing import assert_bookings_are_sound
from tests.contrib.series.conftest import NOW, TUESDAYS, MakeSeries
from tests.contrib.series.test_cancel import DAY, occurrence


def notes() -> list[str]:
    return list(Booking.objects.order_by("pk").values_list("notes_internal", flat=True))


@pytest.mark.parametrize(
    ("scope", "changed"), [("one", [1]), ("following", [1, 2, 3]), ("all", [0, 1, 2, 3])]
)
def test_the_scope_selects_the_bookings_to_update(
    make_series: MakeSeries, staff: Any, scope: str, changed: list[int]
) -> None:
    series = make_series().series
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


def test_bookings_that_have_begun_or_were_cancelled_stay(make_series: MakeSeries) -> None:
    make_series()
    cancel_booking(occurrence(2).booking, now_dt=NOW)
    update_series(occurrence(0), scope="all", now_dt=TUESDAYS[0] + DAY, notes_internal="Late")
    assert notes() == ["", "Late", "", "Late"]
    # With the scope "one", any booking can be updated.
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
def test_bad_input_changes_nothing(make_series: MakeSeries, values: Any, error: Any) -> None:
    make_series()
    arguments: Any = {"scope": "all", "now_dt": NOW, "notes_internal": "New"} | values
    with pytest.raises(error):
        update_series(occurrence(0), **arguments)
    assert notes() == [""] * 4


def test_an_occurrence_without_a_booking_is_missing(make_series: MakeSeries) -> None:
    make_series()
    at = occurrence(0)
    at.booking.delete()
    at.refresh_from_db()
    with pytest.raises(MissingReference):
        update_series(at, scope="one", now_dt=NOW, notes_internal="New")
    update_series(at, scope="all", now_dt=NOW, notes_internal="New")
    assert notes() == ["New"] * 3


def test_holds_get_another_client_within_the_limits(
    make_series: MakeSeries, other_provider: Any, settings: Any
) -> None:
    settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY = 1
    settings.BOOKINGS_DUPLICATE_GUARD_MINUTES = 10
    make_series(client_email="mary@example.org", expires_at=NOW + DAY)
    make_series(
        rrule="FREQ=WEEKLY;COUNT=1",
        provider=other_provider,
        client_name="Joan",
        client_email="joan@example.org",
    )
    of_joan: Any = {"scope": "all", "now_dt": NOW, "client_email": "joan@example.org"}
    with pytest.raises(SeriesConflict) as refused:
        update_series(occurrence(0), **of_joan)
    assert [item.start_at for item in refused.value.skipped] == [TUESDAYS[0]]
    update_series(occurrence(0), **of_joan | {"client_email": "ann@example.org"})
    emails = Booking.objects.order_by("pk").values_list("client_email", flat=True)
    assert list(emails) == ["ann@example.org"] * 4 + ["joan@example.org"]


def test_another_client_has_limits_without_a_guard_against_duplicates(
    make_series: MakeSeries, settings: Any
) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 4
    settings.BOOKINGS_DUPLICATE_GUARD_MINUTES = 0
    make_series(client_email="mary@example.org", expires_at=NOW + DAY)
    of_joan: Any = {"scope": "all", "now_dt": NOW, "client_email": "joan@example.org"}
    update_series(occurrence(0), **of_joan)
    assert set(Booking.objects.values_list("client_email", flat=True)) == {"joan@example.org"}


def test_a_start_that_is_added_meanwhile_is_updated_too(
    make_series: MakeSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_series()
    at = occurrence(1)
    cancel_series(at, scope="following", now_dt=NOW)
    read, calls = series_change.read_series, []

    def then_add(*args: Any, **kwargs: Any) -> Any:
        rows = read(*args, **kwargs)
        calls.append(kwargs.get("lock", True))
        if len(calls) == 1:
            add_occurrence(at, start_at=TUESDAYS[1] + DAY, now_dt=NOW)
        return rows

    monkeypatch.setattr(series_change, "read_series", then_add)
    update_series(at, scope="following", now_dt=NOW, notes_internal="New")
    # Without the lock and under it: the update, the addition within it, and the update again.
    assert calls == [False, False, True, True, False, True]
    assert notes() == [""] * 4 + ["New"]


def test_who_listens_to_the_signals_of_saving_hears_every_booking(
    make_series: MakeSeries,
) -> None:
    heard = []

    def note(instance: Any, created: bool, **_kwargs: Any) -> None:
        heard.append((instance.start_at, created, instance.notes_internal))

    post_save.connect(note, sender=Booking)
    try:
        make_series()
        update_series(occurrence(0), scope="all", now_dt=NOW, notes_internal="New")
    finally:
        post_save.disconnect(note, sender=Booking)
    assert heard == [
        *((start, True, "") for start in TUESDAYS),
        *((start, False, "New") for start in TUESDAYS),
    ]
    assert notes() == ["New"] * 4
    assert set(Booking.objects.values_list("version", flat=True)) == {2}
    assert_bookings_are_sound()
