"""The series' configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SeriesConfig(AppConfig):
    name = "bookings.contrib.series"
    label = "bookings_series"
    verbose_name = _("Booking series")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bookings.contrib.series import checks, integrity  # noqa: F401 - registered by import
