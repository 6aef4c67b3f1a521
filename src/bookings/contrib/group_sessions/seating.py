"""Give what is free to those who wait, and open or close the session by what is left."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import DatabaseError

from bookings import ledger, policies
from bookings.conf import app_settings
from bookings.contrib.group_sessions import signals
from bookings.contrib.group_sessions.conf import STRICT, sessions_settings
from bookings.contrib.group_sessions.locking import rows
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.occasion import SeatOccasion
from bookings.exceptions import BookingBusy, BookingError
from bookings.models import Booking, BusyInterval
from bookings.services import inputs
from bookings.services.book import book

logger: Final = logging.getLogger(__name__)


def settle(session_ids: Collection[Any], *, using: str, now: datetime) -> None:
    """Do it for these sessions, whose calendars are locked, in a constant number of statements
    besides those of the bookings that it makes.
    """
    found = list(rows(using).select_for_update().filter(pk__in=session_ids).order_by("pk"))
    keys = [row.busy_interval_id for row in found if row.busy_interval_id is not None]
    # A plain read in a snapshot may be older than the lock.
    intervals = BusyInterval.objects.using(using).select_for_update().in_bulk(keys)
    free = {
        row.pk: intervals[row.busy_interval_id].seats_free
        for row in found
        if row.busy_interval_id in intervals and row.is_coming and row.start_at > now
    }
    coming = [row for row in found if row.pk in free]
    giving = [row for row in coming if free[row.pk] and not row.closed_by_staff]
    _load(giving, using)
    waiting = _waiting([row for row in giving if is_in_time(row, now)], using)
    for row in coming:
        if row.pk in waiting:
            free[row.pk] = _fill(row, free[row.pk], waiting[row.pk], using=using, now=now)
    _open_and_close(coming, free, using)
    _give_back(
        [
            row
            for row in found
            if row.status == Session.Status.FINISHED
            and row.busy_interval_id in intervals
            and not intervals[row.busy_interval_id].seats_taken
        ],
        using,
    )


def _load(sessions: Sequence[Session], using: str) -> None:
    """Read services and providers once, and not for each who waits."""
    for name in ("service", "provider"):
        field: Any = Session._meta.get_field(name)
        keys = {getattr(row, field.attname) for row in sessions}
        found = field.remote_field.model._base_manager.using(using).in_bulk(keys)
        for row in sessions:
            field.set_cached_value(row, found[getattr(row, field.attname)])


def is_in_time(row: Session, now: datetime) -> bool:
    """Whether the service may be booked now: if not, nobody who waits has to be asked."""
    try:
        rules = policies.ServiceRules.of(
            row.service, default_currency=app_settings.DEFAULT_CURRENCY
        )
        policies.check_start(row.start_at, now=now, rules=rules, allow_past=False, override=False)
    except BookingError:
        return False
    return True


def _waiting(sessions: Sequence[Session], using: str) -> dict[Any, list[WaitlistEntry]]:
    queues: dict[Any, list[WaitlistEntry]] = defaultdict(list)
    if sessions:
        entries = WaitlistEntry.objects.using(using).waiting().select_for_update()
        for entry in entries.filter(session__in=sessions):
            queues[entry.session_id].append(entry)
    return queues


def _fill(row: Session, free: int, queue: list[WaitlistEntry], *, using: str, now: datetime) -> int:
    """Seat those who fit, in their order; how many seats are left."""
    for entry in queue:
        if entry.party_size > free:
            if blocks_the_others(entry, row):
                break
        elif _promote(entry, row, using=using, now=now):
            free -= entry.party_size
    return free


def blocks_the_others(entry: WaitlistEntry, row: Session) -> bool:
    """Whether nobody is seated before a party that is too large for what is free.

    One that would not fit into the empty session blocks nobody for ever.
    """
    return sessions_settings.WAITLIST_ORDER == STRICT and entry.party_size <= row.capacity


def _promote(entry: WaitlistEntry, row: Session, *, using: str, now: datetime) -> bool:
    """Seat who waits; ``False`` where the rules forbid the booking, or a host's adapter fails."""
    try:
        seat(entry, row, using=using, now=now)
    except (BookingBusy, DatabaseError):
        raise
    except BookingError as error:
        # A limit of the client's, perhaps. Somebody else's cancelling is not to fail.
        refusal = error.booking_code
    # Nor is a sweep of everybody's holds, in whatever way the adapter does.
    except Exception as error:
        logger.exception("Waitlist entry %s could not be promoted.", entry.pk)
        refusal = type(error).__name__
    else:
        return True
    entry.refusal = refusal[: WaitlistEntry._meta.get_field("refusal").max_length]
    entry.save(using=using, update_fields=["refusal"])
    return False


def seat(
    entry: WaitlistEntry,
    row: Session,
    *,
    using: str,
    now: datetime,
    by: Any = None,
    override_policy: bool = False,
) -> None:
    """Book for who waits, or hold the seats, as long as they are offered; both rows are locked.

    ``by`` is the user who does it, if it does not happen by itself.
    """
    asked = booking_in(
        row,
        entry,
        using=using,
        party_size=entry.party_size,
        expires_at=_offer_ends(row, now),
        created_at=now,
    )
    if by is not None:
        asked.created_by = by
    booking = book(
        asked,
        addon_ids=None,
        now=now,
        using=using,
        override_policy=override_policy,
        occasion=SeatOccasion(row, is_promoted=True, override_policy=override_policy),
    )
    # By the session: a request that has to be approved expires as well.
    is_offer = row.waitlist_offer_minutes is not None
    entry.status = WaitlistEntry.Status.OFFERED if is_offer else WaitlistEntry.Status.ACCEPTED
    entry.booking, entry.client_key = booking, None
    entry.save(using=using, update_fields=["status", "booking", "client_key"])
    signals.announce(
        signals.waitlist_promoted, WaitlistEntry, using=using, entry=entry, booking=booking
    )


def _offer_ends(row: Session, now: datetime) -> datetime | None:
    if row.waitlist_offer_minutes is None:
        return None
    return min(now + timedelta(minutes=row.waitlist_offer_minutes), row.start_at)


def booking_in(
    session: Session, client: WaitlistEntry | None = None, *, using: str, **values: Any
) -> Booking:
    """A booking of seats in the session, not stored yet; of who waits, or of ``values``."""
    if client is not None:
        values |= {
            name: getattr(client, name)
            for name in ("client_name", "client_email", "client_phone", "client_user_id")
        }
        values["created_by_id"] = client.created_by_id
        # What is read already of a session's row that is locked.
        for name in ("service", "provider"):
            field: Any = Session._meta.get_field(name)
            if field.is_cached(session):
                values[name] = getattr(session, name)
    booking = Booking(
        tenant_id=session.tenant_id,
        start_at=session.start_at,
        capacity_consumed=values["party_size"],
        **{"service_id": session.service_id, "provider_id": session.provider_id} | values,
    )
    inputs.load(booking, "service", "provider", using=using)
    return booking


def _open_and_close(coming: Sequence[Session], free: dict[Any, int], using: str) -> None:
    opened, closed = [], []
    for row in coming:
        is_to_be_closed = row.closed_by_staff or (free[row.pk] <= 0 and not row.enable_waitlist)
        if is_to_be_closed and row.status == Session.Status.SCHEDULED:
            closed.append(row.pk)
        elif not is_to_be_closed and row.status == Session.Status.BOOKING_CLOSED:
            opened.append(row.pk)
    for keys, status in (
        (closed, Session.Status.BOOKING_CLOSED),
        (opened, Session.Status.SCHEDULED),
    ):
        if keys:
            rows(using).filter(pk__in=keys).update(status=status)


def _give_back(finished: Sequence[Session], using: str) -> None:
    if finished:
        keys = [row.busy_interval_id for row in finished if row.busy_interval_id is not None]
        rows(using).filter(pk__in=[row.pk for row in finished]).update(busy_interval=None)
        ledger.give_back(keys, using=using)
