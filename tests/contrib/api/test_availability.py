"""What could be booked, over HTTP: it is what the selectors say, and what can be booked then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.selectors import slots_between
from bookings.contrib.schedule.services import add_closures, take_time_off
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.contrib.api.conftest import API, As, send
from tests.contrib.schedule.slots.conftest import ENGINE_PATH, NINE_TO_FIVE, create_schedule
from tests.core.conftest import Book
from tests.core.moments import NOW, at

pytestmark = pytest.mark.django_db

DAY = {"start": "2131-03-06T00:00:00Z", "end": "2131-03-07T00:00:00Z"}
Ask = Callable[..., Any]


@pytest.fixture(autouse=True)
def schedule(provider: Any, settings: Any) -> Schedule:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = ENGINE_PATH
    return create_schedule(NINE_TO_FIVE, provider=provider)


@pytest.fixture
def ask(as_: As, service: Any) -> Ask:
    def get(what: str = "", role: str = "anonymous", etag: str = "", **values: Any) -> Any:
        query = urlencode({"service": service.pk, **DAY, **values}, doseq=True)
        headers = {"If-None-Match": etag} if etag else {}
        return as_(role).get(f"{API}availability/{what}?{query}", headers=headers)

    return get


def starts(response: Any) -> list[str]:
    assert response.status_code == 200, response.json()
    return [slot["start"] for slot in response.json()["slots"]]


def test_slots_are_those_of_the_selector(ask: Ask, booking: Booking, service: Any) -> None:
    response = ask()
    slots = slots_between(service, [booking.provider], at(0), at(0, day=7))
    assert response.json()["slots"] == [
        {
            "start": slot.start.isoformat(),
            "end": slot.end.isoformat(),
            "provider": booking.provider_id,
            "remaining_capacity": 1,
        }
        for slot in slots
    ]
    assert "2131-03-06T10:00:00+00:00" not in starts(response)
    assert len(slots) == 7


def test_several_providers_are_one_list(ask: Ask, provider: Any, other_provider: Any) -> None:
    create_schedule(("09:00", "11:00"), provider=other_provider)
    every = ask(time_zone="Europe/Berlin").json()["slots"]
    assert [(slot["start"], slot["provider"]) for slot in every[:3]] == [
        ("2131-03-06T10:00:00+01:00", provider.pk),
        ("2131-03-06T10:00:00+01:00", other_provider.pk),
        ("2131-03-06T11:00:00+01:00", provider.pk),
    ]
    one = ask(provider=[other_provider.pk, other_provider.pk]).json()["slots"]
    assert {slot["provider"] for slot in one} == {other_provider.pk}


def test_what_the_booking_needs_counts(
    ask: Ask, as_: As, addon: Any, make_service: Any, group_service: Any
) -> None:
    assert len(starts(ask(addon=addon.pk))) == 7
    chosen = make_service(maximum_duration_minutes=240, duration_step_minutes=60)
    assert len(starts(ask(service=chosen.pk, duration=240))) == 5
    by_day = make_service(duration_days=1, spans_closures=True)
    assert len(starts(ask(service=by_day.pk, duration_days=1))) == 8
    seats = ask(service=group_service.pk, party_size=3).json()["slots"]
    assert seats[0]["remaining_capacity"] == 3
    too_many = ask(service=group_service.pk, party_size=4)
    assert (too_many.status_code, too_many.json()["code"]) == (409, "capacity_exceeded")


def test_a_booking_that_is_moved_is_not_in_its_own_way(
    ask: Ask, as_: As, booking: Booking, people: Any
) -> None:
    def moved(role: str, **values: Any) -> Any:
        query = urlencode({"booking": booking.uuid, **DAY, **values})
        return as_(role).get(f"{API}availability/?{query}")

    assert len(starts(moved("client"))) == 8
    assert len(starts(moved("client", provider=booking.provider_id))) == 8
    for refused in (moved("other"), moved("anonymous"), moved("client", party_size=2)):
        assert refused.status_code == 400


def test_a_client_is_not_offered_what_a_limit_forbids(
    ask: Ask, booking: Booking, make_service: Any, settings: Any
) -> None:
    settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY = 1
    assert starts(ask(role="client")) == []
    assert len(starts(ask(role="other"))) == len(starts(ask())) == 7


def test_days_say_why_there_is_nothing(ask: Ask, provider: Any, book: Book) -> None:
    add_closures(providers=[provider], first_date=at(0, day=7).date(), reason="Moving")
    for hour in range(9, 17):
        book(at(hour, day=8))
    days = ask("days/", start="2131-03-06", end="2131-03-08").json()["days"]
    assert days == [
        {"date": "2131-03-06", "status": "OPEN", "slots": 8, "reason": ""},
        {"date": "2131-03-07", "status": "CLOSED", "slots": 0, "reason": "Moving"},
        {"date": "2131-03-08", "status": "FULL", "slots": 0, "reason": ""},
    ]


def test_the_next_slot(ask: Ask, as_: As, service: Any, provider: Any, schedule: Any) -> None:
    address = f"{API}availability/next/?service={service.pk}"
    slot = as_("anonymous").get(f"{address}&start=2131-03-06T12:30:00Z").json()["slot"]
    assert (slot["start"], slot["provider"]) == ("2131-03-06T13:00:00+00:00", provider.pk)
    assert as_("anonymous").get(address).json()["slot"] is not None
    schedule.hours.all().delete()
    assert as_("anonymous").get(address).json() == {"slot": None}


def test_an_answer_that_is_known_is_not_sent_again(
    ask: Ask, book: Book, provider: Any, service: Any
) -> None:
    etag = ask().headers["ETag"]
    assert ask(etag=etag).status_code == 304

    def is_changed() -> bool:
        nonlocal etag
        before, etag = etag, ask().headers["ETag"]
        return before != etag

    booked = book(at(10))
    assert is_changed()
    cancel_booking(booked, now_dt=NOW)
    assert is_changed()
    take_time_off(provider=provider, start_at=at(12), end_at=at(13), now_dt=NOW)
    assert is_changed()
    add_closures(providers=[provider], first_date=at(0, day=9).date())
    assert is_changed()
    service.buffer_after_minutes = 10
    service.save()
    assert is_changed()
    assert not is_changed()


def test_what_is_offered_can_be_booked(
    ask: Ask, as_: As, service: Any, book: Book, people: Any
) -> None:
    """Each of them, at that moment, and nothing else of the grid."""
    book(at(11))
    offered = starts(ask(role="client"))
    for hour in range(8, 18):
        start = at(hour).isoformat()
        response = send(
            as_("client"),
            "bookings/",
            {"service": service.pk, "start_at": start, "client_name": f"Kim {hour}"},
        )
        assert (response.status_code == 201) == (start in offered), response.json()


WRONG_PARAMETERS: Final[list[tuple[str, dict[str, Any], str, str]]] = [
    ("", {"service": ""}, "service", "required"),
    ("", {"service": 0}, "service", "does_not_exist"),
    ("", {"provider": "Ada"}, "provider", "does_not_exist"),
    ("", {"addon": 0}, "addon", "does_not_exist"),
    ("", {"duration": 0}, "duration", "min_value"),
    ("", {"duration": 50}, "duration", "invalid_duration"),
    ("", {"party_size": "two"}, "party_size", "invalid"),
    ("", {"time_zone": "Mars"}, "time_zone", "unknown_timezone"),
    ("", {"start": ""}, "start", "required"),
    ("", {"end": "2131-03-05T00:00:00Z"}, "service", "range_reversed"),
    ("", {"end": "2131-05-08T00:00:00Z"}, "end", "range_too_long"),
    ("", {"colour": "red"}, "colour", "unknown_parameter"),
    ("days/", {"start": "2131-03-06T00:00:00Z"}, "start", "invalid"),
    ("days/", {"start": "2131-03-06", "end": "2131-05-07"}, "end", "range_too_long"),
    ("next/", {}, "end", "unknown_parameter"),
]


def test_a_parameter_that_is_wrong_is_named(ask: Ask) -> None:
    for what, wrong, name, code in WRONG_PARAMETERS:
        response = ask(what, **({"end": "2131-03-08"} if what == "days/" else {}) | wrong)
        assert response.status_code == 400, response.json()
        found = {(error["parameter"], error["code"]) for error in response.json()["errors"]}
        assert (name, code) in found


def test_more_providers_take_no_more_queries(ask: Ask, provider: Any) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            ask()
        return len(captured)

    first = queries()
    for number in range(5):
        create_schedule(NINE_TO_FIVE, provider=type(provider).objects.create(name=f"P{number}"))
    assert queries() == first
    etag = ask().headers["ETag"]
    with CaptureQueriesContext(connection) as captured:
        assert ask(etag=etag).status_code == 304
    # The service, the providers who offer it, and three for the tag.
    assert len(captured) == 5


def test_a_range_may_be_as_long_as_the_setting_says(ask: Ask, settings: Any) -> None:
    settings.BOOKINGS_API_AVAILABILITY_DAYS = 1
    assert ask().status_code == 200
    longer = at(0, day=7) + timedelta(seconds=1)
    assert ask(end=longer.isoformat()).status_code == 400
