"""Sessions that take resources, such as a room, besides their provider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import ProtectedError, QuerySet
from django.test.utils import CaptureQueriesContext

from bookings.contrib.group_sessions import session_resources
from bookings.contrib.group_sessions.models import Session, SessionResource
from bookings.contrib.group_sessions.services import (
    cancel_session,
    create_session,
    finish_session,
    generate_sessions,
    update_session,
)
from bookings.contrib.schedule.selectors import list_available_slots
from bookings.contrib.schedule.services import create_schedule
from bookings.contrib.series.exceptions import SeriesConflict
from bookings.contrib.series.models import Occurrence
from bookings.contrib.series.services import (
    add_occurrence,
    cancel_series,
    create_session_series,
    reschedule_series,
)
from bookings.exceptions import (
    BookingBusy,
    BookingConflict,
    InvalidBooking,
    NotAllowed,
    PoolExhausted,
    ResourceTaken,
)
from bookings.integrity import find_problems
from bookings.models import BookingEvent, BusyInterval, Calendar
from bookings.pools import AnyOf
from bookings.services import create_booking, hold_booking
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    Factory,
    MakeBooking,
    MakeSession,
)
from tests.services.storage import nothing_done

DAY = timedelta(days=1)
EVERY_DAY = {day: [("09:00", "17:00")] for day in range(7)}

pytestmark = pytest.mark.django_db


@pytest.fixture
def rooms(make_provider: Factory) -> list[Any]:
    return [make_provider(name=f"Room {number}") for number in (1, 2)]


def rooms_of(session: Session) -> list[Any]:
    rows = SessionResource.objects.filter(session=session).order_by("pk")
    return [row.provider for row in rows.select_related("provider")]


def busy(provider: Any) -> list[Any]:
    mine = BusyInterval.objects.filter(calendar__provider=provider)
    return [interval.start_at for interval in mine.order_by("starts")]


@pytest.fixture(autouse=True)
def _sound(db: None) -> Iterator[None]:
    yield
    assert list(find_problems()) == []


@contextmanager
def needing(service: Any, *resources: Any) -> Iterator[None]:
    """Let the service need these resources meanwhile."""
    type(service).resources = resources
    try:
        yield
    finally:
        del type(service).resources


def test_a_session_takes_its_room(
    make_session: MakeSession, rooms: list[Any], service: Any, other_provider: Any
) -> None:
    session = make_session(resources=[rooms[0]])

    assert (rooms_of(session), session.resource_count) == ([rooms[0]], 1)
    assert busy(rooms[0]) == [START]
    for refused in (
        lambda: make_session(provider=other_provider, resources=rooms[:1]),
        lambda: create_booking(
            service=service,
            provider=other_provider,
            resources=rooms[:1],
            start_at=START,
            client_name="Kim",
            now_dt=NOW,
        ),
    ):
        with nothing_done(), pytest.raises(ResourceTaken) as caught:
            refused()
        assert caught.value.resource == rooms[0]
    with nothing_done(), pytest.raises(BookingConflict):
        make_session(provider=rooms[0], start_at=START + HOUR / 2)


def test_of_a_pool_the_first_that_is_free_is_taken(
    make_session: MakeSession, rooms: list[Any], make_provider: Factory
) -> None:
    teachers = [make_provider(name=name) for name in "ABC"]

    made = [make_session(provider=one, resources=[AnyOf(rooms)]) for one in teachers[:2]]
    assert [rooms_of(session) for session in made] == [[rooms[0]], [rooms[1]]]
    with nothing_done(), pytest.raises(PoolExhausted):
        make_session(provider=teachers[2], resources=[AnyOf(rooms)])
    pool = AnyOf(teachers, strategy="round_robin")
    later = {"start_at": START + DAY, "resources": [AnyOf(rooms, strategy="round_robin")]}
    assert rooms_of(make_session(provider=pool, **later)) == [rooms[0]]
    assert rooms_of(make_session(provider=pool, **later)) == [rooms[1]]
    assert Calendar.objects.filter(chosen_at__isnull=False).count() == 4


def test_what_the_service_needs_is_taken_in_any_case(
    make_session: MakeSession, rooms: list[Any], service: Any
) -> None:
    with needing(service, AnyOf(rooms)):
        assert rooms_of(make_session()) == [rooms[0]]
        chosen = make_session(start_at=START + DAY, resources=[rooms[1]])
    assert rooms_of(chosen) == [rooms[1]]


def test_a_room_that_is_not_active_is_refused_unless_staff_override(
    make_session: MakeSession, rooms: list[Any]
) -> None:
    rooms[0].is_active = False
    rooms[0].save()

    with nothing_done(), pytest.raises(NotAllowed, match="Room 1 is not active"):
        make_session(resources=rooms[:1])
    assert make_session(resources=rooms[:1], override_policy=True)
    with pytest.raises(InvalidBooking, match="must be a list"):
        make_session(start_at=START + DAY, resources=AnyOf(rooms))


def test_a_lapsed_hold_on_the_room_makes_way(
    make_session: MakeSession, rooms: list[Any], service: Any, other_provider: Any
) -> None:
    hold = hold_booking(
        service=service,
        provider=other_provider,
        resources=rooms[:1],
        start_at=START,
        now_dt=NOW,
        hold_minutes=5,
    )

    assert make_session(resources=rooms[:1], now_dt=NOW + HOUR)
    hold.refresh_from_db()
    assert hold.status == "CANCELLED"


def test_the_room_moves_with_the_session(
    make_session: MakeSession, make_booking: MakeBooking, rooms: list[Any], provider: Any
) -> None:
    session = make_session(resources=rooms[:1])
    seat = make_booking(session)

    update_session(session, start_at=START + HOUR / 2, now_dt=NOW)
    assert busy(provider) == busy(rooms[0]) == [START + HOUR / 2]
    update_session(session, capacity=5, title="Morning", now_dt=NOW)
    assert rooms_of(session) == [rooms[0]]
    event = BookingEvent.objects.filter(booking=seat, event_type="RESCHEDULED").get()
    assert "new_resources" not in event.data


def test_a_session_that_moves_takes_another_room_of_its_pool(
    make_session: MakeSession, make_booking: MakeBooking, rooms: list[Any], other_provider: Any
) -> None:
    session = make_session(resources=[AnyOf(rooms)])
    seat = make_booking(session)
    certain = make_session(provider=other_provider, start_at=START + DAY, resources=rooms[:1])

    update_session(session, start_at=START + DAY, now_dt=NOW)
    assert (rooms_of(session), rooms_of(certain)) == ([rooms[1]], [rooms[0]])
    event = BookingEvent.objects.filter(booking=seat, event_type="RESCHEDULED").get()
    assert (event.data["old_resources"], event.data["new_resources"]) == (
        [rooms[0].pk],
        [rooms[1].pk],
    )


def test_a_certain_room_is_not_replaced_and_nothing_moves(
    make_session: MakeSession, rooms: list[Any], other_provider: Any
) -> None:
    make_session(provider=other_provider, resources=rooms[:1])
    session = make_session(start_at=START + DAY, resources=rooms[:1])

    with nothing_done(), pytest.raises(ResourceTaken):
        update_session(session, start_at=START, now_dt=NOW)


def test_other_resources_are_taken_in_place_of_those_that_it_has(
    make_session: MakeSession, rooms: list[Any]
) -> None:
    session = make_session()

    update_session(session, resources=rooms[:1], now_dt=NOW)
    assert (rooms_of(session), session.resource_count) == ([rooms[0]], 1)
    version = session.updated_at
    update_session(session, resources=rooms[:1], now_dt=NOW)
    assert session.updated_at == version
    update_session(session, resources=[rooms[1]], now_dt=NOW)
    assert (rooms_of(session), busy(rooms[0]), busy(rooms[1])) == ([rooms[1]], [], [START])
    update_session(session, resources=[], now_dt=NOW)
    assert (rooms_of(session), session.resource_count, busy(rooms[1])) == ([], 0, [])


def test_the_provider_and_the_room_change_places(
    make_session: MakeSession, rooms: list[Any]
) -> None:
    session = make_session(provider=rooms[0], resources=[rooms[1]])

    update_session(session, provider=rooms[1], resources=[rooms[0]], now_dt=NOW)
    assert (session.provider, rooms_of(session)) == (rooms[1], [rooms[0]])


def test_a_session_whose_rooms_change_meanwhile_is_read_again(
    make_session: MakeSession, rooms: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = make_session(resources=rooms[:1])
    choose, changes = session_resources.choice_of_moved, [[rooms[1]], [rooms[0]]] * 2

    def meanwhile(row: Session, *args: Any, **kwargs: Any) -> Any:
        choice = choose(row, *args, **kwargs)
        if changes and kwargs.get("now") == NOW:
            update_session(
                Session.objects.get(pk=session.pk), resources=changes.pop(0), now_dt=NOW + HOUR
            )
        return choice

    monkeypatch.setattr(session_resources, "choice_of_moved", meanwhile)
    with pytest.raises(BookingBusy):
        update_session(session, start_at=START + DAY, now_dt=NOW)
    update_session(session, start_at=START + DAY, now_dt=NOW)
    assert session.start_at == START + DAY


@pytest.mark.parametrize("verb", [cancel_session, finish_session])
def test_a_session_that_is_over_gives_up_its_room(
    make_session: MakeSession, rooms: list[Any], verb: Any
) -> None:
    session = make_session(resources=rooms[:1])

    verb(session, now_dt=START + DAY)
    assert busy(rooms[0]) == []
    assert rooms_of(session) == [rooms[0]]


def test_slots_of_the_room_see_the_session(
    make_session: MakeSession, rooms: list[Any], service: Any, other_provider: Any
) -> None:
    create_schedule(timezone="UTC", hours=EVERY_DAY)
    make_session(resources=rooms[:1])

    def starts(provider: Any, **values: Any) -> set[Any]:
        slots = list_available_slots(service, provider, START, START + HOUR, now_dt=NOW, **values)
        return {slot.start for slot in slots}

    assert START not in starts(rooms[0])
    assert START in starts(other_provider)
    assert START not in starts(other_provider, resources=rooms[:1])
    assert START in starts(other_provider, resources=[AnyOf(rooms)])


def test_a_session_without_resources_makes_no_query_for_them(
    make_session: MakeSession, rooms: list[Any]
) -> None:
    def tables(session: Session) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            update_session(session, title="New", now_dt=NOW)
            cancel_session(session, now_dt=NOW)
        return [query["sql"] for query in captured if "sessionresource" in query["sql"]]

    assert tables(make_session()) == []
    assert tables(make_session(resources=rooms))


def test_generated_sessions_take_a_room_each(
    service: Any, provider: Any, rooms: list[Any], make_provider: Factory, make_session: MakeSession
) -> None:
    create_schedule(timezone="UTC", hours={day: [("10:00", "12:00")] for day in range(7)})
    other = make_provider(name="Cleo")
    create_session(service=service, provider=other, start_at=START, now_dt=NOW, resources=rooms)
    make_session(start_at=START + DAY + HOUR, end_at=START + DAY + 1.5 * HOUR)
    given: dict[str, Any] = {
        "service": service,
        "provider": provider,
        "start_date": START.date(),
        "end_date": START.date() + DAY,
        "slot_duration_minutes": 60,
        "capacity": 3,
        "now_dt": NOW,
    }
    with needing(service, AnyOf(rooms)):
        planned = generate_sessions(**given, dry_run=True)
        made = generate_sessions(**given)
        again = generate_sessions(**given)

    assert planned.starts == (START + HOUR, START + DAY)
    assert (planned.created, made.created, made.existing) == (2, 2, 0)
    for result in (planned, made, again):
        assert [(each.start_at, each.kind) for each in result.conflicts] == [
            (START, "RESOURCE"),
            (START + DAY + HOUR, "SESSION"),
        ]
    assert (again.created, again.existing) == (0, 2)
    sessions = Session.objects.filter(slot_start_at__isnull=False).order_by("start_at")
    assert [rooms_of(each) for each in sessions] == [[rooms[0]], [rooms[0]]]
    assert {each.slot_calendar_id for each in sessions} == {
        Calendar.objects.get(provider=provider).pk
    }


def test_no_session_is_generated_in_a_room_that_is_not_active(
    service: Any, provider: Any, rooms: list[Any]
) -> None:
    create_schedule(timezone="UTC", hours=EVERY_DAY)
    rooms[0].is_active = False
    rooms[0].save()
    with needing(service, rooms[0]), nothing_done(), pytest.raises(NotAllowed):
        generate_sessions(
            service=service,
            provider=provider,
            start_date=START.date(),
            end_date=START.date(),
            slot_duration_minutes=60,
            capacity=3,
            now_dt=NOW,
        )


def series(service: Any, provider: Any, **values: Any) -> Any:
    given = {
        "rrule": "FREQ=DAILY;COUNT=3",
        "timezone": "UTC",
        "start_at": START,
        "now_dt": NOW,
    }
    return create_session_series(service=service, provider=provider, **(given | values))


def test_a_series_of_sessions_takes_rooms_moves_them_and_gives_them_up(
    service: Any, provider: Any, rooms: list[Any], other_provider: Any
) -> None:
    with needing(service, AnyOf(rooms)):
        create_session(
            service=service,
            provider=other_provider,
            start_at=START + DAY,
            resources=[rooms[0]],
            now_dt=NOW,
        )
        made = series(service, provider).sessions
        occurrence = Occurrence.objects.earliest("pk")
        added = add_occurrence(occurrence, start_at=START + 5 * DAY, now_dt=NOW)
    assert [rooms_of(each) for each in made] == [[rooms[0]], [rooms[1]], [rooms[0]]]
    assert added is not None
    reschedule_series(occurrence, new_start_at=START + HOUR, scope="all", now_dt=NOW)
    assert busy(rooms[0]) == [
        START + HOUR,
        START + DAY,
        START + 2 * DAY + HOUR,
        START + 5 * DAY + HOUR,
    ]
    assert busy(rooms[1]) == [START + DAY + HOUR]
    cancel_series(occurrence, scope="all", now_dt=NOW)
    assert (busy(rooms[0]), busy(rooms[1])) == ([START + DAY], [])


def test_a_series_is_refused_where_a_room_is_taken(
    service: Any, provider: Any, rooms: list[Any], other_provider: Any
) -> None:
    with needing(service, rooms[0]):
        series(service, provider)
        create_session(
            service=service, provider=other_provider, start_at=START + DAY + HOUR, now_dt=NOW
        )
        with nothing_done(), pytest.raises(SeriesConflict) as caught:
            series(service, other_provider, start_at=START + DAY)
    assert {type(each.error) for each in caught.value.skipped} == {ResourceTaken}
    occurrence = Occurrence.objects.earliest("pk")
    with nothing_done(), pytest.raises(SeriesConflict, match="Room 1 is taken") as caught:
        reschedule_series(occurrence, new_start_at=START + HOUR, scope="all", now_dt=NOW)
    assert [type(each.error) for each in caught.value.skipped] == [ResourceTaken]


@pytest.mark.parametrize("name", ["no time", "other time", "count", "cancelled", "orphan"])
def test_check_bookings_claims_the_room_again(
    make_session: MakeSession, rooms: list[Any], name: str
) -> None:
    session = make_session(resources=rooms[:1])
    row = SessionResource.objects.get()
    rows = SessionResource.objects.all()
    match name:
        case "no time":
            rows.update(busy_interval=None)
            BusyInterval.objects.filter(pk=row.busy_interval_id).delete()
        case "other time":
            BusyInterval.objects.filter(pk=row.busy_interval_id).update(ends=2**33)
        case "count":
            QuerySet(Session).update(resource_count=0)
        case "cancelled":
            cancel_session(session, now_dt=NOW)
            calendar = Calendar.objects.get(provider=rooms[0])
            rows.update(
                busy_interval=BusyInterval.objects.create(
                    calendar=calendar, starts=0, ends=60, kind="SESSION", seats_taken=0
                )
            )
        case "orphan":
            rows.update(busy_interval=None)
            cancel_session(session, now_dt=NOW)
    problems = list(find_problems())
    assert problems
    for problem in problems:
        problem.repair()
    assert busy(rooms[0]) == ([] if name in {"cancelled", "orphan"} else [START])
    assert Session.objects.get().resource_count == 1


def test_a_room_of_a_session_is_not_deleted(make_session: MakeSession, rooms: list[Any]) -> None:
    make_session(resources=rooms[:1])
    assert str(SessionResource.objects.get()).endswith("Room 1")
    with pytest.raises(ProtectedError):
        rooms[0].delete()


def test_check_bookings_counts_resources(make_session: MakeSession) -> None:
    make_session()
    QuerySet(Session).update(resource_count=1)

    [problem] = find_problems()
    assert problem.repair is not None
    problem.repair()
    assert Session.objects.get().resource_count == 0
