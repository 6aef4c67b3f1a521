"""Years of bookings, written by the database itself with ``generate_series``.

Each provider has eight bookings on every day up to yesterday, and one on each of the days to come.
There is a client for every twenty of the past, and one for each to come. Of twenty bookings sixteen
were completed, two were cancelled, one was declined, and to one nobody came. Each has the event of
its creation, and one of its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from bookings.models import Booking, BookingEvent, BusyInterval, Calendar
from bookings.services import create_booking
from tests.benchmarks.bulk_load import without_indexes
from tests.benchmarks.workers.copying import SCATTERED, copy, newest, numbers, taking_turns

A_DAY: Final = 8
FIRST_HOUR: Final = 9
TODAY: Final = "date_trunc('day', now(), 'UTC')"
HOUR: Final = "interval '1 hour'"
STATUSES: Final = (
    *["COMPLETED"] * 16,
    *["CANCELLED"] * 2,
    "DECLINED",
    "NO_SHOW",
)
BOOKINGS_OF_A_CLIENT: Final = 20
CHUNK: Final = 500_000


def store_history(service: Any, providers: Sequence[Any], *, past: int, ahead: int) -> None:
    """Store bookings that are over, and bookings that are to come, one a day of each provider."""
    template = create_booking(
        service=service,
        provider=providers[0],
        start_at=datetime(2098, 1, 1, tzinfo=UTC),
        client_name="Ada",
        client_email="ada@example.org",
        client_phone="+49 30 901820",
    )
    keys = [each.pk for each in providers]
    newest_booking, newest_claim = newest(Booking), newest(BusyInterval)
    with without_indexes([model._meta.db_table for model in (BookingEvent, Booking)]):
        for first in range(0, past, CHUNK):
            _store_past(template, keys, range(first, min(past, first + CHUNK)), past)
        _store_claims(template, keys, range(ahead))
        _store_claimants(template, newest_claim)
        _store_events(template, newest_booking)
    template.delete()


def _client(client: str) -> dict[str, str]:
    """SQL for the columns of the client of a booking, who is a number."""
    return {
        "client_name": f"'Client ' || {client}",
        "client_email": f"'client' || {client} || '@example.org'",
        "client_phone": f"'+49 30 ' || {client}",
        "client_lookup": (
            f"left(encode(sha256(({client})::text::bytea), 'hex'), length(template.client_lookup))"
        ),
    }


def _store_past(template: Booking, keys: list[int], wanted: range, past: int) -> None:
    turns = -(-past // len(keys))
    before = f"({turns - 1} - number / {len(keys)})"
    start = (
        f"({TODAY} - interval '1 day' * (1 + {before} / {A_DAY})"
        f" + {HOUR} * ({FIRST_HOUR + A_DAY - 1} - {before} % {A_DAY}))"
    )
    status = f"(ARRAY[{', '.join(map(repr, STATUSES))}])[1 + (number / 7) % {len(STATUSES)}]"
    client = f"((hashint8(number)::bigint + {2**31}) % {-(-past // BOOKINGS_OF_A_CLIENT)})"
    created = f"({start} - interval '1 hour' * (24 + number % 500))"
    copy(
        template,
        numbers(wanted),
        uuid="gen_random_uuid()",
        reference=f"'BK-2000-' || {SCATTERED.format(number='number')}",
        provider_id=taking_turns(keys),
        status=status,
        busy_interval_id="NULL",
        start_at=start,
        end_at=f"{start} + {HOUR}",
        created_at=created,
        confirmed_at=created,
        completed_at=f"CASE {status} WHEN 'COMPLETED' THEN {start} + {HOUR} END",
        cancelled_at=f"CASE {status} WHEN 'CANCELLED' THEN {start} - {HOUR} END",
        **_client(client),
    )


def _store_claims(template: Booking, keys: list[int], wanted: range) -> None:
    calendars = dict(Calendar.objects.values_list("provider_id", "pk"))
    starts = (
        f"(extract(epoch FROM {TODAY})::bigint + 3600 * {FIRST_HOUR}"
        f" + 86400 * (1 + number / {len(keys)}) + 3600 * (number % {A_DAY}))"
    )
    copy(
        template.busy_interval,
        numbers(wanted),
        calendar_id=taking_turns([calendars[key] for key in keys]),
        starts=starts,
        ends=f"{starts} + 3600",
    )


def _store_claimants(template: Booking, newest_claim: int) -> None:
    copy(
        template,
        f"{BusyInterval._meta.db_table} AS taken JOIN {Calendar._meta.db_table} AS calendar "
        f"ON calendar.id = taken.calendar_id AND taken.id > {newest_claim}",
        uuid="gen_random_uuid()",
        reference=f"'BK-2099-' || {SCATTERED.format(number='taken.id')}",
        provider_id="calendar.provider_id",
        busy_interval_id="taken.id",
        start_at="to_timestamp(taken.starts)",
        end_at="to_timestamp(taken.ends)",
        **_client("taken.id"),
    )


def _store_events(template: Booking, newest_booking: int) -> None:
    created = template.events.get()
    stored = f"SELECT * FROM {Booking._meta.db_table} WHERE id > {newest_booking}"
    copy(created, f"({stored}) AS made", booking_id="made.id", created_at="made.created_at")
    copy(
        created,
        f"({stored} AND status <> '{template.status}') AS made",
        booking_id="made.id",
        event_type="made.status",
        created_at="made.end_at",
        data="jsonb_build_object('old_status', 'CONFIRMED', 'new_status', made.status)",
    )
