"""Reopen a booking that was cancelled or declined by mistake."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings.adapters import get_adapter
from bookings.exceptions import BookingConflict, ResourceTaken
from bookings.models import Booking, BookingEvent, BookingResource
from bookings.models.arguments import missing_booking_error, saved_booking
from bookings.models.read_alias import reading_from
from bookings.rules import instants
from bookings.services import approval, references
from bookings.services.booking_change import (
    Change,
    LockedBooking,
    apply_transition,
    change_booking,
    has_lapsed,
)
from bookings.services.booking_claim import claim_time
from bookings.services.duplicates import check_duplicate
from bookings.services.history import field_values, old_and_new
from bookings.services.hold import hold_duration
from bookings.services.lapsed_holds import retry_claim_of
from bookings.services.limit_check import LimitCheck

EXPIRY_FIELDS: Final = ("requested_at", "expires_at")


def reopen_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    override_policy: bool = False,
    expected_version: int | None = None,
) -> Booking:
    """Reopen a booking that was cancelled or declined, if its time is still free.

    CANCELLED, also by a sweep, or DECLINED → PENDING, or CONFIRMED if it had been confirmed. It
    holds its time again, and that of its resources, or its seats of its session. A pending or
    confirmed booking is returned as it is. It is for staff: the notice, the booking window and
    whether the start has passed are not checked.

    A hold that has lapsed lapses ``BOOKINGS_HOLD_MINUTES`` from now instead, and a request that has
    lapsed becomes one that is made now, with the adapter's ``approval_deadline``; both at their
    start at the latest.

    What is to be refunded follows: nothing of an active booking. What has been refunded is to be
    paid again.

    ``override_policy`` lifts the limits, and that the service, the provider and the resources must
    be active.

    :param booking: the booking to change; it is refreshed and returned.
    :param actor: the user who makes the change, or ``None``; the history records it.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param override_policy: staff only; lift the rules that the description names.
    :param expected_version: the ``version`` of the booking that the caller has read; ``None``
        accepts any version.
    :returns: the booking that was passed, refreshed.
    :raises InvalidTransition: the booking has another status.
    :raises BookingConflict: the time has been taken since.
    :raises ResourceTaken: the time of one of its resources has been taken since.
    :raises CapacityExceeded: the seats of the session or shared slot have been taken since.
    :raises DuplicateBooking: the client has a similar booking by now.
    :raises LimitReached: the client or the provider has as many bookings as a limit allows.
    :raises NotAllowed: the service, the provider or a resource is not active, or the adapter does
        not permit the actor to do this.
    :raises TenantMismatch: the service or the provider belongs to another tenant by now.
    :raises BookingError: the session of the seat does not take it any more.
    :raises InvalidBooking: an argument is invalid or cannot be stored.
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises StaleBooking: the version of the booking is not ``expected_version``.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    now = references.resolve_now(now_dt)
    saved_booking(booking)
    using = router.db_for_write(Booking, instance=booking)
    hold_length = hold_duration(None, "")

    def decide(locked: LockedBooking) -> Change | None:
        row = locked.row
        if row.holds_time:
            return None
        apply_transition(
            Booking.reopen,
            row,
            _("Only cancelled or declined bookings can be reopened; this one is: %(status)s."),
        )
        references.load_related(row, "service", "provider", using=using)
        references.check_same_tenant(row.tenant_id, service=row.service, provider=row.provider)
        get_adapter().check_bookable(row, override_policy=override_policy)
        check_duplicate(row, now=now, using=using)
        limit_check.check(row, now=now, using=using)
        data = _renew_expiry(row, hold_length, now=now)
        claim_time(locked)
        return Change(BookingEvent.EventType.REOPENED, data=data)

    draft = Booking.objects.using(using).filter(pk=booking.pk).first()
    if draft is None:
        raise missing_booking_error()
    limit_check = LimitCheck(draft, override_policy=override_policy)
    if draft.status in (Booking.Status.CANCELLED, Booking.Status.DECLINED):
        _check_resources(draft, using=using, override_policy=override_policy)
    try:
        return retry_claim_of(
            draft,
            lambda: change_booking(
                booking,
                decide,
                verb="reopen",
                actor=actor,
                now_dt=now,
                expected_version=expected_version,
                limit_check=limit_check,
            ),
            now=now,
            using=using,
        )
    except ResourceTaken:
        # It says which resource.
        raise
    except BookingConflict as conflict:
        raise BookingConflict(
            _(
                "The time has been taken since the booking ended, so it cannot be reopened. Make a "
                "new booking at another time."
            )
        ) from conflict


def _check_resources(draft: Booking, *, using: str, override_policy: bool) -> None:
    """Check the resources that the booking takes again, and ask the adapter, without a lock."""
    if not draft.resource_count:
        return
    adapter, rows = get_adapter(), BookingResource.objects.using(using)
    with reading_from(using):
        for row in rows.filter(booking=draft).select_related("provider").order_by("pk"):
            references.check_same_tenant(draft.tenant_id, resource=row.provider)
            adapter.check_resource(draft, row.provider, override_policy=override_policy)


def _renew_expiry(row: Booking, hold_length: timedelta, *, now: datetime) -> dict[str, Any]:
    """Let a hold or a request that has lapsed lapse later; return the data for the event."""
    if not has_lapsed(row, now):
        return {}
    old = field_values(row, EXPIRY_FIELDS)
    if row.requested_at is None:
        row.expires_at = instants.add_elapsed(now, hold_length)
        approval.limit_expiry(row, now=now)
    else:
        approval.request_approval(row, now=now)
    return old_and_new(old, field_values(row, EXPIRY_FIELDS))
