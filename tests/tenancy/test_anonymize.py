"""A client is erased in one tenant, or in all of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from bookings.exceptions import InvalidBooking
from bookings.models import Booking
from bookings.services import anonymize_client
from tests.hosts.samples import Host
from tests.tenancy.test_tenancy import book, host, other

pytestmark = pytest.mark.django_db

__all__ = ["host", "other"]

EMAIL = "mary@example.com"


@pytest.fixture
def both(host: Host, other: Host) -> list[Booking]:
    return [book(of, client_name="Mary", client_email=EMAIL) for of in (host, other)]


def names(bookings: list[Booking]) -> list[bool]:
    """Whether each of them has been anonymized."""
    return [
        Booking.objects.get(pk=booking.pk).client_name.startswith("anonymous-")
        for booking in bookings
    ]


def test_a_tenant_erases_its_own_only(host: Host, both: list[Booking]) -> None:
    tenant = both[0].tenant

    assert anonymize_client(email=EMAIL, tenant=tenant) == 1
    assert names(both) == [True, False]
    assert anonymize_client(email=EMAIL, tenant=tenant) == 0


def test_without_a_tenant_it_is_all_of_them(both: list[Booking]) -> None:
    assert anonymize_client(email=EMAIL) == 2
    assert names(both) == [True, True]


@pytest.mark.parametrize("wrong", ["acme", 1, object()])
def test_what_is_no_tenant_is_refused(both: list[Booking], wrong: Any) -> None:
    with pytest.raises(InvalidBooking):
        anonymize_client(email=EMAIL, tenant=wrong)
    assert names(both) == [False, False]


def test_the_command_takes_its_key(both: list[Booking], capsys: Any) -> None:
    call_command("anonymize_client", "--email", EMAIL, "--tenant", str(both[1].tenant_id))
    assert names(both) == [False, True]
    with pytest.raises(CommandError, match="with the key"):
        call_command("anonymize_client", "--email", EMAIL, "--tenant", "nobody")
