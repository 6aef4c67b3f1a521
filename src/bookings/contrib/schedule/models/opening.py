"""What weekly hours and a date's own hours have in common: a shift, or that it is closed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule.exceptions import InvalidSchedule
from bookings.contrib.schedule.hours import Hours, overlapping_hours
from bookings.contrib.schedule.models.revision import RowOfASchedule

HAS_HOURS = Q(is_closed=False, open_time__isnull=False, close_time__isnull=False)


class Opening(RowOfASchedule):
    """A shift that begins on a certain day, or that this day is closed."""

    open_time = models.TimeField(_("opens"), null=True, blank=True)
    close_time = models.TimeField(_("closes"), null=True, blank=True)
    closes_next_day = models.BooleanField(
        _("closes on the next day"),
        default=False,
        help_text=_("For a shift that crosses midnight, or ends then."),
    )
    is_closed = models.BooleanField(_("closed"), default=False)

    class Meta:
        abstract = True
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(
                    is_closed=True,
                    open_time__isnull=True,
                    close_time__isnull=True,
                    closes_next_day=False,
                )
                | (HAS_HOURS & Q(closes_next_day=False, close_time__gt=F("open_time")))
                | (HAS_HOURS & Q(closes_next_day=True, close_time__lte=F("open_time"))),
                name="%(app_label)s_%(class)s_shift",
            ),
        ]

    @property
    def hours(self) -> Hours | None:
        """The shift; ``None`` for closed."""
        if self.is_closed or self.open_time is None or self.close_time is None:
            return None
        return Hours(self.open_time, self.close_time, self.closes_next_day)

    def set_hours(self, hours: Hours) -> Self:
        self.open_time, self.close_time = hours.opens, hours.closes
        self.closes_next_day, self.is_closed = hours.closes_next_day, False
        return self

    def clean(self) -> None:
        if self.is_closed:
            if self.open_time or self.close_time or self.closes_next_day:
                raise ValidationError(
                    {"is_closed": _("What is closed has no hours. Remove them, or open it.")}
                )
            return
        for name in ("open_time", "close_time"):
            if getattr(self, name) is None:
                raise ValidationError(
                    {name: _("Give both times, or mark it as closed.")}, "incomplete_hours"
                )
        try:
            hours = self.hours
        except InvalidSchedule as error:
            raise ValidationError({"close_time": error.error_list}) from None
        self._refuse_overlaps(hours)

    def _refuse_overlaps(self, hours: Hours | None) -> None:
        for other in self.same_day():
            theirs = other.hours
            if hours and theirs and hours.overlaps(theirs):
                error = overlapping_hours(hours, theirs)
                raise ValidationError({"open_time": error.error_list})

    if TYPE_CHECKING:

        def same_day(self) -> Iterable[Self]:
            """The schedule's other rows that apply on a day on which this one does."""
