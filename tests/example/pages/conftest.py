"""The demo's two clinics, without their bookings, on a Monday morning."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest
from clinic.management.commands import load_demo
from clinic.models import Treatment
from django.utils import timezone

NOW = datetime(2131, 3, 5, 7, 30, tzinfo=UTC)
"""Half past eight in Berlin."""


@pytest.fixture(autouse=True)
def _monday_morning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture(autouse=True)
def _clinics(db: None, _monday_morning: None) -> None:
    with mock.patch.object(load_demo, "load_bookings"):
        load_demo.load()


@pytest.fixture
def physiotherapy() -> Any:
    return Treatment.objects.get(name="Physiotherapy")


@pytest.fixture
def back_class() -> Any:
    return Treatment.objects.get(name="Back class")


@pytest.fixture
def jonas(physiotherapy: Any) -> Any:
    return physiotherapy.tenant.practitioners.get(name="Jonas Weber")
