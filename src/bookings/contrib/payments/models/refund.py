"""Money that went back."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from model_utils.fields import AutoCreatedField

from bookings.contrib.payments.models.kept import LABEL, Kept, KeptQuerySet, refuse
from bookings.contrib.payments.models.payment import DECIMAL_PLACES, MAX_DIGITS, Payment
from bookings.fields import SettingForeignKey
from bookings.money import rounded


class Refund(Kept):
    """Part of a payment, or all of it, that went back to the client. It is never changed."""

    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("payment")
    )
    amount = models.DecimalField(_("amount"), max_digits=MAX_DIGITS, decimal_places=DECIMAL_PLACES)
    external_id = models.CharField(
        _("external ID"),
        max_length=255,
        unique=True,
        help_text=_("What the payment provider calls it."),
    )
    reason = models.TextField(_("reason"), blank=True)
    processed_at = models.DateTimeField(_("processed at"))
    recorded_by = SettingForeignKey(
        "USER_MODEL",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="refunds_recorded",
        verbose_name=_("recorded by"),
    )
    created_at = AutoCreatedField(_("created at"))

    objects = KeptQuerySet["Refund"].as_manager()

    class Meta:
        app_label = LABEL
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="bookings_payments_refund_amount"
            ),
        ]

    def __str__(self) -> str:
        return f"{rounded(self.amount, self.currency)} {self.currency} ({self.external_id})"

    @property
    def currency(self) -> str:
        """Its payment's."""
        return self.payment.currency

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            refuse()
        super().save(*args, **kwargs)
