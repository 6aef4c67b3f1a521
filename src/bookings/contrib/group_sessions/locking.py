"""Lock a session: its provider's calendar first, then its row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db import router
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from bookings import locks
from bookings.contrib.group_sessions.models import Session
from bookings.exceptions import MissingReference
from bookings.models import BusyInterval
from bookings.transactions import TryAgain, atomically

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Locked:
    """A session's row, read under the lock of its calendar."""

    row: Session
    calendars: dict[Any, int]
    using: str
    now: datetime


def under_lock(
    session: Session, act: Callable[[Locked], T], *, now: datetime, also_lock: Any = None
) -> T:
    """Lock the session's calendar, then its row, and ``act`` on what is stored, all or nothing.

    ``also_lock`` is the key of another provider.
    """
    using = using_of(session)
    provider_id = session.provider_id

    def write() -> T:
        nonlocal provider_id
        providers = {provider_id} if also_lock is None else {provider_id, also_lock}
        calendars = locks.lock_calendars(providers, using=using)
        row = lock_row(session, using=using)
        if row.provider_id != provider_id:
            provider_id = row.provider_id
            raise TryAgain
        return act(Locked(row, calendars, using, now))

    return atomically(write, using=using)


def change(session: Session, act: Callable[[Locked], Session], *, now: datetime) -> Session:
    """As :func:`under_lock`, of an ``act`` that gives what the session is by then; the same object,
    refreshed.
    """
    fresh = under_lock(session, act, now=now)
    session.take_over(fresh)
    return session


def using_of(session: Any) -> str:
    if not isinstance(session, Session) or session._state.adding or session.pk is None:
        raise gone()
    return router.db_for_write(Session, instance=session)


def rows(using: str) -> QuerySet[Session]:
    """Sessions as the services write them, past the doors that are closed to others."""
    return QuerySet(Session, using=using)


def lock_row(session: Session, *, using: str) -> Session:
    key: Any = session.pk
    row = rows(using).select_for_update().filter(pk=key).first()
    if row is None:
        raise gone()
    return row


def lock_interval(session: Session, *, using: str) -> BusyInterval | None:
    """The session's time as it is now: a plain read in a snapshot may be older."""
    intervals = BusyInterval.objects.using(using).select_for_update()
    key: Any = session.busy_interval_id
    return intervals.filter(pk=key).first()


def gone() -> MissingReference:
    return MissingReference(_("The session is not saved, or has been deleted."))
