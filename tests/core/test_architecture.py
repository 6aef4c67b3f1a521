"""Which package may import which, read from the imports of every module."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

import bookings

PACKAGE = Path(bookings.__file__).parent
TESTS = Path(__file__).parent.parent

# From the ground up. A module imports from the layers below its own and from its own package. A
# package is one layer (its modules are ordered by the test that forbids circles).
LAYERS = [
    {"conf", "exceptions", "protocols", "signals", "operations"},
    {"rules"},
    {"extensions"},
    {"terms", "consequences", "pools"},
    {"models"},
    {"abstract", "adapters", "slots"},
    {"questions"},
    {"ledger"},
    {"selectors"},
    {"services"},
    {"integrity", "checks"},
    {"admin", "management", "testing", "apps"},
    {"templatetags"},
    {"contrib"},
]
LAYER_OF = {package: number for number, packages in enumerate(LAYERS) for package in packages}

# The one arrow that runs back up, imported when it is called: Booking.save() and delete() call the
# services, so that a direct save is as safe as a service.
UPWARD = {"models.booking": {"services"}, "models.querysets": {"services"}}

# The same within a bundled app.
UPWARD_IN_CONTRIB = {
    ("contrib.schedule.models.time_off", "contrib.schedule.services.time_off"),
}

# Contrib apps that build on another one. Series are of sessions where those are installed, and
# sessions are generated from the hours of a schedule. Reports count sessions and payments. The API
# has addresses for the apps that are installed.
NEIGHBOURS: dict[str, set[str]] = {
    "bookings.contrib.series": {"bookings.contrib.group_sessions"},
    "bookings.contrib.group_sessions": {"bookings.contrib.schedule"},
    "bookings.contrib.reports": {"bookings.contrib.group_sessions", "bookings.contrib.payments"},
    "bookings.contrib.api": {
        f"bookings.contrib.{app}"
        for app in ("schedule", "group_sessions", "series", "payments", "reports")
    },
}


def modules() -> dict[str, Path]:
    """Every module that is no migration: its name within the package, and where it is."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted(PACKAGE.rglob("*.py"))
        if "migrations" not in path.parts
    }


MODULES = modules()
each_module = pytest.mark.parametrize("name", MODULES)


@cache
def imports(name: str, *, deferred: bool) -> tuple[str, ...]:
    """What a module imports when it is loaded; with ``deferred``, what its functions import."""
    return tuple(_imports(name, deferred=deferred))


def _imports(name: str, *, deferred: bool) -> Iterator[str]:
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    functions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    inside = {id(node) for function in functions for node in ast.walk(function)}
    for_types = {
        id(node)
        for condition in ast.walk(tree)
        if isinstance(condition, ast.If) and ast.unparse(condition.test) == "TYPE_CHECKING"
        for node in ast.walk(condition)
    }
    for node in ast.walk(tree):
        if id(node) in for_types or (id(node) in inside) != deferred:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages_of(imported: Iterable[str]) -> set[str]:
    return {
        path.split(".")[1]
        for path in imported
        if path.startswith("bookings.") and path != "bookings.__version__"
    }


def package_of(name: str) -> str:
    return name.split(".", maxsplit=1)[0]


def test_every_module_at_the_root_has_a_layer() -> None:
    assert {package_of(name) for name in MODULES} - {"__init__"} == set(LAYER_OF)


@each_module
def test_a_module_imports_from_below_only(name: str) -> None:
    if name == "__init__":
        assert not list(imports(name, deferred=False))
        return
    package = package_of(name)
    below = {other for other in LAYER_OF if LAYER_OF[other] < LAYER_OF[package]}
    assert packages_of(imports(name, deferred=False)) <= below | {package}


def test_a_model_reaches_up_only_when_it_is_called() -> None:
    """The control: what the two rules tell apart is really there."""
    assert packages_of(imports("models.booking", deferred=True)) == {"services"}
    assert "services" not in packages_of(imports("models.booking", deferred=False))


@each_module
def test_what_is_imported_late_is_from_below_or_named_here(name: str) -> None:
    late = packages_of(imports(name, deferred=True))
    package = package_of(name)
    above = {other for other in late if LAYER_OF[other] >= LAYER_OF.get(package, 0)} - {package}
    assert above <= UPWARD.get(name, set())


def module_of(path: str) -> str:
    """The module that an import reads: the path itself, or what the name is defined in."""
    path = path.removeprefix("bookings.")
    return path if path in MODULES else path.rpartition(".")[0]


def test_no_modules_import_each_other_in_a_circle() -> None:
    """What functions import counts too, but for the arrows that run back up."""
    needs = {
        name: {
            module
            for path in (*imports(name, deferred=False), *imports(name, deferred=True))
            if (module := module_of(path)) in MODULES
            if module != name and package_of(module) not in UPWARD.get(name, ())
            if (name, module) not in UPWARD_IN_CONTRIB
        }
        for name in MODULES
    }
    while free := [name for name, needed in needs.items() if not needed & needs.keys()]:
        for name in free:
            del needs[name]
    assert not needs


@each_module
def test_the_core_knows_no_contrib_app(name: str) -> None:
    if package_of(name) == "contrib":
        own = ".".join(["bookings", *name.split(".")[:2]])
        allowed = {own, *NEIGHBOURS.get(own, set())}
    else:
        allowed = set()
    for path in (*imports(name, deferred=False), *imports(name, deferred=True)):
        if path.startswith("bookings.contrib."):
            assert ".".join(path.split(".")[:3]) in allowed


@pytest.mark.parametrize(
    "name", [*(name for name in MODULES if name.startswith("rules.")), "protocols", "exceptions"]
)
def test_the_rules_know_neither_database_nor_settings_nor_clock(name: str) -> None:
    imported = {*imports(name, deferred=False), *imports(name, deferred=True)}
    roots = {".".join(path.split(".")[:2]) for path in imported}
    assert not roots & {"django.db", "django.conf", "bookings.conf"}
    assert not {path for path in imported if path.split(".")[0] in {"time", "random"}}
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not {call for call in calls if call.endswith((".now", ".today", ".utcnow"))}


def test_only_the_ledger_writes_time() -> None:
    """The names of what writes rows, on the names of what holds time."""
    writes = {"create", "bulk_create", "update", "bulk_update", "delete", "_raw_delete", "save"}
    for name, path in MODULES.items():
        if package_of(name) == "ledger" or name == "models.calendar":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                chain = ast.unparse(node.func)
                is_write = node.func.attr in writes
                assert not (is_write and chain.startswith(("BusyInterval.", "Calendar."))), name


@pytest.mark.parametrize("folder", [PACKAGE, TESTS], ids=["bookings", "tests"])
def test_no_module_is_a_drawer_for_everything(folder: Path) -> None:
    drawers = {"utils", "util", "helpers", "helper", "misc", "common"}
    assert not [path for path in folder.rglob("*.py") if path.stem.lower() in drawers]
    assert not [path for path in folder.rglob("*") if path.is_dir() and path.name in drawers]


CORE = [
    f"bookings.{name}"
    for name in MODULES
    if name != "__init__" and package_of(name) not in {"contrib", "management"}
]
IMPORT_EVERYTHING = f"""
import importlib, sys
import django
django.setup()
from django.apps import apps
for name in {CORE}:
    importlib.import_module(name)
installed = {{config.name for config in apps.get_app_configs()}}
loaded = {{name for name in sys.modules if name.startswith("bookings.contrib.")}}
strangers = {{name for name in loaded if not any(name.startswith(app) for app in installed)}}
sys.exit(f"The core has loaded {{sorted(strangers)}}" if strangers else 0)
"""
# Without the bundled apps, with some of them, with all but the catalogue, with that too.
CONFIGURATIONS = ["core_alone", "schedule_and_series", "default", "catalog"]


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_the_core_loads_without_a_contrib_app_that_is_not_installed(configuration: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT_EVERYTHING],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": f"tests.settings.{configuration}",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        },
        cwd=TESTS.parent,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_a_contrib_app_that_is_imported_and_not_installed_adds_nothing_to_the_core() -> None:
    """Django takes a model for the app in whose package it is, and the core's contains them all."""
    from django.apps import apps

    from bookings.contrib.payments.models import Payment

    assert not apps.is_installed("bookings.contrib.payments")
    assert Payment not in apps.get_models()
