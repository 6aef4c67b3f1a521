"""One schedule as the template of many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from bookings.contrib.schedule.exceptions import InvalidSchedule, ScheduleExists
from bookings.contrib.schedule.models import DateOverride, Schedule
from bookings.contrib.schedule.services import (
    add_closures,
    copies,
    copy_schedule,
    create_schedule,
    set_week,
)
from bookings.contrib.schedule.services.copies import ENTRY_MODELS
from bookings.exceptions import InvalidBooking, MissingReference
from tests.contrib.schedule.hours.conftest import Make, overrides_of, revision_of, weekly_hours_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def template(schedule: Schedule) -> Schedule:
    add_closures(schedules=[schedule], first_date=date(2131, 12, 25), reason="Christmas")
    DateOverride.objects.create(
        schedule=schedule,
        date=date(2131, 12, 24),
        open_time="09:00",
        close_time="00:00",
        closes_next_day=True,
    )
    Schedule.objects.update(slot_step_minutes=20, alignment="CLOCK", timezone="Europe/Paris")
    return schedule


def test_rules_hours_and_overrides_are_copied(template: Schedule, make_provider: Make) -> None:
    grace, joan = make_provider("Grace"), make_provider("Joan")

    copies = copy_schedule(schedule=template, providers=[joan, grace])

    assert [copy.provider for copy in copies] == [joan, grace]
    for copy in copies:
        assert (copy.slot_step_minutes, copy.alignment, copy.timezone) == (
            20,
            "CLOCK",
            "Europe/Paris",
        )
        assert weekly_hours_of(copy) == weekly_hours_of(template)
        assert (
            overrides_of(copy)
            == overrides_of(template)
            == [
                "2131-12-24 09:00–24:00",
                "2131-12-25 closed Christmas",
            ]
        )


def test_a_copy_is_its_own_from_then_on(template: Schedule, make_provider: Make) -> None:
    (copy,) = copy_schedule(schedule=template, providers=[make_provider("Grace")])

    set_week(schedule=copy, hours={})

    assert weekly_hours_of(copy) == []
    assert len(weekly_hours_of(template)) == 2


def test_a_default_schedule_is_a_template_too(make_provider: Make) -> None:
    default = create_schedule(hours={0: [("09:00", "17:00")]})

    (copy,) = copy_schedule(schedule=default, providers=[make_provider("Grace")])

    assert weekly_hours_of(copy) == ["Monday 09:00–17:00 –"]


def test_who_has_one_already_is_named_and_nobody_gets_a_copy(
    template: Schedule, make_provider: Make
) -> None:
    grace, joan = make_provider("Grace"), make_provider("Joan")
    create_schedule(provider=grace)

    with pytest.raises(ScheduleExists, match="There is a schedule of Grace already"):
        copy_schedule(schedule=template, providers=[joan, grace])

    assert Schedule.objects.count() == 2


def test_replace_keeps_the_schedule_and_changes_what_it_says(
    template: Schedule, make_provider: Make
) -> None:
    grace = make_provider("Grace")
    old = create_schedule(provider=grace, hours={6: [("00:00", "24:00")]})
    add_closures(providers=[grace], first_date=date(2131, 5, 1))
    before = revision_of(old)

    (copy,) = copy_schedule(schedule=template, providers=[grace], replace=True)

    assert copy == old
    assert copy.revision > before
    assert weekly_hours_of(copy) == weekly_hours_of(template)
    assert overrides_of(copy) == overrides_of(template)


def test_to_be_given_twice_is_to_be_given_once(template: Schedule, make_provider: Make) -> None:
    grace = make_provider("Grace")
    assert len(copy_schedule(schedule=template, providers=[grace, grace])) == 1
    assert copy_schedule(schedule=template, providers=[]) == []


def test_to_many_it_takes_as_many_queries_as_to_one(
    template: Schedule, make_provider: Make
) -> None:
    with CaptureQueriesContext(connection) as few:
        copy_schedule(schedule=template, providers=[make_provider("Grace")])
    people = [make_provider(f"Provider {number}") for number in range(20)]
    with CaptureQueriesContext(connection) as many:
        copy_schedule(schedule=template, providers=people)

    # The first is also the one that makes the provider.
    assert len(many) <= len(few) - 1


def test_its_own_provider_gets_no_copy(template: Schedule, provider: Any) -> None:
    with pytest.raises(InvalidSchedule) as refused:
        copy_schedule(schedule=template, providers=[provider], replace=True)
    assert refused.value.code == "copy_to_itself"


def test_many_names_are_cut_short(template: Schedule, make_provider: Make) -> None:
    people = [make_provider(f"P{number}") for number in range(11)]
    copy_schedule(schedule=template, providers=people)
    with pytest.raises(ScheduleExists, match=r"P0, .*P9…") as refused:
        copy_schedule(schedule=template, providers=people)
    assert refused.value.providers == people


@pytest.mark.parametrize("providers", ["Ada", None, ["Ada"]])
def test_providers_are_a_list_of_providers(template: Schedule, providers: Any) -> None:
    with pytest.raises(InvalidBooking):
        copy_schedule(schedule=template, providers=providers)


def test_what_is_gone_cannot_be_copied(template: Schedule, make_provider: Make) -> None:
    Schedule.objects.all().delete()
    for gone in (template, Schedule()):
        with pytest.raises(MissingReference, match="not saved, or has been deleted"):
            copy_schedule(schedule=gone, providers=[make_provider("Grace")])


class Meanwhile:
    """The entry models; ``act`` runs before they are iterated for the first time."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.acts = iter([act])

    def __iter__(self) -> Iterator[Any]:
        for act in self.acts:
            act()
        yield from ENTRY_MODELS


@pytest.mark.parametrize("replace", [False, True])
def test_a_schedule_that_somebody_makes_meanwhile_is_no_error_of_the_database(
    template: Schedule, make_provider: Make, monkeypatch: pytest.MonkeyPatch, replace: bool
) -> None:
    grace = make_provider("Grace")
    rival = Meanwhile(lambda: create_schedule(provider=grace))
    monkeypatch.setattr(copies, "ENTRY_MODELS", rival)
    (copy,) = copy_schedule(schedule=template, providers=[grace], replace=replace)
    assert weekly_hours_of(copy) == weekly_hours_of(template)
    assert list(rival.acts) == []


def test_what_the_database_says_of_anything_else_is_not_tried_again(
    template: Schedule, make_provider: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    grace = make_provider("Grace")
    monkeypatch.setattr(copies, "ENTRY_MODELS", Meanwhile(lambda: create_schedule(provider=grace)))
    monkeypatch.setattr(copies, "translate_error", lambda _error: MissingReference("It is gone."))
    with pytest.raises(IntegrityError):
        copy_schedule(schedule=template, providers=[grace])
