"""An add-on of a booking, as it was when it was booked."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from model_utils.fields import AutoCreatedField

from bookings.models.booking import Booking
from bookings.models.fields import AmountField, CurrencyField, SettingForeignKey, default_currency
from bookings.models.instance_text import default_if_incomplete


class BookingAddon(models.Model):
    """A snapshot of a host's add-on: later changes of its price or duration do not affect it."""

    booking = models.ForeignKey(
        Booking, on_delete=models.CASCADE, related_name="addons", verbose_name=_("booking")
    )
    addon = SettingForeignKey(
        "ADDON_MODEL",
        on_delete=models.PROTECT,
        related_name="booking_addons",
        verbose_name=_("add-on"),
    )
    name_snapshot = models.CharField(_("name"), max_length=255)
    extra_duration_minutes_snapshot = models.PositiveIntegerField(_("extra duration"), default=0)
    price_amount_snapshot = AmountField(_("price"), max_digits=11, null=True, blank=True)
    currency_snapshot = CurrencyField(_("currency"), default=default_currency)
    created_at = AutoCreatedField(_("created at"))

    class Meta:
        verbose_name = _("booking add-on")
        verbose_name_plural = _("booking add-ons")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["booking", "addon"], name="unique_booking_addon")
        ]

    @default_if_incomplete
    def __str__(self) -> str:
        return f"{self.booking} - {self.name_snapshot}"
