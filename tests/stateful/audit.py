"""A second opinion on the invariants: plain Python over every row, sharing no code with the app."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from bookings.models import Booking, BookingEvent, BookingResource, BusyInterval

ACTIVE = {"PENDING", "CONFIRMED"}
# Nobody sits in what else takes time.
HAS_SEATS = {"BOOKING", "SESSION", "CONCURRENT"}


def audit() -> list[str]:
    """Everything that is wrong with what is stored."""
    intervals = {row.pk: row for row in BusyInterval.objects.select_related("calendar")}
    bookings = list(Booking.objects.all())
    return [
        *_overlaps(intervals),
        *_claims(intervals, bookings),
        *_seats(intervals, bookings),
        *_resources(intervals, bookings),
        *_concurrent_seats(intervals, bookings),
        *_histories(bookings),
    ]


def _overlaps(intervals: dict[int, BusyInterval]) -> Iterator[str]:
    calendars = defaultdict(list)
    for interval in intervals.values():
        if interval.kind != "CONCURRENT":
            calendars[interval.calendar_id].append((interval.starts, interval.ends))
    for calendar, taken in calendars.items():
        taken.sort()
        for (_, ends), (starts, _) in pairwise(taken):
            if starts < ends:
                yield f"Calendar {calendar} is taken twice at {starts}."


def _claims(intervals: dict[int, BusyInterval], bookings: list[Booking]) -> Iterator[str]:
    for booking in bookings:
        interval = intervals.get(booking.busy_interval_id or 0)
        if booking.status not in ACTIVE:
            if booking.busy_interval_id is not None:
                yield f"{booking} is {booking.status} and holds time."
            continue
        if interval is None:
            yield f"{booking} is {booking.status} and holds no time."
            continue
        starts = math.floor(booking.start_at.timestamp()) - 60 * booking.buffer_before_minutes
        ends = math.ceil(booking.end_at.timestamp()) + 60 * booking.buffer_after_minutes
        if (interval.starts, interval.ends) != (starts, ends):
            yield f"{booking} holds other time than its own."
        if interval.calendar.provider_id != booking.provider_id:
            yield f"{booking} holds another provider's time."
        if interval.service_id != booking.service_id:
            yield f"{booking} holds time of another service."


def _seats(intervals: dict[int, BusyInterval], bookings: list[Booking]) -> Iterator[str]:
    parties: dict[int | None, int] = defaultdict(int)
    for booking in bookings:
        parties[booking.busy_interval_id] += booking.party_size
    for key, interval in intervals.items():
        if interval.kind not in HAS_SEATS:
            continue
        # A session is there before anybody sits in it; a booking's time is not.
        fewest = 0 if interval.kind == "SESSION" else 1
        if not fewest <= interval.seats_taken <= interval.capacity:
            yield f"Interval {key} has {interval.seats_taken} of {interval.capacity} seats taken."
        if interval.seats_taken != parties[key]:
            yield f"Interval {key} has {interval.seats_taken} seats for {parties[key]} people."


def _resources(intervals: dict[int, BusyInterval], bookings: list[Booking]) -> Iterator[str]:
    by_key = {booking.pk: booking for booking in bookings}
    users: dict[int | None, int] = defaultdict(int)
    numbers: dict[int, int] = defaultdict(int)
    for resource in BookingResource.objects.all():
        booking = by_key[resource.booking_id]
        numbers[booking.pk] += 1
        interval = intervals.get(resource.busy_interval_id or 0)
        if booking.status not in ACTIVE:
            if resource.busy_interval_id is not None:
                yield f"{booking} is {booking.status} and holds time of a resource."
            continue
        if interval is None:
            yield f"{booking} is {booking.status} and holds no time of {resource.provider_name}."
            continue
        users[interval.pk] += 1
        starts = math.floor(booking.start_at.timestamp()) - 60 * resource.buffer_before_minutes
        ends = math.ceil(booking.end_at.timestamp()) + 60 * resource.buffer_after_minutes
        if (interval.starts, interval.ends) != (starts, ends):
            yield f"{booking} holds other time of a resource than its own."
        if interval.calendar.provider_id != resource.provider_id:
            yield f"{booking} holds the time of another resource."
    for booking in bookings:
        if booking.resource_count != numbers[booking.pk]:
            yield f"{booking} has {numbers[booking.pk]} resources, not {booking.resource_count}."
    for key, interval in intervals.items():
        if interval.kind == "RESOURCE" and interval.seats_taken != users[key]:
            yield f"Interval {key} has {interval.seats_taken} seats for {users[key]} bookings."


def _concurrent_seats(intervals: dict[int, BusyInterval], bookings: list[Booking]) -> Iterator[str]:
    """Compare the segments with the bookings at every instant at which one begins or ends."""
    segments: dict[int, list[BusyInterval]] = defaultdict(list)
    parties: dict[int, list[tuple[float, float, int]]] = defaultdict(list)
    for interval in intervals.values():
        if interval.kind == "SEGMENT":
            segments[interval.calendar_id].append(interval)
    for booking in bookings:
        held = intervals.get(booking.busy_interval_id or 0)
        if held is not None and held.kind == "CONCURRENT":
            starts = math.floor(booking.start_at.timestamp()) - 60 * booking.buffer_before_minutes
            ends = math.ceil(booking.end_at.timestamp()) + 60 * booking.buffer_after_minutes
            parties[held.calendar_id].append((starts, ends, booking.party_size))
    for calendar in segments.keys() | parties.keys():
        instants: set[float] = set()
        for starts, ends, _party in parties[calendar]:
            instants |= {starts, ends}
        for row in segments[calendar]:
            instants |= {row.starts, row.ends}
            if not 0 < row.seats_taken <= row.capacity:
                yield f"Segment {row.pk} has {row.seats_taken} of {row.capacity} seats taken."
        for instant in sorted(instants):
            people = sum(
                party for starts, ends, party in parties[calendar] if starts <= instant < ends
            )
            seats = sum(
                row.seats_taken for row in segments[calendar] if row.starts <= instant < row.ends
            )
            if people != seats:
                yield f"Calendar {calendar} has {seats} seats for {people} people at {instant}."


def _histories(bookings: list[Booking]) -> Iterator[str]:
    events = defaultdict(list)
    for event in BookingEvent.objects.order_by("pk"):
        events[event.booking_id].append(event)
    for booking in bookings:
        history = events[booking.pk]
        if booking.version != len(history):
            yield f"{booking} has version {booking.version} and {len(history)} events."
        status = ""
        for event in history:
            if event.data.get("old_status", status) != status:
                yield f"{booking} was {status} before its event {event.data}."
            status = event.data.get("new_status", event.data.get("status", status))
        if status != booking.status:
            yield f"{booking} is {booking.status}, and {status} by its history."
