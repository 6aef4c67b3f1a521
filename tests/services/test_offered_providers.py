from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.exceptions import (
    BookingConflict,
    InvalidBooking,
    NotAllowed,
    PoolExhausted,
    ProviderNotOffered,
)
from bookings.pools import AnyOf
from bookings.services import confirm_booking, hold_booking, reschedule_booking
from tests.offered_providers import Adapter, offer_only
from tests.services.clock import DAY, HOUR, NOW, START
from tests.services.conftest import Book, Make
from tests.services.storage import nothing_done

Offer = Callable[..., None]


@pytest.fixture
def offer(settings: Any) -> Offer:
    """Let only these providers offer any service."""
    return partial(offer_only, settings)


def test_who_does_not_offer_the_service_is_refused(
    offer: Offer, book: Book, service: Any, provider: Any, other_provider: Any
) -> None:
    offer(other_provider)

    with nothing_done(), pytest.raises(ProviderNotOffered) as caught:
        book()
    error = caught.value
    assert (error.code, error.field, isinstance(error, NotAllowed)) == (
        "provider_not_offered",
        "provider",
        True,
    )
    assert error.messages == [
        f"{provider} does not offer {service}. Choose another provider, or let staff override."
    ]
    with nothing_done(), pytest.raises(ProviderNotOffered):
        hold_booking(service=service, provider=provider, start_at=START, now_dt=NOW)
    assert book(provider=other_provider).provider == other_provider
    assert book(override_policy=True).provider == provider


def test_a_pool_passes_over_who_does_not_offer_the_service(
    offer: Offer, book: Book, make_provider: Make
) -> None:
    ana, ben, cleo = (make_provider(name=name) for name in ("Ana", "Ben", "Cleo"))
    offer(ben)

    assert book(provider=AnyOf([ana, ben, cleo])).provider == ben
    with nothing_done(), pytest.raises(PoolExhausted) as caught:
        book(provider=AnyOf([ana, ben, cleo]))
    assert [(who, type(why)) for who, why in caught.value.refusals] == [
        (ana, ProviderNotOffered),
        (ben, BookingConflict),
        (cleo, ProviderNotOffered),
    ]
    assert book(provider=AnyOf([ana, ben]), override_policy=True).provider == ana


def test_a_booking_moves_to_nobody_who_does_not_offer_the_service(
    offer: Offer, book: Book, provider: Any, other_provider: Any, make_provider: Make
) -> None:
    booking = book()
    offer()

    # It may stay with a provider who has ceased to offer it.
    reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)
    reschedule_booking(booking, new_start_at=START, new_provider=provider, now_dt=NOW)
    pool = AnyOf([other_provider, provider])
    reschedule_booking(booking, new_start_at=START + DAY, new_provider=pool, now_dt=NOW)
    assert booking.provider == provider
    with nothing_done(), pytest.raises(ProviderNotOffered):
        reschedule_booking(booking, new_start_at=START, new_provider=other_provider, now_dt=NOW)
    with nothing_done(), pytest.raises(PoolExhausted):
        reschedule_booking(
            booking, new_start_at=START, new_provider=AnyOf([other_provider]), now_dt=NOW
        )
    reschedule_booking(
        booking,
        new_start_at=START,
        new_provider=other_provider,
        now_dt=NOW,
        override_policy=True,
    )
    assert booking.provider == other_provider


def test_a_request_is_not_confirmed_of_who_has_ceased_to_offer_the_service(
    offer: Offer, pending: Any
) -> None:
    offer()

    with nothing_done(), pytest.raises(ProviderNotOffered):
        confirm_booking(pending, now_dt=NOW)
    assert confirm_booking(pending, now_dt=NOW, override_policy=True).status == "CONFIRMED"


def test_one_query_tells_before_the_lock_and_none_where_everybody_offers_everything(
    offer: Offer, book: Book, provider: Any, make_provider: Make
) -> None:
    def queries(start: timedelta, **values: Any) -> int:
        with CaptureQueriesContext(connection) as captured:
            book(start_at=START + start, **values)
        return len(captured)

    book()
    without, with_pool = queries(HOUR), queries(2 * HOUR, provider=AnyOf([provider]))
    pool = AnyOf([*(make_provider(name=f"P{number}") for number in range(9)), provider])
    offer(provider)
    assert queries(3 * HOUR) == without + 1
    assert queries(4 * HOUR, override_policy=True) == without
    # Once of all together, and again of who is tried.
    assert queries(5 * HOUR, provider=pool) == with_pool + 2


def test_by_default_all_active_providers_offer_everything(
    service: Any, provider: Any, make_provider: Make
) -> None:
    make_provider(name="Away", is_active=False)

    assert list(get_adapter().providers_of(service)) == [provider]


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (lambda providers, services: None, "NoneType"),
        (lambda providers, services: list(providers), "list"),
        (lambda providers, services: services, r"QuerySet of \S+Service"),
        (lambda providers, services: providers[:1], r"QuerySet of \S+Provider"),
        (lambda providers, services: providers.union(providers), r"QuerySet of \S+Provider"),
    ],
)
def test_an_adapter_that_returns_no_queryset_of_providers_is_named(
    answer: Any, what: str, book: Book, settings: Any, monkeypatch: Any
) -> None:
    offer_only(settings)
    models = (
        apps.get_model(app_settings.PROVIDER_MODEL),
        apps.get_model(app_settings.SERVICE_MODEL),
    )
    monkeypatch.setattr(
        Adapter,
        "providers_of",
        lambda self, service: answer(*(model._default_manager.all() for model in models)),
    )

    with nothing_done(), pytest.raises(InvalidBooking) as caught:
        book()
    [message] = caught.value.messages
    assert re.fullmatch(
        rf"providers_of\(\) must return a queryset of \S+Provider, .* not {what}\.", message
    )


def test_an_attribute_that_is_no_relation_is_refused_loudly(
    book: Book, service: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(type(service), "providers", ["Ana"], raising=False)

    with nothing_done(), pytest.raises(InvalidBooking, match="not list"):
        book()
    monkeypatch.setattr(type(service), "providers", None)
    assert book()
