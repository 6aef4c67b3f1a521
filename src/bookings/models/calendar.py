"""The ledger's tables: whose time it is, and which stretches of it are taken."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.constraints import MAX_SECOND, NoOverlap
from bookings.fields import SettingForeignKey, SettingOneToOneField

NO_OVERLAP = "bookings_busy_no_overlap"


class Calendar(models.Model):
    """One row per provider: the lock that orders changes to its time, and their count.

    ``revision`` grows with every change, so a cache or an ETag of availability can key on it. The
    ledger uses this row's own integer key; the provider's may be of any type.
    """

    provider = SettingOneToOneField(
        "PROVIDER_MODEL",
        on_delete=models.CASCADE,
        related_name="booking_calendar",
        verbose_name=_("provider"),
    )
    revision = models.BigIntegerField(_("revision"), default=0)

    class Meta:
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")

    def __str__(self) -> str:
        return str(self.provider)


class BusyInterval(models.Model):
    """A half-open stretch ``[starts, ends)`` of a calendar's time that is taken, buffers included.

    Times are Unix seconds (a start rounded down, an end rounded up): integers compare exactly on
    every database and are read several times faster than datetimes. Written by
    :mod:`bookings.ledger` only.
    """

    class Kind(models.TextChoices):
        BOOKING = "BOOKING", _("Booking")
        SESSION = "SESSION", _("Session")
        TIME_OFF = "TIME_OFF", _("Time off")
        EXTERNAL = "EXTERNAL", _("External")

    calendar = models.ForeignKey(
        Calendar,
        on_delete=models.CASCADE,
        related_name="busy_intervals",
        db_index=False,
        verbose_name=_("calendar"),
    )
    starts = models.BigIntegerField(_("starts"))
    ends = models.BigIntegerField(_("ends"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.BOOKING)
    service = SettingForeignKey(
        "SERVICE_MODEL",
        on_delete=models.SET_NULL,
        db_index=False,
        null=True,
        blank=True,
        related_name="busy_intervals",
        verbose_name=_("service"),
    )
    capacity = models.PositiveIntegerField(_("capacity"), default=1)
    seats_taken = models.PositiveIntegerField(_("seats taken"), default=1)
    lapses = models.BigIntegerField(
        _("lapses"),
        null=True,
        blank=True,
        help_text=_(
            "The second at which the hold that made this claim ends; empty if it does not."
        ),
    )

    class Meta:
        verbose_name = _("busy interval")
        verbose_name_plural = _("busy intervals")
        ordering: ClassVar = ["starts"]
        indexes: ClassVar = [models.Index(fields=["calendar", "ends"], name="bookings_busy_ends")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(starts__gte=0, ends__lte=MAX_SECOND, ends__gt=F("starts")),
                name="bookings_busy_ends_after_starts",
            ),
            models.CheckConstraint(
                condition=Q(seats_taken__gte=0, seats_taken__lte=F("capacity")),
                name="bookings_busy_seats_within_capacity",
            ),
            NoOverlap(name=NO_OVERLAP, owner="calendar", starts="starts", ends="ends"),
        ]

    def __str__(self) -> str:
        return f"{self.start_at:%Y-%m-%d %H:%M} – {self.end_at:%Y-%m-%d %H:%M}"

    @property
    def start_at(self) -> datetime:
        return datetime.fromtimestamp(self.starts, UTC)

    @property
    def end_at(self) -> datetime:
        return datetime.fromtimestamp(self.ends, UTC)

    @property
    def seats_free(self) -> int:
        return self.capacity - self.seats_taken
