"""The resources that a booking needs: certain providers, and pools of which any one will do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.adapters import get_adapter, is_overridden
from bookings.exceptions import InvalidBooking
from bookings.models import Booking, BookingResource
from bookings.pools import AnyOf, Strategy
from bookings.rules import validation
from bookings.services import references
from bookings.services.history import to_json

MAX_RESOURCES: Final = 50
"""The largest number of resources of one booking."""

RESOURCE_IS_PROVIDER: Final = "resource_is_provider"
"""The code of the error for a provider that is a resource of its own booking."""


@dataclass(frozen=True, slots=True)
class Need:
    """One resource of a booking: any one of these providers."""

    candidates: tuple[Any, ...]
    strategy: Strategy | None = None
    """In which order the candidates are tried; ``None`` for a certain provider."""
    current: Any = None
    """The key of the provider that a stored booking has, which is tried first."""

    @property
    def keys(self) -> set[Any]:
        return {candidate.pk for candidate in self.candidates}

    def pool(self) -> dict[str, Any] | None:
        """Return the pool, for ``BookingResource.pool``; ``None`` for a certain provider."""
        if self.strategy is None:
            return None
        keys = [to_json(candidate.pk) for candidate in self.candidates]
        return {"providers": keys, "strategy": str(self.strategy)}


def parse_resources(resources: Any, name: str = "resources") -> tuple[Any, ...] | None:
    """Return the argument ``resources``: saved providers and pools of them; ``None`` for ``None``.

    Raises ``InvalidBooking`` for anything else, and for a provider that is given twice.
    """
    if resources is None:
        return None
    if isinstance(resources, AnyOf):
        # It can be iterated, but all of its providers are not what the caller means.
        raise InvalidBooking(
            _("%(name)s must be a list, not %(type)s."), params={"name": name, "type": "AnyOf"}
        )
    specs = validation.as_list(resources, name)
    if len(specs) > MAX_RESOURCES:
        raise InvalidBooking(
            _("A booking has at most %(most)d resources. Pass fewer."),
            "too_many_resources",
            {"most": MAX_RESOURCES},
            field=name,
        )
    for spec in specs:
        for provider in spec if isinstance(spec, AnyOf) else (spec,):
            references.saved_instance(provider, "PROVIDER_MODEL", "resource")
    certain = [spec.pk for spec in specs if not isinstance(spec, AnyOf)]
    if len(set(certain)) < len(certain):
        raise InvalidBooking(
            _("A resource is given twice. Pass each once."), "duplicate_resource", field=name
        )
    return tuple(specs)


class KnownResources:
    """What the services need, asked for once for each service of a call.

    An adapter that overrides ``resources()`` is asked about each booking.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, tuple[Any, ...]]] = {}
        self._asks_each = is_overridden("resources")

    def of(self, booking: Booking) -> tuple[Any, ...]:
        """Return the providers and pools that a booking needs."""
        service = booking.service
        if self._asks_each:
            return _resources_of(booking)
        if id(service) not in self._known:
            self._known[id(service)] = service, _resources_of(booking)
        return self._known[id(service)][1]


def _resources_of(booking: Booking) -> tuple[Any, ...]:
    resources = get_adapter().resources(booking)
    return () if resources == () else parse_resources(resources, "service.resources") or ()


def needs_of_new(booking: Booking, known: KnownResources | None = None) -> list[Need]:
    """Return what a booking needs of others than its provider.

    Raises what :func:`without_provider` raises.
    """
    return without_provider(booking, needs_with_provider(booking, known))


def needs_with_provider(booking: Booking, known: KnownResources | None = None) -> list[Need]:
    """Return what a booking needs: the adapter's ``resources()``, and those of the caller.

    A resource of the caller that is one of a pool of the service is the one that the booking takes
    of that pool; any other one is taken besides.
    """
    requested = [_need(spec) for spec in booking.requested_resources or ()]
    of_service = _resources_of(booking) if known is None else known.of(booking)
    if not of_service and not requested:
        return []
    needs = [_need(spec) for spec in of_service]
    # The small ones first: a certain resource of the service is not to be asked for of a pool.
    for number in sorted(range(len(needs)), key=lambda number: len(needs[number].candidates)):
        keys = needs[number].keys
        chosen = next((other for other in requested if other.keys <= keys), None)
        if chosen is not None:
            requested.remove(chosen)
            needs[number] = chosen
    return [*needs, *requested]


def needs_of_moved(booking: Booking, *, using: str) -> list[Need]:
    """Return what a stored booking needs at another time of others than its provider.

    Raises what :func:`without_provider` raises.
    """
    return without_provider(booking, needs_of_moved_with_provider(booking, using=using))


def needs_of_moved_with_provider(booking: Booking, *, using: str) -> list[Need]:
    """Return what a stored booking needs at another time.

    That is what it has, unless the caller asks for other resources.
    """
    if booking.requested_resources is not None:
        return needs_with_provider(booking)
    if not booking.resource_count:
        return []
    stored = BookingResource.objects.using(using).filter(booking=booking)
    return _needs_of_rows(list(stored.order_by("pk")), using=using).get(booking.pk, [])


def needs_of_stored(
    bookings: Iterable[Booking], resources: Sequence[BookingResource], *, using: str
) -> dict[Any, list[Need]]:
    """Return what stored bookings need, by key: their resources, and others of the same pools.

    It makes one query for the providers.
    """
    needs = _needs_of_rows(resources, using=using)
    return {
        booking.pk: without_provider(booking, needs.get(booking.pk, [])) for booking in bookings
    }


def _needs_of_rows(resources: Sequence[BookingResource], *, using: str) -> dict[Any, list[Need]]:
    """Return one need for each of the stored resources, by the key of the booking."""
    field: Any = BookingResource._meta.get_field("provider")
    keys = {row.pk: _pool_keys(row, field) for row in resources}
    wanted = {key for of_row in keys.values() for key in of_row}
    found = field.related_model._base_manager.using(using).in_bulk(wanted) if wanted else {}
    needs: dict[Any, list[Need]] = {}
    for row in resources:
        need = Need(
            tuple(found[key] for key in keys[row.pk] if key in found),
            None if row.pool is None else Strategy(row.pool["strategy"]),
            current=row.provider_id,
        )
        needs.setdefault(row.booking_id, []).append(need)
    return needs


def _pool_keys(row: BookingResource, field: Any) -> list[Any]:
    """Return the keys of the row's pool, with the one that it has."""
    if row.pool is None:
        return [row.provider_id]
    keys = [field.to_python(key) for key in row.pool["providers"]]
    return keys if row.provider_id in keys else [row.provider_id, *keys]


def resource_is_provider_error() -> InvalidBooking:
    return InvalidBooking(
        _("The provider cannot be a resource of its own booking. Choose another."),
        RESOURCE_IS_PROVIDER,
        field="resources",
    )


def _need(spec: Any) -> Need:
    if isinstance(spec, AnyOf):
        return Need(spec.providers, spec.strategy)
    return Need((spec,))


def without_provider(booking: Booking, needs: Iterable[Need]) -> list[Need]:
    """Return the needs without the booking's provider, whose time it takes already.

    Raises ``InvalidBooking`` if that leaves none of a need, and ``TenantMismatch`` for a resource
    of another tenant.
    """
    checked = []
    for need in needs:
        candidates = tuple(one for one in need.candidates if one.pk != booking.provider_id)
        for candidate in candidates:
            references.check_same_tenant(booking.tenant_id, resource=candidate)
        if not candidates:
            raise resource_is_provider_error()
        checked.append(Need(candidates, need.strategy, need.current))
    return checked
