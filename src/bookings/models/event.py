"""The history: one event for each change of a booking, never changed, never deleted."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _
from model_utils.fields import AutoCreatedField

from bookings.exceptions import NotAllowed
from bookings.models.booking import Booking
from bookings.models.deletion import RelatedNameField, keep_name
from bookings.models.fields import SettingForeignKey
from bookings.models.instance_text import default_if_incomplete


def _append_only() -> NoReturn:
    raise NotAllowed(
        _("A booking's history is append-only. Record what happened now as a new event.")
    )


class BookingEventQuerySet(models.QuerySet["BookingEvent"]):
    def notes_for_client(self) -> BookingEventQuerySet:
        """Return the notes that the client may read; all others are for staff."""
        return self.filter(event_type="NOTE_ADDED", data__for_client=True)

    def update(self, **kwargs: Any) -> NoReturn:
        _append_only()

    def delete(self) -> NoReturn:
        _append_only()


class BookingEvent(models.Model):
    """What happened to a booking, when, by whom; ``data`` has the old and the new values.

    Events are deleted only with their booking.
    """

    class EventType(models.TextChoices):
        CREATED = "CREATED", _("Created")
        CONFIRMED = "CONFIRMED", _("Confirmed")
        DECLINED = "DECLINED", _("Declined")
        RESCHEDULED = "RESCHEDULED", _("Rescheduled")
        UPDATED = "UPDATED", _("Updated")
        DELIVERED = "DELIVERED", _("Delivered")
        COMPLETED = "COMPLETED", _("Completed")
        DISPUTED = "DISPUTED", _("Disputed")
        CANCELLED = "CANCELLED", _("Cancelled")
        AUTO_CANCELLED = "AUTO_CANCELLED", _("Cancelled automatically")
        EXPIRED = "EXPIRED", _("Expired")
        NO_SHOW = "NO_SHOW", _("No show")
        REOPENED = "REOPENED", _("Reopened")
        NOTE_ADDED = "NOTE_ADDED", _("Note added")

    booking = models.ForeignKey(
        Booking, on_delete=models.CASCADE, related_name="events", verbose_name=_("booking")
    )
    event_type = models.CharField(_("event"), max_length=20, choices=EventType.choices)
    message = models.TextField(_("message"), blank=True)
    data = models.JSONField(_("data"), default=dict, blank=True)
    actor_user = SettingForeignKey(
        "USER_MODEL",
        on_delete=keep_name,
        null=True,
        blank=True,
        related_name="booking_events",
        verbose_name=_("actor"),
    )
    actor_name = RelatedNameField(_("name of the actor"))
    created_at = AutoCreatedField(_("created at"))

    objects = BookingEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("booking event")
        verbose_name_plural = _("booking events")
        ordering: ClassVar = ["-id"]

    @default_if_incomplete
    def __str__(self) -> str:
        return f"{self.booking} - {self.event_type}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            _append_only()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        _append_only()
