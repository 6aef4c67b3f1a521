"""Join the waitlist of a full session, be taken from it, and leave it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings import clients, policies
from bookings.contrib.group_sessions import signals
from bookings.contrib.group_sessions.exceptions import (
    AlreadyWaiting,
    SessionNotOpen,
    WaitlistRefused,
)
from bookings.contrib.group_sessions.locking import Locked, lock_interval, under_lock, using_of
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.occasion import check_not_booked, waits_anybody
from bookings.contrib.group_sessions.rules import check_coming, check_not_begun
from bookings.contrib.group_sessions.seating import seat, settle
from bookings.exceptions import CapacityExceeded, InvalidTransition, MissingReference
from bookings.models import Booking
from bookings.services import cancel_booking, expire_booking, inputs

CHECKED_FIELDS: Final = ("client_name", "client_email", "client_phone", "party_size", "priority")


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
    """Queue for ``party_size`` seats of a session in which they are not free; the entry.

    Whoever has the highest ``priority`` comes first, and within one who came first. When seats are
    freed, they are booked for the next ones who fit in the same transaction, or offered: held until
    ``entry.booking.expires_at``, and confirmed with ``confirm_booking``, or ``submit_hold`` where
    the provider approves. In strict order seats may be free for whom others wait who cannot be
    booked: then it is done at once.

    Raises ``WaitlistRefused`` for a session without a waitlist (code ``no_waitlist``) or with
    free seats (``seats_free``), ``SessionNotOpen``, ``AlreadyBooked``, ``AlreadyWaiting``,
    ``CapacityExceeded`` for a party that can never fit, ``InvalidBooking`` or ``BookingBusy``.
    """
    now = inputs.moment(now_dt)
    using_of(session)
    entry = WaitlistEntry(
        session=session,
        client_name=client_name,
        client_email=client_email,
        client_phone=client_phone,
        client_user=inputs.user(client_user, "client_user"),
        party_size=policies.whole_number(party_size, "party_size", at_least=1),
        priority=policies.whole_number(priority, "priority", at_least=-(2**31)),
        created_by=inputs.user(created_by, "created_by"),
        joined_at=now,
    )
    inputs.check_fields(entry, CHECKED_FIELDS)

    def act(at: Locked) -> None:
        entry.pk, entry._state.adding = None, True
        entry.session, entry.client_key = at.row, clients.key(entry)
        _check_waitable(at.row, entry, now)
        _expire_holds(at)
        check_not_booked(at.row, entry.client_key, now=now, using=at.using)
        same = WaitlistEntry.objects.using(at.using).select_for_update()
        if same.filter(session=at.row, client_key=entry.client_key).values_list("pk")[:1]:
            raise AlreadyWaiting(_("The client waits for this session already."))
        interval = lock_interval(at.row, using=at.using)
        free = 0 if interval is None else interval.seats_free
        if free >= entry.party_size and not waits_anybody(at.row, using=at.using):
            raise WaitlistRefused(
                _("Enough seats are free. Book them instead."),
                "seats_free",
                {"remaining": free},
            )
        entry.save(using=at.using, force_insert=True)
        signals.announce(signals.waitlist_joined, WaitlistEntry, using=at.using, entry=entry)
        if free >= entry.party_size:
            # Of those who come first, nobody may be who can be booked.
            settle([at.row.pk], using=at.using, now=now)
            entry.refresh_from_db(using=at.using)

    under_lock(session, act, now=now)
    return entry


def leave_waitlist(
    entry: WaitlistEntry, *, actor: Any = None, now_dt: datetime | None = None
) -> WaitlistEntry:
    """WAITING or OFFERED → LEFT; seats that were offered go to the next. The same object,
    refreshed.

    Who has left, or whose offer has expired, is returned as it is. Raises ``InvalidTransition`` for
    who has been booked: cancel that booking.
    """
    now = inputs.moment(now_dt)
    actor = inputs.user(actor, "actor")
    using = _using_of(entry)

    def act(at: Locked) -> None:
        row = _locked(entry, using)
        if row.status == WaitlistEntry.Status.ACCEPTED:
            raise InvalidTransition(_("The client has been booked. Cancel the booking instead."))
        if row.status == WaitlistEntry.Status.OFFERED and row.booking is not None:
            cancel_booking(row.booking, actor=actor, now_dt=now, override_policy=True)
        elif row.status == WaitlistEntry.Status.WAITING:
            row.status, row.client_key = WaitlistEntry.Status.LEFT, None
            row.save(using=using, update_fields=["status", "client_key"])
            signals.announce(signals.waitlist_left, WaitlistEntry, using=using, entry=row)
            # Those behind a party that did not fit may do so.
            settle([at.row.pk], using=using, now=now)

    under_lock(entry.session, act, now=now)
    entry.refresh_from_db(using=using)
    return entry


def promote_from_waitlist(
    entry: WaitlistEntry, *, actor: Any = None, now_dt: datetime | None = None
) -> WaitlistEntry:
    """WAITING → ACCEPTED, or OFFERED: give free seats to an entry whose turn it is not (staff).
    The same object, refreshed.

    Lifts what keeps it from being promoted by itself: those before it, the service's window of
    booking, and a closed booking. Who has been booked, or been offered the seats, is returned as
    it is. Raises ``InvalidTransition`` for who does not wait any more, ``SessionNotOpen``,
    ``CapacityExceeded`` where the seats are not free, and what :func:`book_seat` raises.
    """
    now = inputs.moment(now_dt)
    by = inputs.user(actor, "actor")
    using = _using_of(entry)

    def act(at: Locked) -> None:
        _expire_holds(at)
        row = _locked(entry, using)
        if row.status in {WaitlistEntry.Status.ACCEPTED, WaitlistEntry.Status.OFFERED}:
            return
        if row.status != WaitlistEntry.Status.WAITING:
            raise InvalidTransition(_("The client does not wait any more. Book the seats instead."))
        seat(row, at.row, using=using, now=now, by=by, override_policy=True)
        settle([at.row.pk], using=using, now=now)

    under_lock(entry.session, act, now=now)
    entry.refresh_from_db(using=using)
    return entry


def _check_waitable(row: Session, entry: WaitlistEntry, now: datetime) -> None:
    check_coming(row)
    check_not_begun(row, now)
    if row.closed_by_staff:
        raise SessionNotOpen(_("Booking is closed for this session."), "booking_closed")
    if not row.enable_waitlist:
        raise WaitlistRefused(_("This session has no waitlist. Choose another."), "no_waitlist")
    if entry.party_size > row.capacity:
        raise CapacityExceeded(
            _("A party of %(party)d does not fit: the session takes %(remaining)d at most."),
            params={"party": entry.party_size, "remaining": row.capacity},
        )


def _expire_holds(at: Locked) -> None:
    """Seats of holds that have run out are free, and belong to those who wait already."""
    stale = Booking.objects.using(at.using).select_for_update().expired(at.now)
    for booking in stale.filter(busy_interval=at.row.busy_interval_id).order_by("pk"):
        expire_booking(booking, now_dt=at.now)


def _using_of(entry: Any) -> str:
    if not isinstance(entry, WaitlistEntry) or entry._state.adding or entry.pk is None:
        raise _gone()
    return router.db_for_write(WaitlistEntry, instance=entry)


def _locked(entry: WaitlistEntry, using: str) -> WaitlistEntry:
    row = WaitlistEntry.objects.using(using).select_for_update().filter(pk=entry.pk).first()
    if row is None:
        raise _gone()
    return row


def _gone() -> MissingReference:
    return MissingReference(_("The waitlist entry is not saved, or has been deleted."))
