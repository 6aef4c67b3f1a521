"""The names of objects show instants as the clock of the current time zone does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from bookings.conf import app_settings
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.series.models import Occurrence

TEN = datetime(2131, 7, 6, 10, tzinfo=UTC)


def time_off() -> TimeOff:
    provider = apps.get_model(app_settings.model_label("PROVIDER_MODEL"))(name="Ada")
    return TimeOff(provider=provider, start_at=TEN, end_at=TEN + timedelta(hours=2))


NAMED = {
    "session": (lambda: Session(title="Yoga", start_at=TEN), "Yoga: July 6, 2131, noon"),
    "time off": (time_off, "Ada: July 6, 2131, noon – July 6, 2131, 2 p.m."),
    "occurrence": (lambda: Occurrence(original_start_at=TEN), "July 6, 2131, noon"),
}


@pytest.mark.parametrize(("make", "name"), NAMED.values(), ids=NAMED)
def test_a_name_has_local_times(make: Any, name: str) -> None:
    with timezone.override("Europe/Berlin"):
        assert str(make()) == name
