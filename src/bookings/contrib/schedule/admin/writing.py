"""Store what a schedule's page says, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import router
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule.admin.rows import RowFormSet
from bookings.contrib.schedule.exceptions import StaleSchedule
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.services import inputs


def write_page(
    schedule: Schedule,
    rules: Iterable[str],
    formsets: Iterable[Any],
    expected: int | None = None,
) -> None:
    """Store the schedule's ``rules``, and the rows of its formsets.

    A page that says what is stored already, as one that is sent twice does, changes nothing. One
    that says something else is held to the revision that it was opened at: ``StaleSchedule``.
    """
    using = router.db_for_write(Schedule, instance=schedule)
    schedules: QuerySet[Schedule] = QuerySet(Schedule, using=using)
    # Locked first of all, as by every service.
    stored = schedules.select_for_update().filter(pk=schedule.pk).first()
    if stored is None:
        raise inputs.gone()
    changed = [name for name in rules if getattr(schedule, name) != getattr(stored, name)]
    rows = [formset for formset in formsets if isinstance(formset, RowFormSet)]
    for formset in rows:
        # With a lock, because a snapshot may show the rows as they were before.
        formset.compare(formset.stored().using(using).select_for_update())
    if not changed and not any(formset.is_to_be_written for formset in rows):
        return
    if expected is not None and stored.revision != expected:
        raise StaleSchedule(
            _(
                "Somebody has changed this schedule since you opened it, so your changes were not "
                "saved. Open it again to see what it is now."
            )
        )
    if changed:
        schedule.save(using=using)
    for formset in rows:
        formset.write(using)
