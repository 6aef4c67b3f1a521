"""The form of a schedule's own fields, and the forms of its rows: shifts, and dates that differ."""

from __future__ import annotations

from datetime import time
from functools import lru_cache
from itertools import groupby
from typing import Any, ClassVar, Final
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from bookings.admin.form_fields import DayInput
from bookings.admin.generic_bases import ModelForm
from bookings.admin.service_forms import ServiceForm
from bookings.contrib.schedule.hours import END_OF_DAY, MIDNIGHT, format_time
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.services import create_schedule

OWNER_FIELDS: Final = ("provider", "tenant")
GRID_FIELDS: Final = ("slot_step_minutes", "alignment")
WINDOW_FIELDS: Final = ("minimum_notice_minutes", "maximum_advance_days")
HOLIDAY_FIELDS: Final = ("holiday_country", "holiday_subdivision")
RULE_FIELDS: Final = ("timezone", *GRID_FIELDS, *WINDOW_FIELDS, *HOLIDAY_FIELDS)
OPTION: Final = '<option value="{}"{}>{}</option>'
SHIFT_FIELDS: Final = ("open_time", "close_time", "closes_next_day", "is_closed")


class ScheduleForm(ServiceForm):
    expected_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    is_only_shown: ClassVar[bool] = False
    """Whether what was sent is to be shown again, and not to be saved."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.initial["expected_revision"] = self.instance.revision
        if "timezone" in self.fields:
            text: Any = self.fields["timezone"]
            self.fields["timezone"] = forms.ChoiceField(
                choices=time_zone_choices(self.instance.timezone),
                widget=LongSelect,
                initial=text.initial,
                label=text.label,
                help_text=text.help_text,
            )

    def is_valid(self) -> bool:
        return super().is_valid() and not self.is_only_shown

    def create(self) -> Schedule:
        """Create the schedule without rows and return it."""
        names = OWNER_FIELDS + RULE_FIELDS
        values: dict[str, Any] = {name: self.cleaned_data.get(name) for name in names}
        return create_schedule(**values)


def time_zone_choices(current: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the zones of the time zone database and the current one, grouped by region."""
    names = sorted(_known_zones() | {current}, key=lambda name: ("/" not in name, name))
    groups = groupby(names, key=lambda name: name.partition("/")[0] if "/" in name else "…")
    return [(region, [(name, name) for name in zones]) for region, zones in groups]


@lru_cache(maxsize=1)
def _known_zones() -> set[str]:
    return available_timezones()


class LongSelect(forms.Select):
    """A select with hundreds of grouped choices.

    Django renders two templates for each choice, which would be most of the page's time.
    """

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        widget = self.get_context(name, value, attrs)["widget"]
        groups = (
            (region, format_html_join("", OPTION, map(_option_texts, options)))
            for region, options, _index in widget["optgroups"]
        )
        content = format_html_join("", '<optgroup label="{}">{}</optgroup>', groups)
        attributes = flatatt(widget["attrs"])
        return format_html('<select name="{}"{}>{}</select>', name, attributes, content)


def _option_texts(option: dict[str, Any]) -> tuple[str, SafeString, str]:
    return option["value"], flatatt(option["attrs"]), option["label"]


class WallTimeField(forms.TimeField):
    """A time as text.

    Browsers show their own time inputs in twelve hours where that is customary, and none of them
    takes 24:00.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **kwargs,
            required=False,
            widget=forms.TextInput(attrs={"size": 5, "autocomplete": "off"}),
            input_formats=["%H:%M", "%H.%M", "%H"],
        )

    def prepare_value(self, value: Any) -> Any:
        return format_time(value) if isinstance(value, time) else value


class ClosingTimeField(WallTimeField):
    """A time that may be the end of the day; midnight and 24:00 become :data:`END_OF_DAY`."""

    def to_python(self, value: Any) -> Any:
        if str(value).strip() in {END_OF_DAY, "24.00", "24"}:
            return END_OF_DAY
        closing_time = super().to_python(value)
        return END_OF_DAY if closing_time == MIDNIGHT else closing_time


class RowKeyField(forms.IntegerField):
    """The key of the stored row that the form showed; a value that is no key becomes ``None``."""

    widget = forms.HiddenInput

    def __init__(self) -> None:
        super().__init__(required=False, min_value=1, max_value=2**63 - 1)

    def clean(self, value: Any) -> Any:
        try:
            return super().clean(value)
        except ValidationError:
            return None


class RowForm(ModelForm):
    """A shift that begins on a day, or that the provider is closed on that day."""

    id = RowKeyField()
    open_time = WallTimeField(label=_("opens"))
    close_time = ClosingTimeField(
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
        # The model would look for overlaps with stored rows, but these are about to change. The
        # formset looks for overlaps among the rows of the page instead.
        self.instance.other_entries = tuple
        # clean() says in better words, and without a query, what the constraints would say.
        self.instance.validate_constraints = _validate_nothing
        self.initial["id"] = self.instance.pk
        if self.instance.closes_next_day and self.instance.close_time == MIDNIGHT:
            self.initial.update(close_time=END_OF_DAY, closes_next_day=False)

    @property
    def is_stored(self) -> bool:
        """Whether the row was stored when the page was opened."""
        return bool(self["id"].value())

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("close_time") == END_OF_DAY:
            self.cleaned_data |= {"close_time": MIDNIGHT, "closes_next_day": True}
        return self.cleaned_data

    def _post_clean(self) -> None:
        # With an error in a field, the model would add that the field is missing.
        if not self.errors:
            super()._post_clean()  # type: ignore[misc]

    def validate_unique(self) -> None:
        """Leave it to the formset."""


def _validate_nothing(exclude: Any = None) -> None:
    pass


class ShiftForm(RowForm):
    class Meta:
        widgets: ClassVar = {"valid_from": DayInput(), "valid_until": DayInput()}


class DateOverrideForm(RowForm):
    class Meta:
        widgets: ClassVar = {"date": DayInput(), "reason": forms.TextInput()}
