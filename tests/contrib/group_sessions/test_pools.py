"""A session of any one provider of a pool."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bookings.contrib.group_sessions.exceptions import InvalidSession
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import create_session
from bookings.exceptions import BookingConflict, InvalidBooking, NotAllowed, PoolExhausted
from bookings.integrity import find_problems
from bookings.pools import AnyOf
from tests.hosts.samples import make
from tests.services.clock import HOUR, NOW, START

pytestmark = pytest.mark.django_db


@pytest.fixture
def service() -> Any:
    return make("SERVICE_MODEL")


@pytest.fixture
def people() -> list[Any]:
    return [make("PROVIDER_MODEL") for _number in range(2)]


def publish(service: Any, pool: AnyOf, **values: Any) -> Session:
    return create_session(
        service=service, provider=pool, **({"start_at": START, "now_dt": NOW} | values)
    )


def test_the_first_who_is_free_takes_the_session(service: Any, people: list[Any]) -> None:
    pool = AnyOf(people)

    assert [publish(service, pool).provider for _number in range(2)] == people
    with pytest.raises(PoolExhausted) as caught:
        publish(service, pool)
    assert [type(why) for _who, why in caught.value.refusals] == [BookingConflict] * 2
    assert list(find_problems()) == []


def test_one_who_is_not_active_is_passed_over(service: Any, people: list[Any]) -> None:
    people[0].is_active = False
    people[0].save()

    assert publish(service, AnyOf(people)).provider == people[1]
    with pytest.raises(PoolExhausted) as caught:
        publish(service, AnyOf(people[:1]), start_at=START + 5 * HOUR)
    assert isinstance(caught.value.refusals[0][1], NotAllowed)


def test_they_take_turns(service: Any, people: list[Any]) -> None:
    pool = AnyOf(people, strategy="round_robin")

    made = [
        publish(service, pool, start_at=START + n * HOUR, now_dt=NOW + timedelta(minutes=n))
        for n in range(3)
    ]

    assert [session.provider for session in made] == [*people, people[0]]


def test_what_is_wrong_with_the_session_is_said_at_once(service: Any, people: list[Any]) -> None:
    with pytest.raises(InvalidSession):
        publish(service, AnyOf(people), end_at=START - HOUR)
    with pytest.raises(InvalidBooking):
        publish(service, AnyOf([people[0], "Ben"]))
    assert not Session.objects.exists()
