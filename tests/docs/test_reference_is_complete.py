"""Whatever is public is on its page of the reference, and so is every default and every code."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from pathlib import Path
from typing import Any, Final

import pytest
from django.dispatch import Signal

import bookings
from bookings import abstract, adapters, exceptions, models, selectors, services, signals
from bookings.conf import PREFIX, AppSettings
from bookings.contrib.api.management import commands as api_commands
from bookings.contrib.group_sessions.management import commands as session_commands
from bookings.contrib.reports.management import commands as report_commands
from bookings.contrib.schedule import exceptions as schedule_exceptions
from bookings.contrib.schedule import models as schedule_models
from bookings.contrib.schedule import selectors as slot_selectors
from bookings.contrib.schedule import services as schedule_services
from bookings.management import commands

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCE: Final = Path(bookings.__file__).parent


def page(name: str) -> str:
    return (ROOT / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8")


def rows(text: str) -> dict[str, list[str]]:
    """The tables of a page: the first cell, without its marks, to the others."""
    found: dict[str, list[str]] = {}
    for line in re.findall(r"^\| (.+) \|$", text, re.MULTILINE):
        first, *others = [cell.strip() for cell in line.split(" | ")]
        for name in re.findall(r"`([^`]+)`", first):
            found[name] = others
    return found


ERRORS: Final = {
    value
    for module in (exceptions, schedule_exceptions)
    for value in vars(module).values()
    if inspect.isclass(value)
    and issubclass(value, exceptions.BookingError)
    and not value.__name__.startswith("_")
}


@pytest.mark.parametrize("path", ["docs/reference/settings.md", "README.md"])
def test_every_setting_has_its_row_with_its_default(path: str) -> None:
    documented = rows((ROOT / path).read_text(encoding="utf-8"))
    told = {name: cells[0] for name, cells in documented.items() if name.startswith(PREFIX)}
    actual = {
        PREFIX + name: "`" + repr(setting.default).replace("'", '"') + "`"
        for name, setting in AppSettings.all().items()
    }
    assert told == actual


def test_every_service_is_described() -> None:
    text = page("services")
    described = re.findall(r"autofunction:: bookings\.services\.(\w+)", text)
    assert sorted(described) == sorted(services.__all__)


def test_every_service_of_schedules_is_described() -> None:
    described = re.findall(r":: bookings\.contrib\.schedule\.services\.(\w+)", page("services"))
    assert sorted(described) == sorted(schedule_services.__all__)


def test_every_service_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in services.__all__ if f"`{name}(" not in readme] == []


def test_every_verb_that_asks_for_permission_is_named() -> None:
    asked = set()
    for file in (SOURCE / "services").glob("*.py"):
        asked |= set(re.findall(r'verb="(\w+)"', file.read_text(encoding="utf-8")))
    assert asked
    described = inspect.getsource(adapters) + page("services")
    assert [verb for verb in asked if f"`{verb}`" not in described] == []


def test_every_selector_is_described() -> None:
    functions = [
        name
        for name, value in inspect.getmembers(selectors, inspect.isfunction)
        if value.__module__ == selectors.__name__ and not name.startswith("_")
    ]
    assert functions
    assert [
        name for name in functions if f"bookings.selectors.{name}\n" not in page("selectors")
    ] == []


def test_every_selector_of_slots_is_described() -> None:
    described = re.findall(r":: bookings\.contrib\.schedule\.selectors\.(\w+)", page("selectors"))
    assert sorted(described) == sorted(slot_selectors.__all__)


def test_every_error_has_its_row_with_its_code() -> None:
    documented = rows(page("errors"))
    told = {error.__name__: documented[error.__name__][0] for error in ERRORS}
    assert told == {error.__name__: f"`{error.default_code}`" for error in ERRORS}


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
    assert used - rows(page("errors")).keys() == set()


def test_every_signal_has_its_row_with_its_event() -> None:
    documented = rows(page("signals"))
    sent = {
        name: event
        for name, value in vars(signals).items()
        if isinstance(value, Signal)
        for event, signal in signals.BY_EVENT.items()
        if signal is value
    }
    assert {name: cells[-1].strip("`") for name, cells in documented.items()} == sent


def test_every_check_has_its_row() -> None:
    raised = re.findall(
        r"bookings\.[EW]\d{3}",
        "".join(path.read_text(encoding="utf-8") for path in (SOURCE / "checks").glob("*.py")),
    )
    assert rows(page("checks")).keys() == set(raised)


def test_every_command_has_its_section() -> None:
    apps = (commands, session_commands, report_commands, api_commands)
    paths = [path for each in apps for path in each.__path__]
    names = {module.name for module in pkgutil.iter_modules(paths)}
    assert set(re.findall(r"^## `(\w+)`$", page("commands"), re.MULTILINE)) == names


MODELS: Final = [
    getattr(module, name)
    for module in (models, schedule_models)
    for name in module.__all__
    if name != "TENANCY_ENABLED" and not getattr(module, name)._meta.proxy
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_is_in_the_section_of_its_model(model: Any) -> None:
    name = model.__name__
    section = re.split(r"^## ", page("models").partition(f"\n## {name}\n")[2], flags=re.MULTILINE)
    documented = rows(section[0])
    fields = {field.name for field in model._meta.concrete_fields}
    assert fields - documented.keys() == set()


def test_every_attribute_that_is_read_from_a_host_has_its_row() -> None:
    documented = rows(page("host-attributes"))
    read = {
        field.name
        for base in (abstract.AbstractService, abstract.AbstractProvider, abstract.AbstractAddon)
        for field in base._meta.fields
    }
    # A service's and a provider's name are their host's own business.
    assert read - {"name"} - documented.keys() == set()
    assert {"pk", "name", "tenant_id", "service_id"} <= documented.keys()


def test_every_attribute_that_is_read_from_a_host_is_in_its_abstract_model() -> None:
    types = re.split(r"^## ", page("host-attributes"), flags=re.MULTILINE)
    sections = {text.split("\n", 1)[0]: text.split("\n### ", 1)[0] for text in types}
    bases = {
        "Service": abstract.AbstractService,
        "Provider": abstract.AbstractProvider,
        "Add-on": abstract.AbstractAddon,
    }
    for name, base in bases.items():
        fields = {field.name for field in base._meta.get_fields()}
        # The keys are foreign keys', a bundled schedule has a provider's time zone, and resources,
        # providers and users are relations.
        others = {"pk", "tenant_id", "service_id", "timezone", "resources", "user"}
        others |= {"providers", "has_providers"}
        assert rows(sections[name]).keys() - fields - others == set(), name
