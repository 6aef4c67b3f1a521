"""System checks of series.

================================ ==============================================================
``bookings_series.E001``         python-dateutil is not installed
================================ ==============================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from bookings.contrib.series.exceptions import DateutilNotInstalled
from bookings.contrib.series.recurrences import load_dateutil_rrule


@register()
def check_dateutil(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    try:
        load_dateutil_rrule()
    except DateutilNotInstalled:
        return [
            Error(
                "bookings.contrib.series is installed, and python-dateutil is not.",
                hint='pip install "django-bookings[series]"',
                id="bookings_series.E001",
            )
        ]
    return []
