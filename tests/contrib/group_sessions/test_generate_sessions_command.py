"""The command ``generate_sessions``."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from bookings.contrib.group_sessions.management.commands import generate_sessions as module
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import Generated
from bookings.contrib.schedule.services import create_schedule, take_time_off
from tests.contrib.group_sessions.conftest import Factory

pytestmark = pytest.mark.django_db

Run = Callable[..., tuple[str, str]]
ELEVEN: Final = {day: [("11:00", "13:00")] for day in range(7)}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def tomorrow() -> date:
    return timezone.localdate() + timedelta(1)


@pytest.fixture
def run(service: Any, tomorrow: date) -> Run:
    """Run the command for tomorrow; return its standard output and standard error."""

    def call(*arguments: Any, days: int = 1, error: Any = None) -> tuple[str, str]:
        out, err = io.StringIO(), error or io.StringIO()
        given = ["--service", service.pk, "--capacity", 3, *arguments]
        if "--from" not in arguments:
            given += ["--from", tomorrow, "--days", days]
        try:
            call_command("generate_sessions", *map(str, given), stdout=out, stderr=err)
        except SystemExit as ended:
            out.write(f"exit status {ended.code}")
        return out.getvalue(), err.getvalue()

    return call


@pytest.fixture
def open_provider(provider: Any) -> Any:
    create_schedule(provider=provider, timezone="UTC", hours=ELEVEN)
    return provider


def test_it_reports_created_and_existing_sessions(run: Run, open_provider: Any) -> None:
    assert run("--provider", open_provider.pk) == ("2 sessions created.\n", "")
    assert Session.objects.count() == 2
    assert run("--provider", open_provider.pk) == ("0 sessions created.\n2 were there.\n", "")
    assert Session.objects.count() == 2


def test_conflicts_are_counted_and_listed_on_request(
    run: Run, open_provider: Any, tomorrow: date
) -> None:
    start = datetime(tomorrow.year, tomorrow.month, tomorrow.day, 11, tzinfo=UTC)
    take_time_off(provider=open_provider, start_at=start, end_at=start + timedelta(hours=1))
    out, _err = run("--provider", open_provider.pk, "--verbosity", 2)
    assert out == (f"Ada: {tomorrow} 11:00–12:00, Time off\n1 session created.\n1 slot is taken.\n")
    out, _err = run("--provider", open_provider.pk)
    assert out == "0 sessions created.\n1 was there.\n1 slot is taken.\n"


def test_a_dry_run(run: Run, open_provider: Any) -> None:
    out, _err = run("--provider", open_provider.pk, "--dry-run")
    assert out == "2 sessions to create.\nNothing was changed.\n"
    assert not Session.objects.exists()


def test_options_are_passed_on(run: Run, open_provider: Any, tomorrow: date) -> None:
    last = tomorrow + timedelta(1)
    options = ["--duration", 30, "--title", "Yoga", "--waitlist", "--from", tomorrow, "--to", last]
    out, _err = run("--provider", open_provider.pk, *options)
    assert out == "8 sessions created.\n"
    session = Session.objects.latest("start_at")
    assert (session.title, session.enable_waitlist, session.capacity) == ("Yoga", True, 3)
    assert session.end_at - session.start_at == timedelta(minutes=30)


def test_without_dates_it_covers_30_days_from_today(service: Any, open_provider: Any) -> None:
    options = ["--service", service.pk, "--provider", open_provider.pk, "--capacity", 1]
    before = timezone.localdate()
    with patch.object(module, "generate_sessions") as generate:
        generate.return_value = Generated(0, 0, ())
        call_command("generate_sessions", *map(str, options), stdout=io.StringIO())
    given = generate.call_args.kwargs
    assert before <= given["start_date"] <= timezone.localdate()
    assert given["end_date"] == given["start_date"] + timedelta(29)
    assert given["slot_duration_minutes"] == service.duration_minutes


def test_all_providers_who_are_active_and_have_hours(
    run: Run, open_provider: Any, make_provider: Factory
) -> None:
    for number in range(5):
        other = make_provider(name=str(number), is_active=number != 4)
        if number != 3:
            create_schedule(provider=other, timezone="UTC", hours=ELEVEN)
    with patch.object(module, "PAGE_SIZE", 2):
        assert run("--all-providers") == ("8 sessions created.\n", "")
    assert Session.objects.values("provider").distinct().count() == 4


def test_no_providers(run: Run, service: Any) -> None:
    assert run("--all-providers", error=Terminal())[0] == "0 sessions created.\n"


def test_a_refused_provider_does_not_stop_the_others(
    run: Run, open_provider: Any, other_provider: Any
) -> None:
    out, err = run("--provider", other_provider.pk, open_provider.pk)
    assert out == "2 sessions created.\nexit status 1"
    assert err.startswith("Grace: Grace has no schedule")


def test_an_error_of_all_providers_is_reported_for_each(run: Run, open_provider: Any) -> None:
    out, err = run("--all-providers", "--duration", 14)
    assert out == "0 sessions created.\nexit status 1"
    assert "slot_duration_minutes must be a whole number from 15 to 480" in err


def test_a_terminal_shows_a_progress_bar(run: Run, open_provider: Any, other_provider: Any) -> None:
    create_schedule(provider=other_provider, timezone="UTC", hours=ELEVEN)
    _out, err = run("--all-providers", error=Terminal())
    assert err.split("\r") == [
        f"[{'':<30}] 0/2, 2 slots",
        f"[{'#' * 15:<30}] 1/2, 4 slots",
        f"[{'#' * 30}] 2/2, 4 slots\n",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--provider", "999999"], "There is no provider 999999."),
        (["--provider", "Ada"], "There is no provider Ada."),
        (["--provider", str(10**30)], "There is no provider"),
        (["--all-providers", "--service", "0"], "There is no service 0."),
        (["--all-providers", "--from", "06.03.2131"], "is no date"),
        (["--all-providers", "--from", "2131-03-06", "--days", str(10**9)], "that many days"),
        (["--all-providers", "--from", "2131-03-06", "--days", str(10**12)], "that many days"),
        (["--all-providers", "--provider", "1"], "not allowed with argument"),
        ([], "one of the arguments --provider --all-providers is required"),
    ],
)
def test_bad_options(run: Run, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(*arguments)
    assert not Session.objects.exists()
