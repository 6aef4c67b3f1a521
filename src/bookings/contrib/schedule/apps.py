"""The configuration of the app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from bookings import extensions


class ScheduleConfig(AppConfig):
    name = "bookings.contrib.schedule"
    label = "bookings_schedule"
    verbose_name = _("Booking schedule")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bookings.contrib.schedule.extension import ScheduleExtension

        extensions.register(ScheduleExtension())
