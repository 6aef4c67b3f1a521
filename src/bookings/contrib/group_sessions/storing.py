"""Store many sessions that differ in nothing but their time, which is claimed already."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connections

from bookings import claims
from bookings.contrib.group_sessions.locking import rows
from bookings.contrib.group_sessions.models import Session
from bookings.models import BusyInterval

# What PostgreSQL knows of each from its claim, so that the rest is said once for all of them.
_FROM_CLAIM: Final = {
    "start_at": "to_timestamp(starts + {before})",
    "end_at": "to_timestamp(ends - {after})",
    "slot_calendar": "calendar_id",
    "slot_start_at": "to_timestamp(starts + {before})",
    "slot_end_at": "to_timestamp(ends - {after})",
    "busy_interval": "id",
}


def store(
    example: Session,
    calendar_id: int,
    claims: Sequence[claims.Claim],
    keys: Sequence[int],
    *,
    using: str,
) -> None:
    """A session as ``example`` for each of the claims on the calendar, whose intervals have these
    keys.
    """
    if connections[using].vendor == "postgresql":
        _store_by_claims(example, keys, using)
    else:
        example.slot_calendar_id = calendar_id
        made = [_of(example, *pair) for pair in zip(claims, keys, strict=True)]
        rows(using).bulk_create(made)


def _of(example: Session, claim: claims.Claim, key: int) -> Session:
    session = copy(example)
    starts, ends = (
        claim.starts + 60 * example.buffer_before_minutes,
        claim.ends - 60 * example.buffer_after_minutes,
    )
    session.start_at = session.slot_start_at = datetime.fromtimestamp(starts, UTC)
    session.end_at = session.slot_end_at = datetime.fromtimestamp(ends, UTC)
    session.busy_interval_id = key
    return session


def _store_by_claims(example: Session, keys: Sequence[int], using: str) -> None:
    """One statement with hardly a parameter: writing rows of 26 columns as text, and reading them,
    would take most of the time.
    """
    connection = connections[using]
    quote = connection.ops.quote_name
    seconds = {
        "before": 60 * example.buffer_before_minutes,
        "after": 60 * example.buffer_after_minutes,
    }
    columns, values, params = [], [], []
    for field in Session._meta.local_concrete_fields:
        if field.primary_key:
            continue
        columns.append(quote(str(field.column)))
        if field.name in _FROM_CLAIM:
            values.append(_FROM_CLAIM[field.name].format(**seconds))
            continue
        value: Any = field.get_db_prep_save(field.pre_save(example, add=True), connection)
        values.append("NULL" if value is None else "%s")
        params += [] if value is None else [value]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(Session._meta.db_table)} ({', '.join(columns)}) "  # noqa: S608
            f"SELECT {', '.join(values)} FROM {quote(BusyInterval._meta.db_table)} "
            "WHERE id = ANY(%s) ORDER BY starts",
            [*params, list(keys)],
        )
