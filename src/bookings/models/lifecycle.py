"""What may become of a booking: its status, the steps between them, and when each was taken."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from bookings.fields import SettingForeignKey, StatusField

EXPIRED: Final = "expired"
"""The cancellation reason of a booking that nobody acted on in time."""


class Status(models.TextChoices):
    PENDING = "PENDING", _("Pending")
    CONFIRMED = "CONFIRMED", _("Confirmed")
    DELIVERED = "DELIVERED", _("Delivered")
    COMPLETED = "COMPLETED", _("Completed")
    CANCELLED = "CANCELLED", _("Cancelled")
    DECLINED = "DECLINED", _("Declined")
    NO_SHOW = "NO_SHOW", _("No show")


class Lifecycle(models.Model):
    """The part of a booking that a step changes. The services of the same names take the steps."""

    Status = Status
    ACTIVE_STATUSES: Final = (Status.PENDING, Status.CONFIRMED)
    """The statuses that hold time."""

    status = StatusField(
        _("status"), max_length=12, choices=Status.choices, default=Status.PENDING, editable=False
    )
    expires_at = models.DateTimeField(
        _("expires at"),
        null=True,
        blank=True,
        help_text=_("When a pending booking gives its time back; empty for never."),
    )
    # Null for a hold, which is no request yet, and where nobody has to approve.
    requested_at = models.DateTimeField(_("requested at"), null=True, blank=True, editable=False)
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True, editable=False)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True, editable=False)
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True, editable=False)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True, editable=False)
    cancelled_by = SettingForeignKey(
        "USER_MODEL",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="bookings_cancelled",
        verbose_name=_("cancelled by"),
    )
    cancellation_reason = models.TextField(_("cancellation reason"), blank=True, editable=False)
    auto_cancelled = models.BooleanField(
        _("cancelled automatically"), default=False, editable=False
    )

    class Meta:
        abstract = True

    @property
    def holds_time(self) -> bool:
        return self.status in self.ACTIVE_STATUSES

    @property
    def is_hold(self) -> bool:
        """Whether its time is only kept for a while, and nobody has been asked to approve it."""
        is_kept = self.status == Status.PENDING and self.expires_at is not None
        return is_kept and self.requested_at is None

    @transition(field="status", source=Status.PENDING, target=Status.CONFIRMED)
    def confirm(self, now_dt: datetime) -> None:
        self.confirmed_at = now_dt
        self.expires_at = None

    @transition(field="status", source=Status.PENDING, target=Status.DECLINED)
    def decline(self, now_dt: datetime, *, actor: Any = None, reason: str = "") -> None:
        self._end(now_dt, actor, reason)

    @transition(field="status", source=list(ACTIVE_STATUSES), target=Status.CANCELLED)
    def cancel(self, now_dt: datetime, *, actor: Any = None, reason: str = "") -> None:
        self._end(now_dt, actor, reason)

    @transition(field="status", source=list(ACTIVE_STATUSES), target=Status.CANCELLED)
    def expire(self, now_dt: datetime) -> None:
        self._end(now_dt, None, EXPIRED)
        self.auto_cancelled = True

    @transition(field="status", source=Status.CONFIRMED, target=Status.DELIVERED)
    def deliver(self, now_dt: datetime) -> None:
        self.delivered_at = now_dt

    @transition(
        field="status",
        source=[Status.CONFIRMED, Status.DELIVERED, Status.NO_SHOW],
        target=Status.COMPLETED,
    )
    def complete(self, now_dt: datetime) -> None:
        self.completed_at = now_dt

    @transition(field="status", source=Status.DELIVERED, target=Status.CONFIRMED)
    def dispute(self, now_dt: datetime) -> None:
        self.confirmed_at = now_dt
        self.delivered_at = None

    @transition(field="status", source=[Status.CONFIRMED, Status.COMPLETED], target=Status.NO_SHOW)
    def no_show(self) -> None:
        self.completed_at = None

    def _end(self, now_dt: datetime, actor: Any, reason: str) -> None:
        self.cancelled_at = now_dt
        self.cancelled_by = actor
        self.cancellation_reason = reason
