from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.contrib.schedule.selectors import (
    any_provider,
    availability_etag,
    day_summary,
    first_available,
    list_available_slots,
    slots_by_date,
)
from bookings.exceptions import ProviderNotOffered
from bookings.pools import AnyOf
from bookings.services import create_booking
from tests.contrib.schedule.slots.conftest import (
    NINE_TO_FIVE,
    create_schedule,
    make_provider,
    start_times,
)
from tests.core.moments import NOW, at
from tests.offered_providers import offer_only


@pytest.fixture
def other(db: None) -> Any:
    return make_provider("Grace")


@pytest.fixture(autouse=True)
def _schedule(db: None) -> None:
    create_schedule(NINE_TO_FIVE)


def test_nothing_is_on_offer_of_who_does_not_offer_the_service(
    service: Any, provider: Any, other: Any, settings: Any, find_slots: Any
) -> None:
    offer_only(settings, other)
    pool, day = [provider, other], at(0).date()

    slots = find_slots()
    assert not slots
    error = slots.why_not(at(10))
    assert isinstance(error, ProviderNotOffered)
    assert "does not offer" in str(error)
    assert start_times(find_slots(provider=other))
    assert find_slots(override_policy=True)
    assert any_provider(service, at(10), pool, now_dt=NOW) == [other]
    [summary] = day_summary(service, [provider], day, now_dt=NOW)
    assert summary.status == "CLOSED"
    slot = first_available(service, pool, now_dt=NOW)
    assert slot is not None
    assert slot.provider == other
    [offered] = slots_by_date(service, pool, day, now_dt=NOW).values()
    assert {slot.provider for slot in offered} == {other}


def test_a_booking_may_stay_with_who_has_ceased_to_offer_the_service(
    provider: Any, other: Any, settings: Any, find_slots: Any, book: Any
) -> None:
    booking = book(at(10))
    offer_only(settings)

    assert find_slots(booking=booking)
    assert not find_slots(booking=booking, provider=other)


def test_the_entity_tag_follows_who_offers_the_service(
    service: Any, provider: Any, settings: Any
) -> None:
    def tag() -> str:
        return availability_etag(service, provider, now_dt=NOW)

    offer_only(settings, provider)
    before = tag()
    offer_only(settings)
    assert tag() != before


def test_it_is_one_query_whatever_the_number_of_providers(
    service: Any, provider: Any, settings: Any, validated: None
) -> None:
    def queries(pool: list[Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert first_available(service, pool, now_dt=NOW)
        return len(captured)

    people = [provider, *(make_provider(f"P{number}") for number in range(9))]
    without = queries(people)
    offer_only(settings, *people)
    assert queries(people) == queries(people[:1]) == without + 1


def test_a_service_asks_once_and_not_its_slot_engine(
    service: Any, provider: Any, settings: Any, validated: None
) -> None:
    def queries(hour: int, who: Any = provider) -> int:
        with CaptureQueriesContext(connection) as captured:
            create_booking(
                service=service, provider=who, start_at=at(hour), client_name="Kim", now_dt=NOW
            )
        return len(captured)

    queries(9)
    without = queries(10)
    offer_only(settings, provider)
    assert queries(11) == without + 1
    assert queries(12, AnyOf([provider])) > 0
    assert list_available_slots(service, provider, at(13), at(14), now_dt=NOW)
