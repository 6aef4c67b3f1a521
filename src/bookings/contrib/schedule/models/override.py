"""A date's own hours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from django.db import models
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule.models.opening import Opening
from bookings.contrib.schedule.models.revision import RowsOfASchedule
from bookings.contrib.schedule.models.schedule import Schedule


class DateOverride(Opening):
    """A shift that begins on one date, or that this date is closed.

    A date's overrides replace its weekly hours and its public holiday; one that is closed closes
    it, whatever else there is. They do not reach a shift that began the day before.
    """

    schedule = models.ForeignKey(
        Schedule, on_delete=models.CASCADE, related_name="overrides", verbose_name=_("schedule")
    )
    date = models.DateField(_("date"))
    reason = models.CharField(
        _("reason"), max_length=255, blank=True, help_text=_("Clients may be shown it.")
    )

    objects = RowsOfASchedule["DateOverride"].as_manager()

    class Meta(Opening.Meta):
        abstract = False
        verbose_name = _("date override")
        verbose_name_plural = _("date overrides")
        ordering: ClassVar = ["date", "open_time", "id"]
        constraints: ClassVar = [
            *Opening.Meta.constraints,
            models.UniqueConstraint(
                fields=["schedule", "date", "open_time"],
                name="bookings_schedule_one_opening_of_date",
            ),
        ]

    def __str__(self) -> str:
        return f"{date_format(self.date)} {self.hours or self.reason or _('closed')}"

    def same_day(self) -> Iterable[DateOverride]:
        return (
            RowsOfASchedule(DateOverride, using=self._state.db)
            .filter(schedule_id=self.schedule_id, date=self.date)
            .exclude(pk=self.pk)
        )
