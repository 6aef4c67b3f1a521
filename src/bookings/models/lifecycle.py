"""The lifecycle of a booking: its statuses, the transitions between them, and their instants."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import GET_STATE, transition

from bookings.models.deletion import RelatedNameField, keep_name
from bookings.models.fields import SettingForeignKey, StatusField

EXPIRED_REASON: Final = "expired"
"""The cancellation reason of a hold or request that expired."""

OVERDUE_REASON: Final = "overdue"
"""The cancellation reason of a booking that was overdue."""


def has_expired(booking: Any) -> bool:
    """Return whether the booking is a hold or request that was cancelled because it expired."""
    return bool(booking.auto_cancelled) and booking.cancellation_reason == EXPIRED_REASON


def was_overdue(booking: Any) -> bool:
    """Return whether the booking was cancelled because it was overdue, and may be corrected.

    Its outcome was not recorded, so staff may still record that it took place, or did not.
    """
    return bool(booking.auto_cancelled) and booking.cancellation_reason == OVERDUE_REASON


def was_expired_hold(booking: Any) -> bool:
    """Return whether the booking is a hold that expired, and was no request for approval."""
    expired = bool(booking.auto_cancelled) and booking.cancellation_reason == EXPIRED_REASON
    return expired and booking.expires_at is not None and booking.requested_at is None


def status_before_end(booking: Any) -> str:
    """Return the status from which a booking was cancelled or declined: it held time in it."""
    return Status.PENDING if booking.confirmed_at is None else Status.CONFIRMED


class Status(models.TextChoices):
    PENDING = "PENDING", _("Pending")
    CONFIRMED = "CONFIRMED", _("Confirmed")
    DELIVERED = "DELIVERED", _("Delivered")
    COMPLETED = "COMPLETED", _("Completed")
    CANCELLED = "CANCELLED", _("Cancelled")
    DECLINED = "DECLINED", _("Declined")
    NO_SHOW = "NO_SHOW", _("No show")


class BookingLifecycle(models.Model):
    """The fields that a transition changes. Each transition has a service of the same name."""

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
    # Null for a hold, which is not a request yet, and where no approval is needed.
    requested_at = models.DateTimeField(_("requested at"), null=True, blank=True, editable=False)
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True, editable=False)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True, editable=False)
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True, editable=False)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True, editable=False)
    cancelled_by = SettingForeignKey(
        "USER_MODEL",
        on_delete=keep_name,
        null=True,
        blank=True,
        editable=False,
        related_name="bookings_cancelled",
        verbose_name=_("cancelled by"),
    )
    cancelled_by_name = RelatedNameField(_("name of who cancelled it"))
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
        """Whether it is pending, expires, and is not a request for approval."""
        expires = self.status == Status.PENDING and self.expires_at is not None
        return expires and self.requested_at is None

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

    @transition(field="status", source=Status.PENDING, target=Status.CANCELLED)
    def expire(self, now_dt: datetime) -> None:
        self._end(now_dt, None, EXPIRED_REASON)
        self.auto_cancelled = True

    @transition(
        field="status",
        source=Status.CANCELLED,
        target=Status.PENDING,
        conditions=[was_expired_hold],
    )
    def reinstate(self) -> None:
        """Make an expired hold pending again, which it stays only while it is submitted."""
        self._clear_end()

    @transition(
        field="status",
        source=[Status.CANCELLED, Status.DECLINED],
        target=GET_STATE(status_before_end, states=list(ACTIVE_STATUSES)),
    )
    def reopen(self) -> None:
        """Make it what it was before it was cancelled or declined."""
        self._clear_end()

    @transition(field="status", source=list(ACTIVE_STATUSES), target=Status.CANCELLED)
    def auto_cancel(self, now_dt: datetime) -> None:
        self._end(now_dt, None, OVERDUE_REASON)
        self.auto_cancelled = True

    @transition(field="status", source=Status.CONFIRMED, target=Status.DELIVERED)
    def deliver(self, now_dt: datetime) -> None:
        self.delivered_at = now_dt

    @transition(
        field="status",
        source=[Status.CONFIRMED, Status.DELIVERED, Status.NO_SHOW],
        target=Status.COMPLETED,
    )
    @transition(
        field="status",
        source=Status.CANCELLED,
        target=Status.COMPLETED,
        conditions=[was_overdue],
    )
    def complete(self, now_dt: datetime) -> None:
        self.completed_at = now_dt
        self._clear_end()

    @transition(field="status", source=Status.DELIVERED, target=Status.CONFIRMED)
    def dispute(self, now_dt: datetime) -> None:
        self.confirmed_at = now_dt
        self.delivered_at = None

    @transition(field="status", source=[Status.CONFIRMED, Status.COMPLETED], target=Status.NO_SHOW)
    @transition(
        field="status",
        source=Status.CANCELLED,
        target=Status.NO_SHOW,
        conditions=[was_overdue],
    )
    def no_show(self) -> None:
        self.completed_at = None
        self._clear_end()

    def _end(self, now_dt: datetime, actor: Any, reason: str) -> None:
        self.cancelled_at = now_dt
        self.cancelled_by = actor
        self.cancellation_reason = reason

    def _clear_end(self) -> None:
        """Clear the fields of a cancellation that is corrected; the history keeps it."""
        self.cancelled_at = None
        self.cancelled_by = None
        self.cancelled_by_name = ""
        self.cancellation_reason = ""
        self.auto_cancelled = False
