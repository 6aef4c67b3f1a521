"""Publish many sessions that differ only in their time, in a constant number of statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from datetime import datetime
from typing import Any

from django.db import connections

from bookings.contrib.group_sessions import signals
from bookings.contrib.group_sessions.locked_session import unguarded_sessions
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.session_rules import check_not_past, session_claim
from bookings.exceptions import BookingError
from bookings.ledger.bulk_claims import BulkClaims
from bookings.ledger.intervals import Interval
from bookings.ledger.transactions import send_on_commit
from bookings.models.bulk_rows import has_save_receivers
from bookings.rules import instants
from bookings.services.lapsed_holds import expire_lapsed_holds

Refuse = Callable[[datetime, BookingError], None]
"""What is called with a start at which there cannot be a session; it may raise the error."""


class BulkSessions:
    """Sessions at some starts that equal a checked, unsaved ``template`` in everything else."""

    def __init__(self, template: Session, *, now: datetime, using: str) -> None:
        self._template = template
        self._length = template.end_at - template.start_at
        self._now = now
        self._using = using
        self._sessions: list[Session] = []
        self._accepted: list[tuple[Session, Interval]] = []

    def prepare(self, starts: Iterable[datetime], refuse: Refuse, allow_past: bool | None) -> None:
        """Check the starts as far as can be told without the lock."""
        self._sessions = []
        for start_at in starts:
            try:
                session = self._copy_at(start_at)
                check_not_past(session, self._now, allow_past)
                session_claim(session)
            except BookingError as error:
                refuse(start_at, error)
            else:
                self._sessions.append(session)

    def check(self, calendar_id: int, refuse: Refuse) -> list[Session]:
        """Return the sessions that can be stored, in order, under the calendar's lock."""
        now, using = self._now, self._using
        claimed = [(session, session_claim(session)) for session in self._sessions]
        if claimed:
            windows = [claim.window for _session, claim in claimed]
            expire_lapsed_holds(self._template.provider_id, *windows, now=now, using=using)
        claims = self._claims = BulkClaims(using=using)
        claims.read([(calendar_id, claim) for _session, claim in claimed])
        self._accepted = []
        for session, claim in claimed:
            try:
                self._accepted.append((session, claims.add(calendar_id, claim)))
            except BookingError as error:
                refuse(session.start_at, error)
        return [session for session, _interval in self._accepted]

    def write(self) -> None:
        """Store the sessions that ``check`` has returned."""
        self._claims.write()
        for session, interval in self._accepted:
            session.pk, session._state.adding = None, True
            session.busy_interval_id = interval.pk
        sessions = [session for session, _interval in self._accepted]
        insert_sessions(sessions, using=self._using)
        for session in sessions:
            send_on_commit(signals.session_created, Session, using=self._using, session=session)

    def _copy_at(self, start_at: datetime) -> Session:
        session = copy(self._template)
        session.start_at = start_at
        session.end_at = instants.add_elapsed(start_at, self._length)
        return session


def insert_sessions(sessions: list[Session], *, using: str) -> None:
    """Insert sessions whose time is claimed, and set their keys."""
    if has_save_receivers(Session):
        for session in sessions:
            session.save_row(using=using)
        return
    stored = unguarded_sessions(using)
    stored.bulk_create(sessions)
    if not connections[using].features.can_return_rows_from_bulk_insert:
        # MySQL does not return the keys of the rows that it inserts.
        intervals: Any = [session.busy_interval_id for session in sessions]
        keys: dict[Any, int] = dict(
            stored.filter(busy_interval__in=intervals).values_list("busy_interval_id", "pk")
        )
        for session in sessions:
            session.pk = keys[session.busy_interval_id]
            session._state.adding, session._state.db = False, using
