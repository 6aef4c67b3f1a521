"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BookingsConfig(AppConfig):
    name = "bookings"
    verbose_name = _("Bookings")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.apps import apps

        from bookings import checks  # registers the system checks
        from bookings.models.read_alias import follow_service_alias

        # All models are loaded by now: one that is missing is not installed.
        checks.models.drop_lazy_references(apps._pending_operations)
        follow_service_alias()
