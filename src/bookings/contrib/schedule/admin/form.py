"""The rules of a schedule, apart from its rows."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import Any, Final
from zoneinfo import available_timezones

from django import forms

from bookings.admin.refusable import RefusableForm
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.services import make_schedule

OWNER: Final = ("provider", "tenant")
GRID: Final = ("slot_step_minutes", "alignment")
WINDOW: Final = ("minimum_notice_minutes", "maximum_advance_days")
HOLIDAYS: Final = ("holiday_country", "holiday_subdivision")
RULES: Final = ("timezone", *GRID, *WINDOW, *HOLIDAYS)


class ScheduleForm(RefusableForm):
    expected_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.initial["expected_revision"] = self.instance.revision
        if "timezone" in self.fields:
            text: Any = self.fields["timezone"]
            self.fields["timezone"] = forms.ChoiceField(
                choices=zones(self.instance.timezone),
                initial=text.initial,
                label=text.label,
                help_text=text.help_text,
            )

    def make(self) -> Schedule:
        """The new schedule, without rows so far."""
        given: dict[str, Any] = {name: self.cleaned_data.get(name) for name in OWNER + RULES}
        return make_schedule(**given)


def zones(current: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The zones of the time-zone database by their regions, and the schedule's own."""
    names = sorted(_known() | {current}, key=lambda name: ("/" not in name, name))
    groups = groupby(names, key=lambda name: name.partition("/")[0] if "/" in name else "…")
    return [(region, [(name, name) for name in found]) for region, found in groups]


@lru_cache(maxsize=1)
def _known() -> set[str]:
    return available_timezones()
