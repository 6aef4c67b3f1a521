"""A series names its sessions, and a session its series, each with a link."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import localize

from bookings import extensions
from bookings.contrib.group_sessions.services import cancel_session, update_session
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.services import SeriesResult, create_session_series
from tests.admin.conftest import _browser
from tests.admin.page import text_of
from tests.admin.urls import desk
from tests.contrib.group_sessions.admin.conftest import page_of
from tests.contrib.group_sessions.conftest import MakeSession

pytestmark = pytest.mark.django_db


@pytest.fixture
def course(service: Any, provider: Any, start: datetime) -> SeriesResult:
    return create_session_series(
        rrule="FREQ=WEEKLY;COUNT=3",
        timezone="UTC",
        start_at=start,
        service=service,
        provider=provider,
        title="Course",
    )


def series_page(result: SeriesResult) -> str:
    return f"/admin/bookings_series/series/{result.series.pk}/change/"


def test_a_series_names_its_sessions(boss: Client, course: SeriesResult, start: datetime) -> None:
    second = course.sessions[1]
    cancel_session(second)
    page = text_of(boss.get(series_page(course)))
    first = page_of(course.sessions[0])
    assert f'<a href="{first}">Course · {localize(timezone.localtime(start))}</a>' in page
    assert page_of(second) in page
    assert page.count('data-label="Status">Cancelled</td>') == 1
    assert page.count('data-label="Status">Scheduled</td>') == 2


def test_a_session_without_a_title_and_a_deleted_session(
    boss: Client, course: SeriesResult
) -> None:
    _first, second, _third = Occurrence.objects.order_by("original_start_at")
    update_session(course.sessions[0], title="")
    Occurrence.objects.filter(pk=second.pk).update(session_key=99_999)
    page = text_of(boss.get(series_page(course)))
    assert ">Yoga · " in page
    assert "#99999" in page


def test_the_queries_of_a_series_do_not_grow(
    boss: Client, service: Any, provider: Any, other_provider: Any, start: datetime
) -> None:
    def queries(number: int, provider: Any) -> int:
        result = create_session_series(
            rrule=f"FREQ=WEEKLY;COUNT={number}",
            timezone="UTC",
            start_at=start,
            service=service,
            provider=provider,
        )
        with CaptureQueriesContext(connection) as captured:
            assert boss.get(series_page(result)).status_code == 200
        return len(captured)

    queries(1, provider)
    assert queries(3, other_provider) == queries(12, type(provider).objects.create(name="Mary"))


def test_a_user_who_may_not_see_sessions_reads_their_names(course: SeriesResult) -> None:
    clerk = _browser("clerk", "view_series", "view_occurrence")
    page = text_of(clerk.get(series_page(course)))
    assert "Course · " in page
    assert "/bookings_group_sessions/" not in page


def test_a_session_names_its_series(
    boss: Client,
    viewer: Client,
    course: SeriesResult,
    make_session: MakeSession,
    other_provider: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = series_page(course)
    member, alone = course.sessions[2], make_session(provider=other_provider)
    assert f'Series: <a href="{url}">' in text_of(boss.get(page_of(member)))
    assert "Series: <a" not in text_of(boss.get(page_of(alone)))
    assert "Series: <a" not in text_of(viewer.get(page_of(member)))
    # Where series are not in that admin, there is nothing to lead to.
    monkeypatch.delitem(desk._registry, Series)
    assert "Series: <a" not in text_of(boss.get(page_of(member, site="desk")))
    assert "Publish a weekly class" not in text_of(
        boss.get("/desk/bookings_group_sessions/session/")
    )


def test_no_other_list_leads_to_publishing(rf: Any) -> None:
    (extension,) = extensions.implementing("list_links")
    assert list(extension.list_links(Series, desk, rf.get("/"))) == []
