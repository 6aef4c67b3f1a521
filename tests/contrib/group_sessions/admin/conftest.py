"""A class tomorrow, one that has begun, staff, and the pages that they open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import create_session
from tests.admin.conftest import _browser, _database, boss, stranger  # noqa: F401
from tests.admin.page import FormData, form_values
from tests.contrib.group_sessions.conftest import MakeSession

LIST = "/admin/bookings_group_sessions/session/"
ADD = f"{LIST}add/"
FORM = "session_form"
QUESTION = "session_question_form"

OpenForm = Callable[..., FormData]


def page_of(session: Session, page: str = "change", site: str = "admin") -> str:
    return f"/{site}/bookings_group_sessions/session/{session.pk}/{page}/"


def open_form(client: Client, url: str) -> FormData:
    return form_values(client.get(url), FORM)


@pytest.fixture
def start() -> datetime:
    """Ten in the morning, the day after tomorrow."""
    day = timezone.now() + timedelta(days=2)
    return day.replace(hour=10, minute=0, second=0, microsecond=0)


@pytest.fixture
def make_session(service: Any, provider: Any, start: datetime) -> MakeSession:
    def make(**values: Any) -> Session:
        given = {"service": service, "provider": provider, "start_at": start, "capacity": 3}
        return create_session(**(given | values))

    return make


@pytest.fixture
def past(make_session: MakeSession, start: datetime) -> Session:
    """It was three days ago."""
    then = start - timedelta(days=5)
    return make_session(start_at=then, now_dt=then - timedelta(days=1), enable_waitlist=True)


@pytest.fixture
def manager() -> Client:
    """May add and change sessions, and nothing else."""
    return _browser("manager", "view_session", "add_session", "change_session")


@pytest.fixture
def viewer() -> Client:
    return _browser("viewer", "view_session")
