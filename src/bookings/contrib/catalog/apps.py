"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CatalogConfig(AppConfig):
    name = "bookings.contrib.catalog"
    label = "bookings_catalog"
    verbose_name = _("Booking catalogue")
    default_auto_field = "django.db.models.BigAutoField"
