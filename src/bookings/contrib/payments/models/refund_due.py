"""What is to be refunded for a booking."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.contrib.payments.models.base import APP_LABEL, DECIMAL_PLACES, MAX_DIGITS
from bookings.models import Booking
from bookings.models.instance_text import default_if_incomplete
from bookings.rules.money import round_amount


class RefundDueQuerySet(models.QuerySet["RefundDue"]):
    def outstanding(self) -> RefundDueQuerySet:
        """Return those of which something is still to be refunded."""
        return self.filter(outstanding__gt=0)


class RefundDue(models.Model):
    """What is to be refunded for a booking, written in the transaction that made it due.

    ``amount`` is all that is to be refunded, and ``outstanding`` the part that was not refunded
    yet.
    """

    booking = models.OneToOneField(
        Booking, on_delete=models.PROTECT, related_name="refund_due", verbose_name=_("booking")
    )
    amount = models.DecimalField(_("amount"), max_digits=MAX_DIGITS, decimal_places=DECIMAL_PLACES)
    granted = models.DecimalField(
        _("granted"),
        max_digits=MAX_DIGITS,
        decimal_places=DECIMAL_PLACES,
        default=Decimal(0),
        help_text=_("What staff have promised, whatever the refund policy says."),
    )
    waived = models.DecimalField(
        _("waived"),
        max_digits=MAX_DIGITS,
        decimal_places=DECIMAL_PLACES,
        default=Decimal(0),
        help_text=_("What the client does not want back of what the refund policy gives."),
    )
    outstanding = models.DecimalField(
        _("outstanding"), max_digits=MAX_DIGITS, decimal_places=DECIMAL_PLACES, db_index=True
    )
    currency = models.CharField(_("currency"), max_length=3)
    reason = models.TextField(_("reason"), blank=True)
    due_since = models.DateTimeField(_("due since"))

    objects = RefundDueQuerySet.as_manager()

    class Meta:
        app_label = APP_LABEL
        verbose_name = _("refund due")
        verbose_name_plural = _("refunds due")
        ordering: ClassVar = ["due_since", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(amount__gte=0, granted__gte=0, waived__gte=0, outstanding__gte=0),
                name="bookings_payments_refund_due_amounts",
            ),
        ]

    @default_if_incomplete
    def __str__(self) -> str:
        return f"{self.booking}: {round_amount(self.outstanding, self.currency)} {self.currency}"
