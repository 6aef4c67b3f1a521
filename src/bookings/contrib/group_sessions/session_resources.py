"""The resources of sessions, such as their rooms: chosen before the lock, claimed under it.

A session takes resources as a booking does, by what its service needs and what the caller passes.
So a draft of a booking stands for it where they are chosen, and where the adapter is asked. An
active session holds the time of each; one that is cancelled or finished holds none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bookings.contrib.group_sessions.models import Session, SessionResource
from bookings.contrib.group_sessions.session_rules import session_claim
from bookings.ledger import entries, locks, resource_claims
from bookings.ledger.claims import Claim
from bookings.ledger.locked import fresh
from bookings.models import Booking, BookingResource, BusyInterval
from bookings.models.bulk_rows import insert_rows
from bookings.models.read_alias import reading_from
from bookings.rules import instants
from bookings.services.resource_choice import ResourceChoice
from bookings.services.resource_needs import KnownResources, needs_of_new, needs_of_stored


def choice_of_new(
    session: Session,
    requested: Sequence[Any] | None,
    *,
    now: datetime,
    using: str,
    override_policy: bool,
    known: KnownResources | None = None,
) -> ResourceChoice:
    """Return the choice of resources for a session, without a lock.

    It needs what its service needs, and the ``requested`` ones.
    """
    draft = _draft(session)
    draft.requested_resources = requested
    with reading_from(using):
        needs = needs_of_new(draft, known)
    return _choice(session, draft, needs, now=now, using=using, override_policy=override_policy)


def choice_of_moved(
    session: Session,
    stored: Sequence[SessionResource],
    requested: Sequence[Any] | None,
    *,
    now: datetime,
    using: str,
    override_policy: bool,
) -> ResourceChoice:
    """Return the choice for a stored session, which is to be as ``session`` says.

    It keeps what it has and what is free, or takes another one of the same pool, unless the caller
    asks for others.
    """
    with reading_from(using):
        draft = _draft(session)
        draft.requested_resources = requested
        if requested is None:
            # As a booking that is not stored has them.
            rows = [
                BookingResource(pk=row.pk, provider_id=row.provider_id, pool=row.pool)
                for row in stored
            ]
            needs = needs_of_stored([draft], rows, using=using)[None]
        else:
            needs = needs_of_new(draft)
    choice = _choice(session, draft, needs, now=now, using=using, override_policy=override_policy)
    own = [session.busy_interval_id, *(row.busy_interval_id for row in stored)]
    choice.freed = {key: 0 for key in own if key is not None}
    choice.buffers = {row.provider_id: row.buffers for row in stored}
    return choice


def _draft(session: Session) -> Booking:
    draft = Booking(
        tenant_id=session.tenant_id,
        start_at=session.start_at,
        end_at=session.end_at,
        buffer_before_minutes=session.buffer_before_minutes,
        buffer_after_minutes=session.buffer_after_minutes,
    )
    draft.service, draft.provider = session.service, session.provider
    return draft


def _choice(session: Session, draft: Booking, needs: Any, **options: Any) -> ResourceChoice:
    # Staff publish sessions, also outside of the hours of those who give them.
    return ResourceChoice(draft, needs, session_claim(session), ignores_hours=True, **options)


def claim_of(session: Session, resource: BookingResource | SessionResource) -> Claim:
    """Return the claim of a resource's time, which nobody else can take seats of."""
    starts, ends = instants.busy_bounds(session.start_at, session.end_at, *resource.buffers)
    return Claim(
        starts=starts,
        ends=ends,
        service_id=session.service_id,
        seats=0,
        kind=BusyInterval.Kind.SESSION,
    )


def provider_ids(sessions: Iterable[Session], *, using: str, lock: bool = False) -> set[Any]:
    """Return the keys of the resources of sessions; it makes no query if they have none."""
    return {row.provider_id for row in read(sessions, using=using, lock=lock)}


def read(sessions: Iterable[Session], *, using: str, lock: bool = True) -> list[SessionResource]:
    """Return the resources of sessions; it makes no query if they have none."""
    keys = [session.pk for session in sessions if session.resource_count]
    if not keys:
        return []
    rows = SessionResource.objects.using(using).filter(session__in=keys).order_by("pk")
    return list(fresh(rows) if lock else rows)


def take(
    session: Session,
    chosen: Sequence[BookingResource],
    calendars: Mapping[Any, int],
    *,
    now: datetime,
    using: str,
) -> None:
    """Claim the time of the chosen resources of a stored session, and store them.

    The calendars are locked. Raises ``ResourceTaken``.
    """
    if not chosen:
        return
    resource_claims.claim_free(
        [(row, calendars[row.provider_id], claim_of(session, row)) for row in chosen], using=using
    )
    insert([(session, row) for row in chosen], calendars, now=now, using=using)


def claim_again(
    session: Session,
    rows: Sequence[SessionResource],
    calendars: Mapping[Any, int],
    *,
    using: str,
) -> None:
    """Claim the time of stored resources that hold none. Raises ``ResourceTaken``."""
    if not rows:
        return
    claims = [(row, calendars[row.provider_id], claim_of(session, row)) for row in rows]
    resource_claims.claim_free(claims, using=using)
    SessionResource.objects.using(using).bulk_update(rows, ["busy_interval"])


def replace(
    session: Session,
    stored: Sequence[SessionResource],
    chosen: Sequence[BookingResource],
    calendars: Mapping[Any, int],
    *,
    now: datetime,
    using: str,
) -> None:
    """Give a session the chosen resources in place of the ``stored`` ones, which hold no time.

    Raises ``ResourceTaken``.
    """
    rows = SessionResource.objects.using(using).filter(pk__in=[row.pk for row in stored])
    if stored:
        rows.delete()
    take(session, chosen, calendars, now=now, using=using)


def insert(
    chosen: Iterable[tuple[Session, BookingResource]],
    calendars: Mapping[Any, int],
    *,
    now: datetime,
    using: str,
) -> None:
    """Store resources of sessions, whose time is claimed, and let it be others' turn."""
    rows, turns = [], []
    for session, resource in chosen:
        row = SessionResource(
            session_id=session.pk,
            provider_id=resource.provider_id,
            provider_name=resource.provider_name,
            busy_interval_id=resource.busy_interval_id,
            buffer_before_minutes=resource.buffer_before_minutes,
            buffer_after_minutes=resource.buffer_after_minutes,
            pool=resource.pool,
            created_at=now,
        )
        rows.append(row)
        if resource.takes_turns:
            turns.append(calendars[resource.provider_id])
    if rows:
        insert_rows(SessionResource.objects.using(using).all(), rows)
    locks.mark_chosen(turns, now=now, using=using)


def give_up(sessions: Iterable[Session], *, using: str) -> None:
    """Release the time of the resources of sessions; their calendars are locked."""
    release(read(sessions, using=using), using=using)


def release(rows: Collection[SessionResource], *, using: str) -> None:
    """Release the time of these resources, which are stored."""
    interval_ids = [row.busy_interval_id for row in rows if row.busy_interval_id is not None]
    if interval_ids:
        stored = SessionResource.objects.using(using).filter(pk__in=[row.pk for row in rows])
        stored.update(busy_interval=None)
        entries.delete(interval_ids, using=using)
