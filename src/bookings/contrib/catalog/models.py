"""What is sold, who provides it, and what goes with it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from bookings.abstract import AbstractAddon, AbstractProvider, AbstractService


class Service(AbstractService):
    """Point ``BOOKINGS_SERVICE_MODEL`` at ``"bookings_catalog.Service"``."""

    class Meta(AbstractService.Meta):
        verbose_name = _("service")
        verbose_name_plural = _("services")


class Provider(AbstractProvider):
    """Point ``BOOKINGS_PROVIDER_MODEL`` at ``"bookings_catalog.Provider"``."""

    class Meta(AbstractProvider.Meta):
        verbose_name = _("provider")
        verbose_name_plural = _("providers")


class ServiceAddon(AbstractAddon):
    """Point ``BOOKINGS_ADDON_MODEL`` at ``"bookings_catalog.ServiceAddon"``."""

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
