"""``check_bookings`` finds time off and claims that do not go together."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet

from bookings.contrib.schedule.exceptions import TimeOffConflict
from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.services import take_time_off
from bookings.integrity import Problem, find_problems, repair
from bookings.models import BusyInterval
from tests.contrib.schedule.hours.conftest import NOW, Book, Make, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def time_off(provider: Any) -> TimeOff:
    return take_time_off(
        provider=provider,
        start_at=at(9).replace(microsecond=1),
        end_at=at(12).replace(microsecond=1),
        now_dt=NOW,
    )


def damage(**values: Any) -> None:
    QuerySet(TimeOff).update(**values)


def the_only_problem() -> Problem:
    (problem,) = find_problems()
    return problem


def test_a_sound_database_has_none(time_off: TimeOff, book: Book) -> None:
    book(at(13))
    assert list(find_problems()) == []


@pytest.mark.parametrize("values", [{"start_at": at(8)}, {"end_at": at(13)}])
def test_time_off_that_holds_other_time_gets_its_own(
    time_off: TimeOff, values: dict[str, Any]
) -> None:
    damage(**values)
    problem = the_only_problem()
    assert problem.invariant == 3
    assert problem.message.endswith("holds other time than its own.")

    assert repair(problem) == "repaired"

    assert list(find_problems()) == []


def test_it_does_not_get_it_over_a_booking(time_off: TimeOff, book: Book) -> None:
    book(at(13))
    damage(end_at=at(14))
    assert repair(the_only_problem()).startswith("could not be repaired: 1 booking lies in")


def test_time_off_that_holds_anothers_time_is_found(time_off: TimeOff, make_provider: Make) -> None:
    damage(provider=make_provider("Grace"))

    assert repair(the_only_problem()) == "repaired"

    claim = BusyInterval.objects.get()
    assert str(claim.calendar) == "Grace"
    assert list(find_problems()) == []


def test_a_claim_of_another_kind_is_found(time_off: TimeOff) -> None:
    BusyInterval.objects.update(kind=BusyInterval.Kind.EXTERNAL)
    problem = the_only_problem()
    assert problem.invariant == 3
    assert repair(problem).startswith("could not be repaired: That time is taken by 1 session or")


def test_a_claim_of_another_kind_at_another_time_stays_where_it_is(time_off: TimeOff) -> None:
    own = BusyInterval.objects.get()
    other = BusyInterval.objects.create(
        calendar=own.calendar,
        kind=BusyInterval.Kind.EXTERNAL,
        starts=int(at(20).timestamp()),
        ends=int(at(21).timestamp()),
    )
    damage(busy_interval=other)
    QuerySet(BusyInterval).filter(pk=own.pk).delete()
    assert repair(the_only_problem()) == "repaired"
    assert set(BusyInterval.objects.values_list("kind", flat=True)) == {"TIME_OFF", "EXTERNAL"}


def test_time_off_that_is_gone_by_now_is_left_alone(time_off: TimeOff) -> None:
    damage(end_at=at(13))
    problem = the_only_problem()
    time_off.delete()
    assert repair(problem) == "repaired"
    assert not BusyInterval.objects.exists()


def take(provider: Any, start: int, end: int) -> TimeOff:
    return take_time_off(provider=provider, start_at=at(start), end_at=at(end), now_dt=NOW)


def repair_all() -> list[tuple[int, int]]:
    """Repair what is found; the busy intervals that there are then."""
    assert {repair(problem) for problem in list(find_problems())} == {"repaired"}
    assert list(find_problems()) == []
    return [(row.start_at.hour, row.end_at.hour) for row in BusyInterval.objects.all()]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((9, 12), (11, 13), [(9, 13), (15, 19)]),
        ((8, 12), (11, 14), [(8, 14), (15, 19)]),
        ((9, 11), (12, 14), [(9, 11), (12, 14), (15, 19)]),
        ((6, 7), (11, 14), [(6, 7), (11, 14), (15, 19)]),
        ((10, 16), (11, 14), [(10, 19)]),
        ((10, 16), (18, 22), [(10, 22)]),
        ((20, 22), (21, 23), [(15, 19), (20, 23)]),
    ],
)
def test_time_off_that_overlaps_holds_its_time_together(
    provider: Any, first: tuple[int, int], second: tuple[int, int], expected: list[tuple[int, int]]
) -> None:
    rows = [take(provider, 9, 12), take(provider, 11, 14)]
    take(provider, 15, 19)
    for row, (start, end) in zip(rows, (first, second), strict=True):
        QuerySet(TimeOff).filter(pk=row.pk).update(start_at=at(start), end_at=at(end))

    assert repair_all() == expected


@pytest.mark.parametrize(("starts", "ends"), [(8, 14), (9, 16), (9, 13), (10, 14)])
def test_an_interval_that_is_not_the_time_of_its_rows_is_found(
    provider: Any, starts: int, ends: int
) -> None:
    take(provider, 9, 12)
    take(provider, 11, 14)
    BusyInterval.objects.update(starts=int(at(starts).timestamp()), ends=int(at(ends).timestamp()))
    assert the_only_problem().invariant == 3
    assert repair_all() == [(9, 14)]


def test_time_off_of_two_providers_in_one_interval_is_divided(
    provider: Any, make_provider: Make
) -> None:
    take(provider, 9, 12)
    moved = take(provider, 11, 14)
    grace = make_provider("Grace")
    take(grace, 13, 16)
    QuerySet(TimeOff).filter(pk=moved.pk).update(provider=grace)

    assert sorted(repair_all()) == [(9, 12), (11, 16)]
    assert str(BusyInterval.objects.last().calendar) == "Grace"


def test_the_time_of_others_stays_theirs_whatever_the_own_rows_do(
    provider: Any, make_provider: Make
) -> None:
    """Until a repair, an interval that another provider's row holds is not deleted."""
    own, foreign = take(provider, 9, 12), take(provider, 11, 14)
    QuerySet(TimeOff).filter(pk=foreign.pk).update(provider=make_provider("Grace"))
    own.delete()
    assert BusyInterval.objects.count() == 1

    with pytest.raises(TimeOffConflict):
        take(provider, 8, 10)
    assert repair_all() == [(11, 14)]
    take(provider, 8, 10)
    assert list(find_problems()) == []


def test_damaged_time_off_beside_it_gets_no_time_over_a_booking(provider: Any, book: Book) -> None:
    """Neither is the time claimed when other time off is taken, or deleted."""
    damaged = take(provider, 9, 12)
    healthy = take(provider, 11, 14)
    booking = book(at(15))
    QuerySet(TimeOff).filter(pk=damaged.pk).update(end_at=at(16))

    for change in (
        lambda: take(provider, 8, 10),
        healthy.delete,
        healthy.save,
    ):
        with pytest.raises(TimeOffConflict) as refused, transaction.atomic():
            change()
        assert refused.value.bookings == [booking]
    assert repair(the_only_problem()).startswith("could not be repaired: 1 booking lies in")
    damaged.delete()
    assert list(find_problems()) == []


def test_a_claim_that_is_nobodys_is_for_somebody_to_decide(time_off: TimeOff) -> None:
    QuerySet(TimeOff)._raw_delete("default")
    problem = the_only_problem()
    assert problem.invariant == 4
    assert problem.message == (
        f"Busy interval {time_off.busy_interval_id} of Ada is time off that is not on record: "
        "March 6, 2131, 9 a.m. – March 6, 2131, noon."
    )
    assert repair(problem) == "cannot be repaired automatically"
