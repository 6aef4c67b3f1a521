"""Pools: several providers of which any one will do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidBooking
from bookings.protocols import ProviderLike
from bookings.rules import validation

__all__ = ["MAX_POOL_SIZE", "AnyOf", "Strategy"]

MAX_POOL_SIZE: Final = 1000
"""The largest number of providers in a pool."""


class Strategy(StrEnum):
    """In which order the providers of a pool are tried."""

    FIRST = "first"
    """The order in which they are given."""
    LEAST_BUSY = "least_busy"
    """The one with the fewest taken seconds on that day first; of equals, the one given first. A
    day is a day of the zone that the adapter's ``time_zone()`` names for the first provider."""
    ROUND_ROBIN = "round_robin"
    """The one first whom a pool has chosen longest ago; before it those whom none ever has."""


class AnyOf:
    """Any one of these providers, wherever a provider or a resource is asked for.

    ::

        create_booking(
            service=massage,
            provider=AnyOf([ana, ben], strategy="least_busy"),
            resources=[AnyOf(rooms), projector],
            ...,
        )

    The providers are tried in the order of the strategy. One that is taken, inactive, at a limit,
    or that does not offer the start, is passed over. If none is left, the error is
    :class:`~bookings.exceptions.PoolExhausted`, which has the reason of each.

    :param providers: saved instances of ``BOOKINGS_PROVIDER_MODEL``, as a list or a queryset; one
        that is in it twice counts once.
    :param strategy: a :class:`Strategy`, or its value.
    :raises InvalidBooking: there is no provider (code ``empty_pool``), there are more than
        :data:`MAX_POOL_SIZE` (code ``pool_too_large``), or the strategy is unknown.
    """

    providers: tuple[ProviderLike, ...]
    strategy: Strategy

    def __init__(
        self, providers: Iterable[ProviderLike], strategy: Strategy | str = Strategy.FIRST
    ) -> None:
        if isinstance(providers, str) or not isinstance(providers, Iterable):
            raise InvalidBooking(
                _("%(name)s must be a list, not %(type)s."),
                params={"name": "providers", "type": type(providers).__name__},
            )
        given = list(islice(providers, MAX_POOL_SIZE + 1))
        if not given:
            raise InvalidBooking(
                _("The pool has no providers. Put at least one into it."),
                "empty_pool",
                field="providers",
            )
        if len(given) > MAX_POOL_SIZE:
            raise InvalidBooking(
                _("A pool has at most %(most)d providers. Choose fewer."),
                "pool_too_large",
                {"most": MAX_POOL_SIZE},
                field="providers",
            )
        self.providers = tuple(_without_repetitions(given))
        self.strategy = Strategy(validation.one_of(strategy, "strategy", list(Strategy)))

    @property
    def takes_turns(self) -> bool:
        """Whether its providers take turns, so that it is stored who was chosen."""
        return self.strategy == Strategy.ROUND_ROBIN

    def __iter__(self) -> Iterator[ProviderLike]:
        return iter(self.providers)

    def __len__(self) -> int:
        return len(self.providers)

    def __repr__(self) -> str:
        return f"AnyOf({list(self.providers)!r}, strategy={str(self.strategy)!r})"


def _without_repetitions(providers: list[Any]) -> Iterator[Any]:
    """Yield each provider once; what is not saved, or no provider, is refused where it is used."""
    seen: set[Any] = set()
    for provider in providers:
        key = getattr(provider, "pk", None)
        if key is None or key not in seen:
            seen.add(key)
            yield provider
