"""When a service can be booked, moved and cancelled. Pure functions: no ORM, no clock, no settings.

A boundary belongs to the client: a client who acts exactly 60 minutes before the start keeps a
notice of 60 minutes. Without a notice the boundary is the start itself, which belongs to the
booking: from then on the booking has begun.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bookings.exceptions import InvalidBooking, NoticeWindow, PastStart, TooFarAhead
from bookings.rules.durations import format_minutes
from bookings.rules.service_rules import ServiceRules
from bookings.rules.zones import midnight

ONE_DAY: Final = timedelta(days=1)


def check_start(
    start_at: datetime,
    *,
    now: datetime,
    rules: ServiceRules,
    zone: Callable[[], tzinfo],
    allow_past: bool,
    override: bool,
) -> None:
    """Raise an error if a start has passed or is outside the service's booking window.

    ``zone`` returns the zone in which the days ahead count. It is only called for a start that is
    about as many days ahead as may be.
    """
    if start_at < now:
        if allow_past:
            return
        raise PastStart(_("The start has passed. Choose a later start."))
    if override:
        return
    ahead = start_at - now
    if ahead < timedelta(minutes=rules.minimum_notice_minutes):
        raise NoticeWindow(
            _("This service must be booked at least %(notice)s ahead."),
            "minimum_notice",
            params={"notice": format_minutes(rules.minimum_notice_minutes)},
        )
    days = rules.maximum_advance_days
    if days is not None and _is_too_far_ahead(start_at, now=now, days=days, zone=zone):
        if days == 0:
            raise TooFarAhead(_("This service can only be booked for today."))
        raise TooFarAhead(
            ngettext_lazy(
                "This service can be booked at most %(days)d day ahead.",
                "This service can be booked at most %(days)d days ahead.",
                days,
            ),
            params={"days": days},
        )


def _is_too_far_ahead(
    start_at: datetime, *, now: datetime, days: int, zone: Callable[[], tzinfo]
) -> bool:
    # Whatever the zone, the dates differ from the days between them by less than two.
    full_days = (start_at - now) / ONE_DAY
    if full_days < days - 2 or full_days > days + 2:
        return full_days > days
    end = advance_end(now, days, zone())
    return end is not None and start_at >= end


def advance_end(now: datetime, days: int, zone: tzinfo) -> datetime | None:
    """Return the instant from which on starts are more than ``days`` ahead.

    Whole days count, as the clocks in ``zone`` show them: today is 0 days ahead, until midnight.
    ``None`` for an instant that no calendar has.
    """
    try:
        return midnight(now.astimezone(zone).date() + (days + 1) * ONE_DAY, zone)
    except OverflowError:
        return None


def check_notice(
    start_at: datetime, *, now: datetime, notice_minutes: int, too_late: Any, has_begun: Any
) -> None:
    """Raise ``NoticeWindow`` if less than the notice remains before the start of a booking.

    A booking that has begun has no notice left, even where none is required. ``too_late`` is the
    message about the ``minutes`` of notice, ``has_begun`` that about a booking without a notice.
    """
    if notice_minutes > 0 and start_at - now < timedelta(minutes=notice_minutes):
        raise NoticeWindow(too_late, params={"minutes": notice_minutes})
    if start_at <= now:
        raise NoticeWindow(has_begun, "booking_started")


def check_expiry(expires_at: datetime | None, *, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise InvalidBooking(_("That time has passed. Let it expire later."), "expires_in_the_past")
