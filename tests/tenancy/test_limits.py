"""A client's bookings are counted within a tenant, and say nothing of another one's."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from bookings.exceptions import LimitReached
from bookings.models import Booking, client_identity
from tests.hosts.samples import Host
from tests.tenancy.test_tenancy import HOUR, TOMORROW, book, host, other

pytestmark = pytest.mark.django_db

__all__ = ["host", "other"]

LIMITS: dict[str, tuple[Any, datetime.timedelta]] = {
    "BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT": (1, HOUR),
    "BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_WEEK": (1, HOUR),
    "BOOKINGS_PREVENT_CLIENT_OVERLAP": (True, 0 * HOUR),
}


@pytest.mark.parametrize("setting", LIMITS)
def test_another_tenant_s_bookings_do_not_count(
    host: Host, other: Host, settings: Any, setting: str
) -> None:
    most, apart = LIMITS[setting]
    setattr(settings, setting, most)
    book(host)

    assert book(other, start_at=TOMORROW + apart).pk
    with pytest.raises(LimitReached):
        book(other, start_at=TOMORROW + apart)
    assert Booking.objects.count() == 2


def test_another_tenant_s_client_has_a_lock_of_its_own(host: Host, other: Host) -> None:
    ours, theirs = (client_identity.lock_keys(book(of)) for of in (host, other))
    assert not set(ours) & set(theirs)
