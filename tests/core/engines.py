"""Where ``BOOKINGS_SLOTS_AVAILABLE_FUNC`` points in the tests of this folder."""

from __future__ import annotations

from datetime import date, datetime, time, tzinfo
from typing import Any

PATH = f"{__name__}.chosen"

chosen: Any = None
"""Set by a test to the slot engine that it is about."""


def nine_to_five(*, provider: Any, date: date, tz: tzinfo, tenant: Any = None) -> Any:
    """Working hours as ``mroudai-django-slots`` asks for them."""
    return [(datetime.combine(date, time(9), tz), datetime.combine(date, time(17), tz))]
