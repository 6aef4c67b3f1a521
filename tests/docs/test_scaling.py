"""The router on the page about scaling: nothing that decides about a booking reads the replica."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from django.test import override_settings
from django.utils.connection import ConnectionDoesNotExist

from bookings.models import Booking
from bookings.services import cancel_booking, create_booking, reschedule_booking
from tests.hosts.samples import make_host

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "scaling.md"
NOW: Final = datetime(2131, 3, 5, 8, tzinfo=UTC)
START: Final = datetime(2131, 3, 6, 10, tzinfo=UTC)


def router() -> Any:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    defined: dict[str, Any] = {}
    exec(code, defined)  # noqa: S102 - our own page
    return defined["ReplicaRouter"]()


@pytest.mark.django_db
def test_the_services_do_not_read_the_replica() -> None:
    host = make_host()
    with override_settings(DATABASE_ROUTERS=[router()]):
        booking = create_booking(
            service=host.service,
            provider=host.provider,
            start_at=START,
            client_name="Kim",
            now_dt=NOW,
        )
        reschedule_booking(booking, new_start_at=START + timedelta(hours=1), now_dt=NOW)
        cancel_booking(booking, now_dt=NOW)
        # The control: there is no such database, so to read from it is to fail.
        with pytest.raises(ConnectionDoesNotExist):
            Booking.objects.first()
    assert Booking.objects.get().status == "CANCELLED"
