"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportsConfig(AppConfig):
    name = "bookings.contrib.reports"
    label = "bookings_reports"
    verbose_name = _("Booking reports")
    default_auto_field = "django.db.models.BigAutoField"
