"""Check a pending booking again before it is confirmed or submitted."""

from __future__ import annotations

from copy import copy
from datetime import datetime
from typing import Any, Final

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings import slots
from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.exceptions import PastStart
from bookings.models import Booking, BookingEvent
from bookings.models.read_alias import reading_from
from bookings.protocols import BookingType
from bookings.services import references
from bookings.services.booking_change import LIFECYCLE_FIELDS, LockedBooking
from bookings.services.booking_claim import claim_time
from bookings.services.client_details import CLIENT_FIELDS, ClientDetails
from bookings.services.duplicates import check_duplicate
from bookings.services.history import field_values
from bookings.services.limit_check import LimitCheck
from bookings.services.offered_providers import OfferedProviders

PLACING_EVENTS: Final = (BookingEvent.EventType.CREATED, BookingEvent.EventType.RESCHEDULED)

REVALIDATED_FIELDS: Final = (
    *LIFECYCLE_FIELDS,
    *CLIENT_FIELDS,
    *("notes_client", "answers", "requires_approval"),
)
"""The columns that confirming or submitting may set."""


def revalidate(
    locked: LockedBooking,
    details: ClientDetails,
    limit_check: LimitCheck | None,
    *,
    override_policy: bool,
    was_hold: bool,
) -> dict[str, Any]:
    """Set the client's details on the locked row, check it, and return the data for the event.

    Raises a ``BookingError`` if the service or the provider is inactive or of another tenant by
    now, if the start has passed since the booking was made, if a client who was not known before
    has a similar booking or as many as a limit allows, and if a required question of a hold is not
    answered.
    """
    row = locked.row
    before = copy(row)
    data = details.fill_in(row)
    references.load_related(row, "service", "provider", using=locked.using)
    references.check_same_tenant(row.tenant_id, service=row.service, provider=row.provider)
    data |= details.fill_in_answers(row, is_complete=was_hold and not override_policy)
    if not override_policy and not app_settings.ALLOW_PAST_START:
        _check_start_has_not_passed(row, locked.now)
    get_adapter().check_bookable(row, override_policy=override_policy)
    if field_values(row, CLIENT_FIELDS) != field_values(before, CLIENT_FIELDS):
        check_duplicate(row, now=locked.now, using=locked.using)
    if limit_check is not None:
        limit_check.check(row, now=locked.now, using=locked.using, before=before)
    if row.busy_interval_id is None:
        claim_time(locked)
    return data


def _check_start_has_not_passed(row: Booking, now: datetime) -> None:
    # A booking that was made for a past start may be confirmed.
    if row.created_at <= row.start_at < now:
        raise PastStart(
            _(
                "The start has passed while the booking was pending. Make a new booking, or let "
                "staff override."
            )
        )


def read_request(booking: Booking, *, now: datetime) -> Booking | None:
    """Return the stored booking if it awaits approval, with what :func:`revalidate_request` needs.

    Call it before the lock.
    """
    using = router.db_for_write(Booking, instance=booking)
    requests = Booking.objects.using(using).awaiting_approval(now)
    related = requests.select_related("busy_interval", "service", "provider")
    return related.filter(pk=booking.pk).first()


def revalidate_request(request: Booking, *, actor: Any, now: datetime) -> None:
    """Raise an error if the service or the slot engine does not take a request any more.

    It runs before the lock, so that a slow engine or adapter blocks nobody. Whether the booking
    still is a request is checked again under the lock. The engine is not asked about a seat of a
    session, nor about a start that staff set without slot validation.

    Raises ``NotAllowed`` if the service does not take bookings of this kind, or the adapter does
    not permit the actor to confirm it, and ``SlotUnavailable`` if the start is not on offer.
    """
    using = router.db_for_write(Booking, instance=request)
    with reading_from(using):
        get_adapter().check_permission(actor, "confirm", request)
        if request.requested_at is not None:
            is_seat = request.is_in_session
            kind = BookingType.GROUP_SESSION if is_seat else BookingType.ONE_TO_ONE
            references.check_booking_type(request.service, request.provider, kind)
            if not is_seat:
                OfferedProviders().check(request.service, request.provider)
    if slots.load_engine() is None or request.is_in_session:
        return
    events = BookingEvent.objects.using(using).filter(booking=request)
    last_placed = events.filter(event_type__in=PLACING_EVENTS).order_by("-pk").first()
    if last_placed is None or not last_placed.data.get("skip_slot_validation"):
        slots.revalidate_start(request, now_dt=now)
