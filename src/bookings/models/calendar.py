"""The tables of the ledger: a calendar for each provider, and its busy intervals."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar, Final

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.models.constraints import NoOverlap
from bookings.models.fields import SettingForeignKey, SettingOneToOneField
from bookings.models.instance_text import default_if_incomplete, local_time
from bookings.rules.instants import MAX_SECOND

NO_OVERLAP: Final = "bookings_busy_no_overlap"
SEATS_WITHIN_CAPACITY: Final = "bookings_busy_seats_within_capacity"


class Calendar(models.Model):
    """One row for each provider: the lock that orders the changes of its time.

    ``revision`` grows with every change, so it can be the key of a cache or an ETag of
    availability. Busy intervals refer to the integer key of this row, because the key of the
    provider may be of any type.
    """

    provider = SettingOneToOneField(
        "PROVIDER_MODEL",
        on_delete=models.CASCADE,
        related_name="booking_calendar",
        verbose_name=_("provider"),
    )
    revision = models.BigIntegerField(_("revision"), default=0)
    chosen_at = models.DateTimeField(
        _("chosen at"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("When a pool that takes turns has last chosen this provider."),
    )

    class Meta:
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")

    @default_if_incomplete
    def __str__(self) -> str:
        return str(self.provider)


class BusyInterval(models.Model):
    """A half-open stretch ``[starts, ends)`` of a calendar's time that is taken, buffers included.

    Concurrent bookings overlap, so the time that each claims is compared with no other; what they
    take together is stored as segments. Between the bounds of a segment, the number of taken seats
    does not change.

    Times are Unix seconds (a start rounded down, an end rounded up), because integers compare
    exactly on every database and are read several times faster than datetimes. Only
    :mod:`bookings.ledger` writes this table.
    """

    class Kind(models.TextChoices):
        BOOKING = "BOOKING", _("Booking")
        RESOURCE = "RESOURCE", _("Resource of a booking")
        SESSION = "SESSION", pgettext_lazy("group session", "Session")
        TIME_OFF = "TIME_OFF", _("Time off")
        EXTERNAL = "EXTERNAL", _("External")
        CONCURRENT = "CONCURRENT", _("Concurrent booking")
        SEGMENT = "SEGMENT", _("Concurrent bookings")

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
                name=SEATS_WITHIN_CAPACITY,
            ),
            NoOverlap(
                name=NO_OVERLAP,
                owner="calendar",
                starts="starts",
                ends="ends",
                unless=("kind", "CONCURRENT"),
            ),
        ]

    @default_if_incomplete
    def __str__(self) -> str:
        return f"{local_time(self.start_at)} – {local_time(self.end_at)}"

    @property
    def start_at(self) -> datetime:
        return datetime.fromtimestamp(self.starts, UTC)

    @property
    def end_at(self) -> datetime:
        return datetime.fromtimestamp(self.ends, UTC)

    @property
    def seats_free(self) -> int:
        return self.capacity - self.seats_taken
