"""A payment for a booking."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Final

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from model_utils.fields import AutoCreatedField, AutoLastModifiedField

from bookings.contrib.payments.models.base import (
    APP_LABEL,
    DECIMAL_PLACES,
    MAX_DIGITS,
    FinancialRecord,
    FinancialRecordQuerySet,
)
from bookings.models import Booking
from bookings.models.deletion import RelatedNameField, keep_name
from bookings.models.fields import ExactCharField, SettingForeignKey
from bookings.models.instance_text import default_if_incomplete
from bookings.rules.money import round_amount


class PaymentQuerySet(FinancialRecordQuerySet["Payment"]):
    def made(self) -> PaymentQuerySet:
        """Return the payments that brought money, whatever was refunded since."""
        return self.filter(status__in=Payment.MADE)


class Payment(FinancialRecord):
    """A payment for a booking, which the payment provider calls ``external_id``.

    The database refuses that ``amount_refunded`` exceeds ``amount``.
    """

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Pending")
        PAID = "PAID", _("Paid")
        FAILED = "FAILED", _("Failed")
        PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED", _("Partially refunded")
        REFUNDED = "REFUNDED", _("Refunded")

    MADE: Final = (Status.PAID, Status.PARTIALLY_REFUNDED, Status.REFUNDED)
    """The statuses of payments that brought money."""

    booking = models.ForeignKey(
        Booking, on_delete=models.PROTECT, related_name="payments", verbose_name=_("booking")
    )
    amount = models.DecimalField(_("amount"), max_digits=MAX_DIGITS, decimal_places=DECIMAL_PLACES)
    amount_refunded = models.DecimalField(
        _("refunded"), max_digits=MAX_DIGITS, decimal_places=DECIMAL_PLACES, default=Decimal(0)
    )
    currency = models.CharField(_("currency"), max_length=3)
    status = models.CharField(
        _("status"), max_length=20, choices=Status.choices, default=Status.PENDING
    )
    method = models.CharField(_("method"), max_length=64, blank=True)
    external_id = ExactCharField(
        _("external ID"),
        max_length=255,
        help_text=_("What the payment provider calls it."),
    )
    processed_at = models.DateTimeField(_("processed at"), null=True, blank=True)
    recorded_by = SettingForeignKey(
        "USER_MODEL",
        on_delete=keep_name,
        null=True,
        blank=True,
        related_name="payments_recorded",
        verbose_name=_("recorded by"),
    )
    recorded_by_name = RelatedNameField(_("name of who recorded it"))
    created_at = AutoCreatedField(_("created at"))
    updated_at = AutoLastModifiedField(_("updated at"))

    objects = PaymentQuerySet.as_manager()

    class Meta:
        app_label = APP_LABEL
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["external_id"], name="bookings_payments_payment_external_id"
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="bookings_payments_payment_amount"
            ),
            models.CheckConstraint(
                condition=Q(amount_refunded__gte=0, amount_refunded__lte=F("amount")),
                name="bookings_payments_refunds_within_payment",
            ),
        ]

    @default_if_incomplete
    def __str__(self) -> str:
        return f"{round_amount(self.amount, self.currency)} {self.currency} ({self.external_id})"

    @property
    def is_made(self) -> bool:
        """Whether it brought money."""
        return self.status in self.MADE

    @property
    def amount_remaining(self) -> Decimal:
        """What has not been refunded yet."""
        return self.amount - self.amount_refunded
