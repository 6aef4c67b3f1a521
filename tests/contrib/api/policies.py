"""A policy as a host writes it: the providers of the tests have no user."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from bookings.contrib.api.policy import ApiPolicy


class ByName(ApiPolicy):
    """The user of a provider has the provider's name."""

    @cached_property
    def own_providers(self) -> Any:
        model = self.providers().model
        name = getattr(self.user, "username", "")
        return set(model.objects.filter(name=name).values_list("pk", flat=True))


PATH = f"{__name__}.ByName"
