"""Dates on which nobody works."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.contrib.schedule.exceptions import InvalidSchedule, ScheduleMissing
from bookings.contrib.schedule.models import DateOverride, Schedule
from bookings.contrib.schedule.models.schedule import bump_revisions
from bookings.contrib.schedule.services import (
    add_closures,
    closures,
    copy_schedule,
    create_schedule,
    remove_closures,
)
from bookings.exceptions import InvalidBooking, MissingReference
from bookings.ledger.transactions import RetryTransaction
from bookings.services import cancel_booking
from tests.contrib.schedule.hours.conftest import NOW, Book, Make, at, overrides_of, revision_of

pytestmark = pytest.mark.django_db

SIXTH, SEVENTH = date(2131, 3, 6), date(2131, 3, 7)


def test_every_date_is_closed_for_every_provider(
    schedule: Schedule, provider: Any, make_provider: Make
) -> None:
    grace = make_provider("Grace")
    (other,) = copy_schedule(schedule=schedule, providers=[grace])

    made = add_closures(
        providers=[provider, grace], first_date=SIXTH, last_date=SEVENTH, reason="Inventory"
    )

    assert len(made.overrides) == 4
    assert made.bookings == []
    for one in (schedule, other):
        assert overrides_of(one) == [
            "2131-03-06 closed Inventory",
            "2131-03-07 closed Inventory",
        ]


def test_the_closures_have_keys_where_the_database_returns_none(
    schedule: Schedule, make_provider: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MySQL returns none of many rows."""
    monkeypatch.setattr(type(connection.features), "can_return_rows_from_bulk_insert", False)
    copy_schedule(schedule=schedule, providers=[make_provider("Grace")])
    DateOverride.objects.create(
        schedule=schedule, date=SEVENTH, open_time="09:00", close_time="10:00"
    )
    made = add_closures(schedules=Schedule.objects.all(), first_date=SIXTH, last_date=SEVENTH)
    assert len(made.overrides) == 4
    for closure in made.overrides:
        stored = DateOverride.objects.get(pk=closure.pk)
        assert stored.is_closed
        assert (stored.schedule_id, stored.date) == (closure.schedule_id, closure.date)


def test_one_date_needs_no_last_one(schedule: Schedule) -> None:
    add_closures(schedules=[schedule], first_date=SIXTH)
    assert overrides_of(schedule) == ["2131-03-06 closed"]


def test_an_iterator_is_closed_whole_when_the_database_asks_to_try_again(
    schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = iter([RetryTransaction])

    def busy_at_first(keys: Any, *, using: str) -> int:
        for busy in attempts:
            raise busy
        return bump_revisions(keys, using=using)

    monkeypatch.setattr(closures, "bump_revisions", busy_at_first)

    add_closures(schedules=iter([schedule]), first_date=SIXTH)

    assert overrides_of(schedule) == ["2131-03-06 closed"]


def test_to_close_twice_is_to_close_once(schedule: Schedule, provider: Any) -> None:
    add_closures(schedules=[schedule], first_date=SIXTH, reason="Inventory")

    again = add_closures(
        providers=[provider], schedules=[schedule], first_date=SIXTH, last_date=SEVENTH
    )

    assert [made.date for made in again.overrides] == [SEVENTH]
    assert overrides_of(schedule) == ["2131-03-06 closed Inventory", "2131-03-07 closed"]


def test_bookings_stay_and_those_that_begin_on_a_closed_date_are_listed(
    schedule: Schedule, book: Book, make_provider: Make
) -> None:
    Schedule.objects.update(timezone="America/New_York")
    midnight = datetime(2131, 3, 6, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
    book(midnight - timedelta(hours=1))
    late = book(midnight + timedelta(hours=23))
    early = book(midnight)
    book(midnight + timedelta(hours=24))
    cancel_booking(book(midnight + timedelta(hours=5)), now_dt=NOW)
    book(midnight, provider=make_provider("Grace"))

    made = add_closures(schedules=[schedule], first_date=SIXTH)

    assert made.bookings == [early, late]
    early.refresh_from_db()
    assert early.holds_time


def test_each_zone_has_its_own_day(schedule: Schedule, book: Book, make_provider: Make) -> None:
    grace = make_provider("Grace")
    other = create_schedule(provider=grace, timezone="Asia/Tokyo")
    instant = at(20, day=5)
    book(instant)
    in_tokyo = book(instant, provider=grace)

    made = add_closures(schedules=[schedule, other], first_date=SIXTH)

    assert made.bookings == [in_tokyo]


def test_a_default_schedule_closes_for_who_has_none_of_their_own(
    schedule: Schedule, book: Book, make_provider: Make
) -> None:
    default = create_schedule(timezone="UTC")
    book(at(10))
    of_grace = book(at(10), provider=make_provider("Grace"))

    made = add_closures(schedules=[default], first_date=SIXTH)

    assert made.bookings == [of_grace]


def test_who_has_no_schedule_of_their_own_is_named(
    schedule: Schedule, provider: Any, make_provider: Make
) -> None:
    create_schedule()
    grace = make_provider("Grace")
    with pytest.raises(
        ScheduleMissing, match=r"own: Grace\. Make them one with create_schedule"
    ) as e:
        add_closures(providers=[provider, grace], first_date=SIXTH)
    assert e.value.providers == [grace]
    assert not DateOverride.objects.exists()


def test_a_date_opens_again_with_its_own_hours(schedule: Schedule) -> None:
    DateOverride.objects.create(
        schedule=schedule, date=SIXTH, open_time="10:00", close_time="12:00"
    )
    add_closures(schedules=[schedule], first_date=SIXTH, last_date=date(2131, 3, 9))

    removed = remove_closures(schedules=[schedule], first_date=SIXTH, last_date=SEVENTH)

    assert removed == 2
    assert overrides_of(schedule) == [
        "2131-03-06 10:00–12:00",
        "2131-03-08 closed",
        "2131-03-09 closed",
    ]
    assert remove_closures(schedules=[schedule], first_date=SIXTH) == 0


def test_both_count_as_changes(schedule: Schedule, provider: Any) -> None:
    before = revision_of(schedule)
    add_closures(providers=[provider], first_date=SIXTH)
    between = revision_of(schedule)
    remove_closures(providers=[provider], first_date=SIXTH)
    assert before < between < revision_of(schedule)


def test_many_dates_of_many_providers_take_as_many_queries_as_one(
    schedule: Schedule, make_provider: Make
) -> None:
    people = [make_provider(f"Provider {number}") for number in range(20)]
    copies = copy_schedule(schedule=schedule, providers=people)
    with CaptureQueriesContext(connection) as few:
        add_closures(schedules=[schedule], first_date=SIXTH)
    with CaptureQueriesContext(connection) as many:
        add_closures(schedules=copies, first_date=SIXTH, last_date=SEVENTH)
    assert len(many) == len(few)


@pytest.mark.parametrize("call", [add_closures, remove_closures])
@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"first_date": SEVENTH, "last_date": SIXTH}, "range_reversed"),
        ({"first_date": SIXTH, "last_date": date(2132, 3, 6)}, "range_too_long"),
        ({"first_date": "2131-03-06"}, "invalid_date"),
        ({"first_date": NOW}, "invalid_date"),
        ({"first_date": SIXTH, "last_date": NOW}, "invalid_date"),
        ({"first_date": SIXTH, "schedules": None}, "nobody"),
        ({"first_date": SIXTH, "schedules": "all"}, "invalid_schedule"),
    ],
)
def test_what_makes_no_sense_is_refused(
    schedule: Schedule, call: Any, values: dict[str, Any], code: str
) -> None:
    with pytest.raises(InvalidSchedule) as refused:
        call(**({"schedules": [schedule]} | values))
    assert refused.value.code == code
    assert not DateOverride.objects.exists()


@pytest.mark.parametrize("day", [date.min, date(1969, 12, 31), date.max])
def test_a_date_on_which_nothing_can_be_booked_is_refused(schedule: Schedule, day: date) -> None:
    with pytest.raises(InvalidBooking) as refused:
        add_closures(schedules=[schedule], first_date=day)
    assert refused.value.code == "out_of_range"


def test_a_year_is_not_too_long(schedule: Schedule) -> None:
    made = add_closures(schedules=[schedule], first_date=SIXTH, last_date=date(2132, 3, 5))
    assert len(made.overrides) == 366


@pytest.mark.parametrize("reason", [None, 7, "x" * 256, "a\x00b"])
def test_a_reason_that_cannot_be_stored_is_refused(schedule: Schedule, reason: Any) -> None:
    with pytest.raises(InvalidBooking):
        add_closures(schedules=[schedule], first_date=SIXTH, reason=reason)


def test_what_is_gone_cannot_be_closed(schedule: Schedule) -> None:
    Schedule.objects.all().delete()
    with pytest.raises(MissingReference, match="not saved, or has been deleted"):
        add_closures(schedules=[schedule], first_date=SIXTH)
    with pytest.raises(MissingReference, match="not saved, or has been deleted"):
        remove_closures(schedules=[Schedule()], first_date=SIXTH)
