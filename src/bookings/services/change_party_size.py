"""Change the number of seats of a booking."""

from __future__ import annotations

from copy import copy
from datetime import datetime
from typing import Any

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidTransition
from bookings.models import Booking, BookingEvent
from bookings.models.arguments import missing_booking_error, saved_booking
from bookings.rules import instants, validation
from bookings.services import party_size, references
from bookings.services.booking_change import (
    Change,
    LockedBooking,
    change_booking,
    check_version,
)
from bookings.services.history import field_values, old_and_new, on_behalf_data
from bookings.services.lapsed_holds import retry_without_lapsed_holds


def change_party_size(
    booking: Booking,
    seats: int,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    by: str = "client",
    override_policy: bool = False,
    expected_version: int | None = None,
) -> Booking:
    """Change the number of seats of a booking in a session or a shared slot.

    The booking must be PENDING or CONFIRMED and keeps its status. More seats are booked by the
    rules of a new booking: the service's booking window, active service and provider, the limits
    and, in a session, that it is open and that nobody waits who comes first. Fewer seats are given
    up by the booking's own rules of cancellation; in a session they go to the waitlist.

    In a session, ``price_amount`` and ``total_amount`` change with the number of seats; the price
    of a seat stays. It records one UPDATED event, unless nothing differs.

    :param booking: the booking to change; it is refreshed and returned.
    :param seats: the new number of seats, at least 1.
    :param actor: the user who makes the change, or ``None``; the history records it.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param by: on whose behalf the seats are changed, ``client`` or ``provider``; the history
        records the provider, who owes all that was paid for seats that are given up.
    :param override_policy: staff only; lift the rules that the description names.
    :param expected_version: the ``version`` of the booking that the caller has read; ``None``
        accepts any version.
    :returns: the booking that was passed, refreshed.
    :raises CapacityExceeded: fewer seats are free.
    :raises InvalidTransition: the booking has another status, or has lapsed (code
        ``hold_expired``).
    :raises NotAllowed: cancellations are not allowed for the booking, the service or the provider
        is not active, or the adapter does not permit the actor to do this.
    :raises NoticeWindow: too late to give up seats (code ``booking_started`` once the booking has
        begun), or to book more (code ``minimum_notice``).
    :raises PastStart: the start has passed.
    :raises TooFarAhead: the start is further ahead than the service's ``maximum_advance_days``.
    :raises LimitReached: besides this booking, the client or the provider has as many as a limit
        allows.
    :raises BookingError: what the session of the seats raises, such as ``SessionNotOpen`` and
        ``WaitlistRefused``.
    :raises InvalidBooking: an argument is invalid or cannot be stored, or the service does not take
        more than one seat for a booking (code ``party_size``).
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises StaleBooking: the version of the booking is not ``expected_version``.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    now = references.resolve_now(now_dt)
    validation.whole_number(seats, "seats", at_least=1)
    on_behalf_of = on_behalf_data(by)
    saved_booking(booking)
    using = router.db_for_write(Booking, instance=booking)

    def decide(locked: LockedBooking) -> Change | None:
        row, before = locked.row, copy(locked.row)
        if row.party_size == seats:
            return None
        if not row.holds_time:
            raise InvalidTransition(_("Only pending or confirmed bookings can change their seats."))
        row.party_size = row.capacity_consumed = seats
        party_size.check_seats(
            row, before, limit_check, now=now, using=using, override_policy=override_policy
        )
        party_size.claim_seats(locked, before.party_size)
        changed = {"party_size", "capacity_consumed"}
        changed |= party_size.scale_amounts(row, before.party_size, using=using)
        data = old_and_new(field_values(before, changed), field_values(row, changed))
        return Change(BookingEvent.EventType.UPDATED, fields=changed, data=data | on_behalf_of)

    draft = Booking._base_manager.using(using).filter(pk=booking.pk).first()
    if draft is None:
        raise missing_booking_error()
    check_version(draft, expected_version)
    held_seats, draft.party_size = draft.party_size, seats
    limit_check = party_size.prepare(
        draft, held_seats, using=using, override_policy=override_policy
    )
    return retry_without_lapsed_holds(
        lambda: change_booking(
            booking,
            decide,
            verb=party_size.VERB,
            actor=actor,
            now_dt=now,
            expected_version=expected_version,
            limit_check=limit_check,
        ),
        draft.provider_id,
        instants.busy_bounds_of(draft),
        now=now,
        using=using,
        own=draft.busy_interval_id,
    )
