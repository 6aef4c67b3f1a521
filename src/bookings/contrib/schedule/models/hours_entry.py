"""The abstract row that weekly hours and date overrides have in common."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from django.core.exceptions import ValidationError
from django.db import models, router
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule.exceptions import InvalidSchedule
from bookings.contrib.schedule.hours import Hours, overlap_error
from bookings.contrib.schedule.models.schedule import change_schedules

Row = TypeVar("Row", bound=models.Model)

HAS_HOURS = Q(is_closed=False, open_time__isnull=False, close_time__isnull=False)


class HoursEntryQuerySet(models.QuerySet[Row]):
    """Count each write as a change of the schedules that the rows belong to."""

    _db: str | None

    def update(self, **kwargs: Any) -> int:
        new_schedule = kwargs.get("schedule_id", kwargs.get("schedule"))
        new_schedule_id = getattr(new_schedule, "pk", new_schedule)
        with self._changing(self._schedule_ids() | {new_schedule_id}):
            return super().update(**kwargs)

    def bulk_create(self, objs: Iterable[Row], *args: Any, **kwargs: Any) -> list[Row]:
        objs = list(objs)
        with self._changing({obj.schedule_id for obj in objs}):  # type: ignore[attr-defined]
            return super().bulk_create(objs, *args, **kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        with self._changing(self._schedule_ids()):
            return super().delete()

    def _schedule_ids(self) -> set[Any]:
        return set(self.order_by().values_list("schedule_id", flat=True))

    def _changing(self, schedule_ids: set[Any]) -> AbstractContextManager[None]:
        return change_schedules(schedule_ids, using=self._db or router.db_for_write(self.model))


class HoursEntry(models.Model):
    """A shift that begins on a certain day, or a mark that the day is closed.

    Saving and deleting an entry counts as a change of its schedule.
    """

    schedule_id: Any

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

    def save(self, *args: Any, using: str | None = None, **kwargs: Any) -> None:
        using = using or router.db_for_write(type(self), instance=self)
        with change_schedules(self._schedule_ids(using), using=using):
            super().save(*args, using=using, **kwargs)

    def delete(
        self, using: str | None = None, keep_parents: bool = False
    ) -> tuple[int, dict[str, int]]:
        using = using or router.db_for_write(type(self), instance=self)
        with change_schedules(self._schedule_ids(using), using=using):
            return super().delete(using=using, keep_parents=keep_parents)

    def _schedule_ids(self, using: str) -> set[Any]:
        """Return the schedule that the entry belongs to, and the one that it is stored with."""
        stored: models.QuerySet[Any] = type(self)._base_manager.using(using).filter(pk=self.pk)
        return {self.schedule_id, *stored.values_list("schedule_id", flat=True)}

    @property
    def hours(self) -> Hours | None:
        """The shift; ``None`` if the day is closed."""
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
        self._check_overlaps(hours)

    def _check_overlaps(self, hours: Hours | None) -> None:
        for entry in self.other_entries():
            other_hours = entry.hours
            if hours and other_hours and hours.overlaps(other_hours):
                error = overlap_error(hours, other_hours)
                raise ValidationError({"open_time": error.error_list})

    if TYPE_CHECKING:

        def other_entries(self) -> Iterable[Self]:
            """Return the schedule's other entries that apply on a day on which this one does."""
