"""Constraints, form validation and the revision of schedules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.forms import modelform_factory

from bookings.contrib.schedule.models import BusinessHours, DateOverride, Schedule, TimeOff
from tests.contrib.schedule.hours.conftest import Make, at, revision_of

pytestmark = pytest.mark.django_db

NINE, NOON, FIVE = time(9), time(12), time(17)
MONDAY, WEDNESDAY = 0, 2
CHRISTMAS = date(2131, 12, 25)


def hours(schedule: Schedule, **values: Any) -> BusinessHours:
    given = {"day_of_week": WEDNESDAY, "open_time": NINE, "close_time": FIVE} | values
    return BusinessHours(schedule=schedule, **given)


def override(schedule: Schedule, **values: Any) -> DateOverride:
    given = {"date": CHRISTMAS, "open_time": NINE, "close_time": FIVE} | values
    return DateOverride(schedule=schedule, **given)


def closed(make: Callable[..., Any], schedule: Schedule, **values: Any) -> Any:
    return make(schedule, open_time=None, close_time=None, is_closed=True, **values)


both = pytest.mark.parametrize("make", [hours, override])


@both
@pytest.mark.parametrize(
    "values",
    [
        {"open_time": FIVE, "close_time": NINE},
        {"open_time": NINE, "close_time": NINE},
        {"open_time": NINE, "close_time": FIVE, "closes_next_day": True},
        {"open_time": None},
        {"close_time": None},
        {"is_closed": True},
        {"open_time": None, "close_time": None},
        {"open_time": None, "close_time": None, "is_closed": True, "closes_next_day": True},
    ],
)
def test_the_database_refuses_what_is_no_shift(
    schedule: Schedule, make: Callable[..., Any], values: dict[str, Any]
) -> None:
    row = make(schedule, **values)
    with pytest.raises(ValidationError):
        row.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


@both
@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"open_time": FIVE, "close_time": NINE}, "close_time", "say closes_next_day"),
        ({"closes_next_day": True}, "close_time", "more than 24 hours"),
        ({"open_time": None}, "open_time", "Give both times"),
        ({"close_time": None}, "close_time", "Give both times"),
        ({"is_closed": True}, "is_closed", "What is closed has no hours"),
    ],
)
def test_a_form_is_told_once_and_at_the_field(
    schedule: Schedule, make: Callable[..., Any], values: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        make(schedule, **values).full_clean()
    (message,) = refused.value.message_dict.pop(field)
    assert said in message
    assert refused.value.message_dict.keys() <= {field}


@both
def test_a_night_shift_and_a_closed_day_are_fine(
    schedule: Schedule, make: Callable[..., Any]
) -> None:
    for row in (
        make(schedule, open_time=time(22), close_time=time(2), closes_next_day=True),
        closed(make, schedule),
    ):
        row.full_clean()
        row.save()
        assert row.hours is None or str(row.hours) == "22:00–02:00 (+1)"


@both
def test_shifts_that_overlap_are_both_named(schedule: Schedule, make: Callable[..., Any]) -> None:
    make(schedule, open_time=NINE, close_time=NOON).save()
    make(schedule, open_time=NOON, close_time=FIVE).full_clean()
    make(schedule, open_time=time(8), close_time=NINE).full_clean()

    with pytest.raises(ValidationError, match="10:00–17:00 and 09:00–12:00 overlap"):
        make(schedule, open_time=time(10)).full_clean()
    with pytest.raises(ValidationError, match="overlap"):
        make(schedule, open_time=NINE, close_time=time(10)).full_clean()


@both
def test_a_shift_does_not_overlap_itself_nor_what_is_closed(
    schedule: Schedule, make: Callable[..., Any]
) -> None:
    row = make(schedule)
    row.save()
    row.full_clean()
    closed(make, schedule).full_clean()
    closed(make, schedule).save()
    row.full_clean()


def test_shifts_of_other_days_schedules_and_validities_do_not_overlap(
    schedule: Schedule, make_provider: Make
) -> None:
    hours(schedule, valid_until=date(2131, 6, 30)).save()
    other = Schedule.objects.create(provider=make_provider("Grace"))

    hours(schedule, day_of_week=4).full_clean()
    hours(other).full_clean()
    hours(schedule, valid_from=date(2131, 7, 1)).full_clean()
    with pytest.raises(ValidationError, match="overlap"):
        hours(schedule, valid_from=date(2131, 6, 30)).full_clean()
    with pytest.raises(ValidationError, match="overlap"):
        hours(schedule).full_clean()


def test_overrides_of_other_dates_do_not_overlap(schedule: Schedule) -> None:
    override(schedule).save()
    override(schedule, date=date(2131, 12, 26)).full_clean()


@pytest.mark.skipif(
    connection.vendor == "mysql",
    reason="MySQL and MariaDB have no unique index with a condition, so Django makes none there.",
)
def test_the_database_refuses_a_shift_twice(schedule: Schedule) -> None:
    hours(schedule).save()
    with pytest.raises(IntegrityError), transaction.atomic():
        hours(schedule, close_time=NOON).save()


def test_the_database_refuses_a_shift_of_a_date_twice(schedule: Schedule) -> None:
    override(schedule).save()
    with pytest.raises(IntegrityError), transaction.atomic():
        override(schedule, close_time=NOON).save()


def test_the_database_refuses_a_shift_twice_from_one_day_on(schedule: Schedule) -> None:
    hours(schedule, valid_from=CHRISTMAS).save()
    with pytest.raises(IntegrityError), transaction.atomic():
        hours(schedule, valid_from=CHRISTMAS, close_time=NOON).save()


def test_a_validity_begins_before_it_ends(schedule: Schedule) -> None:
    row = hours(schedule, valid_from=CHRISTMAS, valid_until=date(2131, 12, 24))
    with pytest.raises(ValidationError, match="It ends before it begins"):
        row.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()
    hours(schedule, valid_from=CHRISTMAS, valid_until=CHRISTMAS).full_clean()


def test_a_week_has_seven_days(schedule: Schedule) -> None:
    row = hours(schedule, day_of_week=7)
    with pytest.raises(ValidationError, match="day_of_week"):
        row.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"timezone": "Europe/Atlantis"}, "timezone"),
        ({"slot_step_minutes": 0}, "slot_step_minutes"),
        ({"slot_step_minutes": 1441}, "slot_step_minutes"),
        ({"holiday_country": "XX"}, "holiday_country"),
        ({"holiday_country": "DE", "holiday_subdivision": "CA"}, "holiday_country"),
        ({"holiday_subdivision": "BY"}, "holiday_country"),
    ],
)
def test_a_form_is_told_what_is_wrong_with_a_schedule(
    schedule: Schedule, values: dict[str, Any], field: str
) -> None:
    for name, value in values.items():
        setattr(schedule, name, value)
    with pytest.raises(ValidationError) as refused:
        schedule.full_clean()
    assert refused.value.message_dict.keys() == {field}


def test_without_the_library_a_form_is_told_what_to_install(
    schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bookings.contrib.schedule import public_holidays

    public_holidays._subdivisions_by_country.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "holidays", None)
    schedule.holiday_country = "DE"
    with pytest.raises(ValidationError, match=r"pip install .*django-bookings\[holidays\]"):
        schedule.full_clean()


@pytest.mark.parametrize("step", [0, 1441])
def test_the_database_refuses_a_step_that_is_none(schedule: Schedule, step: int) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Schedule.objects.update(slot_step_minutes=step)


def test_there_is_one_default_and_one_schedule_for_each_provider(
    schedule: Schedule, provider: Any, make_provider: Make
) -> None:
    Schedule.objects.create()
    Schedule.objects.create(provider=make_provider("Grace"))
    Schedule.objects.create(provider=make_provider("Joan"))

    with pytest.raises(ValidationError, match="There is a default schedule already"):
        Schedule().full_clean()
    for owner in (None, provider):
        with pytest.raises(IntegrityError), transaction.atomic():
            Schedule.objects.create(provider=owner)


def test_a_default_cannot_become_a_second_one_of_a_provider(schedule: Schedule) -> None:
    Schedule.objects.create()
    with pytest.raises(IntegrityError), transaction.atomic():
        Schedule.objects.filter(pk=schedule.pk).update(provider=None)


def test_rows_are_told_by_what_they_say(schedule: Schedule) -> None:
    assert str(hours(schedule)) == "Wednesday 09:00–17:00"
    assert str(closed(hours, schedule)) == "Wednesday closed"
    assert str(override(schedule)) == "Dec. 25, 2131 09:00–17:00"
    assert str(closed(override, schedule)) == "Dec. 25, 2131 closed"
    assert str(closed(override, schedule, reason="Christmas")) == "Dec. 25, 2131 Christmas"


def test_they_go_with_their_provider(schedule: Schedule, provider: Any) -> None:
    override(schedule).save()
    provider.delete()
    for model in (Schedule, BusinessHours, DateOverride):
        assert not model.objects.exists()


def change_the_schedule(schedule: Schedule) -> None:
    schedule.slot_step_minutes = 20
    schedule.save()


CHANGES: dict[str, Callable[[Schedule, Any], Any]] = {
    "the schedule's save": lambda schedule, row: change_the_schedule(schedule),
    "its save of a field": lambda schedule, row: schedule.save(update_fields=["alignment"]),
    "its update": lambda schedule, row: Schedule.objects.filter(pk=schedule.pk).update(
        timezone="UTC"
    ),
    "its bulk_update": lambda schedule, row: Schedule.objects.bulk_update([schedule], ["timezone"]),
    "a new row": lambda schedule, row: schedule.hours.create(
        day_of_week=4, open_time=NINE, close_time=FIVE
    ),
    "a new override": lambda schedule, row: schedule.overrides.create(
        date=CHRISTMAS, is_closed=True
    ),
    "bulk_create": lambda schedule, row: BusinessHours.objects.bulk_create(
        [hours(schedule, day_of_week=4)]
    ),
    "a row's save": lambda schedule, row: row.save(),
    "a row's delete": lambda schedule, row: row.delete(),
    "update": lambda schedule, row: schedule.hours.update(close_time=FIVE),
    "bulk_update": lambda schedule, row: BusinessHours.objects.bulk_update([row], ["open_time"]),
    "update_or_create": lambda schedule, row: BusinessHours.objects.update_or_create(
        pk=row.pk, defaults={"close_time": NOON}
    ),
    "delete": lambda schedule, row: schedule.hours.filter(pk=row.pk).delete(),
}


@pytest.mark.parametrize("way", CHANGES)
def test_the_revision_grows_with_every_change(
    schedule: Schedule, make_provider: Make, way: str
) -> None:
    other = Schedule.objects.create(provider=make_provider("Grace"))
    row = schedule.hours.first()
    before, of_the_other = revision_of(schedule), revision_of(other)

    CHANGES[way](schedule, row)

    assert revision_of(schedule) > before
    assert revision_of(other) == of_the_other


MOVES: dict[str, Callable[[BusinessHours, Schedule], Any]] = {
    "save": lambda row, other: (setattr(row, "schedule", other), row.save()),
    "update": lambda row, other: BusinessHours.objects.filter(pk=row.pk).update(schedule=other),
    "update by key": lambda row, other: BusinessHours.objects.filter(pk=row.pk).update(
        schedule_id=other.pk
    ),
}


@pytest.mark.parametrize("way", MOVES)
def test_a_row_that_moves_changes_both(schedule: Schedule, make_provider: Make, way: str) -> None:
    other = Schedule.objects.create(provider=make_provider("Grace"))
    before = revision_of(schedule), revision_of(other)

    MOVES[way](schedule.hours.first(), other)

    assert revision_of(schedule) > before[0]
    assert revision_of(other) > before[1]


def test_a_stale_schedule_does_not_take_its_revision_back(schedule: Schedule) -> None:
    stale = Schedule.objects.get(pk=schedule.pk)
    for _ in range(3):
        change_the_schedule(schedule)

    change_the_schedule(stale)

    assert stale.revision == revision_of(schedule) == schedule.revision + 1


def test_a_schedule_that_was_deleted_meanwhile_is_stored_again(schedule: Schedule) -> None:
    """As Django does with any row."""
    stale = Schedule.objects.get(pk=schedule.pk)
    schedule.delete()
    stale.save()
    assert Schedule.objects.get() == stale


def test_the_database_refuses_time_off_that_ends_before_it_begins(provider: Any) -> None:
    row = TimeOff(provider=provider, start_at=at(9), end_at=at(12))
    row.save()
    row.end_at = at(8)
    with pytest.raises(ValidationError, match="must be after start"):
        row.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save_row(using="default", update_fields=["end_at"])


@pytest.mark.parametrize(
    ("end", "text"),
    [
        ("2131-03-06 09:00", "End time must be after start time."),
        ("2131-03-06 10:00", "End time must be after start time."),
        ("2141-03-06 10:00", "3653 days off are too many at once. Take 1830 at most."),
        ("", "This field is required."),
    ],
)
def test_a_form_is_told_what_is_wrong_with_time_off(provider: Any, end: str, text: str) -> None:
    form_class = modelform_factory(TimeOff, fields=["provider", "start_at", "end_at"])
    form = form_class({"provider": provider.pk, "start_at": "2131-03-06 10:00", "end_at": end})
    assert form.errors == {"end_at": [text]}


@pytest.mark.parametrize("owner", [["provider", "tenant"], ["provider"], []], ids=str)
def test_a_form_is_told_that_there_is_a_default_already(owner: list[str]) -> None:
    values = {
        "timezone": "UTC",
        "slot_step_minutes": 15,
        "alignment": "CLOCK",
        "minimum_notice_minutes": 0,
    }
    form_class = modelform_factory(Schedule, fields=[*owner, *values])
    default = form_class(values).save()
    assert form_class(values).errors == {
        "__all__": ["There is a default schedule already. Change that one."]
    }
    assert form_class(values, instance=default).is_valid()
