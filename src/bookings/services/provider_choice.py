"""Make or move a booking with any one provider of a pool."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from datetime import datetime
from typing import Any, Final, TypeVar

from bookings.exceptions import (
    BookingConflict,
    BookingError,
    CapacityExceeded,
    InvalidBooking,
    LimitReached,
    MissingReference,
    NotAllowed,
    NoticeWindow,
    SlotUnavailable,
    TooFarAhead,
)
from bookings.ledger.transactions import conflict_error
from bookings.models import Booking
from bookings.models.read_alias import reading_from
from bookings.pools import AnyOf, Strategy
from bookings.rules import instants
from bookings.services.offered_providers import OfferedProviders
from bookings.services.resource_choice import day_of, exhausted_error, rank, read_busy
from bookings.services.resource_needs import RESOURCE_IS_PROVIDER

Result = TypeVar("Result")
FindRefusals = Callable[[Sequence[Any]], Mapping[Any, BookingError]]
"""Returns which of these providers are refused, by key, and why, as far as that is known."""

PASSED_OVER: Final = (
    BookingConflict,
    CapacityExceeded,
    LimitReached,
    NotAllowed,
    NoticeWindow,
    SlotUnavailable,
    TooFarAhead,
)
"""What refuses one provider, and may not refuse another."""


def with_any_provider(
    pool: AnyOf,
    draft: Booking,
    write: Callable[[Any], Result],
    *,
    window: tuple[int, int] | None,
    now: datetime,
    using: str,
    freed: Mapping[int, int] | None = None,
    override_policy: bool,
    passed_over: tuple[type[BookingError], ...] = PASSED_OVER,
    find_refusals: FindRefusals = lambda _providers: {},
) -> Result:
    """Call ``write`` with one provider of the pool after another, until one is not refused.

    Those who do not offer the service are passed over at once, unless ``override_policy`` lifts
    that, and those who are busy at a moment of the ``window``, in Unix seconds; without a window
    nobody is. ``freed`` are seats that are not in the way, by busy interval. Raises
    ``PoolExhausted`` if all are refused, and at once every other error than those that are
    ``passed_over``.

    Once one has been refused, ``find_refusals`` is asked which of the others are refused as well.
    It is called once, so that what is in everybody's way does not cost an attempt for each.

    :param draft: the booking as it is to be, with its start.
    """
    refused: list[tuple[Any, BookingError]] = []
    offered = OfferedProviders(override_policy=override_policy)
    with reading_from(using):
        # A booking that is moved may stay with its provider.
        current = None if draft.pk is None else draft.provider_id
        offered.load(draft.service, [one for one in pool.providers if one.pk != current])
        providers, taken = _rank_providers(pool, draft, window, freed, now=now, using=using)
    not_offered = {
        provider.pk: error
        for provider in providers
        if provider.pk != current and (error := offered.refusal(draft.service, provider))
    }
    known: Mapping[Any, BookingError] | None = None
    for number, provider in enumerate(providers):
        if provider.pk in not_offered:
            refused.append((provider, not_offered[provider.pk]))
            continue
        if provider.pk in taken:
            refused.append((provider, conflict_error()))
            continue
        if known and provider.pk in known:
            refused.append((provider, known[provider.pk]))
            continue
        try:
            return write(provider)
        except passed_over as error:
            refused.append((provider, error))
        except InvalidBooking as error:
            # Anything else is wrong with the request, whoever the provider is.
            if not _is_about(provider, error):
                raise
            refused.append((provider, error))
        if known is None and (
            others := _not_in(taken | not_offered.keys(), providers[number + 1 :])
        ):
            known = find_refusals(others)
    raise exhausted_error(refused)


def _not_in(keys: Collection[Any], providers: Sequence[Any]) -> list[Any]:
    return [provider for provider in providers if provider.pk not in keys]


def _is_about(provider: Any, error: InvalidBooking) -> bool:
    """Return whether the provider does not exist any more, or is a resource of the booking."""
    if isinstance(error, MissingReference):
        return bool(error.provider_id == provider.pk)
    return error.code == RESOURCE_IS_PROVIDER


def _rank_providers(
    pool: AnyOf,
    draft: Booking,
    window: tuple[int, int] | None,
    freed: Mapping[int, int] | None,
    *,
    now: datetime,
    using: str,
) -> tuple[list[Any], set[Any]]:
    """Return the providers in the order of the strategy, and the keys of those who are busy."""
    is_least_busy = pool.strategy == Strategy.LEAST_BUSY
    day = (0, 0)
    if is_least_busy:
        first = copy(draft)
        first.provider = pool.providers[0]
        day = day_of(first)
    spans = [span for span in (window, day if is_least_busy else None) if span is not None]
    keys = [provider.pk for provider in pool.providers]
    busy: dict[Any, list[tuple[int, int]]] = {key: [] for key in keys}
    if spans:
        starts, ends = min(span[0] for span in spans), max(span[1] for span in spans)
        instants.check_range(starts, ends)
        busy = read_busy(keys, starts, ends, now=now, using=using, freed=freed)
    taken = {
        key
        for key, intervals in busy.items()
        if window is not None
        and any(begins < window[1] and window[0] < until for begins, until in intervals)
    }
    return rank(pool.providers, pool.strategy, busy, day, using=using), taken
