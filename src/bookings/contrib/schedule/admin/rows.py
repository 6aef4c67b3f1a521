"""Rows of a schedule on its page: what was sent is judged and stored as a whole.

A row is what it says, and not the row of the table that it was when the page was opened. So two of
them can swap their times, and a page that is sent twice, or was opened long ago, does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import time
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import BaseFormSet
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from bookings.admin.generic import AnyInlineFormSet, AnyModelForm
from bookings.contrib.schedule.hours import END_OF_DAY, MIDNIGHT, overlapping_hours, shown
from bookings.contrib.schedule.models.opening import Opening

OPENING: Final = ("open_time", "close_time", "closes_next_day", "is_closed")


class WallTimeField(forms.TimeField):
    """A time as text, for browsers ask for it in their own way, and know no 24:00."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **kwargs,
            required=False,
            widget=forms.TextInput(attrs={"size": 5, "autocomplete": "off"}),
            input_formats=["%H:%M", "%H.%M", "%H"],
        )

    def prepare_value(self, value: Any) -> Any:
        return shown(value) if isinstance(value, time) else value


class CloseField(WallTimeField):
    """Takes the end of the day, too, and gives :data:`END_OF_DAY` for it."""

    def to_python(self, value: Any) -> Any:
        if str(value).strip() in {END_OF_DAY, "24.00", "24"}:
            return END_OF_DAY
        found = super().to_python(value)
        return END_OF_DAY if found == MIDNIGHT else found


class KeyField(forms.IntegerField):
    """Which stored row this one was on the page. What makes no sense is none."""

    widget = forms.HiddenInput

    def __init__(self) -> None:
        super().__init__(required=False, min_value=1, max_value=2**63 - 1)

    def clean(self, value: Any) -> Any:
        try:
            return super().clean(value)
        except ValidationError:
            return None


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class RowForm(AnyModelForm):
    """A shift that begins on a day, or that this day is closed."""

    id = KeyField()
    open_time = WallTimeField(label=_("opens"))
    close_time = CloseField(
        label=_("closes"),
        error_messages={
            "close_before_open": _(
                "%(closes)s is not after %(opens)s. If the shift ends on the next day, mark that."
            )
        },
    )
    closes_next_day = forms.BooleanField(label=_("next day"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The formset looks for overlaps, among what was sent: the stored rows are about to change.
        self.instance.same_day = tuple
        # What these say, clean() says in better words, and without a query for each.
        self.instance.validate_constraints = _nothing
        self.initial["id"] = self.instance.pk
        if self.instance.closes_next_day and self.instance.close_time == MIDNIGHT:
            self.initial.update(close_time=END_OF_DAY, closes_next_day=False)

    @property
    def is_stored(self) -> bool:
        """Whether it was on the page when that was opened."""
        return bool(self["id"].value())

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("close_time") == END_OF_DAY:
            self.cleaned_data |= {"close_time": MIDNIGHT, "closes_next_day": True}
        return self.cleaned_data

    def _post_clean(self) -> None:
        # The model would go on to miss what is there, but cannot be read.
        if not self.errors:
            super()._post_clean()  # type: ignore[misc]

    def validate_unique(self) -> None:
        """The formset's business, as overlaps are."""


def _nothing(exclude: Any = None) -> None:
    pass


class RowFormSet(AnyInlineFormSet):
    """Judges what was sent, whatever is stored; :mod:`.writing` stores it."""

    values: ClassVar[tuple[str, ...]]
    """What makes two rows the same."""

    meet: Callable[[Any, Any], bool]
    """Whether both rows apply on some day."""

    stored: Callable[[], QuerySet[Any]]
    """The rows of the table that what was sent is compared with."""

    def initial_form_count(self) -> int:
        """Of what was sent, none is bound to a stored row."""
        return 0 if self.is_bound else super().initial_form_count()

    def add_fields(self, form: Any, index: int | None) -> None:
        """As a plain formset's: a row need not say whose it is."""
        BaseFormSet.add_fields(self, form, index)

    def clean(self) -> None:
        for number, form in enumerate(self.kept):
            for other in self.kept[:number]:
                self.refuse_overlap(form, other.instance)

    @cached_property
    def kept(self) -> list[Any]:
        """The rows to be stored: without an error, neither blank nor marked for deletion."""
        return [
            form
            for form in self.forms
            if form.is_valid() and form.has_changed() and not form.cleaned_data.get("DELETE")
        ]

    def refuse_overlap(self, form: Any, other: Any) -> None:
        one, two = form.instance.hours, other.hours
        if one and two and one.overlaps(two) and self.meet(form.instance, other):
            form.add_error("open_time", overlapping_hours(*sorted((one, two))))

    def value_of(self, row: Opening) -> tuple[Any, ...]:
        return tuple(getattr(row, name) for name in self.values)

    def covers(self, row: Any) -> bool:
        """Whether the page speaks for a stored row, so that it goes if it was not sent."""
        return True

    def compare(self, stored: Iterable[Any]) -> None:
        """Find what has to be deleted and added, so that what was sent is what is stored."""
        sent = {self.value_of(form.instance): form.instance for form in self.kept}
        there = set()
        self.deleted_objects = []
        for row in stored:
            value = self.value_of(row)
            if value in sent and value not in there:
                there.add(value)
            elif self.covers(row):
                self.deleted_objects.append(row)
        self.new_objects = [row for value, row in sent.items() if value not in there]
        self.changed_objects: list[Any] = []

    @property
    def is_to_be_written(self) -> bool:
        return bool(self.deleted_objects or self.new_objects)

    def write(self, using: str) -> None:
        """Store what :meth:`compare` has found: first what goes, so that times can be swapped."""
        model: Any = self.model
        rows = model.objects.using(using)
        if self.deleted_objects:
            rows.filter(pk__in=[row.pk for row in self.deleted_objects]).delete()
        for row in self.new_objects:
            # A new schedule had no key yet when its rows were read.
            row.schedule_id = self.instance.pk
        if self.new_objects:
            rows.bulk_create(self.new_objects)
