"""Time off: an interval of a provider's time in which nothing can be booked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar, Final, NoReturn

from django.core.exceptions import ValidationError
from django.db import models, router
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from model_utils.fields import AutoCreatedField

from bookings.contrib.schedule.exceptions import InvalidSchedule
from bookings.exceptions import BookingError, NotAllowed
from bookings.models import BusyInterval
from bookings.models.deletion import RelatedNameField, keep_name
from bookings.models.fields import SettingForeignKey
from bookings.models.instance_text import default_if_incomplete, local_time
from bookings.rules import instants

GUARDED_FIELDS: Final = frozenset(
    {"provider", "provider_id", "start_at", "end_at", "busy_interval", "busy_interval_id"}
)

MAX_LENGTH: Final = timedelta(days=5 * 366)


class TimeOffQuerySet(models.QuerySet["TimeOff"]):
    """Refuse the bulk writes that would leave a row without its claim on the provider's time."""

    _db: str | None

    def update(self, **kwargs: Any) -> int:
        if GUARDED_FIELDS.intersection(kwargs):
            raise _bypass_error()
        return super().update(**kwargs)

    def bulk_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise _bypass_error()

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the rows under the calendars' locks, and release what no other time off takes."""
        from bookings.contrib.schedule.services.time_off import delete_time_off

        return delete_time_off(self, models.QuerySet.delete)


def _bypass_error() -> NotAllowed:
    return NotAllowed(
        _(
            "This would leave the ledger behind. Call take_time_off, move_time_off or "
            "cancel_time_off of bookings.contrib.schedule.services for each instead."
        )
    )


class TimeOff(models.Model):
    """A holiday, an illness, a meeting. It claims ``[start_at, end_at)`` of the provider's time.

    It may overlap other time off of the provider, with which it then shares a busy interval.

    Use :mod:`bookings.contrib.schedule.services`. ``save()`` is safe too: it takes or moves the
    claim in the same transaction, or raises and changes nothing. ``delete()`` releases the claim.
    """

    provider = SettingForeignKey(
        "PROVIDER_MODEL",
        on_delete=models.CASCADE,
        related_name="time_off",
        verbose_name=_("provider"),
    )
    start_at = models.DateTimeField(_("start"))
    end_at = models.DateTimeField(_("end"))
    reason = models.CharField(_("reason"), max_length=255, blank=True)
    # One interval for all time off of the provider that is connected. The database keeps it as long
    # as a row refers to it.
    busy_interval = models.ForeignKey(
        BusyInterval,
        on_delete=models.RESTRICT,
        editable=False,
        related_name="time_off",
        verbose_name=_("busy interval"),
    )
    created_by = SettingForeignKey(
        "USER_MODEL",
        on_delete=keep_name,
        null=True,
        blank=True,
        editable=False,
        related_name="time_off_created",
        verbose_name=_("created by"),
    )
    created_by_name = RelatedNameField(_("name of who created it"))
    created_at = AutoCreatedField(_("created at"))

    objects = TimeOffQuerySet.as_manager()

    class Meta:
        verbose_name = _("time off")
        verbose_name_plural = _("time off")
        ordering: ClassVar = ["start_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(end_at__gt=F("start_at")), name="bookings_schedule_time_off_ends"
            ),
        ]

    @default_if_incomplete
    def __str__(self) -> str:
        return f"{self.provider}: {local_time(self.start_at)} – {local_time(self.end_at)}"

    def save(
        self,
        *,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Write the row and its claim on the provider's time.

        :raises TimeOffConflict: the provider is busy in that time, and not only by time off.
        """
        from bookings.contrib.schedule.services.time_off import save_time_off

        save_time_off(
            self,
            using=using or router.db_for_write(TimeOff, instance=self),
            update_fields=update_fields,
        )

    def save_row(self, *, using: str, update_fields: Iterable[str] | None = None) -> None:
        """Write the row alone, for code that holds the calendar's lock and keeps the claim."""
        adding = self._state.adding
        super().save(
            using=using, force_insert=adding, force_update=not adding, update_fields=update_fields
        )

    def delete(
        self, using: str | None = None, keep_parents: bool = False
    ) -> tuple[int, dict[str, int]]:
        """Delete the row, and release what no other time off takes."""
        using = using or router.db_for_write(TimeOff, instance=self)
        return TimeOff.objects.using(using).filter(pk=self.pk).delete()

    def clean(self) -> None:
        if self.start_at and self.end_at:
            try:
                self.busy_seconds()
            except BookingError as error:
                raise ValidationError({"end_at": error.error_list}) from None

    def busy_seconds(self) -> tuple[int, int]:
        """Return the interval of the provider's time that it takes, in Unix seconds.

        :raises InvalidBooking: the start or the end is naive, or out of range.
        :raises InvalidSchedule: the end is not after the start, or is more than five years later.
        """
        start_at = instants.aware_utc(self.start_at, "start_at")
        end_at = instants.aware_utc(self.end_at, "end_at")
        if end_at <= start_at:
            raise InvalidSchedule(_("End time must be after start time."), "range_reversed")
        if end_at - start_at > MAX_LENGTH:
            raise InvalidSchedule(
                _("%(days)d days off are too many at once. Take %(most)d at most."),
                "range_too_long",
                params={"days": (end_at - start_at).days, "most": MAX_LENGTH.days},
            )
        return instants.busy_bounds(start_at, end_at, 0, 0)
