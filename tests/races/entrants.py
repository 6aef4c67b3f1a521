"""What a racer does. Each function prepares it, and returns what is to be done at the start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from time import sleep
from typing import Any, Final
from unittest.mock import patch

from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection

from bookings import ledger, locks, postgres, services, signals
from bookings.conf import app_settings
from bookings.exceptions import BookingBusy, BookingConflict
from bookings.models import Booking, BookingEvent, BusyInterval, Calendar
from bookings.querysets import overlapping
from bookings.services.repeats import check_key
from bookings.transactions import conflict
from tests.races.racer import RunAgain

Run = Callable[[], Any]
LATE: Final = 0.1


def stored(setting: str, key: Any) -> Any:
    return apps.get_model(app_settings.model_label(setting))._base_manager.get(pk=key)


def book(*, service: Any, provider: Any, start_at: datetime, **values: Any) -> Run:
    """Create a booking; its key."""
    given = {
        "service": stored("SERVICE_MODEL", service),
        "provider": stored("PROVIDER_MODEL", provider),
        "start_at": start_at,
        "client_name": "Racer",
    } | values
    return lambda: services.create_booking(**given).pk


def change(*, verb: str, booking: Any, **values: Any) -> Run:
    """Call a verb of ``bookings.services`` on a stored booking; the status it leaves."""
    row = Booking.objects.get(pk=booking)
    if provider := values.get("new_provider"):
        values["new_provider"] = stored("PROVIDER_MODEL", provider)
    return lambda: str(getattr(services, verb)(row, **values).status)


def book_slowly(**values: Any) -> Run:
    """As ``book``, with a key, and it takes long before it commits."""
    run = book(**values)

    def check_and_dawdle(*args: Any, **kwargs: Any) -> None:
        check_key(*args, **kwargs)
        sleep(2 * LATE)

    def book_and_dawdle() -> Any:
        with patch("bookings.services.book.check_key", check_and_dawdle):
            return run()

    return book_and_dawdle


def late(*, entrant: Callable[..., Run], **values: Any) -> Run:
    """As ``entrant``, when the others are already on their way."""
    run = entrant(**values)

    def wait() -> Any:
        sleep(LATE)
        return run()

    return wait


def follow(*, booking: Any, **values: Any) -> Run:
    """Create one as soon as ``booking`` is cancelled, and ask for its time until then."""
    run = book(**values)
    before = Booking.objects.filter(pk=booking, status=Booking.Status.CANCELLED)

    def ask() -> Any:
        is_cancelled = before.exists()
        try:
            return run()
        except (BookingConflict, BookingBusy) as refusal:
            if is_cancelled and isinstance(refusal, BookingConflict):
                raise
            raise RunAgain from refusal

    return ask


def linger() -> Run:
    """Keep PostgreSQL busy for a moment; which of the server's processes that was."""

    def sleep_there() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid(), pg_sleep(0.05)")
            return cursor.fetchone()[0]

    return sleep_there


def sweep(**values: Any) -> Run:
    """Expire what is due; how many there were."""
    return lambda: services.expire_bookings(**values)


def place_order(*, order: str, entrant: Callable[..., Run], **values: Any) -> Run:
    """As ``entrant``, after a row of the host's own; for inside a transaction of the host's."""
    run = entrant(**values)

    def write_and_run() -> Any:
        Group.objects.create(name=order)
        return run()

    return write_and_run


def hear(*, entrant: Callable[..., Run], **values: Any) -> Run:
    """As ``entrant``; its result, and booking and type of each event announced on its commit."""
    run = entrant(**values)

    def listen() -> Any:
        heard: list[tuple[Any, str]] = []

        def receive(*, booking: Booking, event: BookingEvent, **_kwargs: Any) -> None:
            heard.append((booking.pk, str(event.event_type)))

        for signal in signals.BY_EVENT.values():
            # Left connected until the next time, for a host's commit comes after the return.
            signal.disconnect(dispatch_uid="hear")
            signal.connect(receive, weak=False, dispatch_uid="hear")
        return run(), heard

    return listen


def book_without_lock(**values: Any) -> Run:
    """As ``book``, but only the database's own guard is left."""
    return handicapped(book(**values), no_lock)


def book_with_lock_alone(**values: Any) -> Run:
    """As ``book``, but it is a plain look under the lock that finds the overlap."""
    return handicapped(book(**values), look_under_the_lock)


def book_naively(**values: Any) -> Run:
    """Look first and insert afterwards, with neither lock nor guard."""
    run = handicapped(book(**values), no_lock, no_look)
    return look_and_leap(run, values["provider"], values["start_at"])


def look_and_leap(run: Run, provider: Any, start_at: datetime) -> Run:
    """``run`` if the hour is free, which it may not be any more by then."""
    starts = int(start_at.timestamp())

    def leap() -> Any:
        in_the_way = BusyInterval.objects.filter(overlapping(starts, starts + 3600))
        if in_the_way.filter(calendar__provider=provider).exists():
            raise conflict()
        # For the others, who are looking too.
        sleep(0.2)
        return run()

    return leap


def handicapped(run: Run, *handicaps: Callable[[], Any]) -> Run:
    """``run`` in single steps, of which some are put out of action."""

    def hindered() -> Any:
        with ExitStack() as stack:
            stack.enter_context(patch.object(postgres, "can_book", return_value=False))
            for handicap in handicaps:
                stack.enter_context(handicap())
            return run()

    return hindered


@contextmanager
def no_lock() -> Iterator[None]:
    """The calendar is found or made, and not locked."""

    def find(provider_id: Any, *, using: str) -> int:
        calendars = Calendar.objects.using(using).filter(provider_id=provider_id)
        if not calendars.exists():
            locks._open_calendar(provider_id, using)
        return calendars.get().pk

    with patch.object(locks, "lock_calendar", find):
        yield


@contextmanager
def no_look() -> Iterator[None]:
    with patch.object(ledger, "_refuse_overlap", lambda *args, **kwargs: None):
        yield


@contextmanager
def look_under_the_lock() -> Iterator[None]:
    """What a database without a constraint relies on, on any database."""

    def look(calendar_id: int, claim: Any, using: str, but: int | None = None) -> None:
        others = BusyInterval.objects.using(using).filter(
            overlapping(claim.starts, claim.ends), calendar_id=calendar_id
        )
        if others.exclude(pk=but).exists():
            raise conflict()

    with patch.object(ledger, "_refuse_overlap", look):
        yield
