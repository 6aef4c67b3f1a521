"""Lock calendars, read the row again, act on what is stored: the frame of every change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db import models

from bookings.ledger import locks
from bookings.ledger.transactions import RetryTransaction, atomic_with_retry

Row = TypeVar("Row")
Result = TypeVar("Result")
Rows = TypeVar("Rows", bound=models.QuerySet[Any])


@dataclass(frozen=True, slots=True)
class Locked(Generic[Row]):
    """A row that was read under the lock of its calendars, and the change that it is read for."""

    row: Row
    calendars: dict[Any, int]
    """The keys of the locked calendars, by the keys of their providers."""
    using: str
    """The alias of the database."""
    now: datetime
    actor: Any = None
    """The user who makes the change; ``None`` for nobody."""


def act_under_lock(
    act: Callable[[Locked[Row]], Result],
    *,
    expected: Iterable[Any],
    also_lock: Iterable[Any] = (),
    read: Callable[[], Row],
    providers_of: Callable[[Row], set[Any]],
    using: str,
    now: datetime,
    actor: Any = None,
    lock_client: Callable[[], None] | None = None,
) -> Result:
    """Lock the calendars of providers, ``read`` the row, and return what ``act`` makes of it.

    It is one transaction: all or nothing, and retried where the database asks for that. The order
    of the locks is always calendars, client, row.

    :param expected: the keys of the providers that the row has, as far as the caller knows. If the
        row has another one by now, the transaction starts again with ``providers_of`` the row.
    :param also_lock: the keys of providers that are locked besides, whatever the row has.
    """
    others = set(also_lock) - {None}
    needed = {*expected, *others} - {None}

    def write() -> Result:
        nonlocal needed
        calendars = locks.lock_calendars(needed, using=using)
        if lock_client is not None:
            lock_client()
        row = read()
        if not (actual := providers_of(row)) <= needed:
            needed = actual | others
            raise RetryTransaction
        return act(Locked(row, calendars, using, now, actor))

    return atomic_with_retry(write, using=using)


def fresh(rows: Rows) -> Rows:
    """Return the queryset as a locking read, which sees the rows as they are now.

    Under REPEATABLE READ and above, a plain read sees the snapshot of the transaction, which may be
    older than the lock of the calendar.
    """
    return rows.select_for_update()
