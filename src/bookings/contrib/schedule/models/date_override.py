"""Date overrides: the hours of one date, in place of its weekly hours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from django.db import models
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule.models.hours_entry import HoursEntry, HoursEntryQuerySet
from bookings.contrib.schedule.models.schedule import Schedule
from bookings.models.instance_text import default_if_incomplete


class DateOverride(HoursEntry):
    """A shift that begins on one date, or a mark that this date is closed.

    The overrides of a date replace its weekly hours and its public holiday. An override that is
    closed closes the date, whatever other overrides there are. A shift that began on the day before
    is not affected.
    """

    schedule = models.ForeignKey(
        Schedule, on_delete=models.CASCADE, related_name="overrides", verbose_name=_("schedule")
    )
    date = models.DateField(_("date"))
    reason = models.CharField(
        _("reason"), max_length=255, blank=True, help_text=_("Clients may be shown it.")
    )

    objects = HoursEntryQuerySet["DateOverride"].as_manager()

    class Meta(HoursEntry.Meta):
        abstract = False
        verbose_name = _("date override")
        verbose_name_plural = _("date overrides")
        ordering: ClassVar = ["date", "open_time", "id"]
        constraints: ClassVar = [
            *HoursEntry.Meta.constraints,
            models.UniqueConstraint(
                fields=["schedule", "date", "open_time"],
                name="bookings_schedule_one_opening_of_date",
            ),
        ]

    @default_if_incomplete
    def __str__(self) -> str:
        return f"{date_format(self.date)} {self.hours or self.reason or _('closed')}"

    def other_entries(self) -> Iterable[DateOverride]:
        return (
            HoursEntryQuerySet(DateOverride, using=self._state.db)
            .filter(schedule_id=self.schedule_id, date=self.date)
            .exclude(pk=self.pk)
        )
