"""The schedule's configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ScheduleConfig(AppConfig):
    name = "bookings.contrib.schedule"
    label = "bookings_schedule"
    verbose_name = _("Booking schedule")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bookings import working_days
        from bookings.contrib.schedule import integrity  # noqa: F401 - registers its checks
        from bookings.contrib.schedule.working_days import working_days_of

        working_days.register(self.label, working_days_of)
