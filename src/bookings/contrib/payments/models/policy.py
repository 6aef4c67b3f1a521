"""The refund policies of a host, with their tiers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.contrib.payments.models.base import APP_LABEL
from bookings.contrib.payments.refund_rules import RefundRules, Tier
from bookings.models.fields import SettingOneToOneField
from bookings.models.instance_text import default_if_incomplete
from bookings.models.tenant import tenant_name
from bookings.rules.durations import format_minutes
from bookings.rules.validation import MAX_MINUTES

PERCENT_OF_PAYMENTS: Final = _("Percent of what was paid.")
PERCENT_OF_TOTAL: Final = _("Percent of the booking's total.")
HAS_NO_OWNER: Final = Q(service__isnull=True, tenant__isnull=True)


def percent_field(label: Any, help_text: Any, **kwargs: Any) -> models.DecimalField[Any, Decimal]:
    return models.DecimalField(
        label,
        max_digits=5,
        decimal_places=2,
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))],
        help_text=help_text,
        **kwargs,
    )


class RefundPolicy(models.Model):
    """The refund policy of a service or of a tenant, or the default of all that have none.

    A booking keeps the rules that applied when it was made, so a change concerns new bookings only.
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
        verbose_name=tenant_name(),
    )
    # True or null, and unique: so there is one default. A unique constraint on two null owners
    # would not hold, because databases take nulls for different values.
    is_default = models.BooleanField(_("default"), null=True, default=None, editable=False)
    no_show_refund_percent = percent_field(
        _("refund after a no-show"), PERCENT_OF_PAYMENTS, default=Decimal(0)
    )
    no_show_fee_percent = percent_field(
        _("fee for a no-show"), PERCENT_OF_TOTAL, default=Decimal(0)
    )

    count_from_first_start = models.BooleanField(
        _("count from the first start"),
        default=False,
        help_text=_("Count the notice to the start that the client has moved away from first."),
    )

    class Meta:
        app_label = APP_LABEL
        verbose_name = _("refund policy")
        verbose_name_plural = _("refund policies")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["is_default"], name="bookings_payments_one_default"),
            models.CheckConstraint(
                condition=Q(service__isnull=True) | Q(tenant__isnull=True),
                name="bookings_payments_policy_one_owner",
                violation_error_message=_(
                    "A policy is of a service or of a tenant. Leave one of them empty."
                ),
            ),
            models.CheckConstraint(
                # A check passes if its condition is null, so each side tests for null itself.
                condition=Q(is_default__isnull=False, is_default=True) & HAS_NO_OWNER
                | Q(is_default__isnull=True) & ~HAS_NO_OWNER,
                name="bookings_payments_policy_default",
            ),
            models.CheckConstraint(
                condition=Q(
                    no_show_refund_percent__range=(0, 100), no_show_fee_percent__range=(0, 100)
                ),
                name="bookings_payments_policy_percent",
            ),
        ]

    @default_if_incomplete
    def __str__(self) -> str:
        return str(self.owner() or _("Default"))

    def save(self, *args: Any, **kwargs: Any) -> None:
        self._set_is_default()
        if (update_fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*update_fields, "is_default"}
        super().save(*args, **kwargs)

    def clean(self) -> None:
        super().clean()
        self._set_is_default()

    def _set_is_default(self) -> None:
        self.is_default = True if self.service_id is None and self.tenant_id is None else None

    def owner(self) -> Any:
        """Return the service or the tenant that the policy belongs to; ``None`` for the default."""
        return self.service or self.tenant

    def rules(self) -> RefundRules:
        """Return the rules that a booking made now would keep."""
        rows = self.tiers.using(self._state.db)
        return RefundRules(
            tiers=tuple(row.tier() for row in rows),
            no_show=self.no_show_tier(),
            count_from_first_start=self.count_from_first_start,
        )

    def no_show_tier(self) -> Tier:
        return Tier(
            notice_minutes=0,
            refund_percent=self.no_show_refund_percent,
            fee_percent=self.no_show_fee_percent,
        )


class RefundTier(models.Model):
    """A tier of a policy: see :class:`bookings.contrib.payments.refund_rules.Tier`."""

    policy = models.ForeignKey(
        RefundPolicy, on_delete=models.CASCADE, related_name="tiers", verbose_name=_("policy")
    )
    notice_minutes = models.PositiveIntegerField(
        _("notice"),
        validators=[MaxValueValidator(MAX_MINUTES)],
        help_text=_("In minutes: for who cancels so long before the start, or longer."),
    )
    refund_percent = percent_field(_("refund"), PERCENT_OF_PAYMENTS)
    fee_percent = percent_field(_("fee"), PERCENT_OF_TOTAL, default=Decimal(0))

    class Meta:
        app_label = APP_LABEL
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

    @default_if_incomplete
    def __str__(self) -> str:
        return _("Notice: %(notice)s, refund: %(percent)s %%") % {
            "notice": format_minutes(self.notice_minutes),
            "percent": self.refund_percent,
        }

    def tier(self) -> Tier:
        return Tier(
            notice_minutes=self.notice_minutes,
            refund_percent=self.refund_percent,
            fee_percent=self.fee_percent,
        )
