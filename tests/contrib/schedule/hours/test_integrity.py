"""``check_bookings`` finds time off and claims that do not go together."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import QuerySet

from bookings import integrity
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
    assert the_only_problem().invariant == 3


def test_a_claim_that_is_nobodys_is_for_somebody_to_decide(time_off: TimeOff) -> None:
    QuerySet(TimeOff)._raw_delete("default")
    problem = the_only_problem()
    assert problem.invariant == 4
    assert problem.message == (
        f"Busy interval {time_off.busy_interval_id} of Ada is time off that is not on record: "
        "2131-03-06 09:00 – 2131-03-06 12:00."
    )
    assert repair(problem) == "cannot be repaired automatically"


def test_an_app_may_register_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integrity, "_registered", [])
    integrity.register(lambda using: iter([Problem(1, using)]))
    assert the_only_problem().message == "default"
