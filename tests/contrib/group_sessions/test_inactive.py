"""Inactive services and providers get no sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import generate_sessions, update_session
from bookings.contrib.schedule.services import create_schedule
from bookings.exceptions import NotAllowed
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    MakeBooking,
    MakeSession,
    refused,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["service", "provider"])
def inactive(request: Any, service: Any, provider: Any) -> Any:
    idle = {"service": service, "provider": provider}[request.param]
    idle.is_active = False
    idle.save()
    return idle


def test_an_inactive_service_or_provider_gets_no_session(
    inactive: Any, make_session: MakeSession, make_booking: MakeBooking
) -> None:
    with refused(NotAllowed):
        make_session()
    session = make_session(override_policy=True)
    with refused(NotAllowed):
        make_booking(session)
    assert make_booking(session, override_policy=True).status == "CONFIRMED"


def test_sessions_of_an_inactive_service_or_provider_are_not_generated(
    inactive: Any, service: Any, provider: Any
) -> None:
    create_schedule(timezone="UTC", hours={day: [("09:00", "10:00")] for day in range(7)})
    tomorrow = NOW.date() + timedelta(1)
    given = {"service": service, "provider": provider, "start_date": tomorrow, "now_dt": NOW}
    given |= {"end_date": tomorrow, "slot_duration_minutes": 60, "capacity": 3}
    for dry_run in (False, True):
        with refused(NotAllowed):
            generate_sessions(**given, dry_run=dry_run)
    assert generate_sessions(**given, override_policy=True).created == 1


def test_a_session_cannot_get_an_inactive_provider(session: Session, other_provider: Any) -> None:
    other_provider.is_active = False
    with refused(NotAllowed):
        update_session(session, provider=other_provider, now_dt=NOW)
    update_session(session, provider=other_provider, now_dt=NOW, override_policy=True)
    assert session.provider == other_provider
    # A session keeps its inactive provider, also at another time.
    update_session(session, provider=other_provider, start_at=START + HOUR, now_dt=NOW)
    assert session.start_at == START + HOUR


def test_a_session_of_an_inactive_service_cannot_get_another_provider(
    session: Session, service: Any, other_provider: Any
) -> None:
    service.is_active = False
    service.save()
    with refused(NotAllowed):
        update_session(session, provider=other_provider, now_dt=NOW)
    update_session(session, title="As it was", now_dt=NOW)


class Retired(DefaultBookingAdapter):
    """A provider named Ada is not active."""

    def check_active(self, service: Any, provider: Any, *, override_policy: bool) -> None:
        if provider.name == "Ada":
            raise NotAllowed("Ada has retired.", "retired")


def test_the_adapter_says_who_is_active(
    make_session: MakeSession, make_booking: MakeBooking, other_provider: Any, settings: Any
) -> None:
    session = make_session()
    settings.BOOKINGS_ADAPTER = f"{__name__}.Retired"
    with refused(NotAllowed, "retired"):
        make_session(start_at=START + HOUR)
    with refused(NotAllowed, "retired"):
        make_booking(session)
    assert make_booking(make_session(provider=other_provider)).status == "CONFIRMED"
