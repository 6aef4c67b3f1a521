"""The leaf bases that a host may build its models on."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import models

from bookings.abstract import AbstractAddon, AbstractProvider, AbstractService, PricingType
from bookings.models.fields import default_currency
from bookings.rules import service_rules
from bookings.rules.service_rules import ServiceRules

BASES = [AbstractService, AbstractProvider, AbstractAddon]


@pytest.mark.parametrize("base", BASES)
def test_a_base_is_abstract_and_points_at_nothing(base: type[models.Model]) -> None:
    assert base._meta.abstract
    assert not any(field.is_relation for field in base._meta.get_fields())


def test_the_currency_is_the_setting_s(settings: Any, make_service: Any) -> None:
    settings.BOOKINGS_DEFAULT_CURRENCY = "CHF"
    assert default_currency() == make_service().currency == "CHF"


DAYS = ("duration_days", "minimum_duration_days", "maximum_duration_days", "duration_step_days")


def test_a_base_has_every_attribute_that_the_core_reads(make_service: Any) -> None:
    names = {field.name for field in AbstractService._meta.get_fields()}
    read = set(ServiceRules.__dataclass_fields__) - {"shared", "by_days"}
    assert names >= read | {"allow_multiple_clients_per_slot", "is_active", *DAYS, "ends_at_time"}


def test_a_service_is_bookable_as_it_comes(make_service: Any) -> None:
    rules = ServiceRules.of(make_service(), default_currency="USD")
    assert (rules.duration_minutes, rules.is_shared, rules.price_amount) == (60, False, None)


def test_what_is_sold_and_booked_is_called_by_its_name(
    service: Any, provider: Any, addon: Any
) -> None:
    assert [str(item) for item in (service, provider, addon)] == ["Massage", "Ada", "Hot stones"]


def test_the_pricing_types_are_those_that_the_rules_know() -> None:
    assert PricingType.values == ["FIXED", *service_rules.DERIVED_PRICES]


LIMITS = (
    "max_active_bookings_per_client",
    "max_bookings_per_client_per_day",
    "max_bookings_per_client_per_week",
)


@pytest.mark.parametrize("name", LIMITS)
def test_a_form_refuses_a_limit_of_none_at_all(make_service: Any, name: str) -> None:
    service = make_service(**{name: 1})
    service.full_clean()
    setattr(service, name, 0)
    with pytest.raises(ValidationError) as caught:
        service.full_clean()
    assert caught.value.message_dict.keys() == {name}


@pytest.mark.parametrize("wrong", [{"duration_minutes": 0}, {"capacity": 0}], ids=str)
def test_a_form_refuses_what_could_never_be_booked(make_service: Any, wrong: Any) -> None:
    service = make_service()
    for name, value in wrong.items():
        setattr(service, name, value)
    with pytest.raises(ValidationError) as caught:
        service.full_clean()
    assert caught.value.message_dict.keys() == wrong.keys()
