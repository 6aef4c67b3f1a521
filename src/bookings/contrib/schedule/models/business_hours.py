"""Weekly hours: the shifts that repeat every week."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule.models.hours_entry import HoursEntry, HoursEntryQuerySet
from bookings.contrib.schedule.models.schedule import Schedule
from bookings.models.instance_text import default_if_incomplete


class BusinessHours(HoursEntry):
    """A shift that begins on a day of every week, or a mark that this day is closed.

    All rows that are valid on a date apply together. A row that is closed closes the day, whatever
    other rows there are. A day without rows is closed too.
    """

    schedule = models.ForeignKey(
        Schedule, on_delete=models.CASCADE, related_name="hours", verbose_name=_("schedule")
    )
    day_of_week = models.PositiveSmallIntegerField(
        _("day"), choices=list(WEEKDAYS.items()), validators=[MaxValueValidator(6)]
    )
    valid_from = models.DateField(
        _("valid from"), null=True, blank=True, help_text=_("The first day; empty for always.")
    )
    valid_until = models.DateField(
        _("valid until"), null=True, blank=True, help_text=_("The last day; empty for always.")
    )

    objects = HoursEntryQuerySet["BusinessHours"].as_manager()

    class Meta(HoursEntry.Meta):
        abstract = False
        verbose_name = _("business hours")
        verbose_name_plural = _("business hours")
        ordering: ClassVar = ["day_of_week", "open_time", "id"]
        constraints: ClassVar = [
            *HoursEntry.Meta.constraints,
            models.CheckConstraint(
                condition=Q(day_of_week__gte=0, day_of_week__lte=6),
                name="bookings_schedule_day_of_week",
            ),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True)
                | Q(valid_until__isnull=True)
                | Q(valid_until__gte=F("valid_from")),
                name="bookings_schedule_validity",
            ),
            models.UniqueConstraint(
                fields=["schedule", "day_of_week", "open_time", "valid_from"],
                name="bookings_schedule_one_opening",
            ),
            models.UniqueConstraint(
                fields=["schedule", "day_of_week", "open_time"],
                condition=Q(valid_from__isnull=True),
                name="bookings_schedule_one_opening_always",
            ),
        ]

    @default_if_incomplete
    def __str__(self) -> str:
        return f"{WEEKDAYS[self.day_of_week]} {self.hours or _('closed')}"

    def clean(self) -> None:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValidationError({"valid_until": _("It ends before it begins. Swap the days.")})
        super().clean()

    def other_entries(self) -> Iterable[BusinessHours]:
        return (
            HoursEntryQuerySet(BusinessHours, using=self._state.db)
            .filter(
                valid_between(self.valid_from, self.valid_until),
                schedule_id=self.schedule_id,
                day_of_week=self.day_of_week,
            )
            .exclude(pk=self.pk)
        )


def valid_between(first: date | None, last: date | None) -> Q:
    """Select the rows that are valid on a day from ``first`` to ``last``; ``None`` is no bound."""
    begins = Q() if last is None else Q(valid_from__isnull=True) | Q(valid_from__lte=last)
    ends = Q() if first is None else Q(valid_until__isnull=True) | Q(valid_until__gte=first)
    return begins & ends
