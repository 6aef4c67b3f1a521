"""Lock the calendars of providers, and after them clients, until the transaction ends.

The lock of a calendar is the first statement of the transaction. It is an ``UPDATE``, because that
is the one statement that locks on every database: it takes SQLite's write lock before anything is
read, and under REPEATABLE READ it turns a stale snapshot into a serialization failure, which a
``SELECT … FOR UPDATE`` does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from django.db import connections
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import MissingReference
from bookings.ledger.transactions import RetryTransaction
from bookings.models import Calendar, ClientLock

_LOCK_AND_RETURN: Final = (
    "UPDATE {table} SET {revision} = {revision} + 1 WHERE {provider} = %s RETURNING {id}"
)
# MySQL's UPDATE returns no rows, only the number that was given to LAST_INSERT_ID().
_LOCK_WITH_LAST_INSERT_ID: Final = (
    "UPDATE {table} SET {revision} = {revision} + 1, {id} = LAST_INSERT_ID({id}) "
    "WHERE {provider} = %s"
)


def lock_calendar(provider_id: Any, *, using: str) -> int:
    """Lock the calendar of one provider, which is created if there is none; return its key.

    Raises ``MissingReference`` if the provider does not exist.
    """
    calendar_id = _lock(provider_id, using)
    if calendar_id is None:
        _create_calendar(provider_id, using)
        calendar_id = _lock(provider_id, using)
    if calendar_id is None:
        raise _missing_provider_error(provider_id)
    return calendar_id


def lock_calendars(provider_ids: Iterable[Any], *, using: str) -> dict[Any, int]:
    """Lock the calendars of several providers, sorted by key; return the keys by provider."""
    unique_ids = set(provider_ids)
    if len(unique_ids) < 2:
        return {key: lock_calendar(key, using=using) for key in unique_ids}
    calendars = Calendar.objects.using(using)
    known = dict(calendars.filter(provider_id__in=unique_ids).values_list("provider_id", "pk"))
    if missing := unique_ids - known.keys():
        for provider_id in sorted(missing, key=str):
            _create_calendar(provider_id, using)
        # With a lock, because the snapshot has no calendar that was created a moment ago.
        created = calendars.filter(provider_id__in=unique_ids).select_for_update()
        known = dict(created.values_list("provider_id", "pk"))
    # A sorted SELECT locks the rows in that order; an UPDATE of many rows locks them in any.
    locked = calendars.filter(pk__in=known.values()).order_by("pk").select_for_update()
    if len(locked) < len(unique_ids):
        # A provider was deleted, with its calendar, after the keys were read.
        raise RetryTransaction
    calendars.filter(pk__in=known.values()).update(revision=F("revision") + 1)
    return known


def try_lock_calendars(provider_ids: Iterable[Any], *, using: str) -> dict[Any, int]:
    """Lock those calendars that no other transaction has locked; return their keys by provider.

    A database without ``SKIP LOCKED`` waits for all of them, as :func:`lock_calendars` does.
    """
    if not connections[using].features.has_select_for_update_skip_locked:
        return lock_calendars(provider_ids, using=using)
    calendars = Calendar.objects.using(using)
    rows = calendars.filter(provider_id__in=set(provider_ids)).order_by("pk")
    free = rows.select_for_update(skip_locked=True).values_list("provider_id", "pk")
    locked = dict(free)
    calendars.filter(pk__in=locked.values()).update(revision=F("revision") + 1)
    return locked


def mark_chosen(calendar_ids: Collection[int], *, now: datetime, using: str) -> None:
    """Let it be the turn of the other providers of the pools from which these were chosen."""
    if calendar_ids:
        Calendar.objects.using(using).filter(pk__in=calendar_ids).update(chosen_at=now)


def lock_clients(keys: Collection[str], *, now: datetime, using: str) -> None:
    """Lock a client by the digests of everything that identifies it; after the calendars.

    An upsert, because it turns a snapshot that is older than another booking of the client into a
    serialization failure.
    """
    has_target = connections[using].features.supports_update_conflicts_with_target
    ClientLock.objects.using(using).bulk_create(
        [ClientLock(client=key, locked_at=now) for key in sorted(keys)],
        update_conflicts=True,
        update_fields=["locked_at"],
        unique_fields=["client"] if has_target else None,
    )


def _lock(provider_id: Any, using: str) -> int | None:
    """Lock the calendar and return its key, in one statement; ``None`` if there is no calendar."""
    connection = connections[using]
    fields: dict[str, Any] = {
        name: Calendar._meta.get_field(name) for name in ("id", "revision", "provider")
    }
    quoted = {name: connection.ops.quote_name(field.column) for name, field in fields.items()}
    template, read = (
        (_LOCK_WITH_LAST_INSERT_ID, _last_insert_id)
        if connection.vendor == "mysql"
        else (_LOCK_AND_RETURN, _returned_id)
    )
    table = connection.ops.quote_name(Calendar._meta.db_table)
    key = fields["provider"].get_db_prep_value(provider_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(template.format(table=table, **quoted), [key])
        return read(cursor)


def _returned_id(cursor: Any) -> int | None:
    row = cursor.fetchone()
    return row[0] if row else None


def _last_insert_id(cursor: Any) -> int | None:
    return cursor.lastrowid if cursor.rowcount else None


def _create_calendar(provider_id: Any, using: str) -> None:
    """Create a provider's calendar while the provider's row is locked against deletion."""
    providers = Calendar._meta.get_field("provider").remote_field.model._base_manager.using(using)
    # Not the key: the foreign key of a booking reads it while the calendar is already locked.
    no_key = connections[using].features.has_select_for_no_key_update
    locked = providers.select_for_update(no_key=no_key).filter(pk=provider_id)
    if not locked.values_list("pk")[:1]:
        raise _missing_provider_error(provider_id)
    Calendar.objects.using(using).bulk_create(
        [Calendar(provider_id=provider_id)], ignore_conflicts=True
    )


def _missing_provider_error(provider_id: Any) -> MissingReference:
    error = MissingReference(_("The provider does not exist. Choose another."), field="provider")
    error.provider_id = provider_id
    return error
