"""Explain why a start is not on offer, in messages that say what to do instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Final

from django.utils.formats import date_format, time_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bookings.contrib.schedule import engine
from bookings.contrib.schedule.engine import Shift
from bookings.contrib.schedule.exceptions import StartNotOffered
from bookings.contrib.schedule.slots.start_search import StartSearch
from bookings.contrib.schedule.time_ranges import ONE_DAY
from bookings.exceptions import BookingError, InvalidBooking, SlotUnavailable
from bookings.protocols import ProviderLike
from bookings.rules import instants
from bookings.rules.durations import format_minutes

NEAREST_WITHIN: Final = 26 * 3600
"""How far away the nearest start can be: the longest step, and a change of the clocks."""


def no_schedule_error(provider: ProviderLike) -> SlotUnavailable:
    return SlotUnavailable(
        _("%(provider)s has no schedule, and there is no default one. Make one first."),
        "no_schedule",
        params={"provider": str(provider)},
    )


def explain_refusal(search: StartSearch, start_at: datetime) -> BookingError | None:
    """Return an error for the first rule that the start breaks; ``None`` if it is on offer."""
    second = instants.floor_second(start_at)
    if not start_at.microsecond and search.has_start(second):
        return None
    return (
        search.refusal
        # Before the checks of the rules, which were only loaded for this range.
        or _out_of_range_error(search, start_at)
        or _not_after_start_error(search, start_at)
        or search.refusals.of_start(search.draft_at(second))
        or _outside_hours_error(search, start_at, second)
        or _booking_window_error(search, start_at)
        or _off_grid_error(search, start_at, second)
        or _taken_error(search, start_at, second)
        or search.resource_refusal(second)
        or search.refusals.of_stored_bookings(search.draft_at(second))
    )


def _out_of_range_error(search: StartSearch, start_at: datetime) -> StartNotOffered | None:
    # Rounded up, as the bounds of the range are.
    if search.first <= instants.ceil_second(start_at) < search.last:
        return None
    return StartNotOffered(
        _("That start is not in the range that was asked for. Ask for one that it is in."),
        "outside_range",
        start_at=start_at,
    )


def _not_after_start_error(search: StartSearch, start_at: datetime) -> BookingError | None:
    wall_ends = search.requested.wall_ends
    if wall_ends is not None:
        try:
            wall_ends.length.end_at(start_at, wall_ends.zone)
        except (InvalidBooking, SlotUnavailable) as error:
            return error
    return None


def _outside_hours_error(
    search: StartSearch, start_at: datetime, second: int
) -> StartNotOffered | None:
    hours, reasons = search.rules.hours, search.rules.reasons
    fits = partial(
        engine.fits,
        start=second,
        end=search.requested.end_of(second),
        spans_closures=search.requested.spans_closures,
    )
    if fits(hours):
        return None
    local = start_at.astimezone(hours.zone)
    # A shift that crosses midnight belongs to the day before.
    for day in sorted({local.date() - ONE_DAY, local.date()} & reasons.keys()):
        others = {other: row for other, row in hours.overrides.items() if other != day}
        if fits(replace(hours, overrides=others)):
            return _closed_error(day, reasons[day], start_at)
    shifts = hours.shifts_on(local.date())
    if not shifts:
        return _closed_error(local.date(), reasons.get(local.date(), ""), start_at)
    end_at = datetime.fromtimestamp(search.requested.end_of(second), hours.zone)
    # "From 9 a.m. to 9 a.m." needs its dates, and so does what is booked by the day.
    is_by_days = search.requested.wall_ends is not None or search.requested.spans_closures
    if end_at - local >= ONE_DAY or (is_by_days and end_at.date() > local.date()):
        return StartNotOffered(
            _(
                "A booking from %(start)s to %(end)s does not fit into the opening hours. "
                "Choose another start, or another length."
            ),
            "outside_hours",
            params={
                "start": date_format(local, "DATETIME_FORMAT"),
                "end": date_format(end_at, "DATETIME_FORMAT"),
            },
            start_at=start_at,
        )
    return StartNotOffered(
        _(
            "A booking from %(start)s to %(end)s does not fit into the hours of %(date)s "
            "(%(hours)s). Choose another start."
        ),
        "outside_hours",
        params={
            "date": date_format(local.date()),
            "start": time_format(local),
            "end": time_format(end_at),
            "hours": ", ".join(map(_format_shift, shifts)),
        },
        start_at=start_at,
    )


def _closed_error(day: date, reason: str, start_at: datetime) -> StartNotOffered:
    if reason:
        return StartNotOffered(
            _("Closed on %(date)s: %(reason)s. Choose another day."),
            "closed",
            params={"date": date_format(day), "reason": reason},
            start_at=start_at,
            reason=reason,
        )
    return StartNotOffered(
        _("Closed on %(date)s. Choose another day."),
        "closed",
        params={"date": date_format(day)},
        start_at=start_at,
    )


def _format_shift(shift: Shift) -> str:
    return f"{_format_wall_time(shift.opens)}–{_format_wall_time(shift.closes)}"


def _format_wall_time(seconds: int) -> str:
    at = datetime.combine(date.min, datetime.min.time()) + timedelta(seconds=seconds % 86400)
    return "24:00" if seconds == 86400 else time_format(at.time())


def _booking_window_error(search: StartSearch, start_at: datetime) -> StartNotOffered | None:
    if search.override_policy:
        return None
    if start_at < search.now:
        return StartNotOffered(
            _("That start has passed. Choose a later one."), "too_soon", start_at=start_at
        )
    minutes = search.notice_minutes
    if (start_at - search.now) // timedelta(minutes=1) < minutes:
        return StartNotOffered(
            _("It must be booked at least %(notice)s ahead. Choose a later start."),
            "too_soon",
            params={"notice": format_minutes(minutes)},
            start_at=start_at,
        )
    end, days = search.advance_end, search.advance_days or 0
    if end is None or start_at < end:
        return None
    if days == 0:
        message: Any = _("It can only be booked for today. Choose a start today.")
    else:
        message = ngettext_lazy(
            "It can be booked at most %(days)d day ahead. Choose an earlier start.",
            "It can be booked at most %(days)d days ahead. Choose an earlier start.",
            days,
        )
    return StartNotOffered(message, "too_far_ahead", params={"days": days}, start_at=start_at)


def _off_grid_error(search: StartSearch, start_at: datetime, second: int) -> StartNotOffered | None:
    search = replace(search, resources=None)
    on_grid = search.starts_between(second, second + 1, ignore_busy_time=True)
    if not start_at.microsecond and next(on_grid, None) is not None:
        return None
    first, last = search.within_booking_window(second - NEAREST_WITHIN, second + NEAREST_WITHIN)
    before = search.starts_between(first, min(second + 1, last), ignore_busy_time=True)
    after = search.starts_between(max(second + 1, first), last, ignore_busy_time=True)
    nearest = [*list(before)[-1:], *islice(after, 1)]
    if not nearest:
        return StartNotOffered(
            _("No booking of this length can start near that time. Choose another day."),
            "off_grid",
            start_at=start_at,
        )
    minutes = search.rules.schedule.slot_step_minutes
    return StartNotOffered(
        _("Starts are %(step)s apart (%(nearest)s). Choose one that is free."),
        "off_grid",
        params={
            "step": format_minutes(minutes),
            "nearest": ", ".join(_format_start(start, search, start_at) for start in nearest),
        },
        start_at=start_at,
    )


def _format_start(start: int, search: StartSearch, start_at: datetime) -> str:
    zone = search.rules.hours.zone
    local = datetime.fromtimestamp(start, zone)
    if local.date() == start_at.astimezone(zone).date():
        return time_format(local)
    return date_format(local, "DATETIME_FORMAT")


def _taken_error(search: StartSearch, start_at: datetime, second: int) -> StartNotOffered | None:
    if not search.is_taken(second):
        return None
    remaining = search.seats_for_fewer(second)
    if remaining:
        return StartNotOffered(
            ngettext_lazy(
                "%(remaining)d seat is left at that time. Choose another, or fewer seats.",
                "%(remaining)d seats are left at that time. Choose another, or fewer seats.",
                remaining,
            ),
            "taken",
            params={"remaining": remaining},
            start_at=start_at,
            remaining=remaining,
        )
    return StartNotOffered(_("That time is taken. Choose another."), "taken", start_at=start_at)
