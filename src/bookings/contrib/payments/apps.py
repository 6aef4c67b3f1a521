"""The payments' configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from bookings import consequences, terms


class PaymentsConfig(AppConfig):
    name = "bookings.contrib.payments"
    label = "bookings_payments"
    verbose_name = _("Booking payments")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bookings.contrib.payments import checks, integrity  # noqa: F401 - registered by import
        from bookings.contrib.payments.agreement import refund_terms
        from bookings.contrib.payments.settling import settle_bookings

        terms.register(self.label, refund_terms)
        consequences.register(self.label, settle_bookings)
