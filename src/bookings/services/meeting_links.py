"""Ask the adapter for the meeting links of confirmed bookings, after the commit."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import router, transaction

from bookings import adapters
from bookings.exceptions import BookingError
from bookings.models import Booking, BookingEvent, field_validation
from bookings.rules import validation
from bookings.services import references
from bookings.services.booking_change import Change, LockedBooking, change_booking
from bookings.services.chunked_changes import Progress
from bookings.services.history import follow_events, old_and_new

logger = logging.getLogger("bookings")

GRACE: Final = timedelta(minutes=5)
"""How long the process that confirmed a booking may take to ask by itself."""


CONFIRMING_EVENTS: Final = {
    BookingEvent.EventType.CREATED,
    BookingEvent.EventType.CONFIRMED,
    BookingEvent.EventType.REOPENED,
}


def request_on_commit(booking_ids: Sequence[Any], event_type: str, *, using: str) -> None:
    """Ask for the links of those of these bookings that are confirmed, once that is committed."""
    if event_type in CONFIRMING_EVENTS and adapters.is_overridden("meeting_link"):
        ask = partial(_request_all, list(booking_ids), using=using)
        transaction.on_commit(ask, using=using, robust=True)


follow_events(request_on_commit)


def request_meeting_links(
    *,
    now_dt: datetime | None = None,
    limit: int | None = None,
    chunk_size: int = 500,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> int:
    """Ask the adapter's ``meeting_link`` again for confirmed bookings that have no link.

    It asks about those that are not over, and that were confirmed five minutes ago at least: until
    then, the process that confirmed them may still be asking. Without such a method of the adapter
    it does nothing. No booking is locked while the adapter is asked. An error of the adapter is
    logged, and the others are asked about.

    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param limit: the largest number of bookings to change; ``None`` for no limit.
    :param chunk_size: the number of bookings that are read at once.
    :param dry_run: count the bookings and change nothing.
    :param progress: a function that is called after each chunk with the number of bookings so far.
    :returns: the number of bookings that have a link now; with ``dry_run``, of those without one.
    :raises InvalidBooking: an argument is invalid or cannot be stored.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    now = references.resolve_now(now_dt)
    if limit is not None:
        validation.whole_number(limit, "limit", at_least=0)
    validation.whole_number(chunk_size, "chunk_size", at_least=1)
    validation.optional_callable(progress, "progress")
    if not adapters.is_overridden("meeting_link"):
        return 0
    using = router.db_for_write(Booking)
    due = Booking.objects.using(using).filter(
        status=Booking.Status.CONFIRMED,
        meeting_link="",
        end_at__gt=now,
        confirmed_at__lte=now - GRACE,
    )
    keys = list(due.order_by("start_at", "pk").values_list("pk", flat=True)[:limit])
    if dry_run:
        return len(keys)
    done = 0
    for first in range(0, len(keys), chunk_size):
        chunk = keys[first : first + chunk_size]
        done += _request_all(chunk, using=using)
        if progress is not None:
            progress(first + len(chunk))
    return done


def _request_all(booking_ids: Sequence[Any], *, using: str) -> int:
    """Ask about each booking that is confirmed and has no link; return how many have one now."""
    bookings = Booking.objects.using(using).filter(
        pk__in=booking_ids, status=Booking.Status.CONFIRMED, meeting_link=""
    )
    related = bookings.select_related("service", "provider").order_by("pk")
    return sum(_request(booking) for booking in list(related))


def _request(booking: Booking) -> bool:
    try:
        link = adapters.get_adapter().meeting_link(booking)
        if not link:
            return False
        change_booking(booking, partial(_set_link, link=link), verb=None)
    except BookingError:
        logger.exception("The meeting link of booking %s could not be stored.", booking.pk)
    except Exception:
        # Whatever a provider of meetings does, the other bookings are asked about.
        logger.exception("The adapter has no meeting link for booking %s.", booking.pk)
    return bool(booking.meeting_link)


def _set_link(locked: LockedBooking, *, link: str) -> Change | None:
    row = locked.row
    if row.meeting_link or row.status != Booking.Status.CONFIRMED:
        # Somebody else was faster, or it was cancelled meanwhile.
        return None
    row.meeting_link = link
    field_validation.clean_fields(row, ["meeting_link"])
    data = old_and_new({"meeting_link": ""}, {"meeting_link": row.meeting_link})
    return Change(BookingEvent.EventType.UPDATED, fields=["meeting_link"], data=data)
