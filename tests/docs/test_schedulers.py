"""What the guide says of cron, Celery and Django's tasks, run as it stands there."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import django
import pytest
from django.core.management import get_commands
from django.utils import timezone

from bookings.models import Booking
from bookings.services import create_booking, deliver_booking
from tests.hosts.samples import make_host

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "expire.md"


def section(title: str) -> str:
    return PAGE.read_text(encoding="utf-8").partition(f"\n### {title}\n")[2].partition("\n### ")[0]


@pytest.fixture
def run_snippet(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Run a section's Python as a module, which a task is found in by its name."""

    def run(title: str) -> Any:
        (snippet,) = re.findall(r"```python\n(.*?)```", section(title), re.DOTALL)
        module = ModuleType("mysite_tasks")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(snippet, str(PAGE), "exec"), module.__dict__)  # noqa: S102
        return module

    return run


@pytest.fixture
def stored(db: None) -> Callable[[], list[str]]:
    """An overdue booking, a hold that has run out and a delivered one: their status, when asked."""
    host, now = make_host(), timezone.now()
    given = {"service": host.service, "provider": host.provider, "client_name": "Ada"}
    days_ago = [
        create_booking(
            **given, start_at=now - timedelta(days=number), allow_past=True, tenant=host.tenant
        )
        for number in (9, 8)
    ]
    then = now - timedelta(days=7)
    rows = Booking._base_manager.filter(pk__in=[each.pk for each in days_ago])
    rows.update(created_at=then, confirmed_at=then)
    deliver_booking(days_ago[1], now_dt=now - timedelta(days=5))
    hold = create_booking(
        **given,
        start_at=now + timedelta(days=1),
        expires_at=now + timedelta(hours=1),
        tenant=host.tenant,
    )
    Booking._base_manager.filter(pk=hold.pk).update(expires_at=now - timedelta(hours=1))
    return lambda: list(Booking.objects.order_by("pk").values_list("status", flat=True))


SWEPT: Final = ["CANCELLED", "COMPLETED", "CANCELLED"]


def test_cron_calls_commands_that_there_are() -> None:
    lines = re.findall(r"manage\.py (.+)", section("cron"))
    assert len(lines) == 3
    assert {shlex.split(line)[0] for line in lines} <= get_commands().keys()


def test_a_task_of_celerys_sweeps_every_five_minutes(
    run_snippet: Callable[[str], Any], stored: Callable[[], list[str]]
) -> None:
    tasks = run_snippet("Celery beat")
    tasks.app.conf.update(task_always_eager=True, task_eager_propagates=True)

    (entry,) = tasks.app.conf.beat_schedule.values()
    assert entry["task"] in tasks.app.tasks
    assert entry["schedule"].minute == set(range(0, 60, 5))
    assert tasks.sweep_bookings.delay().get() == (1, 1, 1)
    assert stored() == SWEPT


@pytest.mark.skipif(django.VERSION < (6, 0), reason="django.tasks is in Django 6.0 and later.")
def test_a_task_of_djangos_sweeps(
    run_snippet: Callable[[str], Any], stored: Callable[[], list[str]], settings: Any
) -> None:
    settings.TASKS = {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}
    assert run_snippet("Django's tasks").sweep_bookings.enqueue().return_value == [1, 1, 1]
    assert stored() == SWEPT
