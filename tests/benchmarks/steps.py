"""What each step towards a fast booking gave: the same booking with one of them taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from unittest.mock import patch

from django.db import connections
from django.db.models import F

from bookings.ledger import locks, postgres
from bookings.models import Booking, BookingEvent, Calendar
from bookings.services import booking_creation, create_booking, history
from tests.benchmarks.options import Options
from tests.benchmarks.sample_data import fill
from tests.benchmarks.timing import Result, in_milliseconds, take_turns, timed
from tests.benchmarks.workers.worker import start_of
from tests.hosts.samples import make_host
from tests.races.race_database import clear

STORED: Final = 2_000
Change = Callable[[], Any]


def run(options: Options) -> Iterator[Result]:
    clear()
    host = make_host()
    Calendar.objects.create(provider=host.provider)
    fill(host.service, [host.provider], past=range(STORED), ahead=range(0))
    slots = iter(range(10**9))

    def book(*changes: Change) -> Callable[[], None]:
        def booked() -> None:
            start = start_of(next(slots))
            with ExitStack() as stack:
                for change in changes:
                    stack.enter_context(change())
                create_booking(
                    service=host.service,
                    provider=host.provider,
                    start_at=start,
                    client_name="Ada",
                )

        return booked

    contenders = {
        "one statement": book(),
        "its text written anew each time": book(text_each_time),
        "BEGIN and COMMIT around it": book(begin_and_commit),
        "parameters sent apart, prepared by the server": book(prepared),
        "in steps": book(in_steps),
        "in steps, the lock by SELECT FOR UPDATE and UPDATE": book(in_steps, lock_by_select),
        "in steps, full_clean": book(in_steps, full_clean),
        "in steps, the reference looked up first": book(in_steps, reference_looked_up),
        "in steps, the event by bulk_create": book(in_steps, event_by_bulk_create),
        "in steps, all of these": book(in_steps, lock_by_select, full_clean, reference_looked_up),
    }
    turns = {name: timed(action) for name, action in contenders.items()}
    taken = take_turns(turns, rounds=options.rounds)
    yield Result(
        "steps",
        f"A booking, {STORED:,} stored, with steps taken back",
        "ms",
        in_milliseconds(taken),
    )
    preparing_connection().close()
    clear()


@contextmanager
def text_each_time() -> Iterator[None]:
    with patch.object(postgres, "_statement", postgres._statement.__wrapped__):
        yield


@contextmanager
def begin_and_commit() -> Iterator[None]:
    atomically = booking_creation.atomic_with_retry

    def in_a_transaction(write: Callable[[], Any], *, using: str, **_kwargs: Any) -> Any:
        return atomically(write, using=using)

    with patch.object(booking_creation, "atomic_with_retry", in_a_transaction):
        yield


@contextmanager
def prepared() -> Iterator[None]:
    usual = connections["default"]
    connections["default"] = preparing_connection()
    try:
        yield
    finally:
        connections["default"] = usual


@lru_cache(maxsize=1)
def preparing_connection() -> Any:
    other = connections["default"].copy()
    other.settings_dict["OPTIONS"] = {"server_side_binding": True, "prepare_threshold": 5}
    return other


def in_steps() -> Any:
    return patch.object(postgres, "can_insert", return_value=False)


def lock_by_select() -> Any:
    def lock(provider_id: Any, using: str) -> int | None:
        calendars = Calendar.objects.using(using).filter(provider_id=provider_id)
        key = calendars.select_for_update().values_list("pk", flat=True).first()
        Calendar.objects.using(using).filter(pk=key).update(revision=F("revision") + 1)
        return key

    return patch.object(locks, "_lock", lock)


def full_clean() -> Any:
    """As Django's documentation has it: ``full_clean()``, then ``save()``."""
    save_row = Booking.save_row

    def cleaned(booking: Booking, **kwargs: Any) -> None:
        booking.full_clean()
        save_row(booking, **kwargs)

    return patch.object(Booking, "save_row", cleaned)


def reference_looked_up() -> Any:
    def unused(booking: Booking, now: datetime) -> str:
        while Booking.objects.filter(reference=(reference := new(booking, now))).exists():
            pass
        return reference

    new = booking_creation.new_reference
    return patch.object(booking_creation, "new_reference", unused)


def event_by_bulk_create() -> Any:
    def store(booking: Booking, event: BookingEvent, *, using: str) -> None:
        BookingEvent.objects.using(using).bulk_create([event])
        history.send_signal_on_commit(booking, event, using=using)

    return patch.object(booking_creation, "save_event", store)
