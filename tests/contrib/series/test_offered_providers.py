"""Series and sessions with a provider who does not offer the service."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bookings.contrib.group_sessions.services import (
    create_session,
    generate_sessions,
    update_session,
)
from bookings.contrib.schedule.services import create_schedule
from bookings.contrib.series.exceptions import SeriesConflict
from bookings.contrib.series.models import Occurrence
from bookings.contrib.series.services import create_session_series, reschedule_series
from bookings.exceptions import PoolExhausted, ProviderNotOffered
from bookings.pools import AnyOf
from tests.contrib.series.conftest import FIRST, NOW, TUESDAYS, MakeSeries
from tests.offered_providers import offer_only
from tests.services.storage import nothing_done

pytestmark = pytest.mark.django_db


def test_a_series_is_refused(
    settings: Any, provider: Any, other_provider: Any, make_series: MakeSeries
) -> None:
    offer_only(settings, other_provider)

    with nothing_done(), pytest.raises(SeriesConflict) as caught:
        make_series()
    assert {each.error.code for each in caught.value.skipped} == {"provider_not_offered"}
    pool = AnyOf([provider, other_provider])
    assert make_series(provider=pool).series.provider == other_provider
    assert make_series(override_policy=True).bookings


def test_a_series_moves_to_nobody_who_does_not_offer_the_service(
    settings: Any, provider: Any, other_provider: Any, make_series: MakeSeries
) -> None:
    make_series()
    first = Occurrence.objects.earliest("pk")
    offer_only(settings, provider)
    move: dict[str, Any] = {"new_start_at": FIRST, "new_provider": other_provider, "now_dt": NOW}

    with nothing_done(), pytest.raises(SeriesConflict) as caught:
        reschedule_series(first, scope="all", **move)
    assert {each.error.code for each in caught.value.skipped} == {"provider_not_offered"}
    moved = reschedule_series(first, scope="all", **move, override_policy=True)
    assert {booking.provider for booking in moved.bookings} == {other_provider}


def test_no_session_is_published(
    settings: Any, service: Any, provider: Any, other_provider: Any
) -> None:
    given: dict[str, Any] = {"service": service, "start_at": TUESDAYS[0], "now_dt": NOW}
    session = create_session(**given, provider=provider)
    offer_only(settings, provider)

    with nothing_done(), pytest.raises(ProviderNotOffered):
        create_session(**given, provider=other_provider)
    with nothing_done(), pytest.raises(ProviderNotOffered):
        update_session(session, provider=other_provider, now_dt=NOW)
    with nothing_done(), pytest.raises(PoolExhausted):
        create_session(**given, provider=AnyOf([other_provider]))
    assert create_session(**given, provider=AnyOf([other_provider]), override_policy=True)
    create_schedule(timezone="UTC", hours={day: [("09:00", "10:00")] for day in range(7)})
    with nothing_done(), pytest.raises(ProviderNotOffered):
        generate_sessions(
            service=service,
            provider=other_provider,
            start_date=date(2026, 3, 16),
            end_date=date(2026, 3, 17),
            now_dt=NOW,
            slot_duration_minutes=60,
            capacity=3,
        )
    with nothing_done(), pytest.raises(SeriesConflict):
        create_session_series(
            service=service,
            provider=other_provider,
            rrule="FREQ=WEEKLY;COUNT=2",
            timezone="UTC",
            start_at=FIRST,
            now_dt=NOW,
        )
