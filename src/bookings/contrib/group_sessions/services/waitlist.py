"""Join the waitlist of a full session, leave it, and promote an entry by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings.contrib.group_sessions import signals, waitlist
from bookings.contrib.group_sessions.exceptions import (
    AlreadyWaiting,
    WaitlistRefused,
)
from bookings.contrib.group_sessions.locked_session import (
    LockedSession,
    free_seats,
    with_locked_session,
    write_alias,
)
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.session_reconciliation import reconcile_sessions
from bookings.contrib.group_sessions.session_rules import check_takes_bookings
from bookings.contrib.group_sessions.session_seats import check_client_not_booked, has_named_seats
from bookings.contrib.group_sessions.waitlist_promotion import Promotion, promote
from bookings.exceptions import CapacityExceeded, InvalidTransition
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import send_on_commit
from bookings.models import Booking, client_identity, field_validation
from bookings.models.read_alias import reading_from
from bookings.rules import validation
from bookings.services import cancel_booking, references
from bookings.services.expire import expire_hold
from bookings.services.same_client import has_same_name

VALIDATED_FIELDS: Final = ("client_name", "client_email", "client_phone", "party_size", "priority")


def join_waitlist(
    session: Session,
    *,
    client_name: str,
    client_email: str = "",
    client_phone: str = "",
    client_user: Any = None,
    party_size: int = 1,
    priority: int = 0,
    created_by: Any = None,
    now_dt: datetime | None = None,
) -> WaitlistEntry:
    """Put a client on the waitlist of a session that has too few free seats.

    Entries are served by ``priority``, and within one by the time of joining. When seats are freed,
    the next entries that fit are promoted in the same transaction: they are booked, or the seats
    are offered to them. Offered seats are held until ``entry.booking.expires_at``; the client
    accepts with :func:`~bookings.services.confirm_booking`, or
    :func:`~bookings.services.submit_hold` where the provider approves.

    If the free seats would be enough and every earlier entry has been refused (strict order), the
    new entry is promoted at once.

    :param session: the session.
    :param client_name: who waits.
    :param client_email: the client's e-mail address.
    :param client_phone: the client's phone number.
    :param client_user: the client's account; ``None`` if there is none.
    :param party_size: how many seats the client wants; 1 by default.
    :param priority: higher priorities are served first; 0 by default, staff only.
    :param created_by: the user who adds the client; ``None`` for nobody.
    :param now_dt: the current time; ``None`` for the clock's.
    :returns: the entry, WAITING; ACCEPTED or OFFERED if it was promoted at once.
    :raises WaitlistRefused: the session has no waitlist (code ``no_waitlist``), or enough seats are
        free (``seats_free``).
    :raises SessionNotOpen: the session is cancelled, is over, has started, or is closed.
    :raises AlreadyBooked: the client has an active booking in the session.
    :raises AlreadyWaiting: the client is on the waitlist already.
    :raises CapacityExceeded: the party is larger than the session.
    :raises MissingReference: the session is not saved, or has been deleted.
    :raises InvalidBooking: another value is invalid.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """
    now = references.resolve_now(now_dt)
    write_alias(session)
    entry = WaitlistEntry(
        session=session,
        client_name=client_name,
        client_email=client_email,
        client_phone=client_phone,
        client_user=references.saved_user(client_user, "client_user"),
        party_size=validation.whole_number(party_size, "party_size", at_least=1),
        priority=validation.whole_number(priority, "priority", at_least=-(2**31)),
        created_by=references.saved_user(created_by, "created_by"),
        joined_at=now,
    )
    field_validation.clean_fields(entry, VALIDATED_FIELDS)

    def act(locked: LockedSession) -> None:
        entry.pk, entry._state.adding = None, True
        entry.session = locked.row
        services = Session._meta.get_field("service").remote_field.model._base_manager
        named = has_named_seats(services.using(locked.using).get(pk=locked.row.service_id))
        entry.client_key = client_identity.digest(entry, named=named)
        _check_waitlist_open(locked.row, entry, now)
        _expire_holds(locked)
        check_client_not_booked(locked.row, entry, named=named, now=now, using=locked.using)
        entries = WaitlistEntry.objects.using(locked.using)
        same_client = fresh(entries.waiting()).filter(
            client_identity.same_client(entry), session=locked.row
        )
        if any(not named or has_same_name(other, entry) for other in same_client):
            raise AlreadyWaiting(_("The client waits for this session already."))
        remaining = free_seats(locked.row, using=locked.using)
        fits = remaining >= entry.party_size
        if fits and not waitlist.has_precedence(locked.row, using=locked.using):
            raise WaitlistRefused(
                _("Enough seats are free. Book them instead."), "seats_free", remaining=remaining
            )
        entry.save(using=locked.using, force_insert=True)
        send_on_commit(signals.waitlist_joined, WaitlistEntry, using=locked.using, entry=entry)
        if fits:
            # The entries before it may all have been refused: then this one is promoted.
            reconcile_sessions([locked.row.pk], using=locked.using, now=now)
            entry.refresh_from_db(using=locked.using)
            if entry.unnotified_since is not None:
                # Whoever has called tells the client.
                mark_notified(entry)

    with_locked_session(session, act, now=now)
    return entry


def leave_waitlist(
    entry: WaitlistEntry, *, actor: Any = None, now_dt: datetime | None = None
) -> WaitlistEntry:
    """Take a client off the waitlist: WAITING or OFFERED becomes LEFT.

    Seats that were offered go to the next entry. An entry that has left or expired stays as it is.

    :param entry: the entry.
    :param actor: the user who does it, recorded if an offer is cancelled; ``None`` for nobody.
    :param now_dt: the current time; ``None`` for the clock's.
    :returns: the same object, refreshed.
    :raises InvalidTransition: the client has been booked: cancel the booking instead.
    :raises MissingReference: the entry is not saved, or has been deleted.
    :raises InvalidBooking: ``actor`` or ``now_dt`` is invalid.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """
    now = references.resolve_now(now_dt)
    actor = references.saved_user(actor, "actor")
    using = _write_alias(entry)

    def act(locked: LockedSession) -> None:
        row = _read_locked(entry, using)
        if row.status == WaitlistEntry.Status.ACCEPTED:
            raise InvalidTransition(_("The client has been booked. Cancel the booking instead."))
        if row.status == WaitlistEntry.Status.OFFERED and row.booking is not None:
            cancel_booking(row.booking, actor=actor, now_dt=now, override_policy=True)
        elif row.status == WaitlistEntry.Status.WAITING:
            row.status, row.client_key = WaitlistEntry.Status.LEFT, None
            row.save(using=using, update_fields=["status", "client_key"])
            send_on_commit(signals.waitlist_left, WaitlistEntry, using=using, entry=row)
            # In strict order, the party may have kept those behind it from being promoted.
            reconcile_sessions([locked.row.pk], using=using, now=now)

    with reading_from(using):
        session = entry.session
    with_locked_session(session, act, now=now)
    entry.refresh_from_db(using=using)
    return entry


def promote_from_waitlist(
    entry: WaitlistEntry, *, actor: Any = None, now_dt: datetime | None = None
) -> WaitlistEntry:
    """Give free seats to a waiting entry whose turn it is not (staff only).

    WAITING becomes ACCEPTED, or OFFERED if the session offers its seats. The entries before it, the
    service's booking window and a closed booking do not matter. An entry that is ACCEPTED or
    OFFERED already stays as it is.

    :param entry: the entry.
    :param actor: the user who promotes it, stored as the booking's ``created_by``; ``None`` for the
        one who created the entry.
    :param now_dt: the current time; ``None`` for the clock's.
    :returns: the same object, refreshed.
    :raises InvalidTransition: the client does not wait any more.
    :raises SessionNotOpen: the session is cancelled, is over, or has started.
    :raises CapacityExceeded: the seats are not free.
    :raises MissingReference: the entry is not saved, or has been deleted.
    :raises BookingError: whatever else :func:`book_seat` raises.
    """
    now = references.resolve_now(now_dt)
    actor = references.saved_user(actor, "actor")
    using = _write_alias(entry)

    # The adapter may be slow, so it is asked before the lock, about the row as it is now.
    with reading_from(using):
        stored = WaitlistEntry.objects.using(using).select_related("session").filter(pk=entry.pk)
        unlocked = stored.first()
        if unlocked is None:
            raise waitlist.missing_entry_error()
        prepared = (
            Promotion.prepare(
                unlocked,
                unlocked.session,
                using=using,
                now=now,
                actor=actor,
                override_policy=True,
            )
            if unlocked.status == WaitlistEntry.Status.WAITING
            else None
        )

    def act(locked: LockedSession) -> None:
        _expire_holds(locked)
        row = _read_locked(entry, using)
        if row.status in {WaitlistEntry.Status.ACCEPTED, WaitlistEntry.Status.OFFERED}:
            return
        if row.status != WaitlistEntry.Status.WAITING:
            raise InvalidTransition(_("The client does not wait any more. Book the seats instead."))
        promote(
            row,
            locked.row,
            using=using,
            now=now,
            actor=actor,
            override_policy=True,
            prepared=prepared,
        )
        reconcile_sessions([locked.row.pk], using=using, now=now)

    with_locked_session(unlocked.session, act, now=now)
    entry.refresh_from_db(using=using)
    return entry


def mark_notified(entry: WaitlistEntry) -> WaitlistEntry:
    """Store that the client of a promoted entry has been told.

    Until then, the admin's board asks staff to do it. Call it after your own message; whoever
    accepts an offer knows of it. An entry that is not promoted stays as it is.

    :param entry: the entry.
    :returns: the same object.
    :raises MissingReference: the entry is not saved, or has been deleted.
    """
    using = _write_alias(entry)
    rows = WaitlistEntry.objects.using(using).filter(pk=entry.pk)
    if not rows.update(unnotified_since=None):
        raise waitlist.missing_entry_error()
    entry.unnotified_since = None
    return entry


def _check_waitlist_open(row: Session, entry: WaitlistEntry, now: datetime) -> None:
    check_takes_bookings(row, now, override_policy=False)
    if not row.enable_waitlist:
        raise WaitlistRefused(_("This session has no waitlist. Choose another."), "no_waitlist")
    if entry.party_size > row.capacity:
        raise CapacityExceeded(
            _("A party of %(party)d does not fit: the session takes %(remaining)d at most."),
            params={"party": entry.party_size},
            remaining=row.capacity,
        )


def _expire_holds(locked: LockedSession) -> None:
    """Expire the holds in the session that are due, so that their seats go to those who wait."""
    due = Booking.objects.using(locked.using).expired(locked.now)
    in_session = fresh(due.filter(busy_interval=locked.row.busy_interval_id))
    for booking in in_session.order_by("pk"):
        expire_hold(booking, now=locked.now)


def _write_alias(entry: Any) -> str:
    return router.db_for_write(WaitlistEntry, instance=waitlist.saved_entry(entry))


def _read_locked(entry: WaitlistEntry, using: str) -> WaitlistEntry:
    row = fresh(WaitlistEntry.objects.using(using).filter(pk=entry.pk)).first()
    if row is None:
        raise waitlist.missing_entry_error()
    return row
