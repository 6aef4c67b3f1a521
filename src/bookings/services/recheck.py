"""What may have changed while a booking was pending is looked at again before it goes on."""

from __future__ import annotations

from copy import copy
from datetime import datetime
from typing import Any, Final

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings import ledger, policies, slots
from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.exceptions import PastStart
from bookings.models import Booking, BookingEvent
from bookings.protocols import BookingType
from bookings.services import inputs
from bookings.services.allowance import Allowance
from bookings.services.changes import LIFECYCLE_FIELDS, Locked, check_version
from bookings.services.details import CLIENT, Details
from bookings.services.history import values_of
from bookings.services.repeats import check_duplicate

PLACED: Final = (BookingEvent.EventType.CREATED, BookingEvent.EventType.RESCHEDULED)

SETTLED: Final = (*LIFECYCLE_FIELDS, *CLIENT, "notes_client", "requires_approval")
"""What may be written of a booking that goes on."""


def recheck(
    at: Locked, details: Details, allowance: Allowance | None, *, override_policy: bool
) -> dict[str, Any]:
    """Fill in the client's details; the old and the new ones, for the event.

    Raises a ``BookingError`` if the booking, as the locked row has it, could not be made now: its
    service and provider may have another tenant or be inactive by now, a client who was not known
    before may have another booking, or as many as there may be, and the start may have passed. A
    booking that was made for a start in the past does not hear of that.
    """
    row = at.row
    before = copy(row)
    data = details.fill_in(row)
    inputs.load(row, "service", "provider", using=at.using)
    inputs.same_tenant(row.tenant_id, service=row.service, provider=row.provider)
    if not override_policy and not app_settings.ALLOW_PAST_START:
        _check_start(row, at.now)
    get_adapter().check_bookable(row, override_policy=override_policy)
    if values_of(row, CLIENT) != values_of(before, CLIENT):
        check_duplicate(row, now=at.now, using=at.using)
    if allowance is not None:
        allowance.check(row, now=at.now, using=at.using, before=before)
    if row.busy_interval_id is None:
        take_time(at)
    return data


def _check_start(row: Booking, now: datetime) -> None:
    if row.created_at <= row.start_at < now:
        raise PastStart(
            _(
                "The start has passed while the booking was pending. Make a new booking, or let "
                "staff override."
            )
        )


def recheck_slot(
    booking: Booking, *, actor: Any, now: datetime, expected_version: int | None
) -> None:
    """Raise what the slot engine says of a request whose provider does not work then any more.

    Asked before the lock is taken here, so that a slow engine keeps nobody waiting; whether it is a
    request still, the lock tells. Staff may have entered it where nothing was on offer; then the
    engine is not asked.
    """
    if slots.load_engine() is None:
        return
    using = router.db_for_write(Booking, instance=booking)
    requests = Booking.objects.using(using).awaiting_approval(now).select_related("busy_interval")
    request = requests.filter(pk=booking.pk).first()
    if request is None or request.is_in_session:
        return
    check_version(request, expected_version)
    get_adapter().check_permission(actor, "confirm", request)
    placed = request.events.filter(event_type__in=PLACED).order_by("-pk").first()
    if placed is not None and placed.data.get("skip_slot_validation"):
        return
    inputs.load(request, "service", "provider", using=using)
    slots.validate_again(request, now_dt=now)


def recheck_type(at: Locked) -> None:
    """Whether the service of a request is still booked in this way."""
    row = at.row
    inputs.load(row, "service", "provider", using=at.using)
    # Of a copy, for the row is not to keep the interval as it was before it is written.
    is_seat = copy(row).is_in_session
    kind = BookingType.GROUP_SESSION if is_seat else BookingType.ONE_TO_ONE
    inputs.check_type(row.service, row.provider, kind)


def take_time(at: Locked) -> None:
    """Claim the time of a booking that holds none."""
    row = at.row
    inputs.load(row, "service", using=at.using)
    rules = policies.ServiceRules.of(row.service, default_currency=app_settings.DEFAULT_CURRENCY)
    calendar_id = at.calendars[row.provider_id]
    row.busy_interval_id = ledger.take_again(row, rules, calendar_id, using=at.using)
