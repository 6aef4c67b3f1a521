"""Time off that overlaps time off of the same provider: one busy interval covers all of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings.contrib.schedule import time_off_intervals
from bookings.contrib.schedule.exceptions import TimeOffConflict
from bookings.contrib.schedule.models import Schedule, TimeOff
from bookings.contrib.schedule.selectors import list_available_slots
from bookings.contrib.schedule.services import cancel_time_off, move_time_off, take_time_off
from bookings.exceptions import BookingConflict
from bookings.integrity import find_problems
from bookings.models import Booking, BusyInterval, Calendar
from bookings.selectors import get_busy_intervals
from tests.contrib.schedule.hours.conftest import NOW, Book, Make, at
from tests.quick_run import examples

pytestmark = pytest.mark.django_db

Hours = tuple[int, int]

HALF_A_SECOND: Final = timedelta(milliseconds=500)


def take(provider: Any, hours: Hours, **values: Any) -> TimeOff:
    start, end = map(at, hours)
    return take_time_off(provider=provider, start_at=start, end_at=end, now_dt=NOW, **values)


def move(time_off: TimeOff, hours: Hours) -> TimeOff:
    start, end = map(at, hours)
    return move_time_off(time_off, start_at=start, end_at=end, now_dt=NOW)


def busy_hours(provider: Any) -> list[Hours]:
    """The busy intervals of a provider; everything that is stored fits together."""
    assert list(find_problems()) == []
    rows = BusyInterval.objects.filter(calendar__provider=provider)
    return [(row.start_at.hour, row.end_at.hour) for row in rows]


LONG, INNER, LATER = (8, 14), (9, 11), (13, 16)


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ([LONG, INNER], [LONG]),
        ([INNER, LONG], [LONG]),
        ([LONG, LONG], [LONG]),
        ([LONG, (8, 9)], [LONG]),
        ([(10, 12), (11, 13)], [(10, 13)]),
        ([(11, 13), (10, 12)], [(10, 13)]),
        ([(8, 10), (12, 14), (9, 13)], [(8, 14)]),
        ([(8, 9), (10, 11), (12, 13), (7, 15)], [(7, 15)]),
        ([(8, 10), (10, 12)], [(8, 10), (10, 12)]),
        ([(8, 10), (12, 14), (10, 12)], [(8, 10), (10, 12), (12, 14)]),
    ],
)
def test_it_is_accepted_and_covered_by_one_interval(
    provider: Any, taken: list[Hours], expected: list[Hours]
) -> None:
    rows = [take(provider, hours, reason=f"{n}") for n, hours in enumerate(taken)]

    assert TimeOff.objects.count() == len(taken)
    assert busy_hours(provider) == expected
    for row in rows:
        row.refresh_from_db()
        assert row.busy_interval.start_at <= row.start_at < row.end_at <= row.busy_interval.end_at


def test_what_overlaps_by_less_than_a_second_shares_an_interval(provider: Any) -> None:
    noon = at(12) + HALF_A_SECOND
    for start, end in ((at(9), noon), (noon, at(14))):
        take_time_off(provider=provider, start_at=start, end_at=end, now_dt=NOW)
    assert busy_hours(provider) == [(9, 14)]


def test_others_keep_their_own(provider: Any, make_provider: Make) -> None:
    grace = make_provider("Grace")
    take(provider, LONG)
    take(grace, INNER)
    assert (busy_hours(provider), busy_hours(grace)) == ([LONG], [INNER])


@pytest.mark.parametrize(
    ("cancelled", "expected"),
    [
        ((8, 11), [(10, 16)]),
        ((10, 13), [(8, 11), (12, 16)]),
        ((12, 15), [(8, 13), (14, 16)]),
        ((14, 16), [(8, 15)]),
    ],
)
def test_to_cancel_it_releases_what_nothing_else_takes(
    provider: Any, book: Book, cancelled: Hours, expected: list[Hours]
) -> None:
    rows = {hours: take(provider, hours) for hours in [(8, 11), (10, 13), (12, 15), (14, 16)]}
    revision = Calendar.objects.get().revision

    cancel_time_off(rows.pop(cancelled))

    assert busy_hours(provider) == expected
    assert Calendar.objects.get().revision > revision
    for starts in range(8, 16):
        is_taken = any(start <= starts < end for start, end in rows)
        with transaction.atomic():
            if is_taken:
                with pytest.raises(BookingConflict):
                    book(at(starts))
            else:
                book(at(starts))
    for row in rows.values():
        cancel_time_off(row)
    assert not BusyInterval.objects.filter(kind="TIME_OFF").exists()


@pytest.mark.parametrize(
    ("others", "before", "after", "expected"),
    [
        ([], (9, 11), (10, 12), [(10, 12)]),
        ([LONG], INNER, (16, 18), [LONG, (16, 18)]),
        ([LONG], (16, 18), INNER, [LONG]),
        ([LONG], INNER, (12, 18), [(8, 18)]),
        ([(8, 10), (12, 14)], (9, 13), (15, 16), [(8, 10), (12, 14), (15, 16)]),
        ([(8, 10), (12, 14)], (15, 16), (9, 13), [(8, 14)]),
        ([(8, 10), (12, 14)], (9, 11), (13, 15), [(8, 10), (12, 15)]),
        ([(8, 10), (12, 14)], (13, 15), (9, 11), [(8, 11), (12, 14)]),
        # It leaves what it has connected, for what it connects.
        ([(1, 3), (4, 6), (8, 10), (12, 14)], (2, 5), (9, 13), [(1, 3), (4, 6), (8, 14)]),
        ([(1, 3), (4, 6), (8, 10), (12, 14)], (9, 13), (2, 5), [(1, 6), (8, 10), (12, 14)]),
        # One interval is where another has been.
        ([(8, 10), (11, 13)], (9, 12), (12, 14), [(8, 10), (11, 14)]),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_to_move_it_divides_and_connects(
    provider: Any,
    others: list[Hours],
    before: Hours,
    after: Hours,
    expected: list[Hours],
    is_first: bool,
) -> None:
    taken = [before, *others] if is_first else [*others, before]
    rows = [take(provider, hours) for hours in taken]
    moved = rows[0] if is_first else rows[-1]

    move(moved, after)

    assert busy_hours(provider) == sorted(expected)
    assert moved.busy_interval == TimeOff.objects.get(pk=moved.pk).busy_interval


HOURS: Final = st.tuples(st.integers(0, 10), st.integers(1, 4)).map(lambda it: (it[0], sum(it)))
STEPS: Final = st.tuples(
    st.sampled_from(["take", "take", "take", "move", "save", "cancel", "delete"]),
    st.integers(0, 20),
    HOURS,
)


@given(steps=st.lists(STEPS, min_size=4, max_size=12))
@settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_happens_the_time_of_all_rows_is_busy_and_no_other(
    provider: Any, steps: list[tuple[str, int, Hours]]
) -> None:
    with transaction.atomic():
        rows: list[TimeOff] = []
        for number, (step, which, hours) in enumerate(steps):
            row = rows[which % len(rows)] if rows else None
            if row is None or step == "take":
                rows.append(take(provider, hours, reason=f"{number}"))
            elif step == "move":
                move(row, hours)
            elif step == "save":
                # As a form does that has read the row long ago.
                row.start_at, row.end_at = map(at, hours)
                row.save()
            elif step == "cancel":
                cancel_time_off(row)
                rows.remove(row)
            else:
                TimeOff.objects.filter(start_at__lt=at(which // 2)).delete()
                rows = [row for row in rows if row.start_at >= at(which // 2)]
        busy = busy_hours(provider)
        hours_off = {hour for row in rows for hour in range(row.start_at.hour, row.end_at.hour)}
        assert {hour for start, end in busy for hour in range(start, end)} == hours_off
        assert TimeOff.objects.count() == len(rows)
        transaction.set_rollback(True)


def test_it_is_refused_over_a_booking_beside_the_time_off(provider: Any, book: Book) -> None:
    booking = book(at(14))
    long = take(provider, LONG)

    with pytest.raises(TimeOffConflict) as refused:
        take(provider, (13, 16))
    assert (refused.value.bookings, refused.value.claims) == ([booking], [])

    other = take(provider, (16, 18))
    for row in (long, other):
        with pytest.raises(TimeOffConflict):
            move(row, (13, 17))
    assert busy_hours(provider) == [LONG, (14, 15), (16, 18)]


def test_slots_follow(provider: Any, service: Any, schedule: Schedule) -> None:
    def starts() -> list[int]:
        slots = list_available_slots(service, provider, at(0), at(23), now_dt=NOW)
        for row in TimeOff.objects.all():
            for start in (row.start_at, row.end_at - timedelta(hours=1)):
                assert getattr(slots.why_not(start), "code", "") == "taken"
        return sorted({slot.start.hour for slot in slots if slot.start.minute == 0})

    rows = [take(provider, hours) for hours in ((10, 13), (12, 15))]
    assert starts() == [9, 15, 16]
    assert get_busy_intervals(provider, at(0), at(23)) == [(at(10), at(15))]
    cancel_time_off(rows[0])
    assert starts() == [9, 10, 11, 15, 16]
    assert get_busy_intervals(provider, at(0), at(23)) == [(at(12), at(15))]


def test_the_same_call_takes_it_once(provider: Any) -> None:
    user = get_user_model().objects.create_user("staff")
    first = take(provider, LONG, reason="Leave", actor=user)
    take(provider, INNER, reason="Leave", actor=user)

    assert take(provider, LONG, reason="Leave", actor=user) == first

    assert TimeOff.objects.count() == 2


def test_time_off_that_differs_in_reason_or_author_is_not_the_same(provider: Any) -> None:
    user = get_user_model().objects.create_user("staff")
    first = take(provider, LONG, reason="Calendar A")
    assert take(provider, LONG, reason="Calendar B") != first
    assert take(provider, LONG, reason="Calendar A", actor=user) != first
    TimeOff(provider=provider, start_at=at(8), end_at=at(14), reason="Calendar A").save()
    assert TimeOff.objects.count() == 4
    assert busy_hours(provider) == [LONG]


def test_a_row_that_was_read_before_others_came_is_saved(provider: Any) -> None:
    later = take(provider, LATER)
    stale = TimeOff.objects.get()
    take(provider, INNER)
    take(provider, (10, 14))

    stale.reason = "Dentist"
    stale.save()

    assert busy_hours(provider) == [(9, 16)]
    later.refresh_from_db()
    assert later.reason == "Dentist"
    cancel_time_off(stale)
    assert busy_hours(provider) == [(9, 14)]


def test_the_key_of_the_provider_may_be_text(provider: Any) -> None:
    take(provider, LONG)
    row = TimeOff(provider_id=str(provider.pk), start_at=at(13), end_at=at(16))
    row.save()
    row.provider_id = str(provider.pk)
    row.end_at = at(15)
    row.save()
    assert busy_hours(provider) == [(8, 15)]


def test_delete_in_whatever_way_releases_what_is_left_over(
    provider: Any, make_provider: Make
) -> None:
    grace = make_provider("Grace")
    for person in (provider, grace):
        for hours in ((8, 10), (9, 12), (11, 14), (13, 16)):
            take(person, hours)

    TimeOff.objects.filter(start_at__in=[at(9), at(13)]).delete()
    assert busy_hours(provider) == busy_hours(grace) == [(8, 10), (11, 14)]
    grace.time_off.filter(start_at=at(8)).delete()
    assert (busy_hours(provider), busy_hours(grace)) == ([(8, 10), (11, 14)], [(11, 14)])
    take(provider, (9, 12))
    provider.delete()
    assert [row.provider for row in TimeOff.objects.all()] == [grace]
    assert BusyInterval.objects.count() == 1


def test_many_take_as_many_queries_as_few(provider: Any) -> None:
    def queries_of(number: int) -> tuple[int, ...]:
        for hour in range(number):
            take(provider, (3 * hour, 3 * hour + 2))
        counts = []
        with CaptureQueriesContext(connection) as queries:
            row = take(provider, (1, 3 * number))
        counts.append(len(queries))
        with CaptureQueriesContext(connection) as queries:
            move(row, (1, 3 * number + 1))
        counts.append(len(queries))
        with CaptureQueriesContext(connection) as queries:
            cancel_time_off(row)
        counts.append(len(queries))
        TimeOff.objects.all().delete()
        return tuple(counts)

    few, many = queries_of(3), queries_of(7)
    assert few == many


def test_time_off_that_is_not_on_record_is_in_the_way(provider: Any) -> None:
    """A person has to decide about it, so nothing takes its place."""
    take(provider, LONG)
    QuerySet(TimeOff)._raw_delete("default")

    with pytest.raises(TimeOffConflict) as refused:
        take(provider, LATER)

    assert refused.value.claims == [BusyInterval.objects.get()]


def test_a_hold_that_has_run_out_is_cancelled_beside_other_time_off(
    provider: Any, book: Book
) -> None:
    hold = book(at(14), expires_at=NOW + timedelta(minutes=10))
    take(provider, LONG)
    start, end = map(at, LATER)

    take_time_off(provider=provider, start_at=start, end_at=end, now_dt=NOW + timedelta(minutes=10))

    hold.refresh_from_db()
    assert hold.status == Booking.Status.CANCELLED
    assert busy_hours(provider) == [(8, 16)]


def test_a_hold_that_somebody_else_expires_meanwhile_is_not_in_the_way(
    provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(provider, LONG)
    refuse, calls = time_off_intervals.refuse_conflicts, []

    def refuse_once(intervals: Any, *, using: str) -> None:
        calls.append(using)
        if len(calls) == 1:
            raise TimeOffConflict
        refuse(intervals, using=using)

    monkeypatch.setattr(time_off_intervals, "refuse_conflicts", refuse_once)

    take(provider, LATER)

    assert busy_hours(provider) == [(8, 16)]


def test_it_may_be_connected_for_longer_than_one_may_be(provider: Any) -> None:
    four_years = timedelta(days=4 * 365)
    start = at(9)
    for _ in range(3):
        take_time_off(provider=provider, start_at=start, end_at=start + four_years, now_dt=NOW)
        start += four_years - timedelta(days=1)
    (interval,) = BusyInterval.objects.all()
    assert interval.end_at - interval.start_at == 3 * four_years - timedelta(days=2)
