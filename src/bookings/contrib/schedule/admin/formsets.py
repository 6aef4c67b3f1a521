"""The rows of a schedule's page, which are validated and stored as a whole.

A row is identified by its values, and not by the stored row that it showed when the page was
opened. So two rows can swap their times, and a page that is sent twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, ClassVar, Final

from django.db import router
from django.db.models import Q, QuerySet
from django.forms import BaseFormSet
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from bookings.admin.generic_bases import InlineFormSet
from bookings.contrib.schedule.admin.forms import SHIFT_FIELDS
from bookings.contrib.schedule.exceptions import StaleSchedule
from bookings.contrib.schedule.hours import overlap_error
from bookings.contrib.schedule.models import BusinessHours, DateOverride, Schedule
from bookings.contrib.schedule.models.hours_entry import HoursEntry
from bookings.contrib.schedule.services import references
from bookings.ledger.locked import fresh

MAX_OVERRIDES: Final = 40
"""How many date overrides the page shows; Django takes a thousand values of a form at most."""


class RowFormSet(InlineFormSet):
    """Rows that are valid or not, whatever is stored; :func:`save_page` stores them."""

    identity: ClassVar[tuple[str, ...]]
    """The fields by which two rows are the same."""

    share_a_day: Callable[[Any, Any], bool]
    """Return whether there is a day to which both rows apply."""

    stored_rows: Callable[[], QuerySet[Any]]
    """Return the stored rows that the rows of the page are compared with."""

    @property
    def hides_blank_rows(self) -> bool:
        """Whether a browser that can add a row hides those that are blank."""
        return self.instance.pk is not None

    def initial_form_count(self) -> int:
        """Return 0 for rows that were sent: none of them is bound to a stored row."""
        return 0 if self.is_bound else super().initial_form_count()

    def add_fields(self, form: Any, index: int | None) -> None:
        # Without the inline formset's own field, which would say to which schedule a row belongs.
        BaseFormSet.add_fields(self, form, index)

    def clean(self) -> None:
        for number, form in enumerate(self.forms_to_store):
            for other in self.forms_to_store[:number]:
                self.refuse_overlap(form, other.instance)

    @cached_property
    def forms_to_store(self) -> list[Any]:
        """The forms without an error that are neither blank nor marked for deletion."""
        return [
            form
            for form in self.forms
            if form.is_valid() and form.has_changed() and not form.cleaned_data.get("DELETE")
        ]

    def refuse_overlap(self, form: Any, other: Any) -> None:
        hours, other_hours = form.instance.hours, other.hours
        if not hours or not other_hours or not hours.overlaps(other_hours):
            return
        if self.share_a_day(form.instance, other):
            form.add_error("open_time", overlap_error(*sorted((hours, other_hours))))

    def identity_of(self, row: HoursEntry) -> tuple[Any, ...]:
        return tuple(getattr(row, name) for name in self.identity)

    def covers(self, row: Any) -> bool:
        """Return whether a stored row is to be deleted if the page does not have it."""
        return True

    def compare(self, stored: Iterable[Any]) -> None:
        """Find which rows to delete and to add, so that the rows of the page are stored."""
        rows = {self.identity_of(form.instance): form.instance for form in self.forms_to_store}
        unchanged = set()
        self.deleted_objects = []
        for row in stored:
            identity = self.identity_of(row)
            if identity in rows and identity not in unchanged:
                unchanged.add(identity)
            elif self.covers(row):
                self.deleted_objects.append(row)
        self.new_objects = [row for key, row in rows.items() if key not in unchanged]
        # Django's log of changes reads all three.
        self.changed_objects: list[Any] = []

    @property
    def has_changes(self) -> bool:
        """Whether :meth:`compare` has found something to write."""
        return bool(self.deleted_objects or self.new_objects)

    def write(self, using: str) -> None:
        """Store what :meth:`compare` has found. Deletions first: a new row may need their time."""
        model: Any = self.model
        rows = model.objects.using(using)
        if self.deleted_objects:
            rows.filter(pk__in=[row.pk for row in self.deleted_objects]).delete()
        for row in self.new_objects:
            # A new schedule had no key yet when its rows were validated.
            row.schedule_id = self.instance.pk
        if self.new_objects:
            rows.bulk_create(self.new_objects)


class WeekdayFormSet(RowFormSet):
    """The shifts of one day of the week."""

    weekday: int
    default_prefix: str
    identity = (*SHIFT_FIELDS, "day_of_week", "valid_from", "valid_until")

    @classmethod
    def get_default_prefix(cls) -> str:
        return cls.default_prefix

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form: Any = super()._construct_form(i, **kwargs)  # type: ignore[misc]
        form.instance.day_of_week = self.weekday
        return form

    def share_a_day(self, row: BusinessHours, other: BusinessHours) -> bool:
        first = max(item.valid_from or date.min for item in (row, other))
        last = min(item.valid_until or date.max for item in (row, other))
        return first <= last

    def stored_rows(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = BusinessHours.objects.filter(schedule=self.instance.pk)
        return rows.filter(day_of_week=self.weekday)


class DateOverrideFormSet(RowFormSet):
    """The dates from today on that have hours of their own. Past dates stay as they are."""

    identity = (*SHIFT_FIELDS, "date", "reason")
    hides_blank_rows = True

    @classmethod
    def get_default_prefix(cls) -> str:
        return "dates"

    def get_queryset(self) -> QuerySet[Any]:
        if not hasattr(self, "_queryset"):
            self._queryset = super().get_queryset().filter(date__gte=self.today)[:MAX_OVERRIDES]
        return self._queryset

    @property
    def hidden_count(self) -> int:
        """How many dates there are that the page does not show."""
        if self.is_bound:
            return 0
        rows = DateOverride.objects.filter(schedule=self.instance.pk, date__gte=self.today)
        return max(0, rows.count() - MAX_OVERRIDES)

    def clean(self) -> None:
        super().clean()
        stored = list(self.stored_rows())
        identities = {self.identity_of(row) for row in stored}
        hidden_rows = [row for row in stored if row.pk not in self.shown_keys]
        for form in self.forms_to_store:
            if self.identity_of(form.instance) not in identities:
                if form.instance.date < self.today:
                    form.add_error("date", _("That day has passed. Choose a later one."))
                for row in hidden_rows:
                    self.refuse_overlap(form, row)

    @property
    def shown_keys(self) -> set[Any]:
        """The keys of the stored rows that the page showed when it was opened."""
        return {form.cleaned_data.get("id") for form in self.forms} - {None}

    def covers(self, row: DateOverride) -> bool:
        return row.pk in self.shown_keys

    def share_a_day(self, row: DateOverride, other: DateOverride) -> bool:
        return row.date == other.date

    @property
    def today(self) -> date:
        return timezone.localdate(timezone=self.instance.zone)

    def stored_rows(self) -> QuerySet[Any]:
        """Return the rows of the dates that are on the page, and those that it showed before."""
        dates = [form.instance.date for form in self.forms_to_store]
        rows: QuerySet[Any] = DateOverride.objects.filter(schedule=self.instance.pk)
        return rows.filter(Q(date__in=dates) | Q(pk__in=self.shown_keys, date__gte=self.today))


def save_page(
    schedule: Schedule,
    fields: Iterable[str],
    formsets: Iterable[Any],
    expected_revision: int | None = None,
) -> None:
    """Store these fields of the schedule and the rows of its formsets. Call it in a transaction.

    A page whose values are all stored already, as one that is sent twice, changes nothing. Raise
    ``StaleSchedule`` if there is something to change and the schedule has another revision;
    ``None`` stands for any revision.
    """
    using = router.db_for_write(Schedule, instance=schedule)
    schedules: QuerySet[Schedule] = QuerySet(Schedule, using=using)
    # As by every service, the schedule is locked before its rows.
    stored = schedules.select_for_update().filter(pk=schedule.pk).first()
    if stored is None:
        raise references.missing_schedule_error()
    changed = [name for name in fields if getattr(schedule, name) != getattr(stored, name)]
    row_formsets = [formset for formset in formsets if isinstance(formset, RowFormSet)]
    for formset in row_formsets:
        formset.compare(fresh(formset.stored_rows().using(using)))
    if not changed and not any(formset.has_changes for formset in row_formsets):
        return
    if expected_revision is not None and stored.revision != expected_revision:
        raise StaleSchedule(
            _(
                "Somebody has changed this schedule since you opened it, so your changes were not "
                "saved. Open it again to see what it is now."
            )
        )
    if changed:
        schedule.save(using=using)
    for formset in row_formsets:
        formset.write(using)
