"""Publish many sessions that differ only in their time, in a constant number of statements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from copy import copy
from datetime import datetime, tzinfo
from typing import Any

from django.db import connections

from bookings.adapters import is_overridden
from bookings.contrib.group_sessions import session_resources, signals
from bookings.contrib.group_sessions.locked_session import unguarded_sessions
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.session_rules import check_not_past, session_claim
from bookings.exceptions import BookingError
from bookings.ledger.bulk_claims import BulkClaims, ResourceClaim
from bookings.ledger.intervals import Interval
from bookings.ledger.transactions import send_on_commit
from bookings.models import Booking, BusyInterval
from bookings.models.bulk_rows import has_save_receivers
from bookings.rules import service_rules
from bookings.rules.lengths import Length
from bookings.services.bulk_resources import BulkResources
from bookings.services.day_zones import DayZones
from bookings.services.lapsed_holds import expire_lapsed_holds
from bookings.services.resource_choice import ResourceChoice
from bookings.services.resource_needs import KnownResources

Refuse = Callable[[datetime, BookingError], None]
"""What is called with a start at which there cannot be a session; it may raise the error."""


class BulkSessions:
    """Sessions at some starts that equal a checked, unsaved ``template`` in everything else.

    They take the resources that their service needs, which are chosen before the lock. If they
    ``are_slots``, they are generated ones. Without a ``length`` they last as long as the template.
    """

    def __init__(
        self,
        template: Session,
        *,
        now: datetime,
        using: str,
        override_policy: bool = False,
        are_slots: bool = False,
        length: Length | None = None,
    ) -> None:
        self._template = template
        self._are_slots = are_slots
        self._override_policy = override_policy
        self._length: Length = length or template.end_at - template.start_at
        self._zones = DayZones()
        self._now = now
        self._using = using
        self._sessions: list[Session] = []
        self._accepted: list[tuple[Session, Interval]] = []
        self._resources = BulkResources(now, using, ignores_hours=True)
        self._calendars: Mapping[Any, int] = {}

    def prepare(self, starts: Iterable[datetime], refuse: Refuse, allow_past: bool | None) -> None:
        """Check the starts as far as can be told without the lock, and choose the resources."""
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
        self._choose_resources(refuse)

    @property
    def take_resources(self) -> bool:
        """Whether some of the sessions may take resources."""
        return is_overridden("resources") or bool(self._choice_of(self._template).needs)

    def _choice_of(self, session: Session, known: KnownResources | None = None) -> ResourceChoice:
        return session_resources.choice_of_new(
            session,
            None,
            now=self._now,
            using=self._using,
            override_policy=self._override_policy,
            known=known,
        )

    def _choose_resources(self, refuse: Refuse) -> None:
        self._resources = BulkResources(self._now, self._using, ignores_hours=True)
        if not self.take_resources:
            return
        refused, known = set(), KnownResources()

        def note(start_at: datetime, error: BookingError) -> None:
            refused.add(start_at)
            refuse(start_at, error)

        choices = {each.start_at: self._choice_of(each, known) for each in self._sessions}
        self._resources.choose(choices, note)
        self._sessions = [each for each in self._sessions if each.start_at not in refused]

    @property
    def resource_ids(self) -> set[Any]:
        """The keys of the resources whose calendars to lock besides the provider's."""
        return self._resources.provider_ids

    def check(
        self,
        calendars: Mapping[Any, int],
        refuse: Refuse,
        *,
        without: Collection[datetime] = (),
    ) -> list[Session]:
        """Return the sessions that can be stored, in order, under the lock of the calendars.

        There are none at the starts that are given by ``without``.
        """
        now, using = self._now, self._using
        self._calendars = calendars
        calendar_id = calendars[self._template.provider_id]
        claimed = [
            (session, session_claim(session), self._claims_of_resources(session))
            for session in self._sessions
            if session.start_at not in without
        ]
        if claimed:
            windows = [claim.window for _session, claim, _resources in claimed]
            expire_lapsed_holds(self._template.provider_id, *windows, now=now, using=using)
        claims = self._claims = BulkClaims(using=using)
        claims.read(
            [
                *((calendar_id, claim) for _session, claim, _resources in claimed),
                *(
                    (key, each)
                    for _s, _claim, resources in claimed
                    for _row, key, each in resources
                ),
            ]
        )
        self._accepted = []
        for session, claim, resources in claimed:
            try:
                interval = claims.add_with_resources(calendar_id, claim, resources)
                self._accepted.append((session, interval))
            except BookingError as error:
                refuse(session.start_at, error)
        return [session for session, _interval in self._accepted]

    def write(self) -> None:
        """Store the sessions that ``check`` has returned."""
        self._claims.write()
        for session, interval in self._accepted:
            session.pk, session._state.adding = None, True
            session.busy_interval_id = interval.pk
            if self._are_slots:
                session.slot_calendar_id = self._calendars[session.provider_id]
                session.slot_start_at, session.slot_end_at = session.start_at, session.end_at
            session.resource_count = len(self._resources.of(session.start_at))
        sessions = [session for session, _interval in self._accepted]
        insert_sessions(sessions, using=self._using)
        chosen = [(each, row) for each in sessions for row in self._resources.of(each.start_at)]
        session_resources.insert(chosen, self._calendars, now=self._now, using=self._using)
        for session in sessions:
            send_on_commit(signals.session_created, Session, using=self._using, session=session)

    def _claims_of_resources(self, session: Session) -> list[ResourceClaim]:
        return [
            (row, self._calendars[row.provider_id], session_resources.claim_of(session, row))
            for row in self._resources.of(session.start_at)
        ]

    def kind_in_the_way(self, start_at: datetime) -> BusyInterval.Kind:
        """Return what takes the provider's time at a start that ``check`` has refused."""
        calendar_id = self._calendars[self._template.provider_id]
        return self._claims.kind_in_the_way(calendar_id, session_claim(self._copy_at(start_at)))

    def _copy_at(self, start_at: datetime) -> Session:
        session = copy(self._template)
        session.start_at = start_at
        session.end_at = service_rules.end_of(start_at, self._length, self._zone)
        return session

    def _zone(self) -> tzinfo:
        """Return the zone of the provider, which is asked for once."""
        session = self._template
        draft = Booking(
            service=session.service, provider=session.provider, tenant_id=session.tenant_id
        )
        return self._zones.of(draft)


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
