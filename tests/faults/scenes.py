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

from bookings import postgres
from bookings.integrity import find_problems, repair
from bookings.models import Booking, BusyInterval, Calendar
from bookings.services import (
    add_note,
    cancel_booking,
    complete_booking,
    confirm_booking,
    create_booking,
    decline_booking,
    deliver_booking,
    expire_booking,
    expire_bookings,
    mark_no_show,
    reschedule_booking,
    update_booking,
)
from tests.hosts.samples import make, make_host
from tests.services.clock import DAY, HOUR, NOW, START
from tests.services.storage import TABLES
from tests.stateful.audit import audit

Audit = Callable[[], list[str]]


@dataclass(frozen=True)
class Stage:
    """The host's rows, which stay as they are from scene to scene.

    ``tables`` is what the scenes write, and ``audits`` are second opinions on it.
    """

    service: Any
    group: Any
    ana: Any
    ben: Any
    addons: list[Any]
    tables: tuple[type[Model], ...] = TABLES
    audits: tuple[Audit, ...] = (audit,)


@dataclass(frozen=True)
class Scene:
    """``act`` is the call. It gets the row that ``arrange`` has made, read again, if any.

    ``again`` is the ``BookingError`` that the call ends in once it has been done; empty where it
    is answered then as it was the first time. ``changes`` counts the transactions that it takes.

    Another process is sent the scene's name, for functions without one cannot be sent. The scene is
    then looked for in ``ALL`` of the module that its ``act`` is from.
    """

    name: str
    arrange: Callable[[Stage], Model | None]
    act: Callable[[Stage, Any], Any]
    again: str = ""
    changes: int = 1
    is_broken: bool = False
    is_one_statement: bool = False
    makes_several: bool = False

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Callable[[str, str], Scene], tuple[str, str]]:
        return find_scene, (self.act.__module__, self.name)


def find_scene(module: str, name: str) -> Scene:
    scenes: tuple[Scene, ...] = import_module(module).ALL
    (found,) = [scene for scene in scenes if scene.name == name]
    return found


def make_stage(**service: Any) -> Stage:
    host = make_host()
    group: Any = make("SERVICE_MODEL")
    services = type(group).objects
    rules = {"duration_minutes": 60, "buffer_before_minutes": 5, "buffer_after_minutes": 10}
    services.update(**(rules | service))
    services.filter(pk=group.pk).update(allow_multiple_clients_per_slot=True, capacity=2)
    addons: list[Any] = [host.addon, make("ADDON_MODEL", service=host.service)]
    type(host.addon).objects.update(extra_duration_minutes=15, price_amount=10)
    for row in (host.service, group, *addons):
        row.refresh_from_db()
    return Stage(host.service, group, host.provider, make("PROVIDER_MODEL"), addons)


def book(stage: Stage, **values: Any) -> Booking:
    given = {"service": stage.service, "provider": stage.ana, "start_at": START, "now_dt": NOW}
    return create_booking(**(given | {"client_name": "Kim"} | values))


def nothing(stage: Stage) -> None:
    """Nobody has booked anything yet."""


def nobody_known(stage: Stage) -> None:
    Calendar.objects.all().delete()


def hold(stage: Stage, *, until: datetime = NOW + HOUR, **values: Any) -> Booking:
    return book(stage, expires_at=until, now_dt=until - DAY, **values)


def stale_hold(stage: Stage) -> Booking:
    return hold(stage, until=NOW - HOUR)


def three_stale_holds(stage: Stage) -> None:
    for provider, start_at in ((stage.ana, START), (stage.ben, START), (stage.ana, START + DAY)):
        hold(stage, until=NOW - HOUR, provider=provider, start_at=start_at)


def stale_hold_in_the_way(stage: Stage) -> Booking:
    hold(stage, until=NOW - HOUR, start_at=START + DAY)
    return book(stage)


def one_of_two_seats(stage: Stage) -> Booking:
    return book(stage, service=stage.group)


def both_seats(stage: Stage) -> Booking:
    book(stage, service=stage.group, client_name="Lee")
    return book(stage, service=stage.group)


def seats_on_two_days(stage: Stage) -> Booking:
    book(stage, service=stage.group, start_at=START + DAY, client_name="Lee")
    return both_seats(stage)


def with_an_addon(stage: Stage) -> Booking:
    return book(stage, addon_ids=[stage.addons[0].pk])


def broken(stage: Stage) -> None:
    """Three things that are wrong, each of which takes a transaction to repair."""
    misplaced = BusyInterval.objects.filter(bookings=book(stage))
    misplaced.update(starts=F("starts") + 9)
    idle = cancel_booking(book(stage, provider=stage.ben), now_dt=NOW)
    calendar = Calendar.objects.get(provider=stage.ben)
    kept, _leaked = (
        BusyInterval.objects.create(
            calendar=calendar, service=stage.service, starts=second, ends=second + 60
        )
        for second in (1_000, 2_000)
    )
    Booking._base_manager.filter(pk=idle.pk).update(busy_interval=kept)


def book_in_steps(stage: Stage, **values: Any) -> Booking:
    with patch.object(postgres, "can_book", return_value=False):
        return book(stage, **values)


def move_by_save(stage: Stage, booking: Booking) -> None:
    booking.start_at, booking.end_at = START + DAY, START + DAY + HOUR
    booking.save()


def insert_by_save(stage: Stage, _none: None) -> None:
    Booking(
        service=stage.service,
        provider=stage.ana,
        start_at=START,
        end_at=START + HOUR,
        client_name="Kim",
    ).save()


def delete(stage: Stage, _booking: Booking) -> None:
    Booking.objects.filter(provider=stage.ana).delete()


def fix(stage: Stage, _none: None) -> None:
    for problem in list(find_problems()):
        repair(problem)


def move(**values: Any) -> Callable[[Stage, Booking], Booking]:
    given = {"new_start_at": START + DAY, "now_dt": NOW} | values
    return lambda stage, booking: reschedule_booking(booking, **given)


ALL: Final = (
    Scene(
        "create in one statement",
        nothing,
        lambda stage, _: book(stage),
        again="BookingConflict",
        is_one_statement=True,
    ),
    Scene(
        "create in steps", nothing, lambda stage, _: book_in_steps(stage), again="BookingConflict"
    ),
    Scene(
        "create a provider's first",
        nobody_known,
        lambda stage, _: book(stage),
        again="BookingConflict",
    ),
    Scene(
        "create with add-ons",
        nothing,
        lambda stage, _: book(stage, addon_ids=[addon.pk for addon in stage.addons]),
        again="BookingConflict",
    ),
    Scene(
        "create with an idempotency key",
        nothing,
        lambda stage, _: book(stage, idempotency_key="order-1"),
    ),
    Scene(
        "create in a shared slot",
        one_of_two_seats,
        lambda stage, _: book(stage, service=stage.group, client_name="Lee"),
        again="CapacityExceeded",
    ),
    Scene(
        "create past a stale hold",
        stale_hold,
        lambda stage, _: book(stage),
        again="BookingConflict",
        changes=2,
    ),
    Scene("confirm", hold, lambda _, booking: confirm_booking(booking, now_dt=NOW)),
    Scene("decline", hold, lambda _, booking: decline_booking(booking, now_dt=NOW)),
    Scene("cancel", book, lambda _, booking: cancel_booking(booking, now_dt=NOW)),
    Scene(
        "cancel in a shared slot",
        both_seats,
        lambda _, booking: cancel_booking(booking, now_dt=NOW),
    ),
    Scene("reschedule", book, move()),
    Scene(
        "reschedule to another provider",
        book,
        lambda stage, booking: move(new_provider=stage.ben)(stage, booking),
    ),
    Scene(
        "reschedule with other add-ons",
        with_an_addon,
        lambda stage, booking: move(addon_ids=[stage.addons[1].pk])(stage, booking),
    ),
    Scene("reschedule out of a shared slot", both_seats, move()),
    Scene("reschedule into a shared slot", seats_on_two_days, move()),
    Scene("reschedule past a stale hold", stale_hold_in_the_way, move(), changes=2),
    Scene("deliver", book, lambda _, booking: deliver_booking(booking, now_dt=START)),
    Scene("complete", book, lambda _, booking: complete_booking(booking, now_dt=START)),
    Scene("no-show", book, lambda _, booking: mark_no_show(booking, now_dt=START)),
    Scene("expire", stale_hold, lambda _, booking: expire_booking(booking, now_dt=NOW)),
    Scene(
        "expire all",
        three_stale_holds,
        lambda *_: expire_bookings(now_dt=NOW, chunk_size=2),
        changes=2,
    ),
    Scene(
        "add a note",
        book,
        lambda _, booking: add_note(booking, "Called back.", now_dt=NOW, expected_version=1),
        again="StaleBooking",
    ),
    Scene("update", book, lambda _, booking: update_booking(booking, client_name="Lee")),
    Scene("save, moved", book, move_by_save),
    Scene("save, new", nothing, insert_by_save, again="BookingConflict"),
    Scene("delete", with_an_addon, delete),
    Scene("find problems and repair them", broken, fix, changes=3, is_broken=True),
)
SCENES: Final = [
    scene for scene in ALL if connection.vendor == "postgresql" or not scene.is_one_statement
]
