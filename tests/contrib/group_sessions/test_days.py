"""Sessions that last by the wall clock, of a pool whose providers are in other zones."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest

from bookings.contrib.schedule.models import Schedule
from bookings.exceptions import PoolExhausted, SlotUnavailable
from bookings.pools import AnyOf
from tests.contrib.group_sessions.conftest import HOUR, START, Factory, MakeSession
from tests.services.storage import nothing_done

DAY = timedelta(days=1)


@pytest.fixture
def ada(provider: Any) -> Any:
    Schedule.objects.create(provider=provider, timezone="Asia/Tokyo")
    return provider


@pytest.fixture
def grace(other_provider: Any) -> Any:
    Schedule.objects.create(provider=other_provider, timezone="UTC")
    return other_provider


def test_who_is_past_the_end_by_their_own_clocks_is_passed_over(
    make_session: MakeSession, make_service: Factory, ada: Any, grace: Any
) -> None:
    """At ten in the morning in UTC it is seven in the evening in Tokyo."""
    until_six = make_service(ends_at_time=time(18))

    session = make_session(service=until_six, provider=AnyOf([ada, grace]))

    assert (session.provider, session.end_at) == (grace, START + 8 * HOUR)
    with nothing_done(), pytest.raises(PoolExhausted) as caught:
        make_session(service=until_six, provider=AnyOf([ada, grace]))
    codes = [error.booking_code for _provider, error in caught.value.refusals]
    assert codes == ["ends_before_start", "conflict"]
    with nothing_done(), pytest.raises(SlotUnavailable):
        make_session(service=until_six, provider=ada)


def test_who_is_busy_is_told_by_their_own_clocks(
    make_session: MakeSession, make_service: Factory, ada: Any, grace: Any
) -> None:
    """Until six of the next day, it lasts nine hours longer in UTC than in Tokyo."""
    until_six = make_service(duration_days=1, ends_at_time=time(18))
    make_session(provider=grace)
    make_session(provider=ada, start_at=START + DAY)

    session = make_session(service=until_six, provider=AnyOf([grace, ada]))

    assert (session.provider, session.end_at) == (ada, START + DAY - HOUR)


def test_the_buffers_of_one_are_not_in_the_way_of_another(
    make_session: MakeSession, ada: Any, grace: Any
) -> None:
    ada.buffer_after_minutes = 60
    ada.save()
    make_session(provider=ada)
    make_session(provider=grace, start_at=START + HOUR)

    assert make_session(provider=AnyOf([ada, grace])).provider == grace
