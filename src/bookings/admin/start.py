"""A start as staff write it: a date and a time on the wall, in the current time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import ValidationError
from django.forms import SplitDateTimeField
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class StartField(SplitDateTimeField):
    """Says which it is when the clocks change: a time that is skipped, or one that comes twice.

    ``kept`` is the start the booking has already. Where the wall shows its time twice, leaving it
    as it is means that instant, so that a booking at such an hour can be edited.
    """

    widget = AdminSplitDateTime
    kept: datetime | None = None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**({"label": gettext_lazy("Start")} | kwargs))

    def compress(self, data_list: Any) -> datetime | None:
        try:
            return super().compress(data_list)
        except ValidationError:
            if any(part in self.empty_values for part in data_list):
                raise
            # Both parts are there and valid: only the zone is left to complain about.
            wall = datetime.combine(*data_list)
        if self.kept is not None and wall == wall_time(self.kept):
            return self.kept
        raise _no_single_instant(wall)


def wall_time(instant: datetime) -> datetime:
    """What a clock in the current time zone shows, to the second."""
    return timezone.make_naive(instant).replace(microsecond=0)


def _no_single_instant(wall: datetime) -> ValidationError:
    zone = timezone.get_current_timezone()
    read = wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    params = {"time": f"{wall:%H:%M}", "zone": timezone.get_current_timezone_name()}
    if read != wall:
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


def from_link(text: str) -> list[Any] | None:
    """The initial date and time for ``?start_at=``; a date alone leaves the time open."""
    try:
        if (day := parse_date(text)) is not None:
            return [day, None]
        instant = parse_datetime(text)
        if instant is None:
            return None
        wall = instant if timezone.is_naive(instant) else wall_time(instant)
    except (ValueError, OverflowError):
        return None
    return [wall.date(), wall.time()]
