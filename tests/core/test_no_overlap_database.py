"""The database itself refuses an overlap, whoever writes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings.models import BusyInterval, Calendar
from bookings.rules.instants import MAX_SECOND

pytestmark = pytest.mark.django_db
with_constraint = pytest.mark.skipif(
    connection.vendor == "mysql",
    reason="MySQL and MariaDB have no constraint on ranges; the ledger judges there.",
)

INSERT = (
    "INSERT INTO bookings_busyinterval (calendar_id, starts, ends, kind, capacity, seats_taken) "
    "VALUES (%s, %s, %s, 'BOOKING', 1, 1)"
)


def execute(statement: str, parameters: list[Any]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def insert(calendar: Calendar, starts: int, ends: int) -> BusyInterval:
    execute(INSERT, [calendar.pk, starts, ends])
    return BusyInterval.objects.get(calendar=calendar, starts=starts)


def move(interval: BusyInterval, **columns: int) -> None:
    assignments = ", ".join(f"{column} = %s" for column in columns)
    execute(
        f"UPDATE bookings_busyinterval SET {assignments} WHERE id = %s",
        [*columns.values(), interval.pk],
    )


@with_constraint
@pytest.mark.parametrize(
    ("starts", "ends"),
    [(100, 200), (50, 101), (199, 300), (120, 130), (0, MAX_SECOND)],
    ids=["the same", "its beginning", "its end", "inside", "around"],
)
def test_an_insert_that_overlaps_is_refused(calendar: Calendar, starts: int, ends: int) -> None:
    insert(calendar, 100, 200)
    with pytest.raises(IntegrityError, match="bookings_busy_no_overlap"):
        insert(calendar, starts, ends)
    assert BusyInterval.objects.count() == 1


def test_concurrent_bookings_may_overlap_each_other_and_all_else(calendar: Calendar) -> None:
    BusyInterval.objects.create(calendar=calendar, starts=100, ends=200, kind="SEGMENT")
    for _number in range(2):
        BusyInterval.objects.create(calendar=calendar, starts=100, ends=200, kind="CONCURRENT")
    moved = BusyInterval.objects.create(calendar=calendar, starts=300, ends=400, kind="CONCURRENT")
    move(moved, starts=150)


@with_constraint
def test_what_is_not_concurrent_any_more_is_compared(calendar: Calendar) -> None:
    insert(calendar, 100, 200)
    claim = BusyInterval.objects.create(calendar=calendar, starts=1, ends=300, kind="CONCURRENT")
    claim.kind = "SEGMENT"
    with pytest.raises(IntegrityError, match="bookings_busy_no_overlap"), transaction.atomic():
        claim.save(update_fields=["kind"])


@pytest.mark.parametrize(("starts", "ends"), [(0, 100), (200, 300)])
def test_intervals_may_touch(calendar: Calendar, starts: int, ends: int) -> None:
    insert(calendar, 100, 200)
    insert(calendar, starts, ends)
    assert BusyInterval.objects.count() == 2


def test_calendars_are_independent(calendar: Calendar, other_calendar: Calendar) -> None:
    insert(calendar, 0, MAX_SECOND)
    insert(other_calendar, 0, MAX_SECOND)
    assert BusyInterval.objects.count() == 2


def test_neighbouring_calendars_do_not_touch_at_the_ends_of_time(
    calendar: Calendar, other_calendar: Calendar
) -> None:
    assert other_calendar.pk == calendar.pk + 1
    insert(calendar, MAX_SECOND - 1, MAX_SECOND)
    insert(other_calendar, 0, 1)
    insert(calendar, 0, 1)
    insert(other_calendar, MAX_SECOND - 1, MAX_SECOND)


@with_constraint
@pytest.mark.parametrize(
    "columns",
    [{"starts": 150}, {"starts": 150, "ends": 160}, {"starts": 0, "ends": 101}],
    ids=str,
)
def test_an_update_onto_another_interval_is_refused(
    calendar: Calendar, columns: dict[str, int]
) -> None:
    insert(calendar, 100, 200)
    later = insert(calendar, 200, 300)
    with pytest.raises(IntegrityError, match="bookings_busy_no_overlap"):
        move(later, **columns)
    later.refresh_from_db()
    assert (later.starts, later.ends) == (200, 300)


@with_constraint
def test_an_update_to_a_calendar_whose_time_is_taken_is_refused(
    calendar: Calendar, other_calendar: Calendar
) -> None:
    insert(calendar, 100, 200)
    theirs = insert(other_calendar, 100, 200)
    with pytest.raises(IntegrityError, match="bookings_busy_no_overlap"):
        move(theirs, calendar_id=calendar.pk)


@with_constraint
def test_an_update_through_the_orm_is_refused_too(calendar: Calendar) -> None:
    insert(calendar, 100, 200)
    later = insert(calendar, 200, 300)
    with pytest.raises(IntegrityError), transaction.atomic():
        BusyInterval.objects.filter(pk=later.pk).update(starts=199)


def test_an_interval_may_move_onto_itself(calendar: Calendar) -> None:
    interval = insert(calendar, 100, 200)
    move(interval, starts=150, ends=250)
    interval.refresh_from_db()
    assert (interval.starts, interval.ends) == (150, 250)


def test_an_interval_may_change_beside_its_time(calendar: Calendar) -> None:
    interval = insert(calendar, 100, 200)
    insert(calendar, 200, 300)
    move(interval, capacity=5, seats_taken=4)
    interval.refresh_from_db()
    assert interval.seats_free == 1


@pytest.mark.parametrize(
    ("starts", "ends"),
    [(200, 100), (100, 100), (-1, 100), (100, MAX_SECOND + 1)],
    ids=["backwards", "empty", "before 1970", "after 4147"],
)
def test_an_interval_lies_within_time_and_goes_forward(
    calendar: Calendar, starts: int, ends: int
) -> None:
    with pytest.raises(IntegrityError):
        insert(calendar, starts, ends)


times = st.integers(min_value=0, max_value=24)
strokes = st.lists(
    st.tuples(st.booleans(), times, times).filter(lambda stroke: stroke[1] < stroke[2]),
    max_size=12,
)


@with_constraint
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(strokes=strokes)
def test_the_database_judges_as_arithmetic_does(
    calendar: Calendar, other_calendar: Calendar, strokes: list[tuple[bool, int, int]]
) -> None:
    BusyInterval.objects.all().delete()
    accepted: list[tuple[bool, int, int]] = []
    for stroke in strokes:
        here, starts, ends = stroke
        is_free = all(
            there != here or ends <= begun or ended <= starts for there, begun, ended in accepted
        )
        try:
            insert(calendar if here else other_calendar, starts, ends)
        except IntegrityError:
            assert not is_free
        else:
            assert is_free
            accepted.append(stroke)
