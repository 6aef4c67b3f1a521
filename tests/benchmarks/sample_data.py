"""A history, and what is still to come, written by the database itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from bookings.models import Booking, BusyInterval, Calendar
from bookings.services import create_booking
from tests.benchmarks.workers.copying import (
    AHEAD,
    PAST,
    SCATTERED,
    copy,
    newest,
    numbers,
    taking_turns,
)

HOUR: Final = "interval '1 hour'"
# SQL for the columns in which a hold that is due differs from a booking that is confirmed.
DUE: Final = {
    "status": "'PENDING'",
    "confirmed_at": "NULL",
    "expires_at": "date_trunc('second', now()) - interval '1 hour'",
}
# And a booking that nobody has closed.
QUIET: Final = {
    "created_at": "to_timestamp(taken.starts)",
    "confirmed_at": "to_timestamp(taken.starts)",
}
LAPSED: Final = {"lapses": "extract(epoch FROM now())::bigint - 3600"}


def fill(service: Any, providers: Sequence[Any], *, past: range, ahead: range) -> None:
    """Bookings that are over, and bookings that hold time, each with its first event."""
    template = _template(service, providers[0])
    before = newest(Booking)
    _store_past(template, providers, past)
    _store_claims(template, providers, ahead)
    _store_claimants(template, before_claims=template.busy_interval_id)
    _store_events(template, before)
    template.delete()


def fill_with_stale_holds(service: Any, providers: Sequence[Any], number: int) -> None:
    """Pending bookings whose ``expires_at`` has passed, each with its claim and first event."""
    template = _template(service, providers[0])
    before = newest(Booking)
    _store_claims(template, providers, range(number), **LAPSED)
    _store_claimants(template, before_claims=template.busy_interval_id, **DUE)
    _store_events(template, before)
    template.delete()


def fill_with_overdue(service: Any, providers: Sequence[Any], number: int) -> None:
    """Confirmed bookings that are over, and that nobody has closed."""
    template = _template(service, providers[0])
    before = newest(Booking)
    _store_claims(template, providers, range(number), first_day=PAST)
    _store_claimants(template, before_claims=template.busy_interval_id, **QUIET)
    _store_events(template, before)
    template.delete()


def _template(service: Any, provider: Any) -> Booking:
    return create_booking(
        service=service,
        provider=provider,
        start_at=datetime(2098, 1, 1, tzinfo=UTC),
        client_name="Ada",
    )


def _store_past(template: Booking, providers: Sequence[Any], wanted: range) -> None:
    start = f"timestamptz '{PAST}' + (number / {len(providers)}) * {HOUR}"
    copy(
        template,
        numbers(wanted),
        uuid="gen_random_uuid()",
        reference=f"'BK-2000-' || {SCATTERED.format(number='number')}",
        provider_id=taking_turns([each.pk for each in providers]),
        status="'COMPLETED'",
        busy_interval_id="NULL",
        start_at=start,
        end_at=f"{start} + {HOUR}",
        completed_at=f"{start} + {HOUR}",
    )


def _store_claims(
    template: Booking,
    providers: Sequence[Any],
    wanted: range,
    first_day: str = AHEAD,
    **different: str,
) -> None:
    calendars = Calendar.objects.filter(provider__in=providers).order_by("provider_id")
    first_second = f"extract(epoch FROM timestamptz '{first_day}')::bigint"
    starts = f"{first_second} + 3600 * (number / {len(providers)})"
    copy(
        template.busy_interval,
        numbers(wanted),
        calendar_id=taking_turns(list(calendars.values_list("pk", flat=True))),
        starts=starts,
        ends=f"{starts} + 3600",
        **different,
    )


def _store_claimants(template: Booking, *, before_claims: int, **different: str) -> None:
    """A booking for each claim that has been stored since."""
    copy(
        template,
        f"{BusyInterval._meta.db_table} AS taken JOIN {Calendar._meta.db_table} AS calendar "
        f"ON calendar.id = taken.calendar_id AND taken.id > {before_claims}",
        uuid="gen_random_uuid()",
        reference=f"'BK-2099-' || {SCATTERED.format(number='taken.id')}",
        provider_id="calendar.provider_id",
        busy_interval_id="taken.id",
        start_at="to_timestamp(taken.starts)",
        end_at="to_timestamp(taken.ends)",
        **different,
    )


def _store_events(template: Booking, before: int) -> None:
    copy(
        template.events.get(),
        f"(SELECT id FROM {Booking._meta.db_table} WHERE id > {before}) AS made",
        booking_id="made.id",
    )
