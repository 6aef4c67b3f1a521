"""The reference lists everything public, and the snippets of the how-to guides work."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from django.dispatch import Signal

from bookings import exceptions as core
from bookings.conf import PREFIX
from bookings.contrib import group_sessions
from bookings.contrib.group_sessions import exceptions, models, selectors, services, signals
from bookings.contrib.group_sessions.conf import GroupSessionsSettings
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.schedule.services import create_schedule
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.contrib.group_sessions.conftest import NOW, START, MakeBooking, refused
from tests.docs.test_reference_is_complete import rows
from tests.docs.test_snippets import BLOCK

ROOT: Final = Path(__file__).resolve().parents[3]
PAGE: Final = (ROOT / "docs/reference/group-sessions.md").read_text(encoding="utf-8")
GENERATE: Final = (ROOT / "docs/how-to/generate-sessions.md").read_text(encoding="utf-8")
HOW_TO: Final = (ROOT / "docs/how-to/group-sessions.md").read_text(encoding="utf-8")
SOURCE: Final = Path(group_sessions.__file__).parent
ERRORS: Final = [
    value
    for value in vars(exceptions).values()
    if inspect.isclass(value) and value.__module__ == exceptions.__name__
]


def section(title: str) -> str:
    return re.split(r"^#{2,3} ", PAGE.partition(f"# {title}\n")[2], flags=re.MULTILINE)[0]


def test_every_service_is_described() -> None:
    described = re.findall(r":: bookings\.contrib\.group_sessions\.services\.(\w+)", PAGE)
    assert sorted(described) == sorted(services.__all__)


def test_every_selector_has_a_docstring() -> None:
    for name, function in inspect.getmembers(selectors, inspect.isfunction):
        assert name.startswith("_") or function.__doc__


def test_every_setting_has_its_row_with_its_default() -> None:
    told = {name: cells[0] for name, cells in rows(section("Settings")).items()}
    assert {
        PREFIX + name: f'`"{setting.default}"`'
        for name, setting in GroupSessionsSettings.all().items()
    } == {name: default for name, default in told.items() if name.startswith(PREFIX)}


@pytest.mark.parametrize("name", models.__all__)
def test_every_field_is_in_the_section_of_its_model(name: str) -> None:
    fields = {field.name for field in getattr(models, name)._meta.concrete_fields}
    assert fields == rows(section(name)).keys()


def test_every_signal_has_its_row() -> None:
    sent = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert rows(section("Signals")).keys() == sent


def test_every_error_has_its_row_with_its_code() -> None:
    assert all(issubclass(error, core.BookingError) for error in ERRORS)
    told = rows(section("Errors"))
    for error in ERRORS:
        assert told[error.__name__][0] == f"`{error.default_code}`"


def test_every_finer_code_has_its_row() -> None:
    used = {
        argument.value
        for file in SOURCE.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in {error.__name__ for error in ERRORS}
        for argument in call.args[1:2]
        if isinstance(argument, ast.Constant)
    }
    assert used
    assert {*used, "session_cancelled", "session_finished"} <= rows(section("Errors")).keys()


# The how-to


def defined(name: str, **provided: Any) -> Callable[..., Any]:
    """Return a function or class of the how-to guide; ``provided`` are names it leaves open."""
    [block] = [
        text for _indent, text in BLOCK.findall(HOW_TO) if re.search(rf"(def|class) {name}\(", text)
    ]
    namespace: dict[str, Any] = dict(provided)
    exec(compile(block, name, "exec"), namespace)  # noqa: S102
    function: Callable[..., Any] = namespace[name]
    return function


@pytest.mark.django_db
def test_a_class_is_published_shown_and_booked(service: Any, provider: Any, user: Any) -> None:
    session = defined("publish")(service, provider, START)
    assert defined("timetable")(service) == [(START, 12)]
    sign_up = defined("sign_up")
    booking = sign_up(session, user, 12)
    assert isinstance(booking, Booking)
    assert booking.client_name == "mary"
    assert defined("timetable")(service) == [(START, 0)]


@pytest.mark.django_db
def test_hours_are_filled_and_shown_as_the_page_says_it(
    service: Any, provider: Any, capsys: Any
) -> None:
    create_schedule(timezone="UTC", hours={day: [("00:00", "24:00")] for day in range(7)})
    typed: dict[str, Any] = {"ada": provider, "yoga": service}
    for _indent, text in BLOCK.findall(GENERATE):
        exec(compile(text, "<shell>", "exec"), typed)  # noqa: S102
    # After 23:00, none of today's sessions is left.
    assert typed["generated"].created >= 27 * 24
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) >= 6 * 24
    assert all(line.endswith(" 12") for line in printed)


@pytest.mark.django_db
def test_a_client_joins_the_waitlist_and_is_notified(
    full_session: Session, user: Any, django_capture_on_commit_callbacks: Any
) -> None:
    user.first_name, user.email = "Mary", "mary@example.com"
    assert isinstance(defined("sign_up")(full_session, user), WaitlistEntry)
    sent: list[tuple[str, str]] = []
    tell = defined("tell", send=lambda *said: sent.append(said))
    try:
        with django_capture_on_commit_callbacks(execute=True):
            cancel_booking(Booking.objects.get(), now_dt=NOW)
    finally:
        signals.waitlist_promoted.disconnect(tell)
    [(_address, text)] = sent
    assert text.startswith("You are in: BK-")


@pytest.mark.django_db
def test_the_adapter_says_which_services_have_sessions(
    settings: Any, session: Session, make_booking: MakeBooking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bookings.services.references.get_adapter", defined("Adapter"))
    assert make_booking(session).status == "CONFIRMED"
    session.service.name = "Massage"
    session.service.save()
    with refused(core.NotAllowed, "booking_type"):
        make_booking(session, "Bob")
