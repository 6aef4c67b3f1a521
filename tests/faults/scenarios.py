"""Every verb, what it is called on, and what it answers when it is called again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, Final
from unittest.mock import patch

from django.db import connection
from django.db.models import F, Model

from bookings.integrity import find_problems, repair
from bookings.ledger import postgres
from bookings.models import Booking, BusyInterval, Calendar
from bookings.pools import AnyOf
from bookings.services import (
    add_note,
    cancel_booking,
    change_party_size,
    complete_booking,
    confirm_booking,
    create_booking,
    decline_booking,
    deliver_booking,
    dispute_booking,
    expire_booking,
    expire_bookings,
    mark_no_show,
    reopen_booking,
    reschedule_booking,
    update_booking,
)
from tests.hosts.samples import make, make_host
from tests.services.clock import DAY, HOUR, NOW, START
from tests.services.storage import TABLES
from tests.stateful.audit import audit

Audit = Callable[[], list[str]]


@dataclass(frozen=True)
class HostRows:
    """The host's rows, which no scenario changes.

    ``tables`` is what the scenarios write, and ``audits`` are second opinions on it.
    """

    service: Any
    group: Any
    ana: Any
    ben: Any
    addons: list[Any]
    rooms: list[Any]
    tables: tuple[type[Model], ...] = TABLES
    audits: tuple[Audit, ...] = (audit,)
    desks: Any = None
    """A service with three desks, for clients who come and go."""


@dataclass(frozen=True)
class Scenario:
    """``call`` makes the call. It gets the row that ``arrange`` has made, read again, if any.

    ``again`` is the ``BookingError`` that the call ends in once it has been done; empty where it
    is answered then as it was the first time. ``changes`` counts the transactions that it takes.

    It is pickled as its name, because a lambda cannot be pickled. The other process finds it in
    ``ALL`` of the module that its ``call`` is from.
    """

    name: str
    arrange: Callable[[HostRows], Model | None]
    call: Callable[[HostRows, Any], Any]
    again: str = ""
    changes: int = 1
    is_broken: bool = False
    is_one_statement: bool = False
    makes_several: bool = False

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Callable[[str, str], Scenario], tuple[str, str]]:
        return find_scenario, (self.call.__module__, self.name)


def find_scenario(module: str, name: str) -> Scenario:
    scenarios: tuple[Scenario, ...] = import_module(module).ALL
    (found,) = [scenario for scenario in scenarios if scenario.name == name]
    return found


def make_host_rows(**service: Any) -> HostRows:
    host = make_host()
    group: Any = make("SERVICE_MODEL")
    services = type(group).objects
    rules = {"duration_minutes": 60, "buffer_before_minutes": 5, "buffer_after_minutes": 10}
    services.update(**(rules | service))
    services.filter(pk=group.pk).update(allow_multiple_clients_per_slot=True, capacity=2)
    desks: Any = make("SERVICE_MODEL")
    services.filter(pk=desks.pk).update(duration_minutes=60, capacity=3, capacity_mode="CONCURRENT")
    addons: list[Any] = [host.addon, make("ADDON_MODEL", service=host.service)]
    type(host.addon).objects.update(extra_duration_minutes=15, price_amount=10)
    for row in (host.service, group, desks, *addons):
        row.refresh_from_db()
    ben, *rooms = (make("PROVIDER_MODEL") for _number in range(4))
    return HostRows(host.service, group, host.provider, ben, addons, rooms, desks=desks)


def book(host_rows: HostRows, **values: Any) -> Booking:
    given = {
        "service": host_rows.service,
        "provider": host_rows.ana,
        "start_at": START,
        "now_dt": NOW,
    }
    return create_booking(**(given | {"client_name": "Kim"} | values))


def nothing(host_rows: HostRows) -> None:
    """Nobody has booked anything yet."""


def nobody_known(host_rows: HostRows) -> None:
    Calendar.objects.all().delete()


def hold(host_rows: HostRows, *, until: datetime = NOW + HOUR, **values: Any) -> Booking:
    return book(host_rows, expires_at=until, now_dt=until - DAY, **values)


def stale_hold(host_rows: HostRows) -> Booking:
    return hold(host_rows, until=NOW - HOUR)


def three_stale_holds(host_rows: HostRows) -> None:
    for provider, start_at in (
        (host_rows.ana, START),
        (host_rows.ben, START),
        (host_rows.ana, START + DAY),
    ):
        hold(host_rows, until=NOW - HOUR, provider=provider, start_at=start_at)


def stale_hold_in_the_way(host_rows: HostRows) -> Booking:
    hold(host_rows, until=NOW - HOUR, start_at=START + DAY)
    return book(host_rows)


def one_of_two_seats(host_rows: HostRows) -> Booking:
    return book(host_rows, service=host_rows.group)


def both_seats(host_rows: HostRows) -> Booking:
    book(host_rows, service=host_rows.group, client_name="Lee")
    return book(host_rows, service=host_rows.group)


def seats_on_two_days(host_rows: HostRows) -> Booking:
    book(host_rows, service=host_rows.group, start_at=START + DAY, client_name="Lee")
    return both_seats(host_rows)


def desk_beside_others(host_rows: HostRows, *, until: datetime | None = None) -> Booking:
    """Two hours in which it meets two others, so there are five segments."""
    for hours in (0, 2):
        book(host_rows, service=host_rows.desks, start_at=START + hours * HOUR, client_name="Lee")
    for_an_hour = {"service": host_rows.desks, "start_at": START + HOUR / 2, "party_size": 2}
    if until is None:
        return book(host_rows, **for_an_hour)
    return hold(host_rows, until=until, **for_an_hour)


def stale_hold_of_desks(host_rows: HostRows) -> Booking:
    return desk_beside_others(host_rows, until=NOW - HOUR)


def with_an_addon(host_rows: HostRows) -> Booking:
    return book(host_rows, addon_ids=[host_rows.addons[0].pk])


def with_rooms(host_rows: HostRows, **values: Any) -> Booking:
    """Three claims: the provider, a certain room, and one of two."""
    rooms = [host_rows.rooms[0], AnyOf(host_rows.rooms[1:])]
    return book(host_rows, resources=rooms, **values)


def stale_hold_of_rooms(host_rows: HostRows) -> Booking:
    return with_rooms(host_rows, expires_at=NOW - HOUR, now_dt=NOW - DAY)


def delivered_in_rooms(host_rows: HostRows) -> Booking:
    return deliver_booking(with_rooms(host_rows), now_dt=START)


def cancelled_in_rooms(host_rows: HostRows) -> Booking:
    return cancel_booking(with_rooms(host_rows), now_dt=NOW)


def room_taken_tomorrow(host_rows: HostRows) -> Booking:
    book(
        host_rows,
        provider=host_rows.ben,
        resources=[host_rows.rooms[1]],
        start_at=START + DAY,
        client_name="Lee",
    )
    return with_rooms(host_rows)


def broken(host_rows: HostRows) -> None:
    """Three things that are wrong, each of which takes a transaction to repair."""
    misplaced = BusyInterval.objects.filter(bookings=book(host_rows))
    misplaced.update(starts=F("starts") + 9)
    idle = cancel_booking(book(host_rows, provider=host_rows.ben), now_dt=NOW)
    calendar = Calendar.objects.get(provider=host_rows.ben)
    kept, _leaked = (
        BusyInterval.objects.create(
            calendar=calendar, service=host_rows.service, starts=second, ends=second + 60
        )
        for second in (1_000, 2_000)
    )
    Booking._base_manager.filter(pk=idle.pk).update(busy_interval=kept)


def book_in_steps(host_rows: HostRows, **values: Any) -> Booking:
    with patch.object(postgres, "can_insert", return_value=False):
        return book(host_rows, **values)


def move_by_save(host_rows: HostRows, booking: Booking) -> None:
    booking.start_at, booking.end_at = START + DAY, START + DAY + HOUR
    booking.save()


def insert_by_save(host_rows: HostRows, _none: None) -> None:
    Booking(
        service=host_rows.service,
        provider=host_rows.ana,
        start_at=START,
        end_at=START + HOUR,
        client_name="Kim",
    ).save()


def delete(host_rows: HostRows, _booking: Booking) -> None:
    Booking.objects.filter(provider=host_rows.ana).delete()


def fix(host_rows: HostRows, _none: None) -> None:
    for problem in list(find_problems()):
        repair(problem)


def move(**values: Any) -> Callable[[HostRows, Booking], Booking]:
    given = {"new_start_at": START + DAY, "now_dt": NOW} | values
    return lambda host_rows, booking: reschedule_booking(booking, **given)


ALL: Final = (
    Scenario(
        "create in one statement",
        nothing,
        lambda host_rows, _: book(host_rows),
        again="BookingConflict",
        is_one_statement=True,
    ),
    Scenario(
        "create in steps",
        nothing,
        lambda host_rows, _: book_in_steps(host_rows),
        again="BookingConflict",
    ),
    Scenario(
        "create a provider's first",
        nobody_known,
        lambda host_rows, _: book(host_rows),
        again="BookingConflict",
    ),
    Scenario(
        "create with add-ons",
        nothing,
        lambda host_rows, _: book(host_rows, addon_ids=[addon.pk for addon in host_rows.addons]),
        again="BookingConflict",
    ),
    Scenario(
        "create with an idempotency key",
        nothing,
        lambda host_rows, _: book(host_rows, idempotency_key="order-1"),
    ),
    Scenario(
        "create in a shared slot",
        one_of_two_seats,
        lambda host_rows, _: book(host_rows, service=host_rows.group, client_name="Lee"),
        again="CapacityExceeded",
    ),
    Scenario(
        "create past a stale hold",
        stale_hold,
        lambda host_rows, _: book(host_rows),
        again="BookingConflict",
        changes=2,
    ),
    Scenario("confirm", hold, lambda _, booking: confirm_booking(booking, now_dt=NOW)),
    Scenario("decline", hold, lambda _, booking: decline_booking(booking, now_dt=NOW)),
    Scenario("cancel", book, lambda _, booking: cancel_booking(booking, now_dt=NOW)),
    Scenario(
        "cancel in a shared slot",
        both_seats,
        lambda _, booking: cancel_booking(booking, now_dt=NOW),
    ),
    Scenario("reschedule", book, move()),
    Scenario(
        "reschedule to another provider",
        book,
        lambda host_rows, booking: move(new_provider=host_rows.ben)(host_rows, booking),
    ),
    Scenario(
        "reschedule with other add-ons",
        with_an_addon,
        lambda host_rows, booking: move(addon_ids=[host_rows.addons[1].pk])(host_rows, booking),
    ),
    Scenario("reschedule out of a shared slot", both_seats, move()),
    Scenario("reschedule into a shared slot", seats_on_two_days, move()),
    Scenario("reschedule past a stale hold", stale_hold_in_the_way, move(), changes=2),
    Scenario("deliver", book, lambda _, booking: deliver_booking(booking, now_dt=START)),
    Scenario("complete", book, lambda _, booking: complete_booking(booking, now_dt=START)),
    Scenario("no-show", book, lambda _, booking: mark_no_show(booking, now_dt=START)),
    Scenario("expire", stale_hold, lambda _, booking: expire_booking(booking, now_dt=NOW)),
    Scenario(
        "expire all",
        three_stale_holds,
        lambda *_: expire_bookings(now_dt=NOW, chunk_size=2),
        changes=2,
    ),
    Scenario(
        "add a note",
        book,
        lambda _, booking: add_note(booking, "Called back.", now_dt=NOW, expected_version=1),
        again="StaleBooking",
    ),
    Scenario("update", book, lambda _, booking: update_booking(booking, client_name="Lee")),
    Scenario(
        "create among concurrent bookings",
        desk_beside_others,
        lambda host_rows, _: book(
            host_rows,
            service=host_rows.desks,
            start_at=START + 2 * HOUR,
            party_size=2,
        ),
        again="CapacityExceeded",
    ),
    Scenario(
        "cancel among concurrent bookings",
        desk_beside_others,
        lambda _, booking: cancel_booking(booking, now_dt=NOW),
    ),
    Scenario(
        "reschedule among concurrent bookings",
        desk_beside_others,
        move(new_start_at=START + 5 * HOUR / 2),
    ),
    Scenario(
        "other seats among concurrent bookings",
        desk_beside_others,
        lambda _, booking: change_party_size(booking, 1, now_dt=NOW),
    ),
    Scenario(
        "expire among concurrent bookings",
        stale_hold_of_desks,
        lambda *_: expire_bookings(now_dt=NOW),
    ),
    Scenario("save, moved", book, move_by_save),
    Scenario("save, new", nothing, insert_by_save, again="BookingConflict"),
    Scenario("delete", with_an_addon, delete),
    Scenario(
        "create with resources",
        nothing,
        lambda host_rows, _: with_rooms(host_rows),
        again="ResourceTaken",
    ),
    Scenario(
        "create with anyone in any room",
        nothing,
        lambda host_rows, _: with_rooms(
            host_rows, provider=AnyOf([host_rows.ana], strategy="round_robin")
        ),
        again="PoolExhausted",
    ),
    Scenario("cancel with resources", with_rooms, lambda _, row: cancel_booking(row, now_dt=NOW)),
    Scenario("reschedule with resources", room_taken_tomorrow, move()),
    Scenario(
        "reschedule to other resources",
        with_rooms,
        lambda host_rows, row: move(new_start_at=START, new_resources=host_rows.rooms[2:])(
            host_rows, row
        ),
    ),
    Scenario("complete with resources", with_rooms, lambda _, r: complete_booking(r, now_dt=START)),
    Scenario(
        "expire all with resources", stale_hold_of_rooms, lambda *_: expire_bookings(now_dt=NOW)
    ),
    Scenario(
        "dispute with resources",
        delivered_in_rooms,
        lambda _, row: dispute_booking(row, reason="Cold.", now_dt=START),
    ),
    Scenario(
        "reopen with resources",
        cancelled_in_rooms,
        lambda _, row: reopen_booking(row, now_dt=NOW),
    ),
    Scenario("save, moved with resources", with_rooms, move_by_save),
    Scenario("delete with resources", with_rooms, delete),
    Scenario("find problems and repair them", broken, fix, changes=3, is_broken=True),
)
SCENARIOS: Final = [
    scenario
    for scenario in ALL
    if connection.vendor == "postgresql" or not scenario.is_one_statement
]
