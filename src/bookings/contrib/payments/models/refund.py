"""A refund of a payment."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from model_utils.fields import AutoCreatedField

from bookings.contrib.payments.models.base import (
    APP_LABEL,
    DECIMAL_PLACES,
    MAX_DIGITS,
    FinancialRecord,
    FinancialRecordQuerySet,
    not_changeable_error,
)
from bookings.contrib.payments.models.payment import Payment
from bookings.models.deletion import RelatedNameField, keep_name
from bookings.models.fields import ExactCharField, SettingForeignKey
from bookings.models.instance_text import default_if_incomplete
from bookings.rules.money import round_amount


class Refund(FinancialRecord):
    """A payment that was returned to the client, in part or in full. A refund never changes."""

    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("payment")
    )
    amount = models.DecimalField(_("amount"), max_digits=MAX_DIGITS, decimal_places=DECIMAL_PLACES)
    external_id = ExactCharField(
        _("external ID"),
        max_length=255,
        help_text=_("What the payment provider calls it."),
    )
    reason = models.TextField(_("reason"), blank=True)
    processed_at = models.DateTimeField(_("processed at"))
    recorded_by = SettingForeignKey(
        "USER_MODEL",
        on_delete=keep_name,
        null=True,
        blank=True,
        related_name="refunds_recorded",
        verbose_name=_("recorded by"),
    )
    recorded_by_name = RelatedNameField(_("name of who recorded it"))
    created_at = AutoCreatedField(_("created at"))

    objects = FinancialRecordQuerySet["Refund"].as_manager()

    class Meta:
        app_label = APP_LABEL
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["external_id"], name="bookings_payments_refund_external_id"
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="bookings_payments_refund_amount"
            ),
        ]

    @default_if_incomplete
    def __str__(self) -> str:
        return f"{round_amount(self.amount, self.currency)} {self.currency} ({self.external_id})"

    @property
    def currency(self) -> str:
        """The currency of the payment."""
        return self.payment.currency

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise not_changeable_error()
        super().save(*args, **kwargs)
