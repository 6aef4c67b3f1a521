"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from bookings import extensions


class SeriesConfig(AppConfig):
    name = "bookings.contrib.series"
    label = "bookings_series"
    verbose_name = _("Booking series")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bookings.contrib.series import checks  # noqa: F401 - registers the system checks
        from bookings.contrib.series.extension import SeriesExtension

        extensions.register(SeriesExtension())
