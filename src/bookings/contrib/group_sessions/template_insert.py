"""Insert many sessions that differ only in their time, which is claimed already."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connections

from bookings.contrib.group_sessions.locked_session import unguarded_sessions
from bookings.contrib.group_sessions.models import Session
from bookings.ledger.claims import Claim
from bookings.models import BusyInterval

# Columns that PostgreSQL computes from the busy interval, so that the values that all sessions
# share are sent once.
_FROM_INTERVAL: Final = {
    "start_at": "to_timestamp(starts + {buffer_before})",
    "end_at": "to_timestamp(ends - {buffer_after})",
    "slot_calendar": "calendar_id",
    "slot_start_at": "to_timestamp(starts + {buffer_before})",
    "slot_end_at": "to_timestamp(ends - {buffer_after})",
    "busy_interval": "id",
}


def insert_copies(
    template: Session,
    calendar_id: int,
    claims: Sequence[Claim],
    interval_ids: Sequence[int],
    *,
    using: str,
) -> None:
    """Insert a copy of ``template`` for each claim on the calendar.

    ``interval_ids`` are the keys of the busy intervals of the claims, in the same order.
    """
    if connections[using].vendor == "postgresql":
        _insert_from_intervals(template, interval_ids, using)
    else:
        template.slot_calendar_id = calendar_id
        sessions = [
            _copy_at(template, claim, interval_id)
            for claim, interval_id in zip(claims, interval_ids, strict=True)
        ]
        unguarded_sessions(using).bulk_create(sessions)


def _copy_at(template: Session, claim: Claim, interval_id: int) -> Session:
    session = copy(template)
    start = claim.starts + 60 * template.buffer_before_minutes
    end = claim.ends - 60 * template.buffer_after_minutes
    session.start_at = session.slot_start_at = datetime.fromtimestamp(start, UTC)
    session.end_at = session.slot_end_at = datetime.fromtimestamp(end, UTC)
    session.busy_interval_id = interval_id
    return session


def _insert_from_intervals(template: Session, interval_ids: Sequence[int], using: str) -> None:
    """Insert with one ``INSERT … SELECT``, which has few parameters.

    To write the 26 columns of each row as parameters, and to read them, would take most of the
    time.
    """
    connection = connections[using]
    quote = connection.ops.quote_name
    seconds = {
        "buffer_before": 60 * template.buffer_before_minutes,
        "buffer_after": 60 * template.buffer_after_minutes,
    }
    columns, values, params = [], [], []
    for field in Session._meta.local_concrete_fields:
        if field.primary_key:
            continue
        columns.append(quote(str(field.column)))
        if field.name in _FROM_INTERVAL:
            values.append(_FROM_INTERVAL[field.name].format(**seconds))
            continue
        value: Any = field.get_db_prep_save(field.pre_save(template, add=True), connection)
        values.append("NULL" if value is None else "%s")
        params += [] if value is None else [value]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(Session._meta.db_table)} ({', '.join(columns)}) "  # noqa: S608
            f"SELECT {', '.join(values)} FROM {quote(BusyInterval._meta.db_table)} "
            "WHERE id = ANY(%s) ORDER BY starts",
            [*params, list(interval_ids)],
        )
