"""The slot engine, and the working hours, of the tests of this folder."""

from __future__ import annotations

import datetime
from typing import Any

asked: list[Any] = []
"""The tenants that the engine was asked for."""


def everything(
    service: Any, provider: Any, start_dt: Any, end_dt: Any, tenant: Any = None
) -> list[Any]:
    asked.append(tenant)
    return [start_dt]


def around_the_clock(*, provider: Any, date: datetime.date, tz: Any, tenant: Any) -> Any:
    """As ``mroudai-django-slots`` asks for working hours; none for a tenant that is not given."""
    if tenant is None:
        return []
    midnight = datetime.datetime.combine(date, datetime.time.min, tz)
    return [(midnight, midnight + datetime.timedelta(days=1))]
