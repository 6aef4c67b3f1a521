"""How much goes back when, as a host lays it down."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.contrib.payments.models.kept import LABEL
from bookings.contrib.payments.tiers import RefundRules, Tier
from bookings.fields import SettingOneToOneField
from bookings.policies import MAX_MINUTES

OF_PAYMENTS: Final = _("Percent of what was paid.")
OF_TOTAL: Final = _("Percent of the booking's total.")
NOBODYS: Final = Q(service__isnull=True, tenant__isnull=True)


def percent(label: Any, help_text: Any, **more: Any) -> models.DecimalField[Any, Decimal]:
    return models.DecimalField(
        label,
        max_digits=5,
        decimal_places=2,
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))],
        help_text=help_text,
        **more,
    )


class RefundPolicy(models.Model):
    """The refund policy of a service, of a tenant, or of everybody who has none.

    A booking keeps the tiers of the moment it was made; a change is for new bookings.
    """

    service = SettingOneToOneField(
        "SERVICE_MODEL",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="refund_policy",
        verbose_name=_("service"),
    )
    tenant = SettingOneToOneField(
        "TENANT_MODEL",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="refund_policy",
        verbose_name=_("tenant"),
    )
    # Unique: a database compares no nulls, and so cannot see that two rows have neither owner.
    is_default = models.BooleanField(
        _("default"), null=True, default=None, unique=True, editable=False
    )
    no_show_refund_percent = percent(_("refund after a no-show"), OF_PAYMENTS, default=Decimal(0))
    no_show_fee_percent = percent(_("fee for a no-show"), OF_TOTAL, default=Decimal(0))

    class Meta:
        app_label = LABEL
        verbose_name = _("refund policy")
        verbose_name_plural = _("refund policies")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(service__isnull=True) | Q(tenant__isnull=True),
                name="bookings_payments_policy_one_owner",
                violation_error_message=_(
                    "A policy is of a service or of a tenant. Leave one of them empty."
                ),
            ),
            models.CheckConstraint(
                # What is null is neither true nor false, and a check lets it pass: so it is asked.
                condition=Q(is_default__isnull=False, is_default=True) & NOBODYS
                | Q(is_default__isnull=True) & ~NOBODYS,
                name="bookings_payments_policy_default",
            ),
            models.CheckConstraint(
                condition=Q(
                    no_show_refund_percent__range=(0, 100), no_show_fee_percent__range=(0, 100)
                ),
                name="bookings_payments_policy_percent",
            ),
        ]

    def __str__(self) -> str:
        return str(self.owner() or _("Default"))

    def save(self, *args: Any, **kwargs: Any) -> None:
        self._see_whether_default()
        if (written := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*written, "is_default"}
        super().save(*args, **kwargs)

    def clean(self) -> None:
        super().clean()
        self._see_whether_default()

    def _see_whether_default(self) -> None:
        self.is_default = True if self.service_id is None and self.tenant_id is None else None

    def owner(self) -> Any:
        """The service or the tenant whose policy it is; ``None`` for the default."""
        return self.service or self.tenant

    def rules(self) -> RefundRules:
        """Its tiers and what follows from a no-show, as a booking would keep them now."""
        rows = self.tiers.using(self._state.db)
        return RefundRules(tiers=tuple(row.tier() for row in rows), no_show=self.no_show())

    def no_show(self) -> Tier:
        return Tier(
            notice_minutes=0,
            refund_percent=self.no_show_refund_percent,
            fee_percent=self.no_show_fee_percent,
        )


class RefundTier(models.Model):
    """One step of a policy: see :class:`bookings.contrib.payments.tiers.Tier`."""

    policy = models.ForeignKey(
        RefundPolicy, on_delete=models.CASCADE, related_name="tiers", verbose_name=_("policy")
    )
    notice_minutes = models.PositiveIntegerField(
        _("notice"),
        validators=[MaxValueValidator(MAX_MINUTES)],
        help_text=_("In minutes: for who cancels so long before the start, or longer."),
    )
    refund_percent = percent(_("refund"), OF_PAYMENTS)
    fee_percent = percent(_("fee"), OF_TOTAL, default=Decimal(0))

    class Meta:
        app_label = LABEL
        verbose_name = _("refund tier")
        verbose_name_plural = _("refund tiers")
        ordering: ClassVar = ["-notice_minutes"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["policy", "notice_minutes"], name="bookings_payments_tier_notice"
            ),
            models.CheckConstraint(
                condition=Q(refund_percent__range=(0, 100), fee_percent__range=(0, 100)),
                name="bookings_payments_tier_percent",
            ),
        ]

    def __str__(self) -> str:
        return _("Notice: %(minutes)d min, refund: %(percent)s %%") % {
            "minutes": self.notice_minutes,
            "percent": self.refund_percent,
        }

    def tier(self) -> Tier:
        return Tier(
            notice_minutes=self.notice_minutes,
            refund_percent=self.refund_percent,
            fee_percent=self.fee_percent,
        )
