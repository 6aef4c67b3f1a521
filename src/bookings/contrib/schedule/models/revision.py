"""A schedule's revision grows with every change of its rows, however Django is told to make it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from django.db import models, router, transaction
from django.db.models import F

M = TypeVar("M", bound=models.Model)


def bump(schedule_ids: Iterable[Any], *, using: str) -> int:
    """Count a change of these schedules, and lock them until the transaction ends; how many.

    Before the change itself: MySQL's foreign keys take a shared lock on the row that they point at,
    and two transactions that have one each would both wait to update it.
    """
    from bookings.contrib.schedule.models.schedule import Schedule

    schedules: models.QuerySet[Any] = models.QuerySet(Schedule, using=using)
    return schedules.filter(pk__in=set(schedule_ids) - {None}).update(revision=F("revision") + 1)


@contextmanager
def counted(schedule_ids: Iterable[Any], *, using: str) -> Iterator[None]:
    """A transaction in which these schedules change."""
    with transaction.atomic(using=using):
        bump(schedule_ids, using=using)
        yield


class RowsOfASchedule(models.QuerySet[M]):
    """A queryset whose writes count as changes of the schedules that the rows belong to."""

    _db: str | None

    def update(self, **kwargs: Any) -> int:
        moved_to = kwargs.get("schedule_id", kwargs.get("schedule"))
        with self._counted(self._schedules() | {getattr(moved_to, "pk", moved_to)}):
            return super().update(**kwargs)

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        objs = list(objs)
        with self._counted({obj.schedule_id for obj in objs}):  # type: ignore[attr-defined]
            return super().bulk_create(objs, *args, **kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        with self._counted(self._schedules()):
            return super().delete()

    def _schedules(self) -> set[Any]:
        return set(self.order_by().values_list("schedule_id", flat=True))

    def _counted(self, schedule_ids: set[Any]) -> AbstractContextManager[None]:
        return counted(schedule_ids, using=self._db or router.db_for_write(self.model))


class RowOfASchedule(models.Model):
    """What a schedule consists of. Its changes are the schedule's."""

    schedule_id: Any

    class Meta:
        abstract = True

    def save(self, *args: Any, using: str | None = None, **kwargs: Any) -> None:
        using = using or router.db_for_write(type(self), instance=self)
        with counted(self._schedules(using), using=using):
            super().save(*args, using=using, **kwargs)

    def delete(
        self, using: str | None = None, keep_parents: bool = False
    ) -> tuple[int, dict[str, int]]:
        using = using or router.db_for_write(type(self), instance=self)
        with counted(self._schedules(using), using=using):
            return super().delete(using=using, keep_parents=keep_parents)

    def _schedules(self, using: str) -> set[Any]:
        """The schedule that the row belongs to, and the one that it belonged to until now."""
        stored: models.QuerySet[Any] = type(self)._base_manager.using(using).filter(pk=self.pk)
        return {self.schedule_id, *stored.values_list("schedule_id", flat=True)}
