"""The lines that the guide tells the reader to type work, one after the other."""

from __future__ import annotations

import re
import shlex
from base64 import b64encode
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient

from bookings.models import Booking
from tests.contrib.schedule.slots.conftest import NINE_TO_FIVE, create_schedule
from tests.databases import ROOT

PAGE = (ROOT / "docs/how-to/api.md").read_text(encoding="utf-8")
LINES = re.findall(r"^\$ (curl (?:[^\n\\]|\\\n)*)$", PAGE, re.MULTILINE)


def call(line: str, last_uuid: str) -> Any:
    """Send what a line of curl sends."""
    # The guide's year comes to pass.
    words = shlex.split(line.replace("\\\n", " ").replace("2030-", "2131-"))[1:]
    method, headers, body = "GET", {}, None
    while len(words) > 1:
        option, value, *words = words
        if option == "-u":
            headers["Authorization"] = f"Basic {b64encode(value.encode()).decode()}"
        elif option == "-H":
            name, _, content = value.partition(": ")
            headers[name] = content
        elif option == "-d":
            method, body = "POST", value
        else:
            assert option == "-X"
            method = value
    [address] = words
    path = address.removeprefix("localhost:8000").replace("$UUID", last_uuid)
    kind = headers.pop("Content-Type", "application/x-www-form-urlencoded")
    return APIClient().generic(method, path, body or "", content_type=kind, headers=headers)


@pytest.mark.django_db
def test_the_guide_works(service: Any, provider: Any) -> None:
    create_schedule(NINE_TO_FIVE, provider=provider)
    get_user_model().objects.create_user("kim", password="demo")
    services, slot, booked, moved, cancelled = answers(service)
    assert services["results"][0]["name"] == "Massage"
    assert slot["slot"]["start"] == "2131-01-31T09:00:00+00:00"
    assert (booked["status"], booked["client_name"]) == ("CONFIRMED", "kim")
    assert moved["start_at"] == "2131-01-31T10:00:00Z"
    assert cancelled["status"] == "CANCELLED"
    assert Booking.objects.count() == 1


def answers(service: Any) -> list[Any]:
    found: list[Any] = []
    for line in LINES:
        last = found[-1].get("uuid", "") if found else ""
        typed = line.replace("service=1", f"service={service.pk}")
        response = call(typed.replace('"service": 1', f'"service": {service.pk}'), last)
        assert response.status_code in {200, 201}, (line, response.content)
        found.append(response.json())
    return found
