"""Find out which providers of a pool are busy or get no resources, for all of them at once.

``provider_choice`` tries one provider after another, and each attempt costs a transaction. What
refuses the first may refuse all of them: a room that is taken, a pool of rooms that is exhausted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Any, Final

from bookings.adapters import is_overridden
from bookings.exceptions import BookingError
from bookings.ledger import resource_claims
from bookings.ledger.transactions import conflict_error
from bookings.models.read_alias import reading_from
from bookings.services.resource_choice import ResourceChoice, overlaps, read_busy
from bookings.services.resource_needs import without_provider

ASKED_ABOUT_EACH: Final = ("resources", "resource_buffers", "check_resource")
"""The methods of the adapter that decide about resources, and may decide by the provider."""


def find_refusals(choices: Sequence[ResourceChoice]) -> dict[Any, BookingError]:
    """Return the providers who cannot take a booking now, by key, and why.

    It makes a constant number of queries, and neither locks nor asks whether a resource is open. A
    provider that is missing in the answer may still be refused.

    :param choices: one choice for each provider, of the same booking. Their ``needs`` may include
        the provider itself.
    """
    if not choices:
        return {}
    first = choices[0]
    with reading_from(first.using):
        of_slots: dict[Any, set[Any]] = {}
        if first.claim.shared and first.needs:
            claims = [(choice.booking, choice.claim) for choice in choices]
            of_slots = resource_claims.resources_of_slots(claims, using=first.using)
        groups = _group(choices, of_slots)
        candidates = {key for group in groups for key in group[0].candidates}
        bounds = [group[0].bounds() for group in groups]
        busy = read_busy(
            candidates | {choice.booking.provider_id for choice in choices},
            min(starts for starts, _ends in bounds),
            max(ends for _starts, ends in bounds),
            now=first.now,
            using=first.using,
            freed=first.freed,
        )
    refusals: dict[Any, BookingError] = {}
    for group in groups:
        group[0].slot_resources = of_slots.get(group[0].booking.provider_id, set())
        taken, error = _try(group[0], busy)
        for choice in group:
            key, claim = choice.booking.provider_id, choice.claim
            is_exclusive = not (claim.shared or claim.is_concurrent)
            if is_exclusive and overlaps(busy[key], claim.window):
                refusals[key] = conflict_error()
                continue
            of_choice = error
            if key in taken:
                _taken, of_choice = _try_without_provider(choice, busy)
            if of_choice is not None:
                refusals[key] = of_choice
    return refusals


def _group(
    choices: Sequence[ResourceChoice], of_slots: dict[Any, set[Any]]
) -> list[list[ResourceChoice]]:
    """Return the choices together that have one answer, unless the provider is a candidate."""
    asks_each = any(map(is_overridden, ASKED_ABOUT_EACH))
    groups: dict[Hashable, list[ResourceChoice]] = defaultdict(list)
    for choice in choices:
        booking = choice.booking
        key: Hashable = booking.provider_id
        if not asks_each and key not in of_slots:
            # By the wall clock, the end depends on the zone of the provider.
            key = booking.buffer_before_minutes, booking.buffer_after_minutes, booking.end_at
        groups[key].append(choice)
    return list(groups.values())


def _try(
    choice: ResourceChoice, busy: dict[Any, list[tuple[int, int]]]
) -> tuple[set[Any], BookingError | None]:
    """Return the keys of free resources for all needs, and why there are none."""
    try:
        return choice.find_free(busy), None
    except BookingError as error:
        return set(), error


def _try_without_provider(
    choice: ResourceChoice, busy: dict[Any, list[tuple[int, int]]]
) -> tuple[set[Any], BookingError | None]:
    try:
        choice.needs = without_provider(choice.booking, choice.needs)
    except BookingError:
        # An attempt tells what is wrong with the provider, or with the request.
        return set(), None
    return _try(choice, busy)
