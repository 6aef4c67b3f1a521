"""Lock the calendar of a session, read the session again, and act on what is stored."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from django.db import router
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings.contrib.group_sessions.models import Session, SessionResource
from bookings.exceptions import MissingReference
from bookings.ledger.locked import Locked, act_under_lock, fresh
from bookings.models import BusyInterval
from bookings.models.arguments import is_saved
from bookings.models.bulk_rows import has_save_receivers, update_rows

T = TypeVar("T")

LockedSession: TypeAlias = Locked[Session]


def with_locked_session(
    session: Session,
    act: Callable[[LockedSession], T],
    *,
    now: datetime,
    also_lock: Iterable[Any] = (),
) -> T:
    """Lock the session's calendar, read the session again, and return what ``act`` returns.

    It is one transaction. The calendars of its resources are locked too. ``also_lock`` has the keys
    of further providers whose calendars ``act`` needs.
    """
    using = write_alias(session)
    return act_under_lock(
        act,
        expected=[session.provider_id, *_resource_ids(session, using=using)],
        also_lock=also_lock,
        read=lambda: read_locked(session, using=using),
        providers_of=lambda row: {row.provider_id, *_resource_ids(row, using=using, lock=True)},
        using=using,
        now=now,
    )


def change_session(
    session: Session, act: Callable[[LockedSession], Session], *, now: datetime
) -> Session:
    """Change a session as :func:`with_locked_session` does; return the same object, refreshed.

    ``act`` returns the session as it is stored then.
    """
    stored = with_locked_session(session, act, now=now)
    session.copy_from(stored)
    return session


def _resource_ids(session: Session, *, using: str, lock: bool = False) -> list[Any]:
    """Return the keys of the resources; it makes no query if there are none."""
    if not session.resource_count:
        return []
    rows = SessionResource.objects.using(using).filter(session=session.pk)
    return list((fresh(rows) if lock else rows).values_list("provider_id", flat=True))


def write_alias(session: Any) -> str:
    """Return the alias of the database that the session is written to.

    Raises ``MissingReference`` for what is not a saved session.
    """
    return router.db_for_write(Session, instance=saved_session(session))


def saved_session(value: Any) -> Session:
    """Return ``value`` if it is a saved session; raise ``MissingReference`` otherwise."""
    if not is_saved(value, Session):
        raise missing_session_error()
    session: Session = value
    return session


def unguarded_sessions(using: str) -> QuerySet[Session]:
    """Return a plain queryset of all sessions, which allows the writes that the manager forbids."""
    return QuerySet(Session, using=using)


def save_sessions(rows: Sequence[Session], names: Collection[str], *, using: str) -> None:
    """Write these fields of the rows."""
    if has_save_receivers(Session):
        for row in rows:
            row.save_row(using=using)
        return
    written_at = timezone.now()
    for row in rows:
        row.updated_at = written_at
    update_rows(unguarded_sessions(using), rows, {*names, "updated_at"})


def read_locked(session: Session, *, using: str) -> Session:
    """Return the session as it is stored now; call it under the calendar's lock."""
    key: Any = session.pk
    row = fresh(unguarded_sessions(using).filter(pk=key)).first()
    if row is None:
        raise missing_session_error()
    return row


def free_seats(session: Session, *, using: str) -> int:
    """Return how many seats are free now; call it under the calendar's lock."""
    key: Any = session.busy_interval_id
    interval = fresh(BusyInterval.objects.using(using).filter(pk=key)).first()
    return 0 if interval is None else interval.seats_free


def missing_session_error() -> MissingReference:
    return MissingReference(_("The session is not saved, or has been deleted."))
