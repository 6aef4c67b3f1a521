"""The entries of a waitlist: whose turn it is, and how an entry ends.

What decides and writes here runs under the lock of the session's calendar.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from bookings.contrib.group_sessions import signals
from bookings.contrib.group_sessions.conf import STRICT, sessions_settings
from bookings.contrib.group_sessions.exceptions import WaitlistRefused
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.models.session import SessionQuerySet
from bookings.exceptions import MissingReference
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import send_on_commit
from bookings.models import Booking, client_identity
from bookings.models.arguments import is_saved
from bookings.services.same_client import has_same_name

Status = WaitlistEntry.Status


def saved_entry(value: Any) -> WaitlistEntry:
    """Return ``value`` if it is a saved entry; raise ``MissingReference`` otherwise."""
    if not is_saved(value, WaitlistEntry):
        raise missing_entry_error()
    entry: WaitlistEntry = value
    return entry


def missing_entry_error() -> MissingReference:
    return MissingReference(_("The waitlist entry is not saved, or has been deleted."))


def has_precedence(session: Session, *, using: str) -> bool:
    """Return whether the order of the waitlist lets nobody take seats before those who wait."""
    if sessions_settings.WAITLIST_ORDER != STRICT:
        return False
    waiting = fresh(WaitlistEntry.objects.using(using).waiting())
    blocking = waiting.filter(session=session, party_size__lte=session.capacity)
    return bool(blocking.values_list("pk")[:1])


def sessions_with_precedence(session_ids: Collection[Any], *, using: str) -> set[Any]:
    """Return those of the sessions for which :func:`has_precedence` is true."""
    if sessions_settings.WAITLIST_ORDER != STRICT:
        return set()
    waiting = fresh(WaitlistEntry.objects.using(using).waiting())
    blocking = waiting.filter(session__in=session_ids, party_size__lte=F("session__capacity"))
    return set(blocking.values_list("session_id", flat=True))


def refuse_if_others_wait(others_wait: bool) -> None:
    """Raise ``WaitlistRefused`` if those who wait come first."""
    if others_wait:
        raise WaitlistRefused(
            _("Other clients wait for these seats. Join the waitlist."), "others_wait"
        )


def without_precedence(sessions: SessionQuerySet) -> SessionQuerySet:
    """Leave out the sessions for which :func:`has_precedence` is true."""
    if sessions_settings.WAITLIST_ORDER != STRICT:
        return sessions
    blocking = WaitlistEntry.objects.waiting().order_by()
    of_session = blocking.filter(session=OuterRef("pk"), party_size__lte=OuterRef("capacity"))
    return sessions.exclude(Exists(of_session))


def check_no_precedence(session: Session, *, using: str) -> None:
    """Raise ``WaitlistRefused`` if nobody can take seats before those who wait."""
    refuse_if_others_wait(has_precedence(session, using=using))


def sessions_of_client(session_ids: Collection[Any], client: Booking, *, using: str) -> set[Any]:
    """Return those of the sessions for which the client waits."""
    waiting = fresh(WaitlistEntry.objects.using(using).waiting())
    own = waiting.filter(client_identity.same_client(client), session__in=session_ids)
    return set(own.values_list("session_id", flat=True))


def blocks_others(entry: WaitlistEntry, session: Session) -> bool:
    """Return whether nobody behind this entry is promoted while its party does not fit.

    A party that would not even fit into the empty session blocks nobody.
    """
    return sessions_settings.WAITLIST_ORDER == STRICT and entry.party_size <= session.capacity


def accept_entries(session_id: Any, booking: Booking, *, named: bool, using: str) -> None:
    """If the client waits for the session, end the entry as ACCEPTED with this booking.

    Where seats are ``named``, who waits in another name is another client.

    A client with several entries, as with the e-mail address in one and the phone number in the
    other, waits no more with any of them.
    """
    entries = WaitlistEntry.objects.using(using)
    waiting = fresh(entries.waiting()).filter(
        client_identity.same_client(booking), session=session_id
    )
    keys = [entry.pk for entry in waiting if not named or has_same_name(entry, booking)]
    if not keys:
        return
    # The booking may be linked to another entry: of the session that it was moved from, or of the
    # client who had the seats before.
    entries.filter(booking=booking).update(status=Status.ACCEPTED, booking=None)
    entries.filter(pk__in=keys).update(status=Status.ACCEPTED, client_key=None)
    entries.filter(pk=keys[0]).update(booking=booking)


def accept_offer(booking_id: Any, *, using: str) -> None:
    """End the offer of this booking, if it is one, as ACCEPTED."""
    _end_entries(_offered(using).filter(booking=booking_id), Status.ACCEPTED, using)


def end_offers(bookings: Iterable[Booking], *, using: str) -> None:
    """End the offers of bookings that are not pending any more, by what has become of them."""
    keys_by_status: dict[str, list[Any]] = defaultdict(list)
    for booking in bookings:
        if booking.status == Booking.Status.PENDING:
            continue
        if booking.holds_time:
            keys_by_status[Status.ACCEPTED].append(booking.pk)
        elif booking.auto_cancelled:
            keys_by_status[Status.EXPIRED].append(booking.pk)
        else:
            keys_by_status[Status.LEFT].append(booking.pk)
    for status, keys in keys_by_status.items():
        _end_entries(_offered(using).filter(booking__in=keys), status, using)


def end_offers_without_booking(session_ids: Iterable[Any], *, using: str) -> None:
    """End the offers of these sessions whose bookings have been deleted as LEFT."""
    orphaned = _offered(using).filter(session__in=session_ids, booking__isnull=True)
    _end_entries(orphaned, Status.LEFT, using)


def expire_entries(*session_ids: Any, using: str) -> None:
    """End all entries of sessions that are cancelled or finished as EXPIRED."""
    entries = WaitlistEntry.objects.using(using).filter(session__in=session_ids)
    _end_entries(entries.filter(status__in=[Status.WAITING, Status.OFFERED]), Status.EXPIRED, using)


def forget_unnotified(*, now: datetime, using: str) -> None:
    """Do not ask any more to notify clients whose sessions have begun."""
    entries = WaitlistEntry.objects.using(using).filter(unnotified_since__isnull=False)
    begun = list(entries.filter(session__start_at__lte=now).values_list("pk", flat=True))
    if begun:
        entries.filter(pk__in=begun).update(unnotified_since=None)


def _offered(using: str) -> QuerySet[WaitlistEntry]:
    return WaitlistEntry.objects.using(using).filter(status=Status.OFFERED)


def _end_entries(entries: QuerySet[WaitlistEntry], status: str, using: str) -> None:
    ended = list(fresh(entries))
    if not ended:
        return
    WaitlistEntry.objects.using(using).filter(pk__in=[entry.pk for entry in ended]).update(
        status=status, client_key=None, unnotified_since=None
    )
    for entry in ended:
        entry.status, entry.client_key, entry.unnotified_since = status, None, None
        if status != Status.ACCEPTED:
            send_on_commit(signals.waitlist_left, WaitlistEntry, using=using, entry=entry)
