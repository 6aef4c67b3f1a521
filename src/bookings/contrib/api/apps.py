"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from bookings import extensions


class ApiConfig(AppConfig):
    name = "bookings.contrib.api"
    label = "bookings_api"
    verbose_name = _("Booking API")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Importing the module makes the system checks know the settings.
        from bookings.contrib.api import conf  # noqa: F401
        from bookings.contrib.api.extension import ApiExtension

        extensions.register(ApiExtension())
