"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from bookings import extensions


class PaymentsConfig(AppConfig):
    name = "bookings.contrib.payments"
    label = "bookings_payments"
    verbose_name = _("Booking payments")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bookings.contrib.payments import checks  # noqa: F401 - registers the system checks
        from bookings.contrib.payments.extension import PaymentsExtension

        extensions.register(PaymentsExtension())
