"""Why a start is not on offer, in words that say what to do instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from django.utils.formats import date_format, time_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bookings import policies
from bookings.adapters import INACTIVE
from bookings.contrib.schedule import engine
from bookings.contrib.schedule.engine import OpeningHours, Shift
from bookings.exceptions import BookingError, NotAllowed, SlotUnavailable

if TYPE_CHECKING:
    from bookings.contrib.schedule.availability import Availability
    from bookings.protocols import ProviderLike

ONE_DAY: Final = timedelta(days=1)

SEARCHED: Final = 26 * 3600
"""The longest step, and a change of the clocks: so far away is the nearest start at most."""


def no_schedule(provider: ProviderLike) -> SlotUnavailable:
    return SlotUnavailable(
        _("%(provider)s has no schedule, and there is no default one. Make one first."),
        "no_schedule",
        params={"provider": str(provider)},
    )


def why_not(offer: Availability, start_at: datetime) -> BookingError | None:
    """The first rule that the start breaks: of the hours, the clock, the grid, the ledger."""
    second = policies.floor_second(start_at)
    if not start_at.microsecond and offer.has_start(second):
        return None
    return (
        inactive(offer)
        # First of all that read the rules, which are known of this range alone.
        or _out_of_range(offer, start_at)
        or _outside(offer, start_at, second)
        or _out_of_window(offer, start_at)
        or _off_grid(offer, start_at, second)
        or _taken(offer, start_at, second)
    )


def inactive(offer: Availability) -> NotAllowed | None:
    """As the adapter's ``check_bookable`` would refuse it, unless staff lift that."""
    if offer.override_policy:
        return None
    for name, thing in (("provider", offer.provider), ("service", offer.wanted.service)):
        if not getattr(thing, "is_active", True):
            return NotAllowed(INACTIVE[name], params={"what": name})
    return None


def _outside(offer: Availability, start_at: datetime, second: int) -> SlotUnavailable | None:
    hours, reasons = offer.rules.hours, offer.rules.reasons
    end = second + offer.wanted.duration
    if _fits(hours, second, end):
        return None
    local = start_at.astimezone(hours.zone)
    # A shift of the night belongs to the day before.
    for day in sorted({local.date() - ONE_DAY, local.date()} & reasons.keys()):
        usual = {date: shifts for date, shifts in hours.overrides.items() if date != day}
        if _fits(replace(hours, overrides=usual), second, end):
            return _closed(day, reasons[day], start_at)
    shifts = hours.on(local.date())
    if not shifts:
        return _closed(local.date(), reasons.get(local.date(), ""), start_at)
    return SlotUnavailable(
        _(
            "A booking from %(start)s to %(end)s does not fit into the hours of %(date)s "
            "(%(hours)s). Choose another start."
        ),
        "outside_hours",
        params={
            "start_at": start_at,
            "date": date_format(local.date()),
            "start": time_format(local),
            "end": time_format((start_at + _seconds(offer)).astimezone(local.tzinfo)),
            "hours": ", ".join(map(_of_the_day, shifts)),
        },
    )


def _fits(hours: OpeningHours, second: int, end: int) -> bool:
    openings = engine.openings(hours, second, end)
    return any(opens <= second and end <= closes for opens, closes in openings)


def _closed(day: date, reason: str, start_at: datetime) -> SlotUnavailable:
    shown = {"start_at": start_at, "date": date_format(day)}
    if reason:
        return SlotUnavailable(
            _("Closed on %(date)s: %(reason)s. Choose another day."),
            "closed",
            params=shown | {"reason": reason},
        )
    return SlotUnavailable(_("Closed on %(date)s. Choose another day."), "closed", params=shown)


def _seconds(offer: Availability) -> timedelta:
    return timedelta(seconds=offer.wanted.duration)


def _of_the_day(shift: Shift) -> str:
    return f"{_wall_time(shift.opens)}–{_wall_time(shift.closes)}"


def _wall_time(seconds: int) -> str:
    at = datetime.combine(date.min, datetime.min.time()) + timedelta(seconds=seconds % 86400)
    return "24:00" if seconds == 86400 else time_format(at.time())


def _out_of_window(offer: Availability, start_at: datetime) -> SlotUnavailable | None:
    if offer.override_policy:
        return None
    rules, wanted = offer.rules, offer.wanted
    if start_at < offer.now:
        return SlotUnavailable(
            _("That start has passed. Choose a later one."),
            "too_soon",
            params={"start_at": start_at},
        )
    minutes = rules.notice(wanted) // 60
    if (start_at - offer.now) // timedelta(minutes=1) < minutes:
        return SlotUnavailable(
            ngettext_lazy(
                "It must be booked at least %(minutes)d minute ahead. Choose a later start.",
                "It must be booked at least %(minutes)d minutes ahead. Choose a later start.",
                minutes,
            ),
            "too_soon",
            params={"start_at": start_at, "minutes": minutes},
        )
    days = rules.advance_days(wanted)
    if days is not None and start_at - offer.now > timedelta(days=min(days, timedelta.max.days)):
        return SlotUnavailable(
            ngettext_lazy(
                "It can be booked at most %(days)d day ahead. Choose an earlier start.",
                "It can be booked at most %(days)d days ahead. Choose an earlier start.",
                days,
            ),
            "too_far_ahead",
            params={"start_at": start_at, "days": days},
        )
    return None


def _off_grid(offer: Availability, start_at: datetime, second: int) -> SlotUnavailable | None:
    on_grid = offer.starts_between(second, second + 1, although_taken=True)
    if not start_at.microsecond and next(on_grid, None) is not None:
        return None
    first, last = offer.bookable(second - SEARCHED, second + SEARCHED)
    before = offer.starts_between(first, min(second + 1, last), although_taken=True)
    after = offer.starts_between(max(second + 1, first), last, although_taken=True)
    nearest = [*list(before)[-1:], *islice(after, 1)]
    minutes = offer.rules.schedule.slot_step_minutes
    if not nearest:
        return SlotUnavailable(
            _("No booking of this length can start near that time. Choose another day."),
            "off_grid",
            params={"start_at": start_at},
        )
    return SlotUnavailable(
        ngettext_lazy(
            "Starts are %(minutes)d minute apart (%(nearest)s). Choose one that is free.",
            "Starts are %(minutes)d minutes apart (%(nearest)s). Choose one that is free.",
            minutes,
        ),
        "off_grid",
        params={
            "start_at": start_at,
            "minutes": minutes,
            "nearest": ", ".join(_shown(start, offer, start_at) for start in nearest),
        },
    )


def _shown(second: int, offer: Availability, start_at: datetime) -> str:
    zone = offer.rules.hours.zone
    local = datetime.fromtimestamp(second, zone)
    if local.date() == start_at.astimezone(zone).date():
        return time_format(local)
    return date_format(local, "DATETIME_FORMAT")


def _out_of_range(offer: Availability, start_at: datetime) -> SlotUnavailable | None:
    # Rounded as the range's own bounds are.
    if offer.first <= policies.ceil_second(start_at) < offer.last:
        return None
    return SlotUnavailable(
        _("That start is not in the range that was asked for. Ask for one that it is in."),
        "outside_range",
        params={"start_at": start_at},
    )


def _taken(offer: Availability, start_at: datetime, second: int) -> SlotUnavailable:
    remaining = offer.taken.too_full.get(second, 0)
    if remaining:
        return SlotUnavailable(
            ngettext_lazy(
                "%(remaining)d seat is left at that time. Choose another, or fewer seats.",
                "%(remaining)d seats are left at that time. Choose another, or fewer seats.",
                remaining,
            ),
            "taken",
            params={"start_at": start_at, "remaining": remaining},
        )
    return SlotUnavailable(
        _("That time is taken. Choose another."), "taken", params={"start_at": start_at}
    )
