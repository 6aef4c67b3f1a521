"""Which providers offer a service, by the adapter's ``providers_of()``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from bookings.adapters import get_adapter, is_overridden, restricts_providers
from bookings.exceptions import InvalidBooking, ProviderNotOffered
from bookings.models import Booking
from bookings.models.read_alias import service_alias


class OfferedProviders:
    """The adapter's answers for the services and providers of one call.

    Each pair is asked about once; :meth:`load` asks about many providers of a service in one query.
    Where every provider offers a service, no query is made.
    """

    def __init__(self, *, override_policy: bool = False) -> None:
        self._offers: dict[tuple[Any, Any], bool] = {}
        self._override_policy = override_policy

    def load(self, service: Any, providers: Iterable[Any]) -> None:
        """Ask which of the providers offer the service."""
        if self._override_policy:
            return
        keys = {one.pk for one in providers if (service.pk, one.pk) not in self._offers}
        offered = providers_who_offer(service) if keys else None
        if offered is None:
            return
        found = set(offered.filter(pk__in=keys).order_by().values_list("pk", flat=True))
        self._offers |= {(service.pk, key): key in found for key in keys}

    def refusal(self, service: Any, provider: Any) -> ProviderNotOffered | None:
        """Return an error if the provider does not offer the service."""
        self.load(service, [provider])
        if self._offers.get((service.pk, provider.pk), True):
            return None
        return ProviderNotOffered(
            _(
                "%(provider)s does not offer %(service)s. Choose another provider, or let staff "
                "override."
            ),
            params={"provider": str(provider), "service": str(service)},
        )

    def check(self, service: Any, provider: Any) -> None:
        """Raise ``ProviderNotOffered`` if the provider does not offer the service."""
        if (error := self.refusal(service, provider)) is not None:
            raise error


def providers_who_offer(service: Any) -> QuerySet[Any] | None:
    """Return the adapter's ``providers_of()``; ``None`` if all active providers offer the service.

    Raises ``InvalidBooking`` unless that is a queryset of providers that can be filtered.
    """
    if not is_overridden("providers_of") and not restricts_providers(service):
        return None
    answer: Any = get_adapter().providers_of(service)
    model: Any = Booking._meta.get_field("provider").related_model
    if (
        not isinstance(answer, QuerySet)
        or not issubclass(answer.model, model._meta.concrete_model)
        or answer.query.is_sliced
        or answer.query.combinator
    ):
        raise InvalidBooking(
            _(
                "%(name)s must return a queryset of %(model)s, without a slice or a union, not "
                "%(type)s."
            ),
            params={
                "name": "providers_of()",
                "model": model._meta.label,
                "type": _describe(answer),
            },
        )
    alias = service_alias()
    return answer if alias is None else answer.using(alias)


def may_restrict_providers() -> bool:
    """Return whether not every provider may offer every service."""
    service: Any = Booking._meta.get_field("service").related_model
    return is_overridden("providers_of") or hasattr(service, "providers")


def _describe(answer: Any) -> str:
    if not isinstance(answer, QuerySet):
        return type(answer).__name__
    return f"{type(answer).__name__} of {answer.model._meta.label}"
