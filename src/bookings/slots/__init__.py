"""Ask the host's slot engine whether a start is on offer.

The engine is the function that ``BOOKINGS_SLOTS_AVAILABLE_FUNC`` names. It is called with the
arguments that its signature names, and may return any of several kinds of answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import router
from django.utils import timezone

from bookings.conf import app_settings
from bookings.exceptions import BookingBusy, BookingError, SlotUnavailable
from bookings.models import Booking, BusyInterval
from bookings.models.read_alias import reading_from
from bookings.rules import instants
from bookings.rules.slot_answers import offers, refusal_error
from bookings.slots.context import (
    freed_seats,
    ignored_intervals,
    ignoring_intervals,
    requested_bounds,
    set_during,
    with_ignored,
)
from bookings.slots.engine import SIGNATURES, Engine, adapt, is_default_missing, load_engine

__all__ = [
    "SIGNATURES",
    "Engine",
    "adapt",
    "freed_seats",
    "ignored_intervals",
    "ignoring_intervals",
    "is_default_missing",
    "load_engine",
    "requested_bounds",
    "revalidate_start",
    "validate_start",
    "validate_starts",
    "with_ignored",
]

STARTS_PER_CALL: Final = 100
"""How many starts an engine that names ``starts`` is asked about at once."""


def validate_start(
    booking: Booking, *, now_dt: datetime | None = None, override_policy: bool = False
) -> None:
    """Raise an error unless the host's slot engine offers the start of a new or moved booking.

    An error of the engine itself is not caught.

    :param booking: the booking with its new start, not saved yet.
    :param now_dt: the current time, by default the clock's.
    :param override_policy: whether notice and advance do not count.
    :raises SlotUnavailable: the start is not on offer. If the engine's answer has a method
        ``why_not(start_at)``, the error is what that returns.
    """
    engine = load_engine()
    if engine is not None:
        _ask(engine, booking, now_dt=now_dt, override_policy=override_policy)


def revalidate_start(booking: Booking, *, now_dt: datetime) -> None:
    """Check a booking again whose start was on offer when it was made, as :func:`validate_start`.

    Notice and advance were checked then, and are not checked again, so only an engine that names
    ``override_policy`` is asked. The grid of starts is not checked again either: an error with the
    code ``off_grid`` is ignored.
    """
    engine = load_engine()
    if engine is None or not engine.can_override_policy:
        return
    try:
        _ask(engine, booking, now_dt=now_dt, override_policy=True)
    except SlotUnavailable as error:
        if error.booking_code != "off_grid":
            raise


def validate_starts(
    bookings: Sequence[Booking], *, now_dt: datetime, override_policy: bool
) -> list[BookingError | None]:
    """Return for each booking the error that :func:`validate_start` would raise, or ``None``.

    The bookings are made or moved together: none is in the way of another one's move, but others
    who share a slot with one of them are. The caller
    has checked notice, advance and limits. An engine that names ``starts`` is asked once for each
    100 bookings of one length, any other for each booking.
    """
    engine = load_engine()
    if engine is None:
        return [None] * len(bookings)
    errors: dict[int, BookingError] = {}
    using = router.db_for_write(Booking)
    intervals = _load_intervals(bookings, using)
    freed: Counter[int] = Counter()
    for booking in bookings:
        if booking.busy_interval_id is not None:
            freed[booking.busy_interval_id] += booking.party_size
    emptied = [key for key, interval in intervals.items() if interval.seats_taken <= freed[key]]
    with reading_from(using), set_during(freed_seats, freed), ignoring_intervals(emptied):
        if engine.names("starts"):
            for alike in _group_alike(bookings):
                errors |= _ask_about_many(engine, alike, now_dt=now_dt)
        else:
            for number, booking in enumerate(bookings):
                try:
                    _ask(engine, booking, now_dt=now_dt, override_policy=override_policy)
                except BookingBusy:
                    raise
                except BookingError as error:
                    errors[number] = error
    return [errors.get(number) for number in range(len(bookings))]


def _load_intervals(bookings: Iterable[Booking], using: str) -> dict[int, BusyInterval]:
    """Load the busy intervals of the bookings, in one query at most, and return them by key."""
    keys = {booking.busy_interval_id for booking in bookings} - {None}
    intervals = BusyInterval.objects.using(using).in_bulk(keys) if keys else {}
    field: Any = Booking._meta.get_field("busy_interval")
    for booking in bookings:
        if booking.busy_interval_id in intervals:
            field.set_cached_value(booking, intervals[booking.busy_interval_id])
    return intervals


def _group_alike(bookings: Sequence[Booking]) -> Iterator[list[tuple[int, Booking]]]:
    """Yield the bookings, each with its number, in lists that differ in their starts only."""
    groups: dict[tuple[Any, ...], list[tuple[int, Booking]]] = {}
    for number, booking in sorted(enumerate(bookings), key=lambda pair: pair[1].start_at):
        key = (booking.provider_id, booking.end_at - booking.start_at, booking.party_size)
        groups.setdefault(key, []).append((number, booking))
    for group in groups.values():
        for first in range(0, len(group), STARTS_PER_CALL):
            yield group[first : first + STARTS_PER_CALL]


def _ask_about_many(
    engine: Engine, alike: list[tuple[int, Booking]], *, now_dt: datetime
) -> dict[int, BookingError]:
    starts = tuple(booking.start_at for _number, booking in alike)
    booking = alike[0][1]
    bounds = frozenset(instants.busy_bounds_of(booking) for _number, booking in alike)
    held = [_ignorable_interval_id(booking) for _number, booking in alike]
    try:
        with set_during(requested_bounds, bounds), ignoring_intervals(held):
            offered = engine(
                service=booking.service,
                provider=booking.provider,
                start_at=starts[0],
                end_at=alike[-1][1].end_at,
                tenant=booking.tenant if app_settings.tenancy_enabled else None,
                booking=booking,
                now_dt=now_dt,
                override_policy=True,
                starts=starts,
            )
            return {
                number: refusal_error(offered, booking.start_at)
                for number, booking in alike
                if booking.start_at not in offered
            }
    except BookingBusy:
        raise
    except BookingError as error:
        # It refuses the provider as a whole, as of one without hours.
        return {number: error for number, _booking in alike}


def _ask(
    engine: Engine, booking: Booking, *, now_dt: datetime | None, override_policy: bool
) -> None:
    now = timezone.now() if now_dt is None else now_dt
    interval_id = _ignorable_interval_id(booking)
    own = [] if engine.names("ignored_interval_id") else [interval_id]
    using = router.db_for_write(type(booking), instance=booking)
    # The answer may be a generator, so it is read in here too.
    with (
        reading_from(using),
        set_during(requested_bounds, frozenset([instants.busy_bounds_of(booking)])),
        ignoring_intervals(own),
    ):
        offered = engine(
            service=booking.service,
            provider=booking.provider,
            start_at=booking.start_at,
            end_at=booking.end_at,
            tenant=booking.tenant if app_settings.tenancy_enabled else None,
            booking=booking,
            now_dt=now,
            # A start in the past only gets here if the caller allows it.
            override_policy=override_policy or booking.start_at < now,
            ignored_interval_id=interval_id,
        )
        if not offers(offered, booking.start_at):
            raise refusal_error(offered, booking.start_at)


def _ignorable_interval_id(booking: Booking) -> int | None:
    """Return the key of the interval that is not in the booking's way; ``None`` for none.

    It is the booking's own, unless others have seats in it and stay there when the booking moves,
    as far as the interval has been read.
    """
    is_read = Booking._meta.get_field("busy_interval").is_cached(booking)
    interval = booking.busy_interval if is_read else None
    if interval is None:
        return booking.busy_interval_id
    is_alone = interval.seats_taken <= booking.party_size
    stays = (interval.starts, interval.ends) == instants.busy_bounds_of(booking)
    return interval.pk if is_alone or stays else None
