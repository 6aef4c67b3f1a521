"""What a booking cannot do without, written by hand and sent through psycopg alone."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from tests.benchmarks.workers.worker import DURATION

LOCK: Final = (
    "UPDATE bookings_calendar SET revision = revision + 1 WHERE provider_id = %(provider)s "
    "RETURNING id"
)

INTERVAL_COLUMNS: Final = "starts, ends, kind, service_id, capacity, seats_taken, lapses"
INTERVAL_VALUES: Final = "%(starts)s, %(ends)s, 'BOOKING', %(service)s, 1, 1, NULL"

BOOKING_COLUMNS: Final = """
    uuid, reference, version, tenant_id, service_id, provider_id, client_name, client_email,
    client_phone, client_user_id, start_at, end_at, buffer_before_minutes, buffer_after_minutes,
    status, expires_at, confirmed_at, delivered_at, completed_at, cancelled_at, cancelled_by_id,
    cancellation_reason, auto_cancelled, requires_approval, cancellation_allowed,
    cancellation_notice_minutes, reschedule_allowed, reschedule_notice_minutes,
    two_sided_completion, service_name, provider_name, party_size, capacity_consumed,
    pricing_type, price_amount, total_amount, currency, notes_internal,
    notes_client, metadata, idempotency_key, created_at, updated_at, created_by_id,
    client_lookup, created_by_name, cancelled_by_name, answers, resource_count, location,
    meeting_link, client_language, client_timezone"""
BOOKING_VALUES: Final = """
    %(uuid)s, %(reference)s, 1, NULL, %(service)s, %(provider)s, 'Ada', '',
    '', NULL, %(start)s, %(end)s, 0, 0,
    'CONFIRMED', NULL, %(now)s, NULL, NULL, NULL, NULL,
    '', FALSE, FALSE, TRUE,
    0, TRUE, 0, FALSE, 'Massage', 'Ada',
    1, 1, '', NULL, NULL, 'USD', '',
    '', '{}', NULL, %(now)s, %(now)s, NULL,
    %(lookup)s, '', '', '[]', 0, '',
    '', 'en-us', ''"""

EVENT_COLUMNS: Final = "event_type, message, data, actor_user_id, actor_name, created_at"
EVENT_VALUES: Final = "'CREATED', '', %(data)s, NULL, '', %(now)s"

CLAIM: Final = (
    f"INSERT INTO bookings_busyinterval (calendar_id, {INTERVAL_COLUMNS}) "
    f"VALUES (%(calendar)s, {INTERVAL_VALUES}) RETURNING id"
)
BOOKING: Final = (
    f"INSERT INTO bookings_booking (busy_interval_id, {BOOKING_COLUMNS}) "
    f"VALUES (%(interval)s, {BOOKING_VALUES}) RETURNING id"
)
EVENT: Final = (
    f"INSERT INTO bookings_bookingevent (booking_id, {EVENT_COLUMNS}) "
    f"VALUES (%(booking)s, {EVENT_VALUES}) RETURNING id"
)

AT_ONCE: Final = f"""
WITH calendar AS ({LOCK}),
taken AS (
    INSERT INTO bookings_busyinterval (calendar_id, {INTERVAL_COLUMNS})
    SELECT id, {INTERVAL_VALUES} FROM calendar RETURNING id
),
booking AS (
    INSERT INTO bookings_booking (busy_interval_id, {BOOKING_COLUMNS})
    SELECT id, {BOOKING_VALUES} FROM taken RETURNING id
)
INSERT INTO bookings_bookingevent (booking_id, {EVENT_COLUMNS})
SELECT id, {EVENT_VALUES} FROM booking RETURNING id, booking_id
"""


class Raw:
    """A connection of its own, on which each statement commits by itself unless told otherwise."""

    def __init__(self, database: dict[str, Any], service: int) -> None:
        self.database = database
        self.service = service

    @cached_property
    def connection(self) -> psycopg.Connection[Any]:
        """Opened by the first who needs it: a server has not so many to give."""
        return psycopg.connect(
            host=self.database["HOST"] or None,
            port=self.database["PORT"] or None,
            user=self.database["USER"] or None,
            password=self.database["PASSWORD"] or None,
            dbname=self.database["NAME"],
            autocommit=True,
        )

    def book_in_steps(self, provider: int, start: datetime) -> None:
        values = self._values(provider, start)
        with self.connection.transaction(), self.connection.cursor() as cursor:
            for name, statement in (
                ("calendar", LOCK),
                ("interval", CLAIM),
                ("booking", BOOKING),
                ("event", EVENT),
            ):
                (values[name],) = cursor.execute(statement, values).fetchone() or (None,)

    def book_at_once(self, provider: int, start: datetime) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(AT_ONCE, self._values(provider, start)).fetchone()

    def _values(self, provider: int, start: datetime) -> dict[str, Any]:
        now = datetime.now(UTC)
        end = start + DURATION
        key = uuid.uuid4()
        data = {
            "status": "CONFIRMED",
            "created_at": now.isoformat(),
            "start_at": start.isoformat(),
            "end_at": end.isoformat(),
            "service": self.service,
            "provider": provider,
        }
        return {
            "uuid": key,
            "reference": f"BK-{now.year}-{key.hex[:8].upper()}",
            "service": self.service,
            "provider": provider,
            "start": start,
            "end": end,
            "starts": int(start.timestamp()),
            "ends": int(end.timestamp()),
            "now": now,
            "lookup": sha256(b"Ada").hexdigest(),
            "data": Jsonb(data),
        }
