"""What racing processes do: each function prepares an action and returns the call to make."""

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

from bookings import services, signals
from bookings.conf import app_settings
from bookings.exceptions import BookingBusy, BookingConflict
from bookings.ledger import entries, locks, postgres
from bookings.ledger.transactions import conflict_error
from bookings.models import Booking, BookingEvent, BusyInterval, Calendar
from bookings.models.querysets import overlapping
from bookings.services.idempotency import check_key_is_unique
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
        check_key_is_unique(*args, **kwargs)
        sleep(2 * LATE)

    def book_and_dawdle() -> Any:
        with patch("bookings.services.booking_creation.check_key_is_unique", check_and_dawdle):
            return run()

    return book_and_dawdle


def after_the_others(*, action: Callable[..., Run], **values: Any) -> Run:
    """As ``action``, when the others are already on their way."""
    run = action(**values)

    def wait() -> Any:
        sleep(LATE)
        return run()

    return wait


def book_freed_time(*, booking: Any, **values: Any) -> Run:
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


def keep_server_busy() -> Run:
    """Keep PostgreSQL busy for a moment; which of the server's processes that was."""

    def sleep_there() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid(), pg_sleep(0.05)")
            return cursor.fetchone()[0]

    return sleep_there


def sweep(**values: Any) -> Run:
    """Expire what is due; how many there were."""
    return lambda: services.expire_bookings(**values)


def cancel_overdue(**values: Any) -> Run:
    """Cancel what is overdue; how many there were."""
    return lambda: services.auto_cancel_expired_bookings(**values)


def place_order(*, order: str, action: Callable[..., Run], **values: Any) -> Run:
    """As ``action``, after a row of the host's own; for inside a transaction of the host's."""
    run = action(**values)

    def write_and_run() -> Any:
        Group.objects.create(name=order)
        return run()

    return write_and_run


def with_signals(*, action: Callable[..., Run], **values: Any) -> Run:
    """As ``action``; its result, and booking and type of each event announced on its commit."""
    run = action(**values)

    def listen() -> Any:
        heard: list[tuple[Any, str]] = []

        def receive(*, booking: Booking, event: BookingEvent, **_kwargs: Any) -> None:
            heard.append((booking.pk, str(event.event_type)))

        for signal in signals.BY_EVENT.values():
            # Left connected until the next time, for a host's commit comes after the return.
            signal.disconnect(dispatch_uid="with_signals")
            signal.connect(receive, weak=False, dispatch_uid="with_signals")
        return run(), heard

    return listen


def book_without_lock(**values: Any) -> Run:
    """As ``book``, but only the database's own guard is left."""
    return without_guards(book(**values), no_lock)


def book_with_lock_alone(**values: Any) -> Run:
    """As ``book``, but it is a plain look under the lock that finds the overlap."""
    return without_guards(book(**values), overlap_check_under_lock)


def book_naively(**values: Any) -> Run:
    """Look first and insert afterwards, with neither lock nor guard."""
    run = without_guards(book(**values), no_lock, no_overlap_check)
    return check_then_run(run, values["provider"], values["start_at"])


def check_then_run(run: Run, provider: Any, start_at: datetime) -> Run:
    """``run`` if the hour is free, which it may not be any more by then."""
    starts = int(start_at.timestamp())

    def check_and_run() -> Any:
        in_the_way = BusyInterval.objects.filter(overlapping(starts, starts + 3600))
        if in_the_way.filter(calendar__provider=provider).exists():
            raise conflict_error()
        # For the others, who are looking too.
        sleep(0.2)
        return run()

    return check_and_run


def without_guards(run: Run, *disabled_guards: Callable[[], Any]) -> Run:
    """``run`` in single steps, of which some are put out of action."""

    def run_without_guards() -> Any:
        with ExitStack() as stack:
            stack.enter_context(patch.object(postgres, "can_insert", return_value=False))
            for disabled in disabled_guards:
                stack.enter_context(disabled())
            return run()

    return run_without_guards


@contextmanager
def no_lock() -> Iterator[None]:
    """The calendar is found or made, and not locked."""

    def find(provider_id: Any, *, using: str) -> int:
        calendars = Calendar.objects.using(using).filter(provider_id=provider_id)
        if not calendars.exists():
            locks._create_calendar(provider_id, using)
        return calendars.get().pk

    with patch.object(locks, "lock_calendar", find):
        yield


@contextmanager
def no_overlap_check() -> Iterator[None]:
    with patch.object(entries, "_check_overlap", lambda *args, **kwargs: None):
        yield


@contextmanager
def overlap_check_under_lock() -> Iterator[None]:
    """What a database without a constraint relies on, on any database."""

    def look(calendar_id: int, claim: Any, using: str, but: int | None = None) -> None:
        others = BusyInterval.objects.using(using).filter(
            overlapping(claim.starts, claim.ends), calendar_id=calendar_id
        )
        if others.exclude(pk=but).exists():
            raise conflict_error()

    with patch.object(entries, "_check_overlap", look):
        yield
