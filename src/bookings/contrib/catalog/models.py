"""The tables: services, providers and add-ons."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from bookings.abstract import AbstractAddon, AbstractProvider, AbstractService


class Service(AbstractService):
    """What clients book. Set ``BOOKINGS_SERVICE_MODEL`` to ``"bookings_catalog.Service"``."""

    class Meta(AbstractService.Meta):
        verbose_name = _("service")
        verbose_name_plural = _("services")


class Provider(AbstractProvider):
    """Who is booked. Set ``BOOKINGS_PROVIDER_MODEL`` to ``"bookings_catalog.Provider"``."""

    class Meta(AbstractProvider.Meta):
        verbose_name = _("provider")
        verbose_name_plural = _("providers")


class ServiceAddon(AbstractAddon):
    """An extra to book. Set ``BOOKINGS_ADDON_MODEL`` to ``"bookings_catalog.ServiceAddon"``."""

    service = models.ForeignKey(
        Service,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="addons",
        verbose_name=_("service"),
        help_text=_("Empty if it goes with every service."),
    )

    class Meta(AbstractAddon.Meta):
        verbose_name = _("add-on")
        verbose_name_plural = _("add-ons")
