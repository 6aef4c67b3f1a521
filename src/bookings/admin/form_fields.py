"""Form fields and widgets for dates and times, as staff write them."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from django.contrib.admin.widgets import AdminSplitDateTime, BaseAdminTimeWidget
from django.core.exceptions import ValidationError
from django.forms import DateInput, SplitDateTimeField
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format, get_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class DayInput(DateInput):
    """A date in the browser's own date picker."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class TimeOfDayInput(BaseAdminTimeWidget):
    """A time of day, without its seconds where it has none."""

    def format_value(self, value: Any) -> str | None:
        if isinstance(value, datetime | time) and not value.second and not value.microsecond:
            formats = get_format("TIME_INPUT_FORMATS")
            return value.strftime(next((one for one in formats if "%S" not in one), "%H:%M"))
        text: str | None = super().format_value(value)
        return text


class DateAndTimeInput(AdminSplitDateTime):
    """Two inputs, each with a name of its own for a screen reader."""

    def __init__(self, attrs: Any = None) -> None:
        super().__init__(attrs)
        widgets: Any = self.widgets
        widgets[1] = TimeOfDayInput()

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        labels = (context["date_label"], context["time_label"])
        for part, label in zip(context["widget"]["subwidgets"], labels, strict=True):
            part["attrs"]["aria-label"] = label
        return context


class InstantField(SplitDateTimeField):
    """A date and a time on the clock of the current time zone, which together are one instant.

    When the clocks change, the field says whether a time is skipped or comes twice. ``current`` is
    the instant that the object has now: if its time comes twice and is left as it is, the field
    returns that instant, so that the object can be edited.
    """

    widget = DateAndTimeInput
    current: datetime | None = None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**({"label": gettext_lazy("Start")} | kwargs))

    def compress(self, data_list: Any) -> datetime | None:
        try:
            return super().compress(data_list)
        except ValidationError:
            if any(part in self.empty_values for part in data_list):
                raise
            # Both parts are valid, so the error is about the change of the clocks.
            local_time = datetime.combine(*data_list)
        if self.current is not None and local_time == to_local_time(self.current):
            return self.current
        raise _not_one_instant(local_time)


def time_zone_help() -> str:
    """Return the help text that names the time zone of an :class:`InstantField`."""
    return _("Time zone: %(zone)s.") % {"zone": timezone.get_current_timezone_name()}


def to_local_time(instant: datetime) -> datetime:
    """Return what a clock in the current time zone shows, to the second."""
    return timezone.make_naive(instant).replace(microsecond=0)


def initial_instant(text: str) -> list[Any] | None:
    """Return the initial date and time of an :class:`InstantField` from a link's ``?start_at=``.

    A date alone leaves the time open; ``None`` stands for a text that is neither.
    """
    try:
        if (day := parse_date(text)) is not None:
            return [day, None]
        instant = parse_datetime(text)
        if instant is None:
            return None
        local_time = instant if timezone.is_naive(instant) else to_local_time(instant)
    except (ValueError, OverflowError):
        return None
    return [local_time.date(), local_time.time()]


def _not_one_instant(local_time: datetime) -> ValidationError:
    zone = timezone.get_current_timezone()
    # A time that is skipped comes back from UTC as another one.
    existing = local_time.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    params = {
        "time": date_format(local_time, "TIME_FORMAT"),
        "zone": timezone.get_current_timezone_name(),
    }
    if existing != local_time:
        return ValidationError(
            _(
                "%(time)s does not exist on that day in %(zone)s: the clocks go forward. "
                "Choose another time."
            ),
            "skipped",
            params=params,
        )
    return ValidationError(
        _("%(time)s comes twice on that day in %(zone)s: the clocks go back. Choose another time."),
        "twice",
        params=params,
    )
