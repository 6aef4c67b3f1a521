"""An adapter by which only some providers offer any service."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps

from bookings.adapters import DefaultBookingAdapter
from bookings.conf import app_settings


class Adapter(DefaultBookingAdapter):
    offered: ClassVar[set[Any]] = set()

    def providers_of(self, service: Any) -> Any:
        model: Any = apps.get_model(app_settings.PROVIDER_MODEL)
        return model._default_manager.filter(pk__in=self.offered)


def offer_only(settings: Any, *providers: Any) -> None:
    """Let only these providers offer any service, as long as the settings are those of a test."""
    settings.BOOKINGS_ADAPTER = f"{__name__}.Adapter"
    Adapter.offered = {one.pk for one in providers}
