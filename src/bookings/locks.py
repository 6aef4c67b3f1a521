"""Lock a provider's calendar, and so all of the provider's time, until the transaction ends; then,
where limits are on, a client.

The lock is the transaction's first statement: an ``UPDATE``, because it is the one statement that
locks on every database. It takes SQLite's write lock before anything is read, and under REPEATABLE
READ it turns a stale snapshot into a serialization failure, which a ``SELECT … FOR UPDATE`` would
not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from django.db import connections
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import MissingReference
from bookings.models import Calendar, ClientLock
from bookings.transactions import TryAgain

_LOCK_AND_RETURN: Final = (
    "UPDATE {table} SET {revision} = {revision} + 1 WHERE {provider} = %s RETURNING {id}"
)
# MySQL's UPDATE gives back nothing but the number that LAST_INSERT_ID() was told to remember.
_LOCK_AND_REMEMBER: Final = (
    "UPDATE {table} SET {revision} = {revision} + 1, {id} = LAST_INSERT_ID({id}) "
    "WHERE {provider} = %s"
)


def lock_calendar(provider_id: Any, *, using: str) -> int:
    """Lock one provider's time until the transaction ends; its calendar's key."""
    calendar_id = _lock(provider_id, using)
    if calendar_id is None:
        _open_calendar(provider_id, using)
        calendar_id = _lock(provider_id, using)
    if calendar_id is None:
        raise _no_provider()
    return calendar_id


def lock_calendars(provider_ids: Iterable[Any], *, using: str) -> dict[Any, int]:
    """Lock several providers' time, in the order of their calendars; provider to calendar."""
    wanted = set(provider_ids)
    if len(wanted) < 2:
        return {key: lock_calendar(key, using=using) for key in wanted}
    calendars = Calendar.objects.using(using)
    known = dict(calendars.filter(provider_id__in=wanted).values_list("provider_id", "pk"))
    if missing := wanted - known.keys():
        for provider_id in sorted(missing, key=str):
            _open_calendar(provider_id, using)
        # With a lock, because a snapshot has no calendar that somebody else has just made.
        made = calendars.filter(provider_id__in=wanted).select_for_update()
        known = dict(made.values_list("provider_id", "pk"))
    # An UPDATE of many rows locks them in the order of its plan, a sorted SELECT in its own.
    locked = calendars.filter(pk__in=known.values()).order_by("pk").select_for_update()
    if len(locked) < len(wanted):
        # Deleted since they were read, with their providers.
        raise TryAgain
    calendars.filter(pk__in=known.values()).update(revision=F("revision") + 1)
    return known


def lock_free_calendars(provider_ids: Iterable[Any], *, using: str) -> dict[Any, int]:
    """Lock the time of those providers whose calendars nobody else has locked; whose that is.

    Where the database cannot skip what is locked, as :func:`lock_calendars`.
    """
    if not connections[using].features.has_select_for_update_skip_locked:
        return lock_calendars(provider_ids, using=using)
    calendars = Calendar.objects.using(using)
    wanted = calendars.filter(provider_id__in=set(provider_ids)).order_by("pk")
    free = wanted.select_for_update(skip_locked=True).values_list("provider_id", "pk")
    locked = dict(free)
    calendars.filter(pk__in=locked.values()).update(revision=F("revision") + 1)
    return locked


def lock_clients(keys: Collection[str], *, now: datetime, using: str) -> None:
    """Lock what a client is known by, until the transaction ends; after the calendars.

    An upsert, for it too turns a snapshot that is older than another's bookings of the client into
    a serialization failure.
    """
    has_target = connections[using].features.supports_update_conflicts_with_target
    ClientLock.objects.using(using).bulk_create(
        [ClientLock(client=key, locked_at=now) for key in sorted(keys)],
        update_conflicts=True,
        update_fields=["locked_at"],
        unique_fields=["client"] if has_target else None,
    )


def _lock(provider_id: Any, using: str) -> int | None:
    """Lock the calendar and learn its key, in one statement; ``None`` if there is no calendar."""
    connection = connections[using]
    fields: dict[str, Any] = {
        name: Calendar._meta.get_field(name) for name in ("id", "revision", "provider")
    }
    quoted = {name: connection.ops.quote_name(field.column) for name, field in fields.items()}
    template, read = (
        (_LOCK_AND_REMEMBER, _remembered)
        if connection.vendor == "mysql"
        else (_LOCK_AND_RETURN, _returned)
    )
    table = connection.ops.quote_name(Calendar._meta.db_table)
    key = fields["provider"].get_db_prep_value(provider_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(template.format(table=table, **quoted), [key])
        return read(cursor)


def _returned(cursor: Any) -> int | None:
    row = cursor.fetchone()
    return row[0] if row else None


def _remembered(cursor: Any) -> int | None:
    return cursor.lastrowid if cursor.rowcount else None


def _open_calendar(provider_id: Any, using: str) -> None:
    """Make a provider's calendar, with the provider's row locked so that it cannot vanish."""
    providers = Calendar._meta.get_field("provider").remote_field.model._base_manager.using(using)
    # Not its key, which a booking's foreign key asks for while its calendar is locked already.
    no_key = connections[using].features.has_select_for_no_key_update
    locked = providers.select_for_update(no_key=no_key).filter(pk=provider_id)
    if not locked.values_list("pk")[:1]:
        raise _no_provider()
    Calendar.objects.using(using).bulk_create(
        [Calendar(provider_id=provider_id)], ignore_conflicts=True
    )


def _no_provider() -> MissingReference:
    return MissingReference(_("The provider does not exist. Choose another."))
